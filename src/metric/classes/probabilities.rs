//! How good the probabilities of all classes are, from logits and a temperature: the negative log likelihood of the true class,
//! the Brier score (Brier 1950), and whether confident choices are right as often. Sums are in 2^-32, so that any order gives
//! the same.

use super::calibration::Calibration;

/// 1 in a sum.
const ONE: f64 = (1_u64 << 32) as f64;

/// What is added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probabilities {
    samples: u64,
    /// Infinite if a true class had no probability at all.
    likelihood: u128,
    brier: u64,
    /// Choices by their confidence.
    pub calibration: Calibration,
}

impl Probabilities {
    /// Adds a sample by its logits, and returns the probability of its choice.
    pub fn add(&mut self, logits: &[f32], truth: usize, temperature: f64) -> f64 {
        let mut shares = Vec::new();
        let total = weights(logits, 1.0 / temperature, &mut shares);
        let chosen = choice(logits);
        let probability = |class: usize| shares.get(class).copied().unwrap_or(0.0) / total;
        let squares = shares.iter().map(|share| (share / total).powi(2)).sum::<f64>();
        let (own, confidence) = (probability(truth), probability(chosen));
        self.samples += 1;
        // -log p from the logits: it stays finite if the probability itself is too small for a number.
        let largest = f64::from(logits.get(chosen).copied().unwrap_or(0.0));
        let below = (largest - f64::from(logits.get(truth).copied().unwrap_or(0.0))) / temperature;
        self.likelihood += fixed(below + total.ln());
        // sum_c (p_c - 1[c = y])^2
        self.brier += fixed(squares - 2.0 * own + 1.0) as u64;
        self.calibration.add(confidence, chosen == truth);
        confidence
    }

    /// Adds other samples.
    pub fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.likelihood += other.likelihood;
        self.brier += other.brier;
        self.calibration.merge(&other.calibration);
    }

    /// The mean negative log likelihood of the true class.
    #[must_use]
    pub fn likelihood(&self) -> Option<f64> {
        self.mean(self.likelihood as f64)
    }

    /// The mean over samples of the summed squared distances between probabilities and truth, from 0 to 2.
    #[must_use]
    pub fn brier(&self) -> Option<f64> {
        self.mean(self.brier as f64)
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.samples > 0).then(|| sum / ONE / self.samples as f64)
    }
}

fn fixed(value: f64) -> u128 {
    (value.max(0.0) * ONE).round() as u128
}

/// The class with the largest logit; of equal ones the first.
#[must_use]
pub fn choice(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best })
}

/// exp of each logit by the inverse temperature, the largest as 1; returns their sum, which turns them into probabilities.
pub(super) fn weights(logits: &[f32], inverse: f64, into: &mut Vec<f64>) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    into.clear();
    into.extend(logits.iter().map(|logit| (inverse * f64::from(logit - largest)).exp()));
    into.iter().sum()
}
