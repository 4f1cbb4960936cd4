//! The end of a run: records how it ended for the next start, and writes the result for people and for tools that
//! compare experiments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::TrainOptions;
use super::error::TrainingError;
use super::mirror::Copied;
use super::place::{Place, value};
use super::remedy;
use crate::config::Config;
use crate::metric::score::{ScoreSpec, Show};
use crate::train::checkpoint::disk::RealDisk;
use crate::train::checkpoint::weights;
use crate::train::events::{Ended, Named, Reason, Record, value as value_of};
use crate::train::observe::page;
use crate::train::run_folder::experiment::Experiment;
use crate::train::run_folder::history::Story;
use crate::train::run_folder::status::{State, Status};
use crate::util::stop::Stop;
use crate::worker::evaluate::chapters;

/// The metadata of a weights file.
type Metadata = BTreeMap<String, String>;

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The run folder.
    pub folder: PathBuf,
    /// Why training ended.
    pub reason: Reason,
    /// Completed epochs.
    pub epochs: u64,
    /// The share of the next epoch that is done, from 0 to 1.
    pub epoch_share: f64,
    /// Completed steps.
    pub steps: u64,
    /// The epoch of the weights published as the best, counted from 1; none if no loss was finite.
    pub best_epoch: Option<u64>,
    /// Their step.
    pub best_step: Option<u64>,
    /// Their values.
    pub best: BTreeMap<String, f64>,
    /// The values to show first.
    #[serde(skip)]
    pub headlines: Vec<Headline>,
    /// The values of the last epoch.
    pub last: BTreeMap<String, f64>,
    /// The result of copying the run to the mirror, if one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Copied>,
}

/// A value with its baselines.
#[derive(Clone, Debug, PartialEq)]
pub struct Headline {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: f64,
    /// The baseline forecasts, with their values.
    pub baselines: Vec<(String, f64)>,
}

/// Records how the run ended; if it is finished, writes its summary.
pub(super) fn conclude(
    config: &Config,
    options: &TrainOptions<'_>,
    place: &Place,
    ended: Result<Ended, TrainingError>,
    stop: &Stop,
) -> Result<Summary, TrainingError> {
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            fail(config, place, &error, stop);
            return Err(remedy::with_remedy(error, config));
        }
    };
    let summary = summary(place.path(), &ended);
    let experiment = Experiment {
        timestamp: jiff::Timestamp::now(),
        config: value(config)?,
        used: place.record_now()?.used,
        best: summary.best.clone(),
        last: summary.last.clone(),
        notes: options.notes.clone().into_iter().chain([ended.reason.words().to_owned()]).collect(),
    };
    experiment.write(&place.file("experiment_log.json"))?;
    // A run stopped by its time limit is not finished: the same command gives it the same time again.
    let (state, stage) =
        if ended.reason == Reason::Time { (State::Stopped, "train") } else { (State::Finished, "done") };
    place.enter(stage)?;
    place.end(state, Some(ended.reason), stage)?;
    renew_page(place.path(), config);
    Ok(summary)
}

/// Records that the run was stopped, or why it failed.
fn fail(config: &Config, place: &Place, error: &TrainingError, stop: &Stop) {
    let stage = if matches!(error, TrainingError::Evaluation(_)) { "evaluate" } else { "train" };
    let marked = match error.exit().is_by_signal() {
        true if stop.is_urgent() => place.end_in_a_hurry(State::Stopped, stage),
        true => place.end(State::Stopped, None, stage),
        false => place.fail(&remedy::problem(error, config), stage),
    };
    report_end(config, place, marked, stop);
}

/// Records a panic as the reason why the run failed.
pub(super) fn panicked(config: &Config, place: &Place, text: &str, stop: &Stop) {
    report_end(config, place, place.fail(&remedy::problem_of_panic(text, config), "train"), stop);
}

fn report_end(config: &Config, place: &Place, marked: Result<(), TrainingError>, stop: &Stop) {
    if let Err(unmarked) = marked {
        tracing::debug!("could not mark the end of the run: {unmarked}");
    }
    if !stop.is_urgent() {
        renew_page(place.path(), config);
    }
}

