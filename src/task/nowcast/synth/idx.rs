//! Digits from a file in the format of MNIST: two zero bytes, 8 for unsigned bytes, 3 dimensions, a big-endian u32 for each, then
//! the levels, image by image, rows from the top. Source: <http://yann.lecun.com/exdb/mnist/>.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use fragua_radar::synth::digits::SIDE;
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::plain;

/// What an image file of bytes begins with.
const MAGIC: [u8; 4] = [0, 0, 8, 3];
const HEADER: usize = 16;
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// No file of digits is larger: EMNIST has 0.6 GB.
const MOST_BYTES: u64 = 2 << 30;

/// What helps if the file is another one.
const REMEDY: &str = "write the path of train-images-idx3-ubyte (or .gz) there, or null: then digits are drawn";

/// A file of digits that can't be used.
#[derive(Debug, Error)]
pub enum IdxError {
    /// It can't be read.
    #[error("synthetic.moving_digits.idx: could not read {}: {source}; {REMEDY}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// It is none, or another one.
    #[error("synthetic.moving_digits.idx: {} {found}; {REMEDY}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        found: String,
    },
    /// It is damaged.
    #[error("synthetic.moving_digits.idx: {} {found}; fetch it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        found: String,
    },
}

impl IdxError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } => Exit::SourceUnreachable,
            Self::Other { .. } | Self::Damaged { .. } => Exit::DataRefused,
        }
    }
}

crate::util::failures!("synthetic data": IdxError);

/// Images of digits.
#[derive(Debug)]
pub struct Digits {
    levels: Vec<u8>,
}

impl Digits {
    /// Reads all images of a file.
    ///
    /// # Errors
    /// If it can't be read, is no idx3-ubyte file of 28 x 28 images, or is damaged.
    pub fn read(path: &Path) -> Result<Self, IdxError> {
        let mut levels = content(path)?;
        let other = |found: String| IdxError::Other { path: path.to_owned(), found };
        let damaged = |found: String| IdxError::Damaged { path: path.to_owned(), found };
        if levels.len() < HEADER || levels[..4] != MAGIC {
            let begins = &levels[..levels.len().min(4)];
            return Err(other(format!("is no idx3-ubyte file: it begins with {begins:02x?}, expected {MAGIC:02x?}")));
        }
        let size = |at: usize| levels[at..at + 4].iter().fold(0_u64, |size, &byte| size << 8 | u64::from(byte));
        let [count, rows, columns] = [4, 8, 12].map(size);
        if [rows, columns] != [SIDE as u64; 2] {
            return Err(other(format!("has images of {rows} x {columns} cells, expected {SIDE} x {SIDE}")));
        }
        if count == 0 {
            return Err(other("has no images".into()));
        }
        let (found, expected) = ((levels.len() - HEADER) as u64, count * rows * columns);
        if found != expected {
            return Err(damaged(format!("has {found} levels, expected {expected} ({count} x {rows} x {columns})")));
        }
        levels.drain(..HEADER);
        Ok(Self { levels })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.levels.len() / (SIDE * SIDE)
    }

    /// The levels of one, rows from the top.
    #[must_use]
    pub fn image(&self, number: usize) -> &[u8] {
        &self.levels[number * SIDE * SIDE..][..SIDE * SIDE]
    }
}

/// The bytes of a file, unpacked if it is compressed.
fn content(path: &Path) -> Result<Vec<u8>, IdxError> {
    let failed = |source: std::io::Error| IdxError::Read { path: path.to_owned(), source };
    let too_large = || IdxError::Other { path: path.to_owned(), found: format!("has more than {MOST_BYTES} bytes") };
    let mut bytes = Vec::new();
    plain::open(path).map_err(failed)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.starts_with(&GZIP) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).take(MOST_BYTES + 1).read_to_end(&mut unpacked).map_err(|error| {
            IdxError::Damaged { path: path.to_owned(), found: format!("can't be unpacked ({error})") }
        })?;
        bytes = unpacked;
    }
    if bytes.len() as u64 > MOST_BYTES { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A file of so many images, each of one level.
    fn idx(count: u8, rows: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, rows, 0, 0, 0, 28];
        (0..count).for_each(|image| bytes.extend(vec![image; usize::from(rows) * 28]));
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Digits, IdxError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train-images-idx3-ubyte");
        std::fs::write(&path, bytes).unwrap();
        Digits::read(&path)
    }

    #[test]
    fn images_are_read_plain_and_compressed() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&idx(3, 28)).unwrap();
        for bytes in [idx(3, 28), packed.finish().unwrap()] {
            let digits = read(&bytes).unwrap();
            assert_eq!((digits.count(), digits.image(2)), (3, &[2; 784][..]));
        }
    }

    #[test]
    fn a_file_that_is_missing_foreign_or_damaged_is_refused_with_what_helps() {
        let missing = Digits::read(Path::new("/nowhere/train-images-idx3-ubyte")).unwrap_err();
        assert_eq!(missing.exit(), Exit::SourceUnreachable);
        let text = missing.to_string();
        assert!(text.starts_with("synthetic.moving_digits.idx: could not read /nowhere/train-images"), "{text}");
        let mut labels = idx(3, 28);
        labels[3] = 1;
        let short = &idx(3, 28)[..1000];
        let cases: [(&[u8], &str); 6] = [
            (&labels, "it begins with [00, 00, 08, 01], expected [00, 00, 08, 03]; write the path of train-images"),
            (b"", "it begins with []"),
            (&idx(3, 20), "has images of 20 x 28 cells, expected 28 x 28; write the path"),
            (&idx(0, 28), "has no images"),
            (short, "has 984 levels, expected 2352 (3 x 28 x 28); fetch it again"),
            (&[0x1F, 0x8B, 8, 0, 0], "can't be unpacked"),
        ];
        for (bytes, expected) in cases {
            let error = read(bytes).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.exit(), Exit::DataRefused);
        }
    }
}
