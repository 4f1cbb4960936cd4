//! `run.json`: what a run is and where it runs. Written at its start and at each change of stage.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dataset::Summary;
use super::error::RunError;
use crate::util::fs::{FsError, write_atomic};

/// The version of the format that this program writes and reads.
pub const VERSION: u64 = 2;

/// The content of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// The version of the format.
    pub format_version: u64,
    /// Its unique id, kept wherever the run is copied to; none if an older program started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The program that runs it now.
    pub code_version: String,
    /// The commit that it is built from, with `-dirty` if files were changed; none without a repository.
    pub commit: Option<String>,
    /// The machine.
    pub host: String,
    /// What it computes on.
    pub device: String,
    /// The version of libtorch.
    pub libtorch: String,
    /// When it was first started.
    pub started: jiff::Timestamp,
    /// The stage that it is in: train, evaluate, report, done.
    pub stage: String,
    /// The configuration, resolved and complete.
    pub config: Value,
    /// The file with the weights that the run started from, if it did not start from random ones.
    pub started_from: Option<PathBuf>,
    /// The dataset in short; its files are in `dataset.json`.
    pub dataset: Summary,
    /// What was different each time it was resumed: version, device, allowed configuration changes.
    pub resumed: Vec<Resumed>,
}

/// One resume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumed {
    /// When.
    pub at: jiff::Timestamp,
    /// What has changed, one line each; empty if the run stays exact.
    pub changes: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

impl RunRecord {
    /// Reads it; none if there is none.
    ///
    /// # Errors
    /// If it is damaged or of another version.
    pub fn read(path: &Path) -> Result<Option<Self>, RunError> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(FsError::at("read", path))?,
        };
        Self::parse(path, &text).map(Some)
    }

    /// Parses it; the path is for messages.
    ///
    /// # Errors
    /// If it is damaged or of another version.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, RunError> {
        let unreadable =
            |error: serde_json::Error| RunError::Unreadable { path: path.into(), problem: error.to_string() };
        let version: Version = serde_json::from_slice(text).map_err(unreadable)?;
        if version.format_version != VERSION {
            return Err(RunError::Version { path: path.into(), got: version.format_version, expected: VERSION });
        }
        serde_json::from_slice(text).map_err(unreadable)
    }

    /// Whether both belong to one run, whenever they were written. A run of an older program is identified by its start
    /// time.
    #[must_use]
    pub fn is_same_run(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(one), Some(other)) => one == other,
            _ => self.started == other.started,
        }
    }

    /// Writes it durably.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        Ok(write_atomic(path, &pretty(path, self)?)?)
    }

    /// What makes a resume inexact: another program, libtorch, device or machine (F25: allowed, and recorded).
    #[must_use]
    pub fn environment_changes(&self, now: &Self) -> Vec<String> {
        let pairs = [
            ("program", &self.code_version, &now.code_version),
            ("libtorch", &self.libtorch, &now.libtorch),
            ("device", &self.device, &now.device),
            ("host", &self.host, &now.host),
        ];
        let named = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "unknown".into());
        let (old, new) = (named(&self.commit), named(&now.commit));
        let changed = pairs.into_iter().chain([("commit", &old, &new)]).filter(|(_, old, new)| old != new);
        changed.map(|(what, old, new)| format!("{what}: was {old}, is {new}")).collect()
    }
}

/// Human-readable JSON, with a line end.
pub(super) fn pretty(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, RunError> {
    let unwritable = |error: serde_json::Error| RunError::Unreadable { path: path.into(), problem: error.to_string() };
    let mut text = serde_json::to_vec_pretty(value).map_err(unwritable)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub fn record(stage: &str) -> RunRecord {
        RunRecord {
            format_version: VERSION,
            id: None,
            code_version: "0.1.0".into(),
            commit: Some("1a2b3c4d5e6f".into()),
            host: "a".into(),
            device: "cpu".into(),
            libtorch: "2.4.1".into(),
            started: "2026-01-02T03:04:05Z".parse().unwrap(),
            stage: stage.into(),
            config: json!({"seed": 42, "train": {"epochs": 20}}),
            started_from: None,
            dataset: Summary::default(),
            resumed: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_what_is_read_and_what_is_not_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        assert_eq!(RunRecord::read(&path).unwrap(), None);
        record("train").write(&path).unwrap();
        assert_eq!(RunRecord::read(&path).unwrap(), Some(record("train")));
        fs::write(&path, r#"{"format_version": 3, "new": 1}"#).unwrap();
        assert!(
            RunRecord::read(&path).unwrap_err().to_string().contains("format version 3, this program reads version 2")
        );
        fs::write(&path, "{").unwrap();
        assert!(matches!(RunRecord::read(&path), Err(RunError::Unreadable { .. })));
    }

    #[test]
    fn a_run_is_told_from_others_by_its_id_and_without_one_by_its_beginning() {
        let with = |id: &str| RunRecord { id: Some(id.into()), ..record("train") };
        let later = RunRecord { started: "2026-01-02T03:04:06Z".parse().unwrap(), ..record("train") };
        assert!(with("a").is_same_run(&with("a")) && !with("a").is_same_run(&with("b")));
        assert!(record("train").is_same_run(&record("done")) && !record("train").is_same_run(&later));
        assert!(with("a").is_same_run(&record("train")) && !with("a").is_same_run(&later));
    }

    #[test]
    fn another_environment_is_told_with_both_sides() {
        let now = RunRecord { libtorch: "2.11.0".into(), device: "cuda:0".into(), ..record("train") };
        let changes = record("train").environment_changes(&now);
        assert_eq!(changes, ["libtorch: was 2.4.1, is 2.11.0", "device: was cpu, is cuda:0"]);
    }
}
