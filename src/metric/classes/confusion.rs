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

/// The scores of all classes in one number each: `macro` over all classes, `present` over those that have samples, `weighted`
/// by their samples. The weighted recall is the accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Means {
    /// The mean precision.
    pub precision_macro: f64,
    /// The mean recall.
    pub recall_macro: f64,
    /// The mean F1.
    pub f1_macro: f64,
    /// The mean F1 over classes that have samples.
    pub f1_macro_present: f64,
    /// The precision, weighted.
    pub precision_weighted: f64,
    /// The F1, weighted.
    pub f1_weighted: f64,
    /// The mean recall over classes that have samples.
    pub balanced_accuracy: f64,
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

    /// The scores of each class, in their order.
    #[must_use]
    pub fn by_class(&self) -> Vec<ClassScores> {
        let scores = |(class, (support, taken)): (usize, (u64, u64))| {
            let hits = self.count(class, class);
            let [precision, recall] = [taken, support].map(|all| ratio(hits, all).unwrap_or(0.0));
            // 2PR / (P + R), in counts.
            let f1 = ratio(2 * hits, taken + support).unwrap_or(0.0);
            ClassScores { precision, recall, f1, support }
        };
        let [supports, taken] = self.margins();
        supports.into_iter().zip(taken).enumerate().map(scores).collect()
    }

    /// The scores of all classes in one number each; `None` without samples.
    #[must_use]
    pub fn means(&self) -> Option<Means> {
        let (classes, samples) = (self.by_class(), self.samples());
        let mean = |of: &dyn Fn(&ClassScores) -> f64, weight: &dyn Fn(&ClassScores) -> f64| {
            let weights: f64 = classes.iter().map(weight).sum();
            classes.iter().map(|class| weight(class) * of(class)).sum::<f64>() / weights
        };
        let all = |_: &ClassScores| 1.0;
        let present = |class: &ClassScores| if class.support > 0 { 1.0 } else { 0.0 };
        let support = |class: &ClassScores| class.support as f64;
        (samples > 0).then(|| Means {
            precision_macro: mean(&|class| class.precision, &all),
            recall_macro: mean(&|class| class.recall, &all),
            f1_macro: mean(&|class| class.f1, &all),
            f1_macro_present: mean(&|class| class.f1, &present),
            precision_weighted: mean(&|class| class.precision, &support),
            f1_weighted: mean(&|class| class.f1, &support),
            balanced_accuracy: mean(&|class| class.recall, &present),
        })
    }

    /// By how much the choices agree with the truth beyond what their frequencies alone would give (Cohen 1960); undefined if
    /// these give all of it.
    #[must_use]
    pub fn kappa(&self) -> Option<f64> {
        let samples = self.samples() as f64;
        let [supports, taken] = self.margins();
        let pairs = supports.iter().zip(&taken);
        let by_chance =
            pairs.map(|(&support, &taken)| support as f64 / samples * (taken as f64 / samples)).sum::<f64>();
        Some((self.accuracy()? - by_chance) / (1.0 - by_chance)).filter(|kappa| kappa.is_finite())
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

    /// So many classes, in their order, that take part in most confusions: as the true class or as the choice. Of equal ones the
    /// first.
    #[must_use]
    pub fn most_involved(&self, most: usize) -> Vec<usize> {
        let [supports, taken] = self.margins();
        let wrong = |class: usize| supports[class] + taken[class] - 2 * self.count(class, class);
        let mut classes: Vec<usize> = (0..self.classes).collect();
        classes.sort_by_key(|class| std::cmp::Reverse(wrong(*class)));
        classes.truncate(most);
        classes.sort_unstable();
        classes
    }

    /// The samples of each class, and how often each was chosen.
    #[must_use]
    pub fn margins(&self) -> [Vec<u64>; 2] {
        let (mut supports, mut taken) = (vec![0; self.classes], vec![0; self.classes]);
        for (place, count) in self.counts.iter().enumerate() {
            supports[place / self.classes] += count;
            taken[place % self.classes] += count;
        }
        [supports, taken]
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
        let means = counts.means().unwrap();
        close(means.balanced_accuracy, 0.45);
        close(means.f1_macro, 0.45);
        let [first, _, last] = counts.by_class()[..] else { panic!("three classes") };
        close(first.precision, 0.6);
        close(first.recall, 0.6);
        assert_eq!((last.precision, last.recall, last.f1, last.support), (0.0, 0.0, 0.0, 1));
    }

    #[test]
    fn without_samples_nothing_is_defined() {
        let none = Confusion::none(3);
        assert_eq!((none.accuracy(), none.means(), none.kappa()), (None, None, None));
        assert!(none.most_confused(5).is_empty());
        assert_eq!(confusion(&[[4, 0, 0], [0, 0, 0], [0, 0, 0]]).kappa(), None, "always the only class");
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

    #[test]
    fn classes_that_are_confused_most_are_found_on_both_sides() {
        let counts = confusion(&[[9, 0, 0], [0, 5, 2], [1, 0, 7]]);
        assert_eq!(counts.most_involved(1), [2]);
        assert_eq!(counts.most_involved(2), [1, 2]);
        assert_eq!(counts.most_involved(9), [0, 1, 2]);
        assert_eq!(Confusion::none(3).most_involved(2), [0, 1]);
    }
}
