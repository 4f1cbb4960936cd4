//! Classes by how many training samples they have, and the scores of each such bucket: a mean over all classes hides that the many
//! rare ones are not recognised.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;

/// Classes with about as many training samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// 10 or more.
    Head,
    /// 3 to 9.
    Mid,
    /// 1 or 2.
    Tail,
}

impl Bucket {
    /// All of them, the most frequent classes first.
    pub const ALL: [Self; 3] = [Self::Head, Self::Mid, Self::Tail];

    /// The bucket of a class with so many training samples; none for one that training never saw.
    #[must_use]
    pub fn of(samples: usize) -> Option<Self> {
        match samples {
            0 => None,
            1..=2 => Some(Self::Tail),
            3..=9 => Some(Self::Mid),
            10.. => Some(Self::Head),
        }
    }

    /// Its name, in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Mid => "mid",
            Self::Tail => "tail",
        }
    }

    /// The training samples of its classes, for people.
    #[must_use]
    pub fn range(self) -> &'static str {
        match self {
            Self::Head => "10 or more",
            Self::Mid => "3 to 9",
            Self::Tail => "1 or 2",
        }
    }
}

/// The scores of some of the classes. Precision, and with it F1, counts what samples of other classes were taken for them too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketScores {
    /// How many classes these are.
    pub classes: usize,
    /// Those of them that have samples on this side.
    pub present: usize,
    /// Their samples on this side.
    pub samples: u64,
    /// The share of these whose class was recognised.
    pub accuracy: Option<f64>,
    /// The share of these whose class is among the first five choices.
    pub top5: Option<f64>,
    /// The mean F1 over all of these classes; one without samples counts as 0.
    pub f1_macro: Option<f64>,
    /// The mean F1 over those that have samples.
    pub f1_macro_present: Option<f64>,
    /// The classes that were chosen at least once, for whatever sample.
    pub predicted: usize,
}

impl BucketScores {
    /// The scores of the classes that `is_in` says. `within` counts the samples of each class whose class is among the first five
    /// choices.
    #[must_use]
    pub fn of(counts: &Confusion, within: &[u64], is_in: impl Fn(usize) -> bool) -> Self {
        let (by_class, [_, taken]) = (counts.by_class(), counts.margins());
        let members: Vec<usize> = (0..counts.classes()).filter(|class| is_in(*class)).collect();
        let present = members.iter().filter(|class| by_class[**class].support > 0).count();
        let sum = |of: &dyn Fn(usize) -> u64| members.iter().map(|class| of(*class)).sum::<u64>();
        let samples = sum(&|class| by_class[class].support);
        let share = |part: u64| (samples > 0).then(|| part as f64 / samples as f64);
        let f1: f64 = members.iter().map(|class| by_class[*class].f1).sum();
        // A class without samples adds 0, so both means have the same sum.
        let mean = |classes: usize| (classes > 0).then(|| f1 / classes as f64);
        Self {
            classes: members.len(),
            present,
            samples,
            accuracy: share(sum(&|class| counts.count(class, class))),
            top5: share(sum(&|class| within[class])),
            f1_macro: mean(members.len()),
            f1_macro_present: mean(present),
            predicted: members.iter().filter(|class| taken[**class] > 0).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_its_ends_and_no_class_that_training_never_saw() {
        let of = |samples: usize| Bucket::of(samples).map(Bucket::name);
        assert_eq!([0, 1, 2, 3].map(of), [None, Some("tail"), Some("tail"), Some("mid")]);
        assert_eq!([9, 10, 5000].map(of), [Some("mid"), Some("head"), Some("head")]);
    }

    #[test]
    fn without_classes_or_samples_nothing_is_defined() {
        let counts = Confusion::none(3);
        let none = BucketScores::of(&counts, &[0; 3], |_| false);
        assert_eq!((none.accuracy, none.top5, none.f1_macro, none.f1_macro_present), (None, None, None, None));
        let empty = BucketScores::of(&counts, &[0; 3], |_| true);
        assert_eq!((empty.accuracy, empty.f1_macro, empty.f1_macro_present), (None, Some(0.0), None));
    }
}
