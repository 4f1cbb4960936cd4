//! How often the model is validated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{at_least_one, at_least_one_or_off};
use crate::util::problem::Problem;

/// How often the model is validated. The last epoch of a phase always is, and so is what a limit cuts short.
///
/// Patience and the schedule `plateau` count validations at the end of an epoch only. Those inside an epoch tell how
/// training goes, and which weights are the best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidateConfig {
    /// Epochs from one validation at the end of an epoch to the next.
    pub every_epochs: u64,
    /// Optimizer steps from one validation inside an epoch to the next, counted from the beginning of the epoch.
    pub every_steps: Option<u64>,
}

impl Default for ValidateConfig {
    fn default() -> Self {
        Self { every_epochs: 1, every_steps: None }
    }
}

impl ValidateConfig {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        at_least_one("every_epochs", self.every_epochs, &mut found);
        at_least_one_or_off("every_steps", self.every_steps, &mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validation_every_nothing_is_refused() {
        let found = ValidateConfig { every_epochs: 0, every_steps: Some(0) }.problems();
        let paths: Vec<_> = found.into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["every_epochs", "every_steps"]);
    }
}
