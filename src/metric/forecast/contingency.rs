//! The table of hits, false alarms, misses and correct negatives, and the scores that follow from it. The table is summed
//! over a whole set before anything is divided: a mean of ratios would let a quiet frame count as much as a storm.
//!
//! Formulas: Wilks, *Statistical Methods in the Atmospheric Sciences*, chapter 9; the names are those of the verification
//! community. A ratio with a denominator of 0 is undefined.

use serde::{Deserialize, Serialize};

/// How often events were forecast and occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contingency {
    /// Forecast and observed.
    pub hits: u64,
    /// Forecast, not observed.
    pub false_alarms: u64,
    /// Observed, not forecast.
    pub misses: u64,
    /// Neither.
    pub correct_negatives: u64,
}

impl Contingency {
    /// Adds another table.
    pub fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.false_alarms += other.false_alarms;
        self.misses += other.misses;
        self.correct_negatives += other.correct_negatives;
    }

    /// Probability of detection: the share of observed events that were forecast.
    #[must_use]
    pub fn detection(&self) -> Option<f64> {
        let [h, _, m, _] = self.counts();
        ratio(h, h + m)
    }

    /// False alarm ratio: the share of forecast events that did not occur.
    #[must_use]
    pub fn false_alarm_ratio(&self) -> Option<f64> {
        let [h, f, ..] = self.counts();
        ratio(f, h + f)
    }

    /// False alarm rate: the share of the cells without an event that got a forecast of one.
    #[must_use]
    pub fn false_alarm_rate(&self) -> Option<f64> {
        let [_, f, _, r] = self.counts();
        ratio(f, f + r)
    }

    /// Critical success index, or threat score (Donaldson et al. 1975).
    #[must_use]
    pub fn critical_success(&self) -> Option<f64> {
        let [h, f, m, _] = self.counts();
        ratio(h, h + f + m)
    }

    /// Frequency bias: events forecast for each one observed.
    #[must_use]
    pub fn bias(&self) -> Option<f64> {
        let [h, f, m, _] = self.counts();
        ratio(h + f, h + m)
    }

    /// Heidke skill score: correct answers beyond those of chance.
    #[must_use]
    pub fn heidke(&self) -> Option<f64> {
        let [h, f, m, r] = self.counts();
        ratio(2.0 * (h * r - f * m), (h + m) * (m + r) + (h + f) * (f + r))
    }

    /// Equitable threat score, or Gilbert skill score: the critical success index without the hits of chance.
    #[must_use]
    pub fn equitable_threat(&self) -> Option<f64> {
        let [h, f, m, r] = self.counts();
        let by_chance = ratio((h + m) * (h + f), h + f + m + r)?;
        ratio(h - by_chance, h + f + m - by_chance)
    }

    /// Peirce skill score, or Hanssen-Kuipers: detection less the false alarm rate.
    #[must_use]
    pub fn peirce(&self) -> Option<f64> {
        Some(self.detection()? - self.false_alarm_rate()?)
    }

    fn counts(&self) -> [f64; 4] {
        [self.hits, self.false_alarms, self.misses, self.correct_negatives].map(|count| count as f64)
    }
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    (below != 0.0).then_some(above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let table = Contingency { hits: 82, false_alarms: 38, misses: 23, correct_negatives: 222 };
        let found = [
            table.detection(),
            table.false_alarm_ratio(),
            table.false_alarm_rate(),
            table.critical_success(),
            table.bias(),
            table.heidke(),
            table.peirce(),
            table.equitable_threat(),
        ];
        let expected = [0.780_952, 0.316_667, 0.146_154, 0.573_427, 1.142_857, 0.608_871, 0.634_799, 0.437_682];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?}, expected {expected}");
        }
    }

    #[test]
    fn nothing_observed_and_nothing_forecast_is_undefined() {
        let quiet = Contingency { correct_negatives: 100, ..Contingency::default() };
        assert_eq!(quiet.critical_success(), None);
        assert_eq!(quiet.detection(), None);
        assert_eq!(quiet.false_alarm_ratio(), None);
        assert_eq!(quiet.bias(), None);
        assert_eq!(quiet.peirce(), None);
        assert_eq!(quiet.heidke(), None);
        assert_eq!(quiet.equitable_threat(), None);
        assert_eq!(Contingency::default().equitable_threat(), None);
    }
}