/// Updates the state of the run on the page. A page that can't be written does not fail the run.
pub(super) fn renew_page(run: &Path, config: &Config) {
    if let Err(error) = page::write(run, chapters(config)) {
        tracing::warn!("{error}");
    }
}

/// The result of a run that was already finished.
pub(super) fn again(folder: &Path, ended: Option<Reason>) -> Summary {
    let Status { epoch, epoch_share, step, .. } = Status::read(&folder.join("status.json")).unwrap_or_default();
    // An older version of the program did not record why.
    summary(folder, &Ended { reason: ended.unwrap_or(Reason::Epochs), epoch, epoch_share, step, best: None })
}

fn summary(folder: &Path, ended: &Ended) -> Summary {
    // If the history that training has just written can't be read, a summary without it is better than none.
    let story = Story::read(&folder.join("history.json")).unwrap_or_default();
    let published = weights::metadata(&RealDisk, &folder.join("weights/best.safetensors")).ok();
    let best = story.best_epoch().map(|record| (numbers(record), headlines(&story, record)));
    let (best, headlines) = best.unwrap_or_else(|| {
        // They are from the middle of an epoch, which has no row in the history.
        (published.map(|says| measured(&says, &story)).unwrap_or_default(), Vec::new())
    });
    Summary {
        folder: folder.to_owned(),
        reason: ended.reason,
        epochs: ended.epoch,
        epoch_share: ended.epoch_share,
        steps: ended.step,
        best_epoch: story.best.as_ref().map(|best| best.epoch),
        best_step: story.best.as_ref().map(|best| best.step),
        best,
        headlines,
        last: story.epochs.last().map(numbers).unwrap_or_default(),
        mirror: None,
    }
}

/// The values measured for the weights, under their names in the history.
fn measured(says: &Metadata, story: &Story) -> BTreeMap<String, f64> {
    let known = |specs: &[ScoreSpec], name: &str| specs.iter().any(|spec| spec.name == name);
    let named = |(name, value): (&String, &String)| {
        let value = value.parse().ok()?;
        match name.as_str() {
            // If a part of the loss is also a score, the score was written.
            name if known(&story.scores, name) => Some((format!("scores.{name}"), value)),
            name if known(&story.parts, name) => Some((format!("val.{name}"), value)),
            _ => None,
        }
    };
    says.iter().filter_map(named).collect()
}

/// The numbers of an epoch, with their side.
fn numbers(record: &Record) -> BTreeMap<String, f64> {
    let Record { epoch, phase, step, lr, train, val, scores } = record;
    let place = [("epoch", *epoch as f64), ("phase", *phase as f64), ("step", *step as f64), ("lr", *lr)];
    let mut found: BTreeMap<String, f64> = place.map(|(key, value)| (key.to_owned(), value)).into();
    for (side, values) in [("train", train), ("val", val), ("scores", scores)] {
        found.extend(values.iter().filter_map(|(name, value)| Some((format!("{side}.{name}"), (*value)?))));
    }
    found
}

