//! The end of a run: how it ended is marked for the next start, and what it came to is written down for people and for
//! whoever compares experiments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::TrainOptions;
use super::error::TrainingError;
use super::place::{Place, value};
use crate::config::Config;
use crate::train::events::{Ended, Reason};
use crate::train::run_folder::experiment::Experiment;
use crate::train::run_folder::status::State;

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The run folder.
    pub folder: PathBuf,
    /// Why training ended.
    pub reason: Reason,
    /// Epochs that are complete.
    pub epochs: u64,
    /// Steps that were made.
    pub steps: u64,
    /// The best epoch, counted from 1; none where no loss was a number.
    pub best_epoch: Option<u64>,
    /// The values of the best epoch.
    pub best: BTreeMap<String, f64>,
    /// The values of the last epoch.
    pub last: BTreeMap<String, f64>,
}

/// Marks how the run ended; where it came to its end, writes its summary.
pub(super) fn conclude(
    config: &Config,
    options: &TrainOptions<'_>,
    place: &Place,
    ended: Result<Ended, TrainingError>,
) -> Result<Summary, TrainingError> {
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            let stopped = matches!(error.exit() as u8, 130 | 143);
            let state = if stopped { State::Stopped } else { State::Failed };
            if let Err(unmarked) = place.mark(state, "train") {
                tracing::debug!("could not mark the end of the run: {unmarked}");
            }
            return Err(error);
        }
    };
    let summary = summary(place.path(), &ended);
    let experiment = Experiment {
        timestamp: jiff::Timestamp::now(),
        config: value(config)?,
        best: summary.best.clone(),
        last: summary.last.clone(),
        notes: options.notes.clone().into_iter().chain([why(ended.reason).to_owned()]).collect(),
    };
    experiment.write(&place.file("experiment_log.json"))?;
    // A run whose time is up is not at its end: the same command gives it the same time again.
    let (state, stage) =
        if ended.reason == Reason::Time { (State::Stopped, "train") } else { (State::Finished, "done") };
    place.enter(stage)?;
    place.mark(state, stage)?;
    Ok(summary)
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Epochs => "ended after all epochs",
        Reason::Steps => "ended after all steps",
        Reason::Time => "ended as its time was up",
        Reason::Patience => "ended early, as the loss had not become better for long",
        Reason::Stopped => "stopped by a signal",
    }
}

fn summary(folder: &Path, ended: &Ended) -> Summary {
    let rows = rows(&folder.join("history.json"));
    let best_epoch = ended.best.map(|(epoch, _)| epoch);
    // Rows count from 0.
    let best = best_epoch.and_then(|best| rows.iter().find(|row| row["epoch"].as_u64() == Some(best - 1)));
    Summary {
        folder: folder.to_owned(),
        reason: ended.reason,
        epochs: ended.epoch,
        steps: ended.step,
        best_epoch,
        best: best.map(numbers).unwrap_or_default(),
        last: rows.last().map(numbers).unwrap_or_default(),
    }
}

/// The history that training has just written; a summary without it is better than none.
fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The numbers of a row, nested keys dotted.
fn numbers(row: &Value) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for (key, value) in row.as_object().into_iter().flatten() {
        match value {
            Value::Object(below) => {
                let below = below.iter().filter_map(|(name, value)| Some((format!("{key}.{name}"), value.as_f64()?)));
                found.extend(below);
            }
            other => found.extend(other.as_f64().map(|number| (key.clone(), number))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_summary_has_the_values_of_the_best_and_the_last_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let rows = json!([
            {"epoch": 0, "val": {"loss": 0.5}, "scores": {"csi_20": null}},
            {"epoch": 1, "val": {"loss": 0.3}, "scores": {"csi_20": 0.4}},
            {"epoch": 2, "val": {"loss": 0.4}, "scores": {"csi_20": 0.5}},
        ]);
        std::fs::write(folder.path().join("history.json"), rows.to_string()).unwrap();
        let ended = Ended { reason: Reason::Epochs, epoch: 3, step: 30, best: Some((2, 0.3)) };
        let found = summary(folder.path(), &ended);
        assert_eq!(found.best, [("epoch", 1.0), ("scores.csi_20", 0.4), ("val.loss", 0.3)].map(owned).into());
        assert_eq!(found.last["val.loss"], 0.4);
        assert_eq!(found.best_epoch, Some(2));
    }

    fn owned((key, value): (&str, f64)) -> (String, f64) {
        (key.to_owned(), value)
    }
}
