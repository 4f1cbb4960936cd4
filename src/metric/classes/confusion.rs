//! How often each class was predicted for each other, and the scores that follow. Counts are integers, so any order and
//! any batches give the same.
//!
//! x / 0 is 0 for precision, recall and F1 of a class, as scikit-learn has it with `zero_division=0`. The means `macro` run
//! over all classes, those without samples included.

use serde::{Deserialize, Serialize};

/// Counts of true class and predicted class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    /// Row by row: all that was predicted for the first true class, then for the second.
    counts: Vec<u64>,
}

/// The scores of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The share of its predictions that are right.
    pub precision: f64,
    /// Of its samples, the share that was recognised.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// Its samples.
    pub support: u64,
}

impl Confusion {
    /// Without samples.
    #[must_use]
    pub fn none(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Adds a sample.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth * self.classes + predicted] += 1;
    }

    /// Adds the counts of other samples of the same classes.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
    }

    /// How often a class was taken for another.
    #[must_use]
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes + predicted]
    }

    /// All samples.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Those whose class was recognised.
    #[must_use]
    pub fn correct(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// The share of samples whose class was recognised.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.correct(), self.samples())
    }

    /// The scores of a class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> ClassScores {
        let (hits, support) = (self.count(class, class), self.support(class));
        let taken: u64 = (0..self.classes).map(|truth| self.count(truth, class)).sum();
        let [precision, recall] = [taken, support].map(|all| ratio(hits, all).unwrap_or(0.0));
        // 2PR / (P + R), in counts.
        let f1 = ratio(2 * hits, taken + support).unwrap_or(0.0);
        ClassScores { precision, recall, f1, support }
    }

    /// The mean F1 over all classes.
    #[must_use]
    pub fn f1_macro(&self) -> Option<f64> {
        let sum: f64 = (0..self.classes).map(|class| self.of_class(class).f1).sum();
        (self.samples() > 0).then(|| sum / self.classes as f64)
    }

    /// The mean recall over the classes that have samples.
    #[must_use]
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let present = (0..self.classes).map(|class| self.of_class(class)).filter(|class| class.support > 0);
        let recalls: Vec<f64> = present.map(|class| class.recall).collect();
        (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64)
    }

    /// The pairs of true and predicted class that were confused, the most frequent first; of equally frequent ones in the
    /// order of the classes.
    #[must_use]
    pub fn most_confused(&self, most: usize) -> Vec<(usize, usize, u64)> {
        let pairs = (0..self.classes * self.classes).map(|place| (place / self.classes, place % self.classes));
        let confused = pairs.map(|(truth, predicted)| (truth, predicted, self.count(truth, predicted)));
        let mut confused: Vec<_> =
            confused.filter(|&(truth, predicted, count)| truth != predicted && count > 0).collect();
        confused.sort_by_key(|&(.., count)| std::cmp::Reverse(count));
        confused.truncate(most);
        confused
    }

    fn support(&self, class: usize) -> u64 {
        self.counts[class * self.classes..][..self.classes].iter().sum()
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(rows: &[[u64; 3]; 3]) -> Confusion {
        Confusion { classes: 3, counts: rows.concat() }
    }

    #[test]
    fn scores_follow_from_the_counts() {
        let counts = confusion(&[[3, 1, 1], [1, 3, 0], [1, 0, 0]]);
        let close = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        close(counts.accuracy().unwrap(), 0.6);
        close(counts.balanced_accuracy().unwrap(), 0.45);
        close(counts.f1_macro().unwrap(), 0.45);
        let first = counts.of_class(0);
        close(first.precision, 0.6);
        close(first.recall, 0.6);
        let last = counts.of_class(2);
        assert_eq!((last.precision, last.recall, last.f1, last.support), (0.0, 0.0, 0.0, 1));
    }

    #[test]
    fn without_samples_nothing_is_defined() {
        let none = Confusion::none(3);
        assert_eq!((none.accuracy(), none.f1_macro(), none.balanced_accuracy()), (None, None, None));
        assert!(none.most_confused(5).is_empty());
    }

    #[test]
    fn any_batches_add_up_to_the_same() {
        let (mut whole, mut first, mut second) = (Confusion::none(3), Confusion::none(3), Confusion::none(3));
        for (number, (truth, predicted)) in [(0, 0), (1, 2), (2, 2), (1, 2), (0, 1)].into_iter().enumerate() {
            whole.add(truth, predicted);
            if number < 2 { first.add(truth, predicted) } else { second.add(truth, predicted) }
        }
        second.merge(&first);
        assert_eq!(second, whole);
        assert_eq!(whole.most_confused(5), [(1, 2, 2), (0, 1, 1)]);
        assert_eq!(whole.most_confused(1), [(1, 2, 2)]);
    }
}
