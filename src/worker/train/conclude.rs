//! The end of a run: how it ended is marked for the next start, and what it came to is written down for people and for
//! whoever compares experiments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::TrainOptions;
use super::error::TrainingError;
use super::mirror::Copied;
use super::place::{Place, value};
use crate::config::Config;
use crate::train::checkpoint::disk::RealDisk;
use crate::train::checkpoint::{CheckpointId, weights};
use crate::train::events::{Ended, Reason};
use crate::train::observe::page;
use crate::train::run_folder::experiment::Experiment;
use crate::train::run_folder::status::{State, Status};

/// What a weights file says about itself.
type Metadata = BTreeMap<String, String>;

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
    /// The epoch of the weights that are published as the best, counted from 1; none where no loss was a number.
    pub best_epoch: Option<u64>,
    /// Their step.
    pub best_step: Option<u64>,
    /// Their values.
    pub best: BTreeMap<String, f64>,
    /// The values of the last epoch.
    pub last: BTreeMap<String, f64>,
    /// What became of the copy off this machine, where there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Copied>,
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
            let stopped = error.exit().is_by_signal();
            let state = if stopped { State::Stopped } else { State::Failed };
            let stage = if matches!(error, TrainingError::Evaluation(_)) { "evaluate" } else { "train" };
            if let Err(unmarked) = place.mark(state, None, stage) {
                tracing::debug!("could not mark the end of the run: {unmarked}");
            }
            renew_page(place.path());
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
    place.mark(state, Some(ended.reason), stage)?;
    renew_page(place.path());
    Ok(summary)
}

/// Says on the page how the run stands now. A run is worth more than its page.
pub(super) fn renew_page(run: &Path) {
    if let Err(error) = page::write(run) {
        tracing::warn!("{error}");
    }
}

/// What a run had come to that was finished before.
pub(super) fn again(folder: &Path, ended: Option<Reason>) -> Summary {
    let Status { epoch, step, .. } = Status::read(&folder.join("status.json")).unwrap_or_default();
    // An older program did not write down why.
    summary(folder, &Ended { reason: ended.unwrap_or(Reason::Epochs), epoch, step, best: None })
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
    let published = weights::read(&RealDisk, &folder.join("weights/best.safetensors")).ok();
    let best_step = published.as_ref().and_then(|(_, says)| step(says));
    let best = best_step.and_then(|step| rows.iter().find(|row| row["step"].as_u64() == Some(step)));
    Summary {
        folder: folder.to_owned(),
        reason: ended.reason,
        epochs: ended.epoch,
        steps: ended.step,
        best_epoch: ended.best.as_ref().map(|best| best.epoch).or_else(|| best.and_then(|row| row["epoch"].as_u64())),
        best_step,
        best: match (best, published) {
            (Some(row), _) => numbers(row),
            // They are from the midst of an epoch, of which the history has no row.
            (None, Some((_, says))) => measured(&says, rows.last()),
            (None, None) => BTreeMap::new(),
        },
        last: rows.last().map(numbers).unwrap_or_default(),
        mirror: None,
    }
}

/// The step that weights come from.
fn step(says: &Metadata) -> Option<u64> {
    let id: CheckpointId = says.get("checkpoint")?.parse().ok()?;
    Some(id.step)
}

/// What was measured of weights, under the names that the history has for it.
fn measured(says: &Metadata, like: Option<&Value>) -> BTreeMap<String, f64> {
    let is_part = |name: &str| like.is_some_and(|row| row["val"].get(name).is_some());
    let is_score = |name: &str| like.is_some_and(|row| row["scores"].get(name).is_some());
    let named = |(name, value): (&String, &String)| {
        let value = value.parse().ok()?;
        match name.as_str() {
            // Of a part of the loss that is a score as well, the score is what was written.
            name if is_score(name) => Some((format!("scores.{name}"), value)),
            name if is_part(name) => Some((format!("val.{name}"), value)),
            _ => None,
        }
    };
    says.iter().filter_map(named).collect()
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
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::train::checkpoint::weights::Weights;
    use crate::train::checkpoint::{NamedArray, Progress, Publish, Snapshot};
    use crate::train::events::Best;

    /// Publishes weights of this step with this loss as the best.
    fn publish(folder: &Path, step: u64, loss: f64) {
        let weights = Weights::open(Arc::new(RealDisk), &folder.join("weights"), Metadata::new()).unwrap();
        let progress = Progress { metrics: [("loss".to_owned(), loss)].into(), ..Progress::default() };
        let snapshot = Snapshot {
            id: CheckpointId { epoch: 1, step },
            progress,
            model: vec![NamedArray::f32("w", &[1], &[0.5])],
            optim: Vec::new(),
            ema: Vec::new(),
            publish: Publish { last: false, best: true },
        };
        weights.publish(&snapshot).unwrap();
    }

    #[test]
    fn the_summary_has_the_values_of_the_published_weights_and_of_the_last_epoch() {
        let folder = tempfile::tempdir().unwrap();
        publish(folder.path(), 20, 0.3);
        let rows = json!([
            {"epoch": 1, "step": 10, "val": {"loss": 0.5}, "scores": {"csi_20": null}},
            {"epoch": 2, "step": 20, "val": {"loss": 0.3}, "scores": {"csi_20": 0.4}},
            {"epoch": 3, "step": 30, "val": {"loss": 0.4}, "scores": {"csi_20": 0.5}},
        ]);
        std::fs::write(folder.path().join("history.json"), rows.to_string()).unwrap();
        let ended = Ended {
            reason: Reason::Epochs,
            epoch: 3,
            step: 30,
            best: Some(Best { epoch: 2, by: "loss".into(), value: 0.3 }),
        };
        let found = summary(folder.path(), &ended);
        assert_eq!(
            found.best,
            [("epoch", 2.0), ("scores.csi_20", 0.4), ("step", 20.0), ("val.loss", 0.3)].map(owned).into()
        );
        assert_eq!(found.last["val.loss"], 0.4);
        assert_eq!((found.best_epoch, found.best_step), (Some(2), Some(20)));
        let again = again(folder.path(), Some(Reason::Epochs));
        assert_eq!((again.best_epoch, &again.best), (Some(2), &found.best));

        publish(folder.path(), 25, 0.2);
        let midway = summary(folder.path(), &ended);
        assert_eq!((midway.best, midway.best_step), ([("val.loss", 0.2)].map(owned).into(), Some(25)));
    }

    fn owned((key, value): (&str, f64)) -> (String, f64) {
        (key.to_owned(), value)
    }
}
