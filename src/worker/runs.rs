//! An overview of all runs: state and best values. A run that can't be read is reported and does not hide the others.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::error::WorkError;
use crate::metric::better::Better;
use crate::metric::document::{DocumentError, Metrics};
use crate::train::events::Best;
use crate::train::run_folder::RunError;
use crate::train::run_folder::history::Story;
use crate::train::run_folder::listing::{self, Run};
use crate::train::run_folder::problem::Problem;
use crate::train::run_folder::status::{State, Status};
use crate::train::run_folder::used::Used;
use crate::util::lock;

/// The state of a run, as far as it can be determined from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A process is working on it.
    Running,
    /// Its process was killed: its status says that it runs, but nobody holds its lock.
    Killed,
    /// Stopped by a signal, with a checkpoint.
    Stopped,
    /// Ended with an error.
    Failed,
    /// Finished.
    Finished,
    /// The state is not recorded.
    Unknown,
    /// `run.json` can't be read.
    Damaged,
    /// Another version of the program made it.
    OtherVersion,
}

impl Standing {
    /// The text shown to people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Finished => "finished",
            Self::Unknown => "unknown",
            Self::Damaged => "damaged",
            Self::OtherVersion => "other version",
        }
    }
}

/// The primary score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decides {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Whether higher or lower is better.
    pub better: Better,
}

/// A run in the overview. Unknown values are `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Glance {
    /// Its name.
    pub name: String,
    /// Whether it is the `latest` run.
    pub latest: bool,
    /// Its state.
    pub state: Standing,
    /// What is wrong with it: why it failed, or why it can't be read.
    pub problem: Option<Problem>,
    /// Which of its other files can't be read, and why: what they hold is not known here.
    pub unreadable: Vec<String>,
    /// The task.
    pub task: Option<String>,
    /// When it was started first.
    pub started: Option<jiff::Timestamp>,
    /// From then to the last heartbeat, including all interruptions.
    pub seconds: Option<f64>,
    /// Completed epochs.
    pub epochs_done: Option<u64>,
    /// The share of the next epoch that is done, from 0 to 1.
    pub epoch_share: Option<f64>,
    /// Configured epochs.
    pub epochs: Option<u64>,
    /// The epoch with the best weights, counted from 1, according to the history.
    pub best_epoch: Option<u64>,
    /// The validation loss there; the training loss if nothing is validated.
    pub best_val_loss: Option<f64>,
    /// The value that selects the best weights.
    pub best_by: Option<String>,
    /// The primary score, if the run was evaluated.
    pub score: Option<Decides>,
    /// The device.
    pub device: Option<String>,
    /// What computed it: program, machine, precision.
    pub used: Option<Used>,
}

/// All runs in a folder, the most recently started first; unreadable ones come last.
///
/// # Errors
/// If the folder can't be read.
pub fn glance(root: &Path) -> Result<Vec<Glance>, WorkError> {
    let (mut sound, mut broken) = (Vec::new(), Vec::new());
    for (name, run) in listing::each(root)? {
        match run {
            Ok(run) => sound.push(run),
            Err(error) => broken.push(unreadable(name, &error)),
        }
    }
    sound.sort_by(|one, other| (other.record.started, &other.name).cmp(&(one.record.started, &one.name)));
    let mut found: Vec<Glance> = sound.iter().map(of_run).collect();
    if let Some(latest) = found.first_mut() {
        latest.latest = true;
    }
    found.extend(broken);
    Ok(found)
}

fn unreadable(name: String, error: &RunError) -> Glance {
    let state = if matches!(error, RunError::Version { .. }) { Standing::OtherVersion } else { Standing::Damaged };
    Glance {
        name,
        latest: false,
        state,
        problem: Some(Problem::new("run folder", &error.to_string(), None, error.exit())),
        unreadable: Vec::new(),
        task: None,
        started: None,
        seconds: None,
        epochs_done: None,
        epoch_share: None,
        epochs: None,
        best_epoch: None,
        best_val_loss: None,
        best_by: None,
        score: None,
        device: None,
        used: None,
    }
}

fn of_run(run: &Run) -> Glance {
    let state = standing_of(&run.path, run.status.as_ref());
    let status = run.status.as_ref();
    let until = match state {
        Standing::Running => Some(jiff::Timestamp::now()),
        _ => status.and_then(|status| status.written),
    };
    let mut unreadable = Vec::new();
    let story = Story::read(&run.path.join("history.json"));
    let best = story.map_err(|error| unreadable.push(error.to_string())).ok().and_then(|story| story.best);
    let score = score(&run.path).unwrap_or_else(|error| {
        unreadable.push(error.to_string());
        None
    });
    let config = &run.record.config;
    Glance {
        name: run.name.clone(),
        latest: false,
        state,
        problem: (state == Standing::Failed).then(|| run.record.problem.clone()).flatten(),
        unreadable,
        task: config.get("task").and_then(Value::as_object).and_then(|task| task.keys().next().cloned()),
        started: Some(run.record.started),
        seconds: until.map(|until| until.duration_since(run.record.started).as_secs_f64().max(0.0)),
        epochs_done: status.map(|status| status.epoch),
        epoch_share: status.map(|status| status.epoch_share),
        epochs: epochs(config),
        best_epoch: best.as_ref().map(|best| best.epoch),
        best_val_loss: best.as_ref().and_then(|best| best.loss),
        best_by: best.as_ref().map(Best::by_text),
        score,
        device: Some(run.record.used.device.clone()),
        used: Some(run.record.used.clone()),
    }
}

/// The state of the run in this folder, by its status and its lock.
pub(super) fn standing_of(folder: &Path, status: Option<&Status>) -> Standing {
    match status.map(|status| status.state) {
        None => Standing::Unknown,
        Some(State::Running) if lock::is_held(folder) => Standing::Running,
        Some(State::Running) => Standing::Killed,
        Some(State::Stopped) => Standing::Stopped,
        Some(State::Failed) => Standing::Failed,
        Some(State::Finished) => Standing::Finished,
    }
}

/// The sum over all phases.
fn epochs(config: &Value) -> Option<u64> {
    let train = config.get("train")?;
    let each = train.get("epochs").and_then(Value::as_u64);
    let of_phase = |phase: &Value| phase.pointer("/train/epochs").and_then(Value::as_u64).or(each);
    match train.get("phases").and_then(Value::as_array) {
        Some(phases) if !phases.is_empty() => phases.iter().map(of_phase).sum(),
        _ => each,
    }
}

/// None if the run was not evaluated, or its primary score is undefined.
fn score(run: &Path) -> Result<Option<Decides>, DocumentError> {
    let metrics = match Metrics::read(&run.join("evaluation/metrics.json")) {
        Err(DocumentError::Fs(error)) if error.source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metrics => metrics?,
    };
    let decides = |value, better| Decides { value, better, name: metrics.primary.clone() };
    Ok(metrics.primary().and_then(|metric| Some(decides(metric.value?, metric.spec.better))))
}
