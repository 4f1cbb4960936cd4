//! Datasets of few files with many images each: idx (the files of MNIST and its family), npz (NumPy) and csv. Which files
//! belong together, what is in them, and what their labels are called. Folders of image files are another matter.
//!
//! ```text
//! idx   big-endian header, then bytes            npz     arrays of NumPy in a zip archive
//! csv   a line for each image, its label first   names   what a label is called
//! pair  images with their labels
//! ```

mod csv;
mod idx;
mod names;
mod npz;
mod pair;
mod read;

use std::path::Path;

use tracing::warn;

pub use self::names::Labels;
use self::names::Names;
use self::read::Source;
use super::prepare::layout::LeftOut;
use crate::data::manifest::Manifest;
use crate::data::prepare::files::{FileKind, FilesError, Stamp, every};
use crate::data::split::Side;
use crate::task::classes::class_names::Class;
use crate::util::sha256::Digest;
use crate::util::stop::Stop;

/// The most bytes of all images of a file once it is unpacked.
const MOST_BYTES: u64 = 8 << 30;

const FILES: FileKind = FileKind {
    name: "packed image",
    endings: &["idx3-ubyte", "idx1-ubyte", "idx3-ubyte.gz", "idx1-ubyte.gz", "npz", "csv", "csv.gz"],
    layout: "",
    ignored: &["__MACOSX"],
};

const TEXTS: FileKind =
    FileKind { name: "list of names", endings: &["txt", "csv"], layout: "", ignored: &["__MACOSX"] };

/// Images of one shape in a row, with their labels.
#[derive(Debug)]
pub struct Table {
    /// The file with the images, below the dataset.
    pub file: String,
    /// The side that its name says.
    pub side: Option<Side>,
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// All levels, image after image.
    pub levels: Vec<u8>,
    /// A label for each image.
    pub labels: Labels,
    /// The number of each image in its file, counted from 0 (in a table of text from 1: its line), where it is not its place.
    pub lines: Option<Vec<usize>>,
    /// Images that can't be used: their line or number, and why.
    pub bad: Vec<(usize, String)>,
}

/// The files of a dataset, found but not read.
#[derive(Debug)]
pub struct Packed {
    files: Vec<(String, Stamp)>,
    kind: Kind,
    names: Vec<(String, Stamp)>,
    left_out: Vec<LeftOut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Idx,
    Npz,
    Csv,
}

/// What was read.
#[derive(Debug)]
pub struct Unpacked {
    /// The images.
    pub tables: Vec<Table>,
    /// The classes, in the order of the model's outputs.
    pub classes: Vec<Class>,
    /// For each table the class of each image; none for one that is not listed.
    pub class_of: Vec<Vec<Option<usize>>>,
    /// The files with their digests.
    pub files: Vec<(String, Digest)>,
    /// What was not used.
    pub left_out: Vec<LeftOut>,
}

/// Why packed files can't be used, as a fragment that follows the name of the file or folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The file below the dataset; empty for all of them.
    pub file: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Unusable {
    fn new(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { file: file.into(), reason: reason.into() }
    }
}

/// Whether a file of this name that begins with these bytes is part of such a dataset, and no archive to unpack.
#[must_use]
pub fn is_packed(name: &Path, head: &[u8]) -> bool {
    let name = name.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let is_gzip = head.starts_with(&[0x1F, 0x8B]);
    match () {
        () if is_gzip => false,
        () if name.ends_with(".npz") => head.starts_with(b"PK"),
        () if name.ends_with(".csv") => true,
        () => matches!(head, [0, 0, 8, 1 | 3, ..]),
    }
}

/// Whether such a file has images with their labels: of idx files each has one of them.
#[must_use]
pub fn is_whole(name: &Path, head: &[u8]) -> bool {
    let ending = name.extension().unwrap_or_default().to_ascii_lowercase();
    is_packed(name, head) && (ending == "npz" || ending == "csv")
}

