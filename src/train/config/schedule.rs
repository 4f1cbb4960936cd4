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
    /// A straight line from the optimizer's rate down to `min_lr` at the last epoch.
    Linear(Linear),
    /// A multiplication every few epochs.
    Step(Step),
    /// A multiplication whenever the validation loss has stopped falling.
    Plateau(Plateau),
    /// Up to the optimizer's rate and down again, a little at every step.
    OneCycle(OneCycle),
}

/// Half a cosine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cosine {
    /// The learning rate at the end.
    pub min_lr: f64,
}

/// A straight line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Linear {
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

/// Half a cosine up to the optimizer's rate, and half a cosine down to nearly nothing at the last step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OneCycle {
    /// The share of all steps in which the rate rises.
    pub warmup_share: f64,
    /// The first step has the optimizer's rate divided by this.
    pub start_divisor: f64,
    /// The last step has the optimizer's rate divided by this.
    pub end_divisor: f64,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self { warmup_share: 0.3, start_divisor: 25.0, end_divisor: 250_000.0 }
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
            Self::Linear(linear) => {
                lowest_rate(linear.min_lr, lr, &mut found);
                "linear"
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
            Self::OneCycle(cycle) => {
                share(cycle.warmup_share, &mut found);
                divisor("start_divisor", cycle.start_divisor, &mut found);
                divisor("end_divisor", cycle.end_divisor, &mut found);
                "one_cycle"
            }
        };
        found.into_iter().map(|problem| problem.below(variant)).collect()
    }
}

impl Warmup {
    pub(super) fn problems(&self, epochs: usize, schedule: &Schedule) -> Vec<Problem> {
        let mut found = Vec::new();
        not_negative("epochs", self.epochs, &mut found);
        if self.epochs > 0.0 && matches!(schedule, Schedule::OneCycle(_)) {
            let message =
                format!("the schedule one_cycle starts slowly by itself, got a warm-up of {} epochs", self.epochs);
            found.push(Problem::new("epochs", message, "write 0, and set `schedule.one_cycle.warmup_share`"));
        }
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

fn share(share: f64, found: &mut Vec<Problem>) {
    if !(0.0..=1.0).contains(&share) {
        let message = format!("the share of the steps must be from 0 to 1, got {share}");
        found.push(Problem::new("warmup_share", message, "write a share such as 0.3"));
    }
}

fn divisor(key: &str, divisor: f64, found: &mut Vec<Problem>) {
    if divisor.is_nan() || divisor < 1.0 {
        let message = format!("the rate can only be divided by 1 or more, got {divisor}");
        found.push(Problem::new(key, message, "write a number such as 25"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_that_does_not_lower_the_rate_is_refused() {
        let schedules = [
            (Schedule::Cosine(Cosine { min_lr: 1.0 }), "cosine.min_lr"),
            (Schedule::Linear(Linear { min_lr: 1.0 }), "linear.min_lr"),
            (Schedule::Step(Step { every_epochs: 1, factor: 1.5 }), "step.factor"),
            (Schedule::Plateau(Plateau { factor: 0.0, ..Plateau::default() }), "plateau.factor"),
            (Schedule::OneCycle(OneCycle { warmup_share: 1.5, ..OneCycle::default() }), "one_cycle.warmup_share"),
            (Schedule::OneCycle(OneCycle { end_divisor: 0.5, ..OneCycle::default() }), "one_cycle.end_divisor"),
        ];
        for (schedule, path) in schedules {
            let paths: Vec<_> = schedule.problems(1e-5).into_iter().map(|problem| problem.path).collect();
            assert_eq!(paths, [path]);
        }
    }

    #[test]
    fn a_warm_up_longer_than_training_is_refused() {
        let paths = |warmup: Warmup, schedule| -> Vec<String> {
            warmup.problems(50, &schedule).into_iter().map(|problem| problem.path).collect()
        };
        assert_eq!(paths(Warmup { epochs: 60.0, start_factor: 0.0 }, Schedule::Constant), ["epochs", "start_factor"]);
        let cycle = || Schedule::OneCycle(OneCycle::default());
        assert_eq!(paths(Warmup { epochs: 1.0, start_factor: 0.1 }, cycle()), ["epochs"], "it has one of its own");
        assert_eq!(paths(Warmup::default(), cycle()), Vec::<String>::new());
    }
}
