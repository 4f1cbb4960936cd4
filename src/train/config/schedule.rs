//! How the learning rate changes while a run trains, and which of these rules make no sense. How a rate is computed is in
//! `train/schedule`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{at_least_one, below_one, not_negative};
use crate::util::problem::Problem;

/// How the learning rate changes from epoch to epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// It stays.
    Constant,
    /// Half a cosine from the optimizer's rate down to `min_lr` at the last epoch.
    Cosine(Cosine),
    /// A multiplication every few epochs.
    Step(Step),
    /// A multiplication whenever the validation loss has stopped falling.
    Plateau(Plateau),
}

/// Half a cosine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cosine {
    /// The learning rate at the end.
    pub min_lr: f64,
}

/// A multiplication every few epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Epochs between multiplications.
    pub every_epochs: usize,
    /// What the learning rate is multiplied by.
    pub factor: f64,
}

impl Default for Step {
    fn default() -> Self {
        Self { every_epochs: 10, factor: 0.1 }
    }
}

/// A multiplication whenever the validation loss has stopped falling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plateau {
    /// What the learning rate is multiplied by.
    pub factor: f64,
    /// Validated epochs without a better loss that are tolerated.
    pub patience: usize,
    /// The share of the best loss by which a loss must be smaller to count as better.
    pub threshold: f64,
    /// The learning rate never falls below this.
    pub min_lr: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 0.5, patience: 3, threshold: 1e-4, min_lr: 0.0 }
    }
}

/// A slow start: the learning rate grows linearly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Warmup {
    /// Epochs until the full learning rate, in fractions too; 0 is no warm-up.
    pub epochs: f64,
    /// The share of the learning rate that the first step has.
    pub start_factor: f64,
}

impl Default for Warmup {
    fn default() -> Self {
        Self { epochs: 0.0, start_factor: 0.1 }
    }
}

impl Schedule {
    pub(super) fn problems(&self, lr: f64) -> Vec<Problem> {
        let mut found = Vec::new();
        let variant = match self {
            Self::Constant => return found,
            Self::Cosine(cosine) => {
                lowest_rate(cosine.min_lr, lr, &mut found);
                "cosine"
            }
            Self::Step(step) => {
                at_least_one("every_epochs", step.every_epochs as u64, &mut found);
                factor(step.factor, &mut found);
                "step"
            }
            Self::Plateau(plateau) => {
                factor(plateau.factor, &mut found);
                below_one("threshold", plateau.threshold, "write a small share such as 1.0e-4", &mut found);
                lowest_rate(plateau.min_lr, lr, &mut found);
                "plateau"
            }
        };
        found.into_iter().map(|problem| problem.below(variant)).collect()
    }
}

impl Warmup {
    pub(super) fn problems(&self, epochs: usize) -> Vec<Problem> {
        let mut found = Vec::new();
        not_negative("epochs", self.epochs, &mut found);
        if self.epochs > epochs as f64 {
            let message = format!("the warm-up takes {} epochs, but training only has {epochs}", self.epochs);
            found.push(Problem::new("epochs", message, "shorten the warm-up, or raise `train.epochs`"));
        }
        if !(self.start_factor > 0.0 && self.start_factor <= 1.0) {
            let message = format!("the share must be above 0 and at most 1, got {}", self.start_factor);
            found.push(Problem::new("start_factor", message, "write a share such as 0.1"));
        }
        found
    }
}

fn lowest_rate(min_lr: f64, lr: f64, found: &mut Vec<Problem>) {
    not_negative("min_lr", min_lr, found);
    if min_lr > lr {
        let message = format!("the lowest learning rate {min_lr} is above the optimizer's {lr}");
        found.push(Problem::new("min_lr", message, "lower it, or raise the optimizer's `lr`"));
    }
}

fn factor(factor: f64, found: &mut Vec<Problem>) {
    if !(factor > 0.0 && factor < 1.0) {
        let message = format!("the factor must be between 0 and 1, got {factor}");
        found.push(Problem::new("factor", message, "write a factor such as 0.5"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_that_does_not_lower_the_rate_is_refused() {
        let schedules = [
            (Schedule::Cosine(Cosine { min_lr: 1.0 }), "cosine.min_lr"),
            (Schedule::Step(Step { every_epochs: 1, factor: 1.5 }), "step.factor"),
            (Schedule::Plateau(Plateau { factor: 0.0, ..Plateau::default() }), "plateau.factor"),
        ];
        for (schedule, path) in schedules {
            let paths: Vec<_> = schedule.problems(1e-5).into_iter().map(|problem| problem.path).collect();
            assert_eq!(paths, [path]);
        }
    }

    #[test]
    fn a_warm_up_longer_than_training_is_refused() {
        let found = Warmup { epochs: 60.0, start_factor: 0.0 }.problems(50);
        let paths: Vec<_> = found.into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["epochs", "start_factor"]);
    }
}
