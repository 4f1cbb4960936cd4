//! What `metrics.json` has of a classifier beyond scores: enough for its page, and to compare two models sample by sample.

use serde::{Deserialize, Serialize};

use super::long_tail::Found;
use super::scores::ClassScoresSum;
use crate::metric::classes::confusion::ClassScores;
use crate::util::sha256::Digest;

/// The key of what `metrics.json` has beyond scores.
pub const SECTION: &str = "classes";

/// The most confused pairs that it lists; `confusion_matrix.csv` has all.
const PAIRS: usize = 5000;

/// What `metrics.json` has beyond scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// What people call the classes, in the order of the model's outputs.
    pub labels: Vec<String>,
    /// The folders of the classes, which identify them as in the tables.
    #[serde(default)]
    pub names: Vec<String>,
    /// The scores of each class.
    pub by_class: Vec<ClassScores>,
    /// True class, predicted class, count: the most frequent first.
    pub confused: Vec<(usize, usize, u64)>,
    /// For each sample, in the order of the records: 2 if the choice was right, 1 if one of the first five was, else 0. Two
    /// models of one dataset are compared by these.
    pub right: String,
    /// The digest of the numbers of these records.
    #[serde(rename = "images")]
    pub samples: Digest,
    /// The temperature at which probabilities are reported.
    pub temperature: f64,
    /// Samples, mean probability of the choice, share of right choices, for ranges of that probability.
    pub reliability: Vec<(u64, f64, f64)>,
    /// The same at temperature 1.
    pub reliability_raw: Vec<(u64, f64, f64)>,
    /// What is found of many classes with few samples, if it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_tail: Option<Found>,
}

impl Section {
    pub(super) fn of<K: Clone>(sum: &ClassScoresSum<K>) -> Self {
        let [reliability, reliability_raw] = sum.reliability();
        let mut records = sum.right.clone();
        records.sort_unstable();
        let numbers: Vec<u8> = records.iter().flat_map(|(record, _)| (*record as u64).to_le_bytes()).collect();
        Self {
            labels: sum.labels().to_vec(),
            names: sum.names().to_vec(),
            by_class: sum.confusion.by_class(),
            confused: sum.confusion.most_confused(PAIRS),
            right: records.iter().map(|(_, right)| digit(*right)).collect(),
            samples: Digest::of(&numbers),
            temperature: sum.temperature(),
            reliability,
            reliability_raw,
            long_tail: sum.long_tail(),
        }
    }
}

fn digit([first, within]: [bool; 2]) -> char {
    match (first, within) {
        (true, _) => '2',
        (false, true) => '1',
        (false, false) => '0',
    }
}
