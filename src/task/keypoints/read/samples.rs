//! A folder for each class with a file for each sample, in any format that holds one.

use std::path::{Path, PathBuf};

use super::dictionary::MOST_BYTES_OF_SAMPLE;
use super::hints::Hints;
use super::{
    Entry, Found, Frames, Layout, ReadError, Reader, SetAside, arrays, columns, content, frames, json, pickle,
};

/// How the names of such files end.
pub(super) const ENDINGS: [&str; 5] = ["pkl", "npz", "npy", "json", "parquet"];

/// The samples of these files below the root: the folder is the class, and the one above may be a side.
pub(super) fn open(root: &Path, files: &[String], hints: &Hints) -> Result<Found, ReadError> {
    let (mut entries, mut set_aside) = (Vec::new(), Vec::new());
    for file in files {
        match entry(file) {
            Some(entry) => entries.push(entry),
            None => set_aside.push(SetAside::new(file, "is in no folder of a class, expected <class>/<sample>")),
        }
    }
    let reader = Box::new(Files { root: root.to_owned(), hints: hints.clone() });
    Ok(Found { layout: Layout::Samples, entries, classes: Vec::new(), set_aside, files: files.to_vec(), reader })
}

fn entry(file: &str) -> Option<Entry> {
    let (folder, name) = file.rsplit_once('/')?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (above, class) = folder.rsplit_once('/').unwrap_or(("", folder));
    let above = above.rsplit_once('/').map_or(above, |(_, above)| above);
    let side = frames::side(above);
    let name = side.map_or_else(|| format!("{class}/{stem}"), |side| format!("{}/{class}/{stem}", side.name()));
    Some(Entry { name, class: Some(class.to_owned()), side, file: file.to_owned(), ..Entry::default() })
}

struct Files {
    root: PathBuf,
    hints: Hints,
}

impl Reader for Files {
    fn read(&self, _: usize, entry: &Entry) -> Result<Frames, String> {
        read(&self.root.join(&entry.file), &self.hints)
    }
}

/// Reads a file with one sample, by how its name ends.
pub(super) fn read(path: &Path, hints: &Hints) -> Result<Frames, String> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "pkl" => pickle::read(&content(path, MOST_BYTES_OF_SAMPLE)?),
        "npz" => arrays::npz(path, hints),
        "npy" => arrays::npy(path, hints),
        "parquet" => columns::read(path),
        "json" => json::read(&content(path, MOST_BYTES_OF_SAMPLE)?),
        _ => Err(format!("ends in {ending:?}, expected one of {}", super::ENDINGS.join(", "))),
    }
}
