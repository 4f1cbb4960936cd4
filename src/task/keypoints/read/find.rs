//! Which layout a folder has, by the names of its files, wherever below it they begin.

use std::collections::BTreeSet;
use std::path::Path;

use super::hints::Hints;
use super::{Clip, Found, Layout, ReadError, below, columns, dictionary, frames, packed, samples, ts};
use crate::data::prepare::files::{FileKind, every};
use crate::util::units;

/// What is looked at.
const FILES: FileKind = FileKind {
    name: "keypoint",
    endings: &["pkl", "npz", "npy", "json", "parquet", "csv", "ts"],
    layout: EXPECTED,
    ignored: &["__MACOSX"],
};

const EXPECTED: &str = "dict.json with the pickles that it lists, one npz with \"offsets\", <class>/<sample> (pkl, npz, npy, json or \
                        parquet), <class>/<sequence>/<frame>.npy, train.csv with parquet files, or .ts files";

/// Of so many numbered files beside one that is not, the layout is that of numbered frames.
const LEAST_NUMBERED: usize = 10;

/// A layout that fits, and by which file.
struct Fitting {
    layout: Layout,
    place: String,
}

pub(super) fn open(root: &Path, hints: &Hints) -> Result<Found, ReadError> {
    let files = listed(root)?;
    let fitting = fitting(root, &files);
    let [Fitting { layout, place }] = fitting.as_slice() else {
        let reason = match fitting.as_slice() {
            [] => {
                if let Some((file, reason)) = damaged(root, &files) {
                    return Err(ReadError::refused(&root.join(file), reason));
                }
                let among = match files.len() {
                    0 => "has no files".to_owned(),
                    count => format!("has no dataset of keypoints among {}", units::count(count as u64, "file")),
                };
                format!("{among}; expected {EXPECTED}")
            }
            several => {
                let places: Vec<String> =
                    several.iter().map(|fits| format!("{} ({})", fits.place, fits.layout.name())).collect();
                format!("has several datasets: {}; give a folder with one of them", places.join(", "))
            }
        };
        return Err(ReadError::refused(root, reason));
    };
    let ending = |ending: &str| files.iter().filter(|file| file.ends_with(ending)).cloned().collect::<Vec<_>>();
    match layout {
        Layout::Dictionary => dictionary::open(root, folder(place)),
        Layout::Packed => packed::open(root, place, hints),
        Layout::Columns => columns::open(root, folder(place), &files),
        Layout::Series => ts::open(root, &ending(".ts"), hints),
        Layout::Frames => frames::open(root, &ending(".npy"), hints),
        Layout::Samples => {
            // One that lies outside of all folders is set aside, but for a list of something.
            let is_alone = |file: &str| {
                let is_one =
                    !file.contains('/') && samples::ENDINGS.iter().any(|ending| file.ends_with(&format!(".{ending}")));
                is_one && (!file.ends_with(".json") || samples::read(&root.join(file), hints).is_ok())
            };
            let of_classes: Vec<String> =
                files.iter().filter(|file| is_sample(file) || is_alone(file)).cloned().collect();
            samples::open(root, &of_classes, hints)
        }
    }
}

impl Layout {
    /// What it is called in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dictionary => "dict.json with pickles",
            Self::Packed => "a packed npz",
            Self::Samples => "a file for each sample",
            Self::Frames => "an npy file for each frame",
            Self::Columns => "train.csv with parquet files",
            Self::Series => "a .ts file",
        }
    }
}

