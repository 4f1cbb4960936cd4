//! What ends training: epochs, steps, minutes, patience; and which of these limits make no sense.

use super::TrainConfig;
use super::bounds::{at_least_one, at_least_one_or_off, not_negative, positive_or_off};
use crate::util::problem::Problem;

impl TrainConfig {
    pub(super) fn limit_problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        at_least_one("epochs", self.epochs as u64, &mut found);
        at_least_one_or_off("max_steps", self.max_steps, &mut found);
        positive_or_off("max_minutes", self.max_minutes, &mut found);
        at_least_one_or_off("patience", self.patience.map(|epochs| epochs as u64), &mut found);
        not_negative("min_delta", self.min_delta, &mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_nothing_can_reach_are_refused() {
        let nothing = TrainConfig {
            epochs: 0,
            max_steps: Some(0),
            max_minutes: Some(0.0),
            patience: Some(0),
            min_delta: -1.0,
            ..TrainConfig::default()
        };
        let paths: Vec<_> = nothing.limit_problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["epochs", "max_steps", "max_minutes", "patience", "min_delta"]);
        assert_eq!(TrainConfig::default().limit_problems(), []);
    }
}
