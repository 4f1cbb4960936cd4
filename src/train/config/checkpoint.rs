//! When the state of training is saved, and how much of it is kept. How it is saved is in `train/checkpoint`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{at_least_one, at_least_one_or_off, positive_or_off};
use crate::train::best_by::BestBy;
use crate::util::problem::Problem;

/// When the state of training is saved, and how much of it is kept. The end of an epoch always saves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Minutes between checkpoints inside an epoch.
    pub every_minutes: Option<f64>,
    /// Optimizer steps between checkpoints inside an epoch.
    pub every_steps: Option<u64>,
    /// The newest checkpoints that are kept.
    pub keep_last: usize,
    /// The best checkpoints that are kept besides.
    pub keep_best: usize,
    /// What the best weights are chosen by: loss, a part of it, a score such as csi_35, or a list, where later ones break ties.
    pub best_by: BestBy,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every_minutes: Some(5.0), every_steps: None, keep_last: 2, keep_best: 3, best_by: BestBy::default() }
    }
}

impl CheckpointConfig {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        positive_or_off("every_minutes", self.every_minutes, &mut found);
        at_least_one_or_off("every_steps", self.every_steps, &mut found);
        at_least_one("keep_last", self.keep_last as u64, &mut found);
        at_least_one("keep_best", self.keep_best as u64, &mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_every_nothing_and_keeping_none_are_refused() {
        let config = CheckpointConfig {
            every_steps: Some(0),
            every_minutes: Some(0.0),
            keep_last: 0,
            keep_best: 0,
            ..CheckpointConfig::default()
        };
        let paths: Vec<_> = config.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["every_minutes", "every_steps", "keep_last", "keep_best"]);
    }
}
