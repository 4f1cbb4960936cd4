//! Everything that is added up about forecasts of one kind, lead by lead, and the scores by their names. Sums can be added
//! to each other: what a set of windows, an event or a resampled dataset scores follows from the same numbers.

use serde::{Deserialize, Serialize};

use super::better::Better;
use super::contingency::Contingency;
use super::errors::ErrorSums;
use super::fractions::FractionSums;
use super::naming;

/// What a score is measured at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// Above these a cell is an event.
    pub thresholds_dbz: Vec<f64>,
    /// The sides of the squares of the fractions skill score.
    pub scales_px: Vec<usize>,
    /// The reflectivity between 0 and 1 of the scale that errors are summed on.
    pub span_dbz: f64,
}

/// A score with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Such as `csi_35`.
    pub name: String,
    /// None where it is no number: 0 / 0.
    pub value: Option<f64>,
    /// Which way it gets better.
    pub better: Better,
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
}

impl LeadSums {
    /// Nothing was added up yet.
    #[must_use]
    pub fn none(levels: &Levels) -> Self {
        let thresholds = levels.thresholds_dbz.len();
        Self {
            events: vec![Contingency::default(); thresholds],
            fractions: vec![vec![FractionSums::default(); levels.scales_px.len()]; thresholds],
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
    }

    /// All scores, always in the same order.
    #[must_use]
    pub fn scores(&self, levels: &Levels) -> Vec<Score> {
        let mut scores = Vec::new();
        for (dbz, events) in levels.thresholds_dbz.iter().zip(&self.events) {
            scores.extend(event_scores(*dbz, events));
        }
        for (dbz, of_scales) in levels.thresholds_dbz.iter().zip(&self.fractions) {
            let of_scale = |(scale, sums): (&usize, &FractionSums)| score(format!("fss_{dbz}_{scale}px"), sums.skill());
            scores.extend(levels.scales_px.iter().zip(of_scales).map(of_scale));
        }
        let in_dbz = |value: Option<f64>| value.map(|value| value * levels.span_dbz);
        scores.extend([
            score("mae_dbz", in_dbz(self.errors.mean_absolute())),
            score("rmse_dbz", in_dbz(self.errors.root_mean_square())),
            score("me_dbz", in_dbz(self.errors.mean())),
            score("ssim", self.similarity.mean()),
            score("psnr_db", self.errors.peak_signal_to_noise()),
        ]);
        scores
    }
}

fn event_scores(dbz: f64, events: &Contingency) -> [Score; 7] {
    [
        score(format!("pod_{dbz}"), events.detection()),
        score(format!("far_{dbz}"), events.false_alarm_ratio()),
        score(format!("csi_{dbz}"), events.critical_success()),
        score(format!("bias_{dbz}"), events.bias()),
        score(format!("hss_{dbz}"), events.heidke()),
        score(format!("ets_{dbz}"), events.equitable_threat()),
        score(format!("peirce_{dbz}"), events.peirce()),
    ]
}

fn score(name: impl Into<String>, value: Option<f64>) -> Score {
    let name = name.into();
    Score { better: naming::better(&name), name, value }
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
        Levels { thresholds_dbz: vec![20.0, 8.6], scales_px: vec![1, 5], span_dbz: 94.0 }
    }

    #[test]
    fn scores_of_nothing_are_no_numbers_and_keep_their_names() {
        let scores = LeadSums::none(&levels()).scores(&levels());
        let names: Vec<&str> = scores.iter().map(|score| score.name.as_str()).collect();
        assert_eq!(names.len(), 2 * 7 + 2 * 2 + 5);
        assert_eq!(names[..3], ["pod_20", "far_20", "csi_20"]);
        assert_eq!(names[9], "csi_8.6");
        assert_eq!(names[14..16], ["fss_20_1px", "fss_20_5px"]);
        assert!(scores.iter().all(|score| score.value.is_none()));
    }

    #[test]
    fn sums_are_added_before_anything_is_divided() {
        let mut sums = Sums::none(&levels(), 2);
        let events = |hits, misses| Contingency { hits, misses, ..Contingency::default() };
        sums.leads[0].events[0] = events(1, 0);
        sums.leads[1].events[0] = events(1, 8);
        let csi = |sums: &LeadSums| sums.scores(&levels())[2].value;
        assert_eq!(csi(&sums.all_leads(&levels())), Some(0.2), "not the mean of 1 and 1/9");
        let twice = sums.clone();
        sums.add(&twice);
        assert_eq!(sums.leads[1].events[0], events(2, 16));
    }
}
