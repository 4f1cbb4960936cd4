//! The tasks that the engine can train, one folder each, with the same file names in each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;

pub mod nowcast;

/// The `task` section: exactly one task with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskConfig {
    /// The next frames of a radar sequence from the last ones.
    Nowcast(nowcast::config::NowcastConfig),
}

impl TaskConfig {
    /// The task's name, which is also its key below `task`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nowcast(_) => "nowcast",
        }
    }

    /// The names of the scores that a validation measures.
    #[must_use]
    pub fn scores(&self) -> Vec<String> {
        match self {
            Self::Nowcast(nowcast) => nowcast.scores.names(),
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
