//! How often the model is validated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{at_least_one, at_least_one_or_off, positive_or_off};
use crate::util::problem::Problem;

/// How often the model is validated. The last epoch of a phase always is, and so is what a limit cuts short.
///
/// Patience and the schedule `plateau` count validations at the end of an epoch only. Those after a number of steps tell how
/// training goes, and which weights are the best. Those after a time only tell how it goes: a run that is stopped and resumed
/// has them at other steps, and must end with the same weights and the same history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidateConfig {
    /// Epochs from one validation at the end of an epoch to the next.
    pub every_epochs: u64,
    /// Optimizer steps from one validation inside an epoch to the next, counted from the beginning of the epoch.
    pub every_steps: Option<u64>,
    /// Minutes from one validation to the next inside an epoch. These only report: nothing is decided by a clock.
    pub every_minutes: Option<f64>,
}

impl Default for ValidateConfig {
    fn default() -> Self {
        Self { every_epochs: 1, every_steps: None, every_minutes: None }
    }
}

impl ValidateConfig {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        at_least_one("every_epochs", self.every_epochs, &mut found);
        at_least_one_or_off("every_steps", self.every_steps, &mut found);
        positive_or_off("every_minutes", self.every_minutes, &mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validation_every_nothing_is_refused() {
        let found = ValidateConfig { every_epochs: 0, every_steps: Some(0), every_minutes: Some(0.0) }.problems();
        let paths: Vec<_> = found.into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["every_epochs", "every_steps", "every_minutes"]);
    }
}
