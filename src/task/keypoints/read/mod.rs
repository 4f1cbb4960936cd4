//! From a folder of raw files to clips, one by one and in a fixed order. What the points are used for is decided elsewhere.
//!
//! [`Dataset::open`] recognises the layout of a folder and says first what is in it, without reading frames: the samples with names,
//! classes, signers and sources, the classes in order, the sides that the dataset itself gives. [`Dataset::clip`] then reads one of them;
//! it may be called from several threads. [`read_file`] reads a single file of any format. Errors are for what spoils the dataset as a
//! whole; a file that can't be used is a [`SetAside`], with its place, what was found, what was expected, and the remedy.
//!
//! ```text
//! find    which layout a folder has       hints  how many points the streams of a configuration have
//! parts   points of frames into parts     named  columns of a row into parts
//!
//! layout                                             files in it
//! dictionary  dict.json and the files that it lists   pickle  a list of frames, read without running anything
//! packed      one npz with all samples                json    landmarks of MediaPipe, and the export of the original
//! samples     a folder for each class                 arrays  npz and npy of one sample
//! frames      <class>/<sequence>/<frame>.npy          split   {"train": names, "val": names}
//! columns     train.csv and parquet files             ts      text files of the UEA archive
//! ```

mod arrays;
mod columns;
mod dictionary;
mod error;
mod find;
mod frames;
mod hints;
mod json;
mod named;
pub mod packed;
mod parts;
mod pickle;
mod samples;
mod split;
mod ts;

use std::collections::HashMap;
use std::path::Path;

pub use self::error::{ReadError, SetAside};
pub use self::hints::Hints;
pub use self::split::SplitFile;
use super::clip::{Clip, Part, Source};
use crate::data::prepare::work::{read_at_most, why_unreadable};
use crate::data::split::Side;

/// A way to arrange files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `dict.json` and the files that it lists.
    Dictionary,
    /// One npz file with all samples.
    Packed,
    /// A folder for each class with a file for each sample.
    Samples,
    /// A folder for each class with a folder for each sequence with an npy file for each frame.
    Frames,
    /// `train.csv` and a parquet file for each sample.
    Columns,
    /// `.ts` files with a sample in each line.
    Series,
}

/// What is known of a sample without reading its frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// What it is called: unique in its dataset.
    pub name: String,
    /// Its class; none if it has none.
    pub class: Option<String>,
    /// Who made it; none if nobody says.
    pub signer: Option<String>,
    /// The recording that it was cut from.
    pub source: Option<Source>,
    /// The side that the dataset itself gives it.
    pub side: Option<Side>,
    /// The file that it is read from, or the folder of its frames, below the root.
    pub file: String,
}

/// A dataset whose samples are known.
pub struct Dataset {
    /// Its layout.
    pub layout: Layout,
    /// Its samples, in a fixed order.
    pub entries: Vec<Entry>,
    /// The names of its classes in order: as the dataset gives it, else in byte order.
    pub classes: Vec<String>,
    /// What takes no part.
    pub set_aside: Vec<SetAside>,
    /// Every file that it follows from, below the root, sorted.
    pub files: Vec<String>,
    reader: Box<dyn Reader>,
    /// The number that the reader gives to each sample.
    numbers: Vec<usize>,
}

/// Reads the frames of a sample.
trait Reader: Send + Sync {
    /// The number of frames and the parts; the reason if it can't be used, as a fragment that follows the name of the file.
    fn read(&self, index: usize, entry: &Entry) -> Result<Frames, String>;
}

/// What a file holds of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
struct Frames {
    count: usize,
    /// How many a second has, if the file says.
    fps: Option<f64>,
    parts: Vec<Part>,
}

impl Dataset {
    /// Recognises the layout of a folder and finds the samples in it.
    ///
    /// # Errors
    /// If no layout fits or several do, or a file that says what the samples are can't be used.
    pub fn open(root: &Path, hints: &Hints) -> Result<Self, ReadError> {
        find::open(root, hints)?.dataset(root)
    }

    /// Reads a sample. Panics if there is none of this number.
    ///
    /// # Errors
    /// Why it can't be used.
    pub fn clip(&self, index: usize) -> Result<Clip, SetAside> {
        let entry = &self.entries[index];
        let read = self.reader.read(self.numbers[index], entry);
        let Frames { count, parts, fps } = read.map_err(|reason| SetAside::new(&entry.file, reason))?;
        let Entry { name, class, signer, source, .. } = entry.clone();
        Ok(Clip { name, class, signer, source, frames: count, fps, parts })
    }

    /// Whether a file says what the samples are, and holds none.
    #[must_use]
    pub fn is_list(&self, file: &str) -> bool {
        let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
        match self.layout {
            Layout::Dictionary => name == dictionary::NAME,
            Layout::Columns => name == columns::LIST || name == columns::MAP,
            Layout::Packed | Layout::Samples | Layout::Frames | Layout::Series => false,
        }
    }

