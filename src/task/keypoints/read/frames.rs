//! An npy file for each frame, `<class>/<sequence>/<frame>.npy`, in the order of the numbers that are their names. A gap in the numbers
//! is a frame that was dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::hints::Hints;
use super::named::{self, Columns};
use super::packed::reals;
use super::{Entry, Found, Frames, Layout, ReadError, Reader, SetAside, content};
use crate::data::numpy;
use crate::data::split::Side;

/// The largest file of a frame: 1,662 numbers have 13 KB.
const MOST_BYTES: u64 = 16 << 20;

/// The number that the name of a frame is.
pub(super) fn number(path: &str) -> Option<u64> {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let digits = name.strip_suffix(".npy").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// The class, the sequence and the number of a frame by its path. Below the folder of a side there are classes, not sequences.
pub(super) fn place(path: &str) -> Option<(&str, &str, u64)> {
    let (folder, _) = path.rsplit_once('/')?;
    let (above, sequence) = folder.rsplit_once('/')?;
    let class = above.rsplit_once('/').map_or(above, |(_, class)| class);
    side(class).is_none().then_some(())?;
    Some((class, sequence, number(path)?))
}

/// The side that the name of a folder is.
pub(super) fn side(folder: &str) -> Option<Side> {
    Side::ALL.into_iter().find(|side| side.name() == folder)
}

/// Whether a file has one row, rather than all frames of a sample.
pub(super) fn is_one_row(path: &Path) -> bool {
    let Ok(bytes) = content(path, MOST_BYTES) else { return false };
    // One that is damaged says nothing about the others.
    numpy::read(&bytes).map_or(true, |array| !matches!(array.shape.as_slice(), [rows, _, ..] if *rows > 1))
}

/// Reads the frames of these files below the root.
pub(super) fn open(root: &Path, files: &[String], hints: &Hints) -> Result<Found, ReadError> {
    let (mut sequences, mut set_aside): (BTreeMap<(&str, u64, &str), Sequence<'_>>, _) = (BTreeMap::new(), Vec::new());
    for file in files {
        let Some((class, sequence, frame)) = place(file) else {
            set_aside.push(SetAside::new(file, "is no frame, expected <class>/<sequence>/<number>.npy"));
            continue;
        };
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
        // By number as far as sequences have numbers.
        let key = (above, sequence.parse().unwrap_or(u64::MAX), folder);
        let known = sequences.entry(key).or_insert_with(|| Sequence { class, sequence, frames: BTreeMap::new() });
        if let Some(twin) = known.frames.insert(frame, file) {
            set_aside.push(SetAside::new(file, format!("has the same number as {twin}")));
        }
    }
    let (mut entries, mut frames) = (Vec::new(), Vec::new());
    for ((.., folder), sequence) in sequences {
        let name = format!("{}/{}", sequence.class, sequence.sequence);
        entries.push(Entry {
            name,
            class: Some(sequence.class.to_owned()),
            file: folder.to_owned(),
            ..Entry::default()
        });
        frames.push(sequence.frames.into_values().cloned().collect());
    }
    let reader = Box::new(Folders { root: root.to_owned(), frames, hints: hints.clone() });
    Ok(Found { layout: Layout::Frames, entries, classes: Vec::new(), set_aside, files: files.to_vec(), reader })
}

/// Files of a folder that are looked into before they count as frames.
const LOOKED_AT: usize = 32;

/// Whether these files of a folder are the frames of one sequence: numbers as names, and a row each.
pub(super) fn are_frames(folder: &Path, names: &[&str]) -> bool {
    let is_numbered = !names.is_empty() && names.iter().all(|name| number(name).is_some());
    is_numbered && names.iter().take(LOOKED_AT).all(|name| is_one_row(&folder.join(name)))
}

/// The frames of one sequence from such files, in the order of their numbers.
pub(super) fn of_folder(folder: &Path, names: &[&str], hints: &Hints) -> Result<Frames, String> {
    let numbered = names.iter().filter_map(|name| Some((number(name)?, (*name).to_owned())));
    let frames = vec![numbered.collect::<BTreeMap<u64, String>>().into_values().collect()];
    Folders { root: folder.to_owned(), frames, hints: hints.clone() }.read(0, &Entry::default())
}

struct Sequence<'a> {
    class: &'a str,
    sequence: &'a str,
    frames: BTreeMap<u64, &'a String>,
}

/// Folders of frames.
struct Folders {
    root: PathBuf,
    /// The files of each sequence in order.
    frames: Vec<Vec<String>>,
    hints: Hints,
}

impl Reader for Folders {
    fn read(&self, index: usize, _: &Entry) -> Result<Frames, String> {
        let mut columns: Option<(usize, Vec<Columns>)> = None;
        let mut rows = Vec::new();
        for file in &self.frames[index] {
            let name = file.rsplit_once('/').map_or(file.as_str(), |(_, name)| name);
            let at = |reason: String| format!("has the frame {name}, which {reason}");
            let array = numpy::read(&content(&self.root.join(file), MOST_BYTES).map_err(at)?).map_err(at)?;
            let row = reals(array.numbers, "it").map_err(at)?;
            match &columns {
                Some((width, _)) if *width == row.len() => {}
                Some((width, _)) => {
                    return Err(at(format!("has {} numbers, expected {width} as in the frames before", row.len())));
                }
                None => columns = Some((row.len(), named::of_row(row.len(), &self.hints).map_err(at)?)),
            }
            rows.extend(row);
        }
        let columns = columns.map(|(_, columns)| columns).unwrap_or_default();
        Ok(named::parts(&rows, &columns))
    }
}
