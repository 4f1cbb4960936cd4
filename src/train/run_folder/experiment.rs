//! `experiment_log.json`: the summary of a run, for comparing experiments.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::RunError;
use super::record::pretty;
use super::used::Used;
use crate::util::fs::write_atomic;

/// The content of `experiment_log.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// When the run ended.
    pub timestamp: jiff::Timestamp,
    /// The configuration, resolved and complete.
    pub config: Value,
    /// What computed it.
    pub used: Used,
    /// The values of the best epoch.
    pub best: BTreeMap<String, f64>,
    /// The values of the last epoch.
    pub last: BTreeMap<String, f64>,
    /// Why it ended, the allowed changes, the repairs.
    pub notes: Vec<String>,
}

impl Experiment {
    /// Writes it durably.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        Ok(write_atomic(path, &pretty(path, self)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_plain_json_with_the_promised_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment_log.json");
        let experiment = Experiment {
            timestamp: "2026-01-02T03:04:05Z".parse().unwrap(),
            config: json!({"seed": 42}),
            used: Used::default(),
            best: [("val_loss".into(), 0.25)].into(),
            last: BTreeMap::new(),
            notes: vec!["stopped early".into()],
        };
        experiment.write(&path).unwrap();
        let text = std::fs::read(&path).unwrap();
        assert_eq!(serde_json::from_slice::<Experiment>(&text).unwrap(), experiment);
        let json: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(json["timestamp"], "2026-01-02T03:04:05Z");
        assert_eq!(json["best"]["val_loss"], 0.25);
    }
}
