//! The tasks that the engine can train, one folder each, with the same file names in each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::pooled::Resample;
use crate::metric::score::ScoreSpec;
use crate::train::observe::page::Chapters;
use crate::util::problem::Problem;

pub mod nowcast;

/// The `task` section: exactly one task with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskConfig {
    /// The next frames of a radar sequence from the last ones.
    Nowcast(nowcast::config::NowcastConfig),
}

/// What a task knows of an evaluation from its `metrics.json` alone.
pub trait Evaluated: Chapters + Resample {}

impl<T: Chapters + Resample> Evaluated for T {}

/// What the task of this name knows of its evaluations; none for a task that this program does not have.
#[must_use]
pub fn evaluated(task: &str) -> Option<&'static dyn Evaluated> {
    match task {
        "nowcast" => Some(&nowcast::verification::Evaluated),
        _ => None,
    }
}

impl TaskConfig {
    /// The task's name, which is also its key below `task`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nowcast(_) => "nowcast",
        }
    }

    /// What the loss and its parts are; the first is the loss.
    #[must_use]
    pub fn parts(&self) -> Vec<ScoreSpec> {
        match self {
            Self::Nowcast(_) => nowcast::loss::LossParts::specs().to_vec(),
        }
    }

    /// The scores of a model that a validation measures.
    #[must_use]
    pub fn scores(&self) -> Vec<ScoreSpec> {
        match self {
            Self::Nowcast(nowcast) => nowcast.scores.specs(),
        }
    }

    /// The name of the score that evaluations are compared by.
    #[must_use]
    pub fn primary(&self) -> String {
        match self {
            Self::Nowcast(nowcast) => nowcast.scores.primary(),
        }
    }

    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let found = match self {
            Self::Nowcast(nowcast) => nowcast.problems(),
        };
        found.into_iter().map(|problem| problem.below(self.name())).collect()
    }
}
