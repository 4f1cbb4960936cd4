//! Whether confident choices are right as often as they claim: the expected calibration error (Naeini et al. 2015).

use serde::{Deserialize, Serialize};

/// Equal ranges of confidence.
pub const BINS: usize = 15;

/// Choices by their confidence. Sums of confidences are in 2^-32, so that any order gives the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    bins: Vec<Bin>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bin {
    samples: u64,
    correct: u64,
    confidence: u64,
}

/// 1 in a sum of confidences.
const ONE: f64 = (1_u64 << 32) as f64;

impl Default for Calibration {
    fn default() -> Self {
        Self { bins: vec![Bin::default(); BINS] }
    }
}

impl Calibration {
    /// Adds a choice: the probability that it was given, and whether it was right.
    pub fn add(&mut self, confidence: f64, is_correct: bool) {
        // Bins are open below and closed above.
        let place = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let bin = &mut self.bins[place];
        bin.samples += 1;
        bin.correct += u64::from(is_correct);
        bin.confidence += (confidence.clamp(0.0, 1.0) * ONE).round() as u64;
    }

    /// Adds other choices.
    pub fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.samples += more.samples;
            bin.correct += more.correct;
            bin.confidence += more.confidence;
        }
    }

    /// The mean distance between confidence and accuracy, weighted by samples.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        let samples: u64 = self.bins.iter().map(|bin| bin.samples).sum();
        let distance = |bin: &Bin| (bin.correct as f64 - bin.confidence as f64 / ONE).abs();
        (samples > 0).then(|| self.bins.iter().map(distance).sum::<f64>() / samples as f64)
    }

    /// For each bin with samples: their number, mean confidence and accuracy.
    pub fn points(&self) -> impl Iterator<Item = (u64, f64, f64)> {
        let present = self.bins.iter().filter(|bin| bin.samples > 0);
        present.map(|bin| {
            let samples = bin.samples as f64;
            (bin.samples, bin.confidence as f64 / ONE / samples, bin.correct as f64 / samples)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_distance_between_confidence_and_accuracy() {
        let mut choices = Calibration::default();
        for (confidence, is_correct) in [(0.9, true), (0.9, false), (0.35, true), (0.35, false)] {
            choices.add(confidence, is_correct);
        }
        // |0.5 - 0.9| * 2/4 + |0.5 - 0.35| * 2/4
        assert!((choices.error().unwrap() - 0.275).abs() < 1e-9);
        let points: Vec<_> = choices.points().map(|(samples, ..)| samples).collect();
        assert_eq!(points, [2, 2]);
    }

    #[test]
    fn certain_and_right_is_perfect_and_nothing_is_undefined() {
        let mut choices = Calibration::default();
        assert_eq!(choices.error(), None);
        choices.add(1.0, true);
        choices.add(0.0, false);
        assert_eq!(choices.error(), Some(0.0));
    }

    #[test]
    fn merged_choices_are_those_of_both() {
        let (mut one, mut other, mut both) = Default::default();
        for (calibration, confidence) in [(&mut one, 0.2), (&mut other, 0.7)] {
            let calibration: &mut Calibration = calibration;
            calibration.add(confidence, true);
        }
        let whole: &mut Calibration = &mut both;
        whole.add(0.2, true);
        whole.add(0.7, true);
        one.merge(&other);
        assert_eq!(one, both);
    }
}