impl Packed {
    /// Looks for such files below a folder; none if there are none.
    ///
    /// # Errors
    /// If a folder can't be read, or a name is not UTF-8.
    pub fn find(root: &Path) -> Result<Option<Self>, FilesError> {
        let all = listed(root, &FILES)?;
        let of = |kind: Kind| all.iter().any(|(path, _)| kind.holds(path) && !names::is_list(path));
        let Some(kind) = [Kind::Idx, Kind::Npz, Kind::Csv].into_iter().find(|kind| of(*kind)) else { return Ok(None) };
        let names: Vec<_> = listed(root, &TEXTS)?.into_iter().filter(|(path, _)| names::is_list(path)).collect();
        let (files, others): (Vec<_>, Vec<_>) =
            all.into_iter().filter(|(path, _)| !names::is_list(path)).partition(|(path, _)| kind.holds(path));
        let reason = format!("the dataset is read from its {} files", kind.name());
        let left_out =
            others.into_iter().map(|(place, _)| LeftOut { place, files: 1, reason: reason.clone() }).collect();
        Ok(Some(Self { files, kind, names, left_out }))
    }

    /// The files, which are left out if there are image files.
    pub fn beside_images(self) -> impl Iterator<Item = LeftOut> {
        let files = self.files.into_iter().map(|(place, _)| place);
        let all = files.chain(self.left_out.into_iter().map(|left| left.place));
        all.map(|place| LeftOut { place, files: 1, reason: "the dataset is read from its image files".to_owned() })
    }

    /// All files that the dataset follows from.
    pub fn stamps(&self) -> impl Iterator<Item = &(String, Stamp)> {
        self.files.iter().chain(&self.names)
    }

    /// Reads all of it. `place` is where an archive may be unpacked for the time being, `listed` are the classes that the
    /// configuration gives.
    ///
    /// # Errors
    /// If the files are not what their names say, or don't belong together.
    pub fn read(
        self,
        root: &Path,
        place: &Path,
        size: [usize; 2],
        listed: Option<&[String]>,
        hashes: Option<&Manifest>,
        stop: &Stop,
    ) -> Result<Unpacked, Unusable> {
        let mut source = Source { root, place, hashes, stop, digests: Vec::new() };
        let mut left_out = self.left_out;
        let paths: Vec<&str> = self.files.iter().map(|(path, _)| path.as_str()).collect();
        let tables = match self.kind {
            Kind::Idx => idx::tables(&paths, &mut source)?,
            Kind::Npz => npz::tables(&paths, &mut source)?,
            Kind::Csv => csv::tables(&paths, size, &mut source, &mut left_out)?,
        };
        warn_of_several(&tables);
        let names = Names::read(&self.names.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), &mut source)?;
        let (classes, class_of) = names::classes(&tables, names.as_ref(), listed)?;
        Ok(Unpacked { tables, classes, class_of, files: source.digests, left_out })
    }
}

impl Kind {
    fn holds(self, path: &str) -> bool {
        let path = path.to_ascii_lowercase();
        match self {
            Self::Idx => path.contains("idx3-ubyte") || path.contains("idx1-ubyte"),
            Self::Npz => path.ends_with(".npz"),
            Self::Csv => path.ends_with(".csv") || path.ends_with(".csv.gz"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Idx => "idx",
            Self::Npz => "npz",
            Self::Csv => "csv",
        }
    }
}

impl Table {
    /// The levels of an image.
    #[must_use]
    pub fn image(&self, index: usize) -> &[u8] {
        let each = self.shape[0] * self.shape[1];
        &self.levels[index * each..][..each]
    }

    /// What an image is called: its file with its number or line.
    #[must_use]
    pub fn name(&self, index: usize) -> String {
        let place = self.lines.as_ref().and_then(|lines| lines.get(index).copied()).unwrap_or(index);
        format!("{}:{place}", self.file)
    }
}

/// Files of the same side may be parts of one dataset, or datasets whose labels mean different things.
fn warn_of_several(tables: &[Table]) {
    for side in [None].into_iter().chain(Side::ALL.map(Some)) {
        let mut files: Vec<&str> =
            tables.iter().filter(|table| table.side == side).map(|table| table.file.as_str()).collect();
        files.dedup();
        if let [first, .., last] = files[..] {
            warn!(
                "{} files are read together, {first} to {last}; if they are different datasets, give a folder with one of them",
                files.len()
            );
        }
    }
}

fn listed(root: &Path, kind: &FileKind) -> Result<Vec<(String, Stamp)>, FilesError> {
    let mut found = Vec::new();
    for visited in every(root, kind)? {
        let path = visited.folder.path;
        let join = |name: String| if path.is_empty() { name } else { format!("{path}/{name}") };
        found.extend(visited.folder.files.into_iter().map(|file| (join(file.name), file.stamp)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
