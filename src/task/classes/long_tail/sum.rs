//! What an evaluation of many classes with few samples adds up beyond the scores of every classifier: whether rare classes are
//! recognised at all, over how many classes choices spread, and which classes are learned.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::metric::classes::buckets::{Bucket, BucketScores};
use crate::metric::classes::confusion::Confusion;
use crate::metric::classes::learned::Learned;
use crate::metric::classes::spread::Spread;
use crate::metric::ordered::Ordered;

/// The first choices among which a class is offered.
const OFFERED: usize = 5;

/// What training had of each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Training {
    /// Its training samples.
    pub counts: Arc<[usize]>,
    /// The class that stands for all rare ones, if there is one: it is in no bucket, and not to be learned.
    pub other: Option<usize>,
}

/// What is added up.
#[derive(Clone, Debug)]
pub struct LongTail {
    training: Training,
    /// The samples of each class whose class is among the first choices.
    within: Vec<u64>,
    /// Whether each class was among the first choices of any sample.
    offered: Vec<bool>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The scores of classes by their training samples.
    pub buckets: Ordered<BucketScores>,
    /// The share of all classes that was chosen at least once.
    pub coverage: Option<f64>,
    /// The share of all classes that was at least once among the first five choices.
    pub coverage_top5: Option<f64>,
    /// How the choices spread over classes.
    pub spread: Option<Spread>,
    /// The share of choices of the class that stands for all rare ones, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_share: Option<f64>,
    /// The classes that are learned.
    pub learned: Learned,
}

impl LongTail {
    /// Without samples.
    #[must_use]
    pub fn none(training: Training) -> Self {
        let classes = training.counts.len();
        Self { training, within: vec![0; classes], offered: vec![false; classes] }
    }

    /// Whether a class stands for all rare ones.
    #[must_use]
    pub fn has_other(&self) -> bool {
        self.training.other.is_some()
    }

    /// Adds a sample with the logits of all classes; its class has this place among the choices.
    pub fn add(&mut self, logits: &[f32], truth: usize, place: usize) {
        self.within[truth] += u64::from(place < OFFERED);
        let mut first: Vec<usize> = Vec::with_capacity(OFFERED + 1);
        for class in 0..logits.len().min(self.offered.len()) {
            // Of equal ones the first class comes first, as in the choice.
            let at = first.partition_point(|other| logits[*other].total_cmp(&logits[class]).is_ge());
            if at < OFFERED {
                first.insert(at, class);
                first.truncate(OFFERED);
            }
        }
        first.into_iter().for_each(|class| self.offered[class] = true);
    }

    /// Adds what other samples added up.
    pub fn merge(&mut self, other: &Self) {
        self.within.iter_mut().zip(&other.within).for_each(|(within, more)| *within += more);
        self.offered.iter_mut().zip(&other.offered).for_each(|(offered, more)| *offered |= more);
    }

    /// What follows, with the choices of the same samples.
    #[must_use]
    pub fn found(&self, counts: &Confusion) -> Found {
        let Training { counts: trained, other } = &self.training;
        let is_word = |class: usize| Some(class) != *other;
        let bucket = |bucket: Bucket| {
            let is_in = |class: usize| is_word(class) && Bucket::of(trained[class]) == Some(bucket);
            (bucket.name().to_owned(), BucketScores::of(counts, &self.within, is_in))
        };
        let (classes, samples, [_, taken]) = (counts.classes(), counts.samples(), counts.margins());
        let covered = |number: usize| (samples > 0).then(|| number as f64 / classes as f64);
        let spread = Spread::of(counts);
        Found {
            buckets: Bucket::ALL.map(bucket).into_iter().collect(),
            coverage: spread.and_then(|spread| covered(spread.distinct)),
            coverage_top5: covered(self.offered.iter().filter(|offered| **offered).count()),
            spread,
            other_share: other.filter(|_| samples > 0).map(|other| taken[other] as f64 / samples as f64),
            learned: Learned::of(counts, is_word),
        }
    }
}