/// The loss with its parts, and the scores that are shown first, with their baselines.
fn headlines(story: &Story, record: &Record) -> Vec<Headline> {
    let headline = |(name, known): &Named| {
        let baselines = story.scores.iter().filter(|spec| spec.is_baseline_of(name));
        let compared = baselines
            .filter_map(|spec| Some((spec.baseline.as_ref()?.forecast.clone(), value_of(&record.scores, &spec.name)?)));
        Some(Headline { name: name.clone(), value: (*known)?, baselines: compared.collect() })
    };
    if record.val.is_empty() {
        // Nothing is validated: training is all there is.
        let train = record.train.first();
        return train.and_then(|(name, value)| headline(&(format!("train.{name}"), *value))).into_iter().collect();
    }
    let is_first = |spec: &ScoreSpec| spec.show == Show::First && spec.is_learned();
    let scores = story.scores.iter().filter(|spec| is_first(spec));
    let scores: Vec<Named> = scores.map(|spec| (spec.name.clone(), value_of(&record.scores, &spec.name))).collect();
    // A part of the loss that is also a score is shown once.
    let parts = record.val.iter().filter(|(name, _)| !scores.iter().any(|(score, _)| score == name));
    parts.chain(&scores).filter_map(headline).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metric::better::Better;
    use crate::train::checkpoint::CheckpointId;
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

    fn record(epoch: u64, loss: f64, csi: Option<f64>) -> Record {
        let val = vec![("loss".to_owned(), Some(loss)), ("ssim".to_owned(), Some(0.1))];
        let scores = [("csi_20", csi), ("pod_20", Some(0.9)), ("ssim", Some(0.2)), ("persistence_csi_20", Some(0.1))];
        let scores = scores.map(|(name, value)| (name.to_owned(), value)).into();
        Record { epoch, phase: 1, step: 10 * epoch, lr: 0.5, train: Vec::new(), val, scores }
    }

    /// Writes a history whose best weights were found at this step.
    fn history(folder: &Path, step: u64) {
        let spec = |name: &str, show| ScoreSpec::new(name, name, Better::Higher).shown(show);
        let csi = spec("csi_20", Show::First);
        let by = vec![("loss".to_owned(), Some(0.3))];
        let baseline = csi.of_baseline("persistence");
        let story = Story {
            best: Some(Best { epoch: step.div_ceil(10), step, by, loss: Some(0.3) }),
            parts: vec![spec("loss", Show::First), spec("ssim", Show::Drawn)],
            scores: vec![csi, spec("pod_20", Show::Table), spec("ssim", Show::First), baseline],
            epochs: vec![record(1, 0.5, None), record(2, 0.3, Some(0.4)), record(3, 0.4, Some(0.5))],
            ..Story::default()
        };
        std::fs::write(folder.join("history.json"), story.text(folder).unwrap()).unwrap();
    }

    #[test]
    fn the_summary_has_the_values_of_the_best_weights_and_of_the_last_epoch() {
        let folder = tempfile::tempdir().unwrap();
        history(folder.path(), 20);
        let ended = Ended { reason: Reason::Epochs, epoch: 3, step: 30, epoch_share: 0.0, best: None };
        let found = summary(folder.path(), &ended);
        assert_eq!((found.best["epoch"], found.best["val.loss"], found.best["scores.csi_20"]), (2.0, 0.3, 0.4));
        assert_eq!(found.last["val.loss"], 0.4);
        assert_eq!((found.best_epoch, found.best_step), (Some(2), Some(20)));
        let told: Vec<_> = found.headlines.iter().map(|shown| (shown.name.as_str(), shown.value)).collect();
        assert_eq!(told, [("loss", 0.3), ("csi_20", 0.4), ("ssim", 0.2)], "each once, and no table");
        assert_eq!(found.headlines[1].baselines, [("persistence".to_owned(), 0.1)]);
        let again = again(folder.path(), Some(Reason::Epochs));
        assert_eq!((again.best_epoch, &again.best), (Some(2), &found.best));
    }

    #[test]
    fn without_validation_the_loss_of_training_is_shown() {
        let train = vec![("loss".to_owned(), Some(0.3)), ("huber".to_owned(), Some(0.2))];
        let record = Record { val: Vec::new(), scores: Vec::new(), train, ..record(2, 0.3, None) };
        let shown = headlines(&Story::default(), &record);
        let names: Vec<_> = shown.iter().map(|shown| (shown.name.as_str(), Some(shown.value))).collect();
        assert_eq!(names, [("train.loss", Some(0.3))]);
    }

    #[test]
    fn weights_from_the_midst_of_an_epoch_say_themselves_what_was_measured_of_them() {
        let folder = tempfile::tempdir().unwrap();
        history(folder.path(), 25);
        publish(folder.path(), 25, 0.2);
        let ended = Ended { reason: Reason::Epochs, epoch: 3, step: 30, epoch_share: 0.0, best: None };
        let midway = summary(folder.path(), &ended);
        assert_eq!((midway.best, midway.best_step), ([("val.loss", 0.2)].map(owned).into(), Some(25)));
    }

    fn owned((key, value): (&str, f64)) -> (String, f64) {
        (key.to_owned(), value)
    }
}
