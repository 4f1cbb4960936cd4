//! Moving digits that others publish to test on: `mnist_test_seq.npy`, an array of NumPy with bytes, frames x sequences x rows x
//! columns. Only its header is in memory: of a sequence the frames are read where they are.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::config::UrlSource;
use crate::data::fetch::{self, Downloaded, FetchError, Request};
use crate::data::numpy::Header;
use crate::util::exit::Exit;
use crate::util::fs::{self as durable, FsError};
use crate::util::plain;
use crate::util::surroundings::Surroundings;

/// What helps if the file is another one.
const REMEDY: &str = "write the path or the address of mnist_test_seq.npy there, or null";

/// A file of sequences that can't be used.
#[derive(Debug, Error)]
pub enum SequencesError {
    /// It can't be read.
    #[error("synthetic.moving_digits.test: could not read {}: {source}; {REMEDY}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// It can't be downloaded.
    #[error("synthetic.moving_digits.test: {0}")]
    Download(#[from] FetchError),
    /// The folder for it can't be written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It is none, or another one.
    #[error("synthetic.moving_digits.test: {} {found}; {REMEDY}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        found: String,
    },
    /// Its frames have another size.
    #[error(
        "synthetic.moving_digits.test: {} has frames of {rows} x {columns} cells, expected {grid} x {grid}, the grid of the \
         other sequences; set grid to the size of those frames",
        path.display()
    )]
    Grid {
        /// The file.
        path: PathBuf,
        /// As found.
        rows: usize,
        /// As found.
        columns: usize,
        /// As configured.
        grid: usize,
    },
    /// It is damaged.
    #[error("synthetic.moving_digits.test: {} has {found} bytes, expected {expected}; fetch it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// As found.
        found: u64,
        /// By its header.
        expected: u64,
    },
}

impl SequencesError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } => Exit::SourceUnreachable,
            Self::Download(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::Other { .. } | Self::Grid { .. } | Self::Damaged { .. } => Exit::DataRefused,
        }
    }
}

crate::util::failures!("synthetic data": SequencesError);

/// Sequences in a file.
#[derive(Debug)]
pub struct Sequences {
    path: PathBuf,
    file: File,
    /// Frames of each, and how many there are.
    shape: [usize; 2],
    /// Rows and columns.
    grid: usize,
    /// Where the first frame of the first sequence begins.
    begins: u64,
}

impl Sequences {
    /// Opens a file whose frames have so many rows and columns.
    ///
    /// # Errors
    /// If it can't be read, has something else, or is too short or too long for what its header says.
    pub fn open(path: &Path, grid: usize) -> Result<Self, SequencesError> {
        let failed = |source| SequencesError::Read { path: path.to_owned(), source };
        let other = |found: String| SequencesError::Other { path: path.to_owned(), found };
        let mut file = plain::open(path).map_err(failed)?;
        let header = Header::read(&mut file).map_err(other)?;
        if !header.kind.ends_with("u1") {
            return Err(other(format!("has numbers of type {:?}, expected bytes (\"|u1\")", header.kind)));
        }
        let [frames, sequences, rows, columns] = header.shape[..] else {
            let expected = "frames x sequences x rows x columns";
            return Err(other(format!("has the shape {:?}, expected {expected}", header.shape)));
        };
        if [rows, columns] != [grid; 2] {
            return Err(SequencesError::Grid { path: path.to_owned(), rows, columns, grid });
        }
        // The published array has 20 x 10,000; some copies of it begin with the sequences.
        if frames > sequences && frames > super::MAX_FRAMES {
            return Err(other(format!(
                "has {sequences} sequences of {frames} frames, expected frames first: write numpy.swapaxes(it, 0, 1)"
            )));
        }
        if sequences == 0 || frames < 2 {
            return Err(other(format!(
                "has {sequences} sequences of {frames} frames, expected 1 or more of 2 or more"
            )));
        }
        let expected = header.length as u64 + header.count as u64;
        let found = file.metadata().map_err(failed)?.len();
        if found != expected {
            return Err(SequencesError::Damaged { path: path.to_owned(), found, expected });
        }
        Ok(Self { path: path.to_owned(), file, shape: [frames, sequences], grid, begins: header.length as u64 })
    }

