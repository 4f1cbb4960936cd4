//! `run.json`: the identity of a run, and where it runs. Written at its start and at each change of stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dataset::Summary;
use super::error::RunError;
use super::problem::Problem;
use super::used::Used;
use crate::train::patience::Restart;
use crate::train::seal::{open, seal};
use crate::util::fs::{FsError, write_atomic};
use crate::util::plain::read_plain;

/// The version of the format that this program writes and reads.
pub const VERSION: u64 = 3;

/// The last key: a digest of everything above it. A start decides by this file.
const SEAL: &str = "sha256";

/// The content of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// The version of the format.
    pub format_version: u64,
    /// Its unique id, kept wherever the run is copied to; none if an older program started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What runs it now: program, machine, precision.
    pub used: Used,
    /// When it was first started.
    pub started: jiff::Timestamp,
    /// The stage that it is in: train, evaluate, report, done.
    pub stage: String,
    /// Why the last start failed, if it did.
    pub problem: Option<Problem>,
    /// The configuration, resolved and complete.
    pub config: Value,
    /// The file with the weights that the run started from, if it did not start from random ones.
    pub started_from: Option<PathBuf>,
    /// The dataset in short; its files are in `dataset.json`.
    pub dataset: Summary,
    /// Digests of everything that determines the numbers, the current one last: that of the start, and one for each
    /// allowed change.
    pub recipes: Vec<String>,
    /// When patience starts again: where training had ended and more epochs were requested.
    pub patience_restarts: Vec<Restart>,
    /// The published weights by their path in the run folder, with their SHA-256, as the last start left them; empty while
    /// the run trains.
    pub weights: BTreeMap<String, String>,
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
    /// Reads it, if it exists.
    ///
    /// # Errors
    /// If it is damaged or of another version.
    pub fn read(path: &Path) -> Result<Option<Self>, RunError> {
        let text = match read_plain(path) {
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
        let json = open(text, SEAL).map_err(|problem| RunError::Unreadable { path: path.into(), problem })?;
        serde_json::from_str(&json).map_err(unreadable)
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
        let unwritable = |problem| RunError::Unreadable { path: path.into(), problem };
        let json = serde_json::to_string_pretty(self).map_err(|error| unwritable(error.to_string()))?;
        Ok(write_atomic(path, seal(&json, SEAL).map_err(unwritable)?.as_bytes())?)
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
    use std::fs;

    pub fn record(stage: &str) -> RunRecord {
        RunRecord {
            format_version: VERSION,
            id: None,
            used: Used { program: "0.1.0".into(), commit: Some("1a2b3c4d5e6f".into()), ..Used::default() },
            started: "2026-01-02T03:04:05Z".parse().unwrap(),
            stage: stage.into(),
            problem: None,
            config: json!({"seed": 42, "train": {"epochs": 20}}),
            started_from: None,
            dataset: Summary::default(),
            recipes: Vec::new(),
            patience_restarts: Vec::new(),
            weights: BTreeMap::new(),
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
        let sealed = fs::read_to_string(&path).unwrap();
        fs::write(&path, r#"{"format_version": 4, "new": 1}"#).unwrap();
        assert!(
            RunRecord::read(&path).unwrap_err().to_string().contains("format version 4, this program reads version 3")
        );
        let text = sealed.replace("\"seed\": 42", "\"seed\": 43");
        assert!(text.contains("43"));
        fs::write(&path, text).unwrap();
        let error = RunRecord::read(&path).unwrap_err().to_string();
        assert!(error.contains("does not fit its own digest"), "{error}");
        fs::write(&path, "{").unwrap();
        assert!(matches!(RunRecord::read(&path), Err(RunError::Unreadable { .. })));
    }

    #[test]
    fn a_run_is_identified_by_its_id_and_without_one_by_its_start() {
        let with = |id: &str| RunRecord { id: Some(id.into()), ..record("train") };
        let later = RunRecord { started: "2026-01-02T03:04:06Z".parse().unwrap(), ..record("train") };
        assert!(with("a").is_same_run(&with("a")) && !with("a").is_same_run(&with("b")));
        assert!(record("train").is_same_run(&record("done")) && !record("train").is_same_run(&later));
        assert!(with("a").is_same_run(&record("train")) && !with("a").is_same_run(&later));
    }
}
