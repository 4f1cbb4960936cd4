//! Everything that a run folder says about a run, as far as it can be read.

use std::path::{Path, PathBuf};

use super::Now;
use super::tale::Tale;
use crate::metric::document::{DocumentError, Metrics};
use crate::train::events::Reason;
use crate::train::run_folder::dataset::Dataset;
use crate::train::run_folder::experiment::Experiment;
use crate::train::run_folder::history::Story;
use crate::train::run_folder::problem::Problem;
use crate::train::run_folder::record::RunRecord;
use crate::train::run_folder::status::{State, Status};

/// A run folder that was read.
pub(super) struct Run<'a> {
    pub(super) folder: PathBuf,
    /// When it was read.
    pub(super) at: jiff::Timestamp,
    /// Why it is missing, if it is.
    pub(super) record: Result<RunRecord, String>,
    pub(super) status: Option<Status>,
    pub(super) state: State,
    pub(super) ended: Option<Reason>,
    /// The history.
    pub(super) story: Result<Story, String>,
    pub(super) tale: &'a Tale,
    /// `None` if nothing was evaluated yet.
    pub(super) metrics: Option<Result<Metrics, String>>,
    /// The evaluation on the test side, if there is one that can be read.
    pub(super) test: Option<Metrics>,
    pub(super) notes: Vec<String>,
    /// Why the run failed, if it did and says so.
    pub(super) problem: Option<Problem>,
}

impl<'a> Run<'a> {
    pub(super) fn read(folder: &Path, tale: &'a Tale, now: Now) -> Self {
        let status = Status::read(&folder.join("status.json"));
        let (state, ended) = standing(status.as_ref(), now);
        let story = Story::read(&folder.join("history.json")).map_err(|error| error.to_string());
        let record = match RunRecord::read(&folder.join("run.json")) {
            Ok(Some(record)) => Ok(record),
            Ok(None) => Err("run.json is not there".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let problem = status.as_ref().and_then(|status| status.problem.clone()).filter(|_| state == State::Failed);
        Self {
            folder: folder.into(),
            at: jiff::Timestamp::now(),
            record,
            status,
            state,
            ended,
            story,
            tale,
            metrics: metrics(&folder.join("evaluation/metrics.json")),
            test: metrics(&folder.join("evaluation/test/metrics.json")).and_then(Result::ok),
            notes: notes(&folder.join("experiment_log.json")),
            problem,
        }
    }

    /// Its name: that in the configuration, else that of its folder.
    pub(super) fn name(&self) -> String {
        self.folder.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// A value of the configuration, by its keys.
    pub(super) fn config(&self, keys: &[&str]) -> Option<&serde_json::Value> {
        let config = &self.record.as_ref().ok()?.config;
        keys.iter().try_fold(config, |value, key| value.get(key))
    }

    /// What the task keeps of its samples; `None` if it can't be read.
    pub(super) fn samples(&self) -> Option<serde_json::Value> {
        Some(Dataset::read(&self.folder.join("dataset.json")).ok()?.samples)
    }

    /// The evaluation, if there is one that can be read.
    pub(super) fn evaluation(&self) -> Option<&Metrics> {
        self.metrics.as_ref()?.as_ref().ok()
    }
}

fn standing(status: Option<&Status>, now: Now) -> (State, Option<Reason>) {
    match now {
        Now::Training => (State::Running, None),
        Now::Ended(reason @ (Reason::Stopped | Reason::Time)) => (State::Stopped, Some(reason)),
        Now::Ended(reason) => (State::Finished, Some(reason)),
        Now::AsWritten => status.map_or((State::Running, None), |status| (status.state, status.ended)),
    }
}

fn metrics(path: &Path) -> Option<Result<Metrics, String>> {
    match Metrics::read(path) {
        Err(DocumentError::Fs(error)) if error.source.kind() == std::io::ErrorKind::NotFound => None,
        metrics => Some(metrics.map_err(|error| error.to_string())),
    }
}

/// What a person has noted; empty if the run has not ended.
fn notes(path: &Path) -> Vec<String> {
    let experiment = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Experiment>(&text).ok());
    let reasons = [Reason::Epochs, Reason::Steps, Reason::Time, Reason::Patience, Reason::Stopped].map(Reason::words);
    let notes = experiment.map(|experiment| experiment.notes).unwrap_or_default();
    // How training ended is shown elsewhere.
    notes.into_iter().filter(|note| !reasons.contains(&note.as_str())).collect()
}