    /// Frames of each sequence.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.shape[0]
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape[1]
    }

    /// The levels of one, frame by frame, rows from the top.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn levels(&self, sequence: usize) -> Result<Vec<u8>, FsError> {
        let [frames, sequences] = self.shape;
        let cells = self.grid * self.grid;
        let mut levels = vec![0; frames * cells];
        for (frame, into) in levels.chunks_exact_mut(cells).enumerate() {
            let place = self.begins + ((frame * sequences + sequence) * cells) as u64;
            self.file.read_exact_at(into, place).map_err(FsError::at("read", &self.path))?;
        }
        Ok(levels)
    }
}

/// Whether it is an address, not a path.
pub fn is_address(test: &str) -> bool {
    test.starts_with("http://") || test.starts_with("https://")
}

/// Downloads the file at an address into a folder. What was fetched of it earlier is used.
///
/// # Errors
/// If the address has no such file, or the disk fails.
pub fn download(address: &str, into: &Path, around: &Surroundings<'_>) -> Result<PathBuf, SequencesError> {
    durable::create_dir_all(into)?;
    let request = Request::from_url(&UrlSource { href: address.to_owned(), sha256: None, size_bytes: None })?;
    match fetch::download(&request, into, &fetch::Context::new(around.stop, around.progress))? {
        Downloaded::File(file) => Ok(file.path),
        Downloaded::Folder(folder) => {
            let found = "is a folder, expected a file".to_owned();
            Err(SequencesError::Other { path: folder.path, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with these sizes, whose bytes are `of(place)`.
    fn npy(kind: &str, shape: &[usize], of: impl Fn(usize) -> u8) -> Vec<u8> {
        let shape_text: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let shape_text = shape_text.join(", ");
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape_text}), }}\n");
        let header = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
        header.into_iter().chain((0..shape.iter().product()).map(of)).collect()
    }

    fn open(bytes: &[u8]) -> Result<Sequences, SequencesError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mnist_test_seq.npy");
        std::fs::write(&path, bytes).unwrap();
        Sequences::open(&path, 2)
    }

    #[test]
    fn a_sequence_has_its_frames_in_order() {
        let sequences = open(&npy("|u1", &[3, 2, 2, 2], |place| place as u8)).unwrap();
        assert_eq!((sequences.frames(), sequences.count()), (3, 2));
        assert_eq!(sequences.levels(0).unwrap(), [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]);
        assert_eq!(sequences.levels(1).unwrap()[..5], [4, 5, 6, 7, 12]);
    }

    #[test]
    fn a_file_that_is_missing_foreign_or_damaged_is_refused_with_what_helps() {
        let missing = Sequences::open(Path::new("/nowhere/mnist_test_seq.npy"), 2).unwrap_err();
        assert_eq!(missing.exit(), Exit::SourceUnreachable);
        assert!(missing.to_string().starts_with("synthetic.moving_digits.test: could not read /nowhere"), "{missing}");
        let whole = npy("|u1", &[3, 2, 2, 2], |_| 0);
        let cases: [(&[u8], &str); 7] = [
            (b"PK\x03\x04", "is not an array of NumPy; write the path or the address of mnist_test_seq.npy"),
            (&whole[..whole.len() - 1], "bytes, expected"),
            (&npy("<f4", &[1, 1, 1, 4], |_| 0), "has numbers of type \"<f4\", expected bytes"),
            (&npy("|u1", &[3, 2, 4], |_| 0), "has the shape [3, 2, 4], expected frames x sequences x rows x columns"),
            (&npy("|u1", &[2, 2, 2, 3], |_| 0), "has frames of 2 x 3 cells, expected 2 x 2, the grid of the other"),
            (&npy("|u1", &[3, 0, 2, 2], |_| 0), "has 0 sequences of 3 frames"),
            (&npy("|u1", &[1001, 20, 2, 2], |_| 0), "expected frames first: write numpy.swapaxes(it, 0, 1)"),
        ];
        for (bytes, expected) in cases {
            let error = open(bytes).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.exit(), Exit::DataRefused);
        }
    }
}