/// All layouts that fit. A file belongs to one of them: those that a list names are not samples of their own.
fn fitting(root: &Path, files: &[String]) -> Vec<Fitting> {
    let mut fitting = Vec::new();
    let mut add = |layout: Layout, place: &str| fitting.push(Fitting { layout, place: place.to_owned() });
    let own = |file: &str| file.rsplit_once('/').map_or(file, |(_, name)| name).to_owned();
    let lists: Vec<&String> = files.iter().filter(|file| own(file) == dictionary::NAME).collect();
    lists.iter().for_each(|list| add(Layout::Dictionary, list));
    let tables: Vec<&String> = files.iter().filter(|file| own(file) == columns::LIST).collect();
    let has_columns =
        |table: &String| files.iter().any(|file| file.starts_with(folder(table)) && file.ends_with(".parquet"));
    tables.iter().filter(|table| has_columns(table)).for_each(|table| add(Layout::Columns, table));
    if let Some(series) = files.iter().find(|file| file.ends_with(".ts")) {
        add(Layout::Series, series);
    }
    let packed: BTreeSet<&String> =
        files.iter().filter(|file| file.ends_with(".npz") && packed::fits(&root.join(file))).collect();
    packed.iter().for_each(|file| add(Layout::Packed, file));
    // Numbered files directly in the folder of a class are samples; one level deeper they are frames, of one row each. A few
    // others beside them are set aside.
    let arrays = files.iter().filter(|file| file.ends_with(".npy"));
    let (numbered, others): (Vec<&String>, Vec<&String>) = arrays.partition(|file| frames::number(file).is_some());
    let are_numbered = others.len() * LEAST_NUMBERED <= numbered.len();
    let frame = files.iter().find(|file| are_numbered && frames::place(file).is_some());
    let first_frame = frame.filter(|frame| frames::is_one_row(&root.join(frame)));
    if let Some(frame) = first_frame {
        add(Layout::Frames, frame);
    }
    let of_lists = |file: &str| lists.iter().chain(&tables).any(|list| file.starts_with(folder(list)));
    let is_single = |file: &&String| {
        let is_frame = first_frame.is_some() && file.ends_with(".npy");
        is_sample(file) && !is_frame && !of_lists(file) && !packed.contains(file)
    };
    // Beside other layouts a JSON file is a list of something.
    let is_bare = lists.is_empty() && tables.is_empty() && packed.is_empty() && first_frame.is_none();
    if let Some(sample) = files.iter().filter(is_single).find(|file| is_bare || !file.ends_with(".json")) {
        add(Layout::Samples, sample);
    }
    fitting
}

fn is_sample(file: &str) -> bool {
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    file.contains('/') && samples::ENDINGS.contains(&ending)
}

/// The first file that would be a dataset, or a part of one, if it could be opened; and why it can't.
fn damaged<'f>(root: &Path, files: &'f [String]) -> Option<(&'f String, String)> {
    let archives = files.iter().filter(|file| file.ends_with(".npz"));
    archives.filter_map(|file| Some((file, packed::damage(&root.join(file))?))).next()
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// All files of the formats below the root, sorted.
fn listed(root: &Path) -> Result<Vec<String>, ReadError> {
    let mut files = Vec::new();
    for visited in every(root, &FILES)? {
        let folder = visited.folder;
        files.extend(folder.files.into_iter().map(|file| below(&folder.path, &file.name)));
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a file by itself.
pub(super) fn read_file(path: &Path, hints: &Hints) -> Result<Vec<Clip>, ReadError> {
    let refuse = |reason: String| ReadError::refused(path, reason);
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    if is("npz") && packed::fits(path) {
        let folder = path.parent().unwrap_or(Path::new(""));
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return all(packed::open(folder, &file, hints)?, path);
    }
    if is("ts") {
        let folder = path.parent().unwrap_or(Path::new(""));
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return all(ts::open(folder, &[file], hints)?, path);
    }
    let frames = samples::read(path, hints).map_err(refuse)?;
    Ok(vec![Clip { name, frames: frames.count, fps: frames.fps, parts: frames.parts, ..Clip::default() }])
}

/// All clips of a dataset that is one file.
fn all(found: Found, path: &Path) -> Result<Vec<Clip>, ReadError> {
    let dataset = found.dataset(path.parent().unwrap_or(Path::new("")))?;
    let clip = |index| dataset.clip(index).map_err(|aside| ReadError::refused(path, aside.reason));
    (0..dataset.entries.len()).map(clip).collect()
}
