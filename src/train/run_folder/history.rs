//! `history.json`: what is measured, which validation is the best, and a row per epoch, each epoch exactly once; and
//! `results.csv`, the rows as a table.
//!
//! A checkpoint holds the rows of all epochs before it. A run that resumes writes them again and drops those past the
//! checkpoint, so a history that was damaged, lost or could not be written comes back. Rows contain what training computed,
//! never times: a run that was stopped and resumed leaves the same bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::RunError;
use crate::metric::score::ScoreSpec;
use crate::train::checkpoint::disk::{Disk, RealDisk, forget, partials, read, rename, write_atomic};
use crate::train::events::{Best, Named, Record, value};
use crate::train::seal::{open, seal};

/// The version of the format that this program writes and reads. The first one was a plain list of rows, the second had no
/// digest.
pub const VERSION: u64 = 3;

/// The last key: a digest of everything above it, so that a changed number is not shown for a measured one.
const SEAL: &str = "sha256";

/// The content of `history.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// The version of the format.
    pub format_version: u64,
    /// The validation whose weights are the best; none yet, or none with a finite loss.
    pub best: Option<Best>,
    /// What the loss and its parts are; the first is the loss.
    pub parts: Vec<ScoreSpec>,
    /// What the scores of a validation are.
    pub scores: Vec<ScoreSpec>,
    /// The epochs, in order.
    pub epochs: Vec<Record>,
}

impl Default for Story {
    fn default() -> Self {
        Self { format_version: VERSION, best: None, parts: Vec::new(), scores: Vec::new(), epochs: Vec::new() }
    }
}

impl Story {
    /// Reads the history of a run, for inspection; an empty one if there is no file.
    ///
    /// # Errors
    /// If the file can't be read, is damaged, or is of another version.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        match stored(&RealDisk, path)? {
            Ok(story) => Ok(story),
            Err(problem) => Err(RunError::Unreadable { path: path.into(), problem }),
        }
    }

    /// What is written; the path is for messages.
    ///
    /// # Errors
    /// If it holds what JSON has no word for.
    pub fn text(&self, path: &Path) -> Result<String, RunError> {
        let unwritable = |problem| RunError::Unreadable { path: path.into(), problem };
        let json = serde_json::to_string_pretty(&Written::of(self)).map_err(|error| unwritable(error.to_string()))?;
        seal(&json, SEAL).map_err(unwritable)
    }

    /// An epoch by its number, counted from 1.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> Option<&Record> {
        self.epochs.iter().find(|record| record.epoch == epoch)
    }

    /// Whether its first rows are those of another history.
    fn has_rows_of(&self, other: &Self) -> bool {
        self.epochs.get(..other.epochs.len()).is_some_and(|rows| rows == other.epochs)
    }

    /// The epoch at whose end the best weights were found; none if they were found in the middle of it.
    #[must_use]
    pub fn best_epoch(&self) -> Option<&Record> {
        let best = self.best.as_ref()?;
        self.epoch(best.epoch).filter(|record| record.step == best.step)
    }

    /// The score of the reference forecast that a score, or a part of the loss, is compared with.
    #[must_use]
    pub fn baseline_of(&self, name: &str) -> Option<&ScoreSpec> {
        self.scores.iter().find(|spec| spec.is_baseline_of(name))
    }

    /// The epochs as CSV: their position, then a column for each number that any of them has.
    #[must_use]
    pub fn table(&self) -> String {
        let sides: [Side<'_>; 3] = [
            ("train", &self.parts, |record| &record.train),
            ("val", &self.parts, |record| &record.val),
            ("scores", &self.scores, |record| &record.scores),
        ];
        let columns: Vec<Column<'_>> = sides
            .into_iter()
            .flat_map(|(side, specs, of)| specs.iter().map(move |spec| (side, spec.name.as_str(), of)))
            .filter(|(_, name, of)| self.epochs.iter().any(|record| of(record).iter().any(|(known, _)| known == name)))
            .collect();
        let head = columns.iter().map(|(side, name, _)| format!(",{}", quoted(&format!("{side}.{name}"))));
        let head: String = head.collect();
        let row = |record: &Record| {
            let cells = columns.iter().map(|(_, name, of)| format!(",{}", cell(value(of(record), name))));
            let Record { epoch, phase, step, lr, .. } = record;
            format!("{epoch},{phase},{step},{}{}\n", cell(Some(*lr)), cells.collect::<String>())
        };
        format!("epoch,phase,step,lr{head}\n{}", self.epochs.iter().map(row).collect::<String>())
    }
}

/// A number of an epoch: its side, its name, and where it is read from.
type Column<'a> = (&'static str, &'a str, fn(&Record) -> &[Named]);

/// Numbers of an epoch: their name, their meaning, and how they are read from it.
type Side<'a> = (&'static str, &'a [ScoreSpec], fn(&Record) -> &[Named]);

