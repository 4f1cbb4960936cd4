//! The fractions skill score (Roberts and Lean 2008): how well the shares of cells with an event agree within squares,
//! so that a storm forecast slightly out of place is not penalised twice.
//!
//! FSS = 1 - (sum f^2 - 2 sum f o + sum o^2) / (sum f^2 + sum o^2), summed over a whole set. Cells outside the frame count
//! as cells without an event. Here f and o are counts of events, not shares: the size of the square cancels, and whole
//! numbers up to 2^53 add up exactly in any order.

use serde::{Deserialize, Serialize};

/// Sums over cells of products of the counts of events in the squares around them: whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FractionSums {
    /// Of the forecast count, squared.
    pub forecast: f64,
    /// Of both counts, multiplied.
    pub product: f64,
    /// Of the observed count, squared.
    pub observed: f64,
}

impl FractionSums {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.forecast += other.forecast;
        self.product += other.product;
        self.observed += other.observed;
    }

    /// The fractions skill score: 1 is perfect; undefined if there is no event at all.
    #[must_use]
    pub fn skill(&self) -> Option<f64> {
        let worst = self.forecast + self.observed;
        (worst > 0.0).then(|| 1.0 - (self.forecast - 2.0 * self.product + self.observed) / worst)
    }
}
