//! Which classes a model has learned: it recognises at least half of their samples, and at least half of what it takes for them is
//! right. A count of these says more about hundreds of classes than a mean near 0.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;

/// A class with fewer samples is not judged: one right choice would be 100 %.
pub const LEAST_SUPPORT: u64 = 2;

/// Precision, recall and F1 of a class that is learned, at least.
pub const LEAST_SCORE: f64 = 0.5;

/// The classes that are learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Their numbers, in rising order.
    pub classes: Vec<usize>,
    /// How many classes have enough samples to be judged.
    pub judged: usize,
}

impl Learned {
    /// The classes that are learned, of those that `is_judged` allows.
    #[must_use]
    pub fn of(counts: &Confusion, is_judged: impl Fn(usize) -> bool) -> Self {
        let by_class = counts.by_class();
        let judged = (0..by_class.len()).filter(|class| is_judged(*class) && by_class[*class].support >= LEAST_SUPPORT);
        let is_learned = |class: &usize| {
            let scores = by_class[*class];
            [scores.precision, scores.recall, scores.f1].iter().all(|score| *score >= LEAST_SCORE)
        };
        let classes = judged.clone().filter(is_learned).collect();
        Self { classes, judged: judged.count() }
    }

    /// The share of the judged classes that is learned; `None` if none is judged.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.classes.len() as f64 / self.judged as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_learned_if_half_of_it_and_of_its_choices_are_right() {
        let mut counts = Confusion::none(5);
        // Half of both; too few samples; all recognised, but chosen too often; never recognised.
        let choices = [(0, 0), (0, 1), (1, 1), (2, 2), (2, 2), (3, 2), (3, 2), (4, 2), (4, 0)];
        choices.iter().for_each(|&(truth, predicted)| counts.add(truth, predicted));
        let learned = Learned::of(&counts, |_| true);
        assert_eq!((learned.classes.as_slice(), learned.judged, learned.share()), (&[0][..], 4, Some(0.25)));
        assert_eq!(Learned::of(&counts, |class| class != 0), Learned { classes: vec![], judged: 3 });
        assert_eq!(Learned::of(&counts, |_| false).share(), None);
    }
}
