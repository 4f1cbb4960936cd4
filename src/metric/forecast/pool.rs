//! The sums of one event, as a group for resampling.

use super::sums::{LeadSums, Levels};
use crate::metric::pooled::Pooled;

/// The sums of an event, with the thresholds and scales that they were measured at.
#[derive(Clone, Debug)]
pub struct OfEvent<'a> {
    /// The sums.
    pub sums: LeadSums,
    /// What they were measured at.
    pub levels: &'a Levels,
}

impl Pooled for OfEvent<'_> {
    fn none(&self) -> Self {
        Self { sums: LeadSums::none(self.levels), levels: self.levels }
    }

    fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
    }

    fn scores(&self) -> Vec<Option<f64>> {
        self.sums.scores(self.levels)
    }
}