    /// The sides that a split file gives to the samples: one for each, none for a sample that no list names.
    ///
    /// # Errors
    /// If the file can't be used, or names a sample that the dataset does not have.
    pub fn sides(&self, split: &SplitFile) -> Result<Vec<Option<Side>>, ReadError> {
        let names: Vec<&str> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
        let gone: Vec<&str> = self.set_aside.iter().filter_map(|aside| aside.name.as_deref()).collect();
        split.sides(&names, &gone)
    }
}

/// A dataset as a layout's reader finds it.
struct Found {
    layout: Layout,
    entries: Vec<Entry>,
    /// Empty if the dataset does not say their order.
    classes: Vec<String>,
    set_aside: Vec<SetAside>,
    files: Vec<String>,
    reader: Box<dyn Reader>,
}

impl Found {
    /// The dataset, in which names differ: of samples with the same name the first one stays.
    fn dataset(self, root: &Path) -> Result<Dataset, ReadError> {
        let Self { layout, entries: all, mut classes, mut set_aside, files, reader } = self;
        let (mut entries, mut numbers): (Vec<Entry>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut first_of = HashMap::new();
        for (number, entry) in all.into_iter().enumerate() {
            if let Some(first) = first_of.get(&entry.name) {
                let reason = format!("has the name {:?}, as {first} before it; names must differ", entry.name);
                set_aside.push(SetAside::new(&entry.file, reason));
                continue;
            }
            first_of.insert(entry.name.clone(), entry.file.clone());
            numbers.push(number);
            entries.push(entry);
        }
        if classes.is_empty() {
            classes = entries.iter().filter_map(|entry| entry.class.clone()).collect();
            classes.sort_unstable();
            classes.dedup();
        }
        match (entries.is_empty(), set_aside.first()) {
            (false, _) => Ok(Dataset { layout, entries, classes, set_aside, files, reader, numbers }),
            (true, Some(first)) => Err(ReadError::refused(&root.join(&first.place), &first.reason)),
            (true, None) => {
                let place = if let [only] = files.as_slice() { root.join(only) } else { root.to_owned() };
                Err(ReadError::refused(&place, "has no sequence; expected at least one"))
            }
        }
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Dataset").field("layout", &self.layout).field("entries", &self.entries).finish_non_exhaustive()
    }
}

/// Reads a single file: one clip, or all clips of a packed or a `.ts` file.
///
/// # Errors
/// If the file can't be used, or is of no known format.
pub fn read_file(path: &Path, hints: &Hints) -> Result<Vec<Clip>, ReadError> {
    find::read_file(path, hints)
}

/// Whether these files of a folder are the frames of one sequence: npy files with numbers as names and a row each.
#[must_use]
pub fn are_frames(folder: &Path, names: &[&str]) -> bool {
    frames::are_frames(folder, names)
}

/// Reads such files as one sequence.
///
/// # Errors
/// If one can't be used.
pub fn read_frames(folder: &Path, names: &[&str], hints: &Hints) -> Result<Clip, ReadError> {
    let read = frames::of_folder(folder, names, hints);
    let Frames { count, parts, fps } = read.map_err(|reason| ReadError::refused(folder, reason))?;
    Ok(Clip { frames: count, fps, parts, ..Clip::default() })
}

/// Whether a file of this name that begins with these bytes is one to read, and no archive to unpack.
#[must_use]
pub fn is_packed(name: &Path, head: &[u8]) -> bool {
    name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) && head.starts_with(b"PK")
}

/// The formats of [`read_file`], by how the names of files end.
pub const ENDINGS: [&str; 6] = ["pkl", "npz", "npy", "json", "parquet", "ts"];

/// The path below a folder, joined.
fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A path that a list gives, without steps that mean nothing. It never leaves the folder of the list.
fn inside(path: &str) -> Result<String, String> {
    let slashes = path.replace('\\', "/");
    let parts: Vec<&str> = slashes.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let has_drive = parts.first().is_some_and(|first| first.ends_with(':'));
    if slashes.starts_with('/') || has_drive || parts.contains(&"..") {
        return Err(format!("has the path {path:?}, which leaves the folder of the list; expected one below it"));
    }
    match parts.is_empty() {
        false => Ok(parts.join("/")),
        true => Err(format!("has the path {path:?}, expected that of a file")),
    }
}

/// The content of a file of at most so many bytes.
fn content(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    read_at_most(path, most).map_err(|error| match why_unreadable(&error, path) {
        Some(reason) => reason,
        None if error.kind() == std::io::ErrorKind::NotFound => "is absent".to_owned(),
        None => format!("can't be read: {error}"),
    })
}

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wrong;
