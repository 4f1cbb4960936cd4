//! The layout of Google's competition of isolated signs: `train.csv` with path, participant, sequence and sign of each sample, a parquet
//! file for each, and `sign_to_prediction_index_map.json` with the classes in order.
//!
//! ```text
//! landmarks   the rows of a parquet file as frames    pages   what a parquet file says it unpacks to
//! ```

mod landmarks;
mod pages;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Entry, Found, Frames, Layout, ReadError, Reader, SetAside, below, content, inside};

pub(super) use landmarks::read;

/// What the list is called, and the map of the classes.
pub(super) const LIST: &str = "train.csv";
pub(super) const MAP: &str = "sign_to_prediction_index_map.json";

const MOST_BYTES: u64 = 256 << 20;

/// The columns of the list, by what they may be called.
const PATH: &str = "path";
const SIGN: &str = "sign";
const SEQUENCE: &str = "sequence_id";
const PARTICIPANT: &str = "participant_id";

/// Reads the list in a folder below the root, whose files are known.
pub(super) fn open(root: &Path, folder: &str, files: &[String]) -> Result<Found, ReadError> {
    let list = below(folder, LIST);
    let path = root.join(&list);
    let refuse = |reason: String| ReadError::refused(&path, reason);
    let bytes = content(&path, MOST_BYTES).map_err(refuse)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8".to_owned()))?;
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let columns = Columns::of(lines.next().map_or("", |(_, line)| line)).map_err(refuse)?;
    let there: HashSet<&str> = files.iter().map(String::as_str).collect();
    let (mut entries, mut set_aside, mut used) = (Vec::new(), Vec::new(), vec![list.clone()]);
    for (number, line) in lines {
        let entry = columns.entry(line).map_err(|reason| format!("has the line {}, which {reason}", number + 1));
        match entry.map(|entry| Entry { file: below(folder, &entry.file), ..entry }) {
            Ok(entry) if there.contains(entry.file.as_str()) => {
                used.push(entry.file.clone());
                entries.push(entry);
            }
            Ok(entry) => {
                set_aside.push(SetAside::of(&entry.name, &entry.file, format!("is absent, though {LIST} lists it")))
            }
            Err(reason) => set_aside.push(SetAside::new(&list, reason)),
        }
    }
    let map = below(folder, MAP);
    let classes = if root.join(&map).is_file() { classes(&root.join(&map))? } else { Vec::new() };
    if !classes.is_empty() {
        used.push(map);
        let known: HashSet<&str> = classes.iter().map(String::as_str).collect();
        let unknown = entries.iter().filter_map(|entry| entry.class.as_deref()).find(|class| !known.contains(class));
        if let Some(class) = unknown {
            return Err(refuse(format!(
                "has the sign {class:?}, which {MAP} does not have; add it there, or remove that file"
            )));
        }
    }
    used.sort_unstable();
    let reader = Box::new(Files { root: root.to_owned() });
    Ok(Found { layout: Layout::Columns, entries, classes, set_aside, files: used, reader })
}

/// The signs in the order of their numbers.
fn classes(path: &Path) -> Result<Vec<String>, ReadError> {
    let refuse = |reason: String| ReadError::refused(path, reason);
    let bytes = content(path, MOST_BYTES).map_err(refuse)?;
    let expected =
        |error: &dyn std::fmt::Display| refuse(format!("is no map of signs, expected {{\"sign\": 0, ..}} ({error})"));
    let map: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| expected(&error))?;
    let mut numbered: Vec<(u64, String)> = map
        .into_iter()
        .map(|(sign, number)| number.as_u64().map(|number| (number, sign)))
        .collect::<Option<_>>()
        .ok_or_else(|| expected(&"a number is no whole number"))?;
    numbered.sort_unstable();
    match numbered.iter().zip(0..).all(|((number, _), place)| *number == place) {
        true => Ok(numbered.into_iter().map(|(_, sign)| sign).collect()),
        false => Err(refuse(format!("does not number its {} signs from 0 on, each once", numbered.len()))),
    }
}

/// Where the columns of the list are.
struct Columns {
    path: usize,
    sign: usize,
    sequence: Option<usize>,
    participant: Option<usize>,
}

impl Columns {
    fn of(heading: &str) -> Result<Self, String> {
        let fields = fields(heading);
        let place = |name: &str| fields.iter().position(|field| *field == name);
        let needed = |name: &str| {
            place(name).ok_or_else(|| {
                format!("has no column {name:?}, expected {PATH},{PARTICIPANT},{SEQUENCE},{SIGN} in its first line")
            })
        };
        Ok(Self {
            path: needed(PATH)?,
            sign: needed(SIGN)?,
            sequence: place(SEQUENCE),
            participant: place(PARTICIPANT),
        })
    }

    fn entry(&self, line: &str) -> Result<Entry, String> {
        let fields = fields(line);
        let field = |place: usize| fields.get(place).filter(|field| !field.is_empty()).map(|field| (*field).to_owned());
        let path = field(self.path).ok_or("has no path")?;
        let class = field(self.sign).ok_or("has no sign")?;
        let file = inside(&path)?;
        let name = self.sequence.and_then(field).unwrap_or_else(|| file.trim_end_matches(".parquet").to_owned());
        Ok(Entry { name, class: Some(class), signer: self.participant.and_then(field), file, ..Entry::default() })
    }
}

/// The fields of a line. None of them has a comma in it.
fn fields(line: &str) -> Vec<&str> {
    line.split(',').map(|field| field.trim().trim_matches('"')).collect()
}

struct Files {
    root: PathBuf,
}

impl Reader for Files {
    fn read(&self, _: usize, entry: &Entry) -> Result<Frames, String> {
        read(&self.root.join(&entry.file))
    }
}
