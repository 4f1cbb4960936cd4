//! Sums from which scores follow, and how much a task's scores differ by chance. Resampling needs no more than this
//! from a task.

use super::document::Metrics;

/// What one group of samples - an event, a day, an image - adds to the scores. Scores follow from the sum over groups.
pub trait Pooled: Sync {
    /// The sum over nothing, measured in the same way.
    #[must_use]
    fn none(&self) -> Self;

    /// Adds another group.
    fn add(&mut self, other: &Self);

    /// The scores of a sum, always in the same order; `None` if a score is undefined.
    fn scores(&self) -> Vec<Option<f64>>;
}

/// How much the scores of two evaluations differ if other groups are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// The groups that both were measured on.
    pub groups: usize,
    /// For each score that follows from sums over groups: its name, and between which values 95 % of the differences are.
    pub intervals: Vec<(String, Option<[f64; 2]>)>,
}

/// Draws the same groups for two evaluations of a task, so that the difficulty of a group cancels out.
pub trait Resample: Sync {
    /// The differences between two evaluations. The same seed gives the same.
    ///
    /// # Errors
    /// Why the two can't be paired: "they were measured on other events".
    fn differences(&self, current: &Metrics, baseline: &Metrics, seed: u64) -> Result<Differences, String>;
}
