//! The dataset of a run: a summary in `run.json`, and `dataset.json` beside it with every source file and the split.
//! A pure function compares it with the current dataset, file by file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::RunError;
use crate::util::fs::{FsError, write_atomic};
use crate::util::plain::read_plain;
use crate::util::sha256::Digest;

/// The version of the format of `dataset.json` that this program writes and reads.
const VERSION: u64 = 1;

/// The dataset of a run, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Identifies all samples: changes with any source file that is used.
    pub fingerprint: String,
    /// Source files that are used.
    pub files: usize,
    /// Folders that they are in.
    pub folders: usize,
    /// The share of the samples that is used.
    pub fraction: f64,
}

impl Default for Summary {
    fn default() -> Self {
        Self { fingerprint: String::new(), files: 0, folders: 0, fraction: 1.0 }
    }
}

/// The content of `dataset.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    format_version: u64,
    /// As in the summary.
    pub fingerprint: String,
    /// Every source file that is used.
    pub files: Vec<FileDigest>,
    /// The split, and everything else that the task needs again.
    pub samples: Value,
}

impl Dataset {
    /// A dataset with these files.
    #[must_use]
    pub fn new(fingerprint: String, files: Vec<FileDigest>, samples: Value) -> Self {
        Self { format_version: VERSION, fingerprint, files, samples }
    }

    /// The summary for `run.json`, if this share of the samples is used.
    #[must_use]
    pub fn summary(&self, fraction: f64) -> Summary {
        let folder = |file: &FileDigest| file.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        // The files of a folder are consecutive.
        let folders = self.files.chunk_by(|one, other| folder(one) == folder(other)).count();
        Summary { fingerprint: self.fingerprint.clone(), files: self.files.len(), folders, fraction }
    }

    /// Reads it.
    ///
    /// # Errors
    /// If it does not exist, is damaged, or is of another version.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let unreadable =
            |error: serde_json::Error| RunError::Unreadable { path: path.into(), problem: error.to_string() };
        let text = read_plain(path).map_err(FsError::at("read", path))?;
        let dataset: Self = serde_json::from_slice(&text).map_err(unreadable)?;
        match dataset.format_version {
            VERSION => Ok(dataset),
            got => Err(RunError::Version { path: path.into(), got, expected: VERSION }),
        }
    }

    /// Writes it durably, on one line: it may have a hundred thousand files.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        Ok(write_atomic(path, &self.text(path)?)?)
    }

    /// What is written; the path is for messages.
    ///
    /// # Errors
    /// If a path in it is not UTF-8.
    pub fn text(&self, path: &Path) -> Result<Vec<u8>, RunError> {
        let mut text = serde_json::to_vec(self).map_err(|error| FsError::at("encode", path)(error.into()))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// A source file that is used, and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its path below the dataset.
    pub path: String,
    /// The digest of its content.
    pub sha256: Digest,
}

impl From<(String, Digest)> for FileDigest {
    fn from((path, sha256): (String, Digest)) -> Self {
        Self { path, sha256 }
    }
}

/// How the files have changed since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new to the run.
    pub added: Vec<String>,
    /// Files that no longer exist.
    pub removed: Vec<String>,
    /// Files with changed content.
    pub changed: Vec<String>,
}

impl Changes {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Lists at most this many files of a kind; the rest is counted.
const NAMED: usize = 5;

impl fmt::Display for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)];
        let texts = kinds.into_iter().filter(|(_, files)| !files.is_empty()).map(|(kind, files)| {
            let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            match files.len().saturating_sub(NAMED) {
                0 => format!("{kind} {named}"),
                more => format!("{kind} {named} and {more} more"),
            }
        });
        out.write_str(&texts.collect::<Vec<_>>().join("; "))
    }
}

/// Compares the files of the run with the current ones, in any order.
#[must_use]
pub fn changes(run: &[FileDigest], now: &[FileDigest]) -> Changes {
    let index = |files: &[FileDigest]| -> BTreeMap<String, Digest> {
        files.iter().map(|file| (file.path.clone(), file.sha256)).collect()
    };
    let (before, after) = (index(run), index(now));
    let names = |files: &BTreeMap<String, Digest>, keep: &dyn Fn(&str, &Digest) -> bool| {
        files.iter().filter(|(name, digest)| keep(name, digest)).map(|(name, _)| name.clone()).collect()
    };
    Changes {
        added: names(&after, &|name, _| !before.contains_key(name)),
        removed: names(&before, &|name, _| !after.contains_key(name)),
        changed: names(&after, &|name, digest| before.get(name).is_some_and(|old| old != digest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Vec<FileDigest> {
        list.iter()
            .map(|(file, content)| FileDigest { path: (*file).into(), sha256: Digest::of(content.as_bytes()) })
            .collect()
    }

    #[test]
    fn what_happened_is_reported_by_file() {
        let run = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = files(&[("d", "4"), ("c", "x"), ("a", "1")]);
        assert_eq!(changes(&run, &now).to_string(), "added d; removed b; changed c");
    }

    #[test]
    fn what_is_written_is_what_is_read_and_the_summary_counts_files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.json");
        let listed = files(&[("may/1", "a"), ("may/2", "b"), ("june/1", "c")]);
        let dataset = Dataset::new("abc".into(), listed, serde_json::json!({"val": ["june"]}));
        dataset.write(&path).unwrap();
        assert_eq!(Dataset::read(&path).unwrap(), dataset);
        assert_eq!(dataset.summary(0.5), Summary { fingerprint: "abc".into(), files: 3, folders: 2, fraction: 0.5 });
        std::fs::write(&path, r#"{"format_version": 9, "fingerprint": "", "files": [], "samples": null}"#).unwrap();
        assert!(matches!(Dataset::read(&path), Err(RunError::Version { got: 9, .. })));
    }

    #[test]
    fn order_is_no_change() {
        let (one, other) = (files(&[("a", "1"), ("b", "2")]), files(&[("b", "2"), ("a", "1")]));
        assert!(changes(&one, &other).is_empty());
    }

    #[test]
    fn many_files_are_counted() {
        let now: Vec<_> =
            (0..12).map(|number| FileDigest { path: format!("e{number:02}"), sha256: Digest::of(b"") }).collect();
        assert_eq!(changes(&[], &now).to_string(), "added e00, e01, e02, e03, e04 and 7 more");
    }
}