/// A number as in JSON; empty for none.
fn cell(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| Value::from(value).to_string())
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// The history of a run in training.
pub struct History {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    story: Story,
}

impl History {
    /// Restores the history of a run: `now` has the rows of the checkpoint, what the run measures, and what is the best
    /// so far. Later rows in the file are dropped. A damaged or different file is reported.
    ///
    /// # Errors
    /// If the folder can't be read or written, or the history is of another version.
    pub fn resume(disk: Arc<dyn Disk>, path: &Path, now: &Story) -> Result<(Self, Vec<String>), RunError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let ours = [path, &path.with_file_name(RESULTS)].map(crate::util::fs::partial_name);
        let left = partials(disk.as_ref(), folder)?.into_iter().filter(|partial| ours.contains(partial));
        left.for_each(|partial| forget(disk.as_ref(), &partial));
        let mut warnings = Vec::new();
        match stored(disk.as_ref(), path)? {
            Ok(stored) if stored.has_rows_of(now) => {}
            Ok(_) => {
                warnings.push(format!("{} is restored: it does not have the epochs of the checkpoint", path.display()))
            }
            Err(problem) => {
                let aside = path.with_file_name("history.json.damaged");
                rename(disk.as_ref(), path, &aside)?;
                warnings.push(format!(
                    "{} is damaged ({problem}) and restored from the checkpoint; the damaged file is {}",
                    path.display(),
                    aside.display()
                ));
            }
        }
        let history = Self { disk, path: path.into(), story: now.clone() };
        history.write()?;
        Ok((history, warnings))
    }

    /// Its content.
    #[must_use]
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// Adds an epoch in memory. A row of the same epoch is replaced.
    pub fn add(&mut self, record: Record) {
        self.story.epochs.retain(|old| old.epoch != record.epoch);
        self.story.epochs.push(record);
    }

    /// Sets the best so far.
    pub fn set_best(&mut self, best: Option<Best>) {
        self.story.best = best;
    }

    /// Writes both files durably; call it before the checkpoint of an epoch is handed over.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&self) -> Result<(), RunError> {
        let (story, table) = (self.story.text(&self.path)?, self.story.table());
        let results = self.path.with_file_name(RESULTS);
        let files: [(&Path, &[u8]); 2] = [(&self.path, story.as_bytes()), (&results, table.as_bytes())];
        Ok(write_atomic(self.disk.as_ref(), &files)?)
    }
}

const RESULTS: &str = "results.csv";

/// The history as it is written: rows also have the short names of their numbers, beside the others, for programs that expect
/// them there. They are not read back.
#[derive(Serialize)]
struct Written<'a> {
    format_version: u64,
    best: &'a Option<Best>,
    parts: &'a [ScoreSpec],
    scores: &'a [ScoreSpec],
    epochs: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    record: &'a Record,
    #[serde(flatten)]
    brief: Map<String, Value>,
}

impl<'a> Written<'a> {
    fn of(story: &'a Story) -> Self {
        let Story { format_version, best, parts, scores, epochs } = story;
        let row = |record: &'a Record| Row { record, brief: brief(parts, scores, record) };
        Self { format_version: *format_version, best, parts, scores, epochs: epochs.iter().map(row).collect() }
    }
}

/// What has a short name, null where it was not measured.
fn brief(parts: &[ScoreSpec], scores: &[ScoreSpec], record: &Record) -> Map<String, Value> {
    let sides = [("train", parts, &record.train), ("val", parts, &record.val), ("val", scores, &record.scores)];
    let of = |(side, specs, values): (&'static str, &[ScoreSpec], &Vec<Named>)| -> Vec<(String, Value)> {
        let named = specs.iter().filter_map(|spec| Some((spec.brief.as_ref()?, value(values, &spec.name))));
        named.map(|(brief, value)| (format!("{brief}_{side}"), Value::from(value))).collect()
    };
    sides.into_iter().flat_map(of).collect()
}

/// The content on the disk, an empty one if there is no file, or what is wrong with it.
fn stored(disk: &dyn Disk, path: &Path) -> Result<Result<Story, String>, RunError> {
    let text = match read(disk, path) {
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(Ok(Story::default())),
        text => text?,
    };
    let Ok(json) = serde_json::from_slice::<Value>(&text) else {
        return Ok(serde_json::from_slice(&text).map_err(|error| error.to_string()));
    };
    let version = if json.is_array() { Some(1) } else { json["format_version"].as_u64() };
    match version.filter(|version| *version != VERSION) {
        Some(got) => Err(RunError::Version { path: path.into(), got, expected: VERSION }),
        None => Ok(open(&text, SEAL).and_then(|json| serde_json::from_str(&json).map_err(|error| error.to_string()))),
    }
}

#[cfg(test)]
mod tests;
