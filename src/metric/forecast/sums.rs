//! Everything that is added up about forecasts of one kind, lead by lead, and the scores that follow. Sums can be added to
//! each other: what a set of windows, an event or a resampled dataset scores follows from the same numbers. What the scores
//! are called and mean is in `scores`.

use serde::{Deserialize, Serialize};

use super::contingency::Contingency;
use super::errors::ErrorSums;
use super::fractions::FractionSums;
use super::frames::{Convention, FrameSums};

/// What a score is measured at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// Above these a cell is an event.
    #[serde(alias = "thresholds_dbz")]
    pub thresholds: Vec<f64>,
    /// The sides of the squares of the fractions skill score.
    pub scales_px: Vec<usize>,
    /// What is between 0 and 1 of the scale that errors are summed on.
    #[serde(alias = "span_dbz")]
    pub span: f64,
    /// The unit of all values, as people read it.
    #[serde(default = "dbz")]
    pub unit: String,
    /// By whose definitions whole frames are measured too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Convention>,
}

/// The unit of evaluations that name none.
fn dbz() -> String {
    "dBZ".into()
}

/// The similarity of frames, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SimilaritySums {
    /// The frames that were compared.
    pub frames: u64,
    /// Their similarities.
    pub sum: f64,
}

impl SimilaritySums {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.sum += other.sum;
    }

    /// The mean over frames.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.frames > 0).then(|| self.sum / self.frames as f64)
    }
}

/// Sums over the forecasts for one lead time, or for several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LeadSums {
    /// For each threshold.
    pub events: Vec<Contingency>,
    /// For each threshold, for each scale.
    pub fractions: Vec<Vec<FractionSums>>,
    /// Differences.
    pub errors: ErrorSums,
    /// Structural similarity.
    pub similarity: SimilaritySums,
    /// Whole frames, if they are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FrameSums>,
}

impl LeadSums {
    /// Nothing was added up yet.
    #[must_use]
    pub fn none(levels: &Levels) -> Self {
        let thresholds = levels.thresholds.len();
        Self {
            events: vec![Contingency::default(); thresholds],
            fractions: vec![vec![FractionSums::default(); levels.scales_px.len()]; thresholds],
            frames: levels.frames.map(|_| FrameSums::default()),
            ..Self::default()
        }
    }

    /// All of these together.
    pub fn of<'a>(parts: impl Iterator<Item = &'a Self>, levels: &Levels) -> Self {
        let mut all = Self::none(levels);
        parts.for_each(|part| all.add(part));
        all
    }

    /// Adds other sums, measured at the same levels.
    pub fn add(&mut self, other: &Self) {
        self.events.iter_mut().zip(&other.events).for_each(|(sum, other)| sum.add(other));
        let fractions = self.fractions.iter_mut().zip(&other.fractions);
        fractions.flat_map(|(sums, others)| sums.iter_mut().zip(others)).for_each(|(sum, other)| sum.add(other));
        self.errors.add(&other.errors);
        self.similarity.add(&other.similarity);
        if let (Some(frames), Some(other)) = (&mut self.frames, &other.frames) {
            frames.add(other);
        }
    }

    /// All scores, in the order of [`specs`](super::scores::specs); `None` for an undefined one: 0 / 0.
    #[must_use]
    pub fn scores(&self, levels: &Levels) -> Vec<Option<f64>> {
        let mut scores = Vec::new();
        let of_each = |score: fn(&Contingency) -> Option<f64>| self.events.iter().map(score);
        for score in [Contingency::critical_success, Contingency::detection, Contingency::false_alarm_ratio] {
            scores.extend(of_each(score));
        }
        scores.extend(of_each(Contingency::bias));
        scores.extend(self.fractions.iter().flatten().map(FractionSums::skill));
        for score in [Contingency::heidke, Contingency::equitable_threat, Contingency::peirce] {
            scores.extend(of_each(score));
        }
        let scaled = |value: Option<f64>| value.map(|value| value * levels.span);
        scores.extend([
            scaled(self.errors.mean_absolute()),
            scaled(self.errors.root_mean_square()),
            scaled(self.errors.mean()),
            self.similarity.mean(),
            self.errors.peak_signal_to_noise(),
        ]);
        if levels.frames.is_some() {
            scores.extend(self.frames.unwrap_or_default().scores());
        }
        scores
    }
}

/// Sums over forecasts of several frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// For each lead time.
    pub leads: Vec<LeadSums>,
}

impl Sums {
    /// Nothing was added up yet.
    #[must_use]
    pub fn none(levels: &Levels, leads: usize) -> Self {
        Self { leads: vec![LeadSums::none(levels); leads] }
    }

    /// Adds other sums, measured at the same levels for the same leads.
    pub fn add(&mut self, other: &Self) {
        self.leads.iter_mut().zip(&other.leads).for_each(|(sum, other)| sum.add(other));
    }

    /// The sums of all leads together.
    #[must_use]
    pub fn all_leads(&self, levels: &Levels) -> LeadSums {
        LeadSums::of(self.leads.iter(), levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels() -> Levels {
        Levels { thresholds: vec![20.0, 8.6], scales_px: vec![1, 5], span: 94.0, unit: "dBZ".into(), frames: None }
    }

    #[test]
    fn sums_are_added_before_anything_is_divided() {
        let mut sums = Sums::none(&levels(), 2);
        let events = |hits, misses| Contingency { hits, misses, ..Contingency::default() };
        sums.leads[0].events[0] = events(1, 0);
        sums.leads[1].events[0] = events(1, 8);
        let csi = |sums: &LeadSums| sums.scores(&levels())[0];
        assert_eq!(csi(&sums.all_leads(&levels())), Some(0.2), "not the mean of 1 and 1/9");
        let twice = sums.clone();
        sums.add(&twice);
        assert_eq!(sums.leads[1].events[0], events(2, 16));
    }

    #[test]
    fn levels_of_evaluations_that_name_no_unit_are_of_reflectivity() {
        let text = r#"{"thresholds_dbz": [20.0, 8.6], "scales_px": [1, 5], "span_dbz": 94.0}"#;
        assert_eq!(serde_json::from_str::<Levels>(text).unwrap(), levels());
    }
}
