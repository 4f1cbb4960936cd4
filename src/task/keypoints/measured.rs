//! How long sequences are and how often parts of the body were not seen, on each side: what `inspect` and the page of a run say
//! of a dataset. A pure function of what is known of its sequences.

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use crate::data::split::Side;

/// Ranges of lengths, at most.
const RANGES: usize = 30;

/// What is known of the sequences of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The parts of the body, in the order of the shares.
    pub parts: Vec<String>,
    /// The width of a range of lengths, in frames.
    pub range: usize,
    /// The sides that have sequences.
    pub sides: Vec<OfSide>,
}

/// What is known of the sequences of a side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfSide {
    /// Its name.
    pub side: String,
    /// Its sequences.
    pub sequences: usize,
    /// How many frames they have as they are stored.
    pub frames: Lengths,
    /// Sequences by length: the first length of a range, and how many are in it.
    pub lengths: Vec<[usize; 2]>,
    /// The share of frames in which each part was not seen.
    pub unseen: Vec<f64>,
    /// Sequences that never show a part.
    pub never: Vec<usize>,
}

/// How many frames sequences have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// The shortest.
    pub least: usize,
    /// Half have fewer.
    pub median: usize,
    /// 95 of 100 have fewer.
    pub p95: usize,
    /// The longest.
    pub most: usize,
}

impl Lengths {
    /// Those of sequences with so many frames.
    #[must_use]
    pub fn of(mut frames: Vec<usize>) -> Self {
        frames.sort_unstable();
        let at =
            |percent: usize| frames.get((frames.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(0);
        Self { least: at(0), median: at(50), p95: at(95), most: at(100) }
    }
}

impl Measured {
    /// What is known of a dataset, whose parts of the body are these.
    #[must_use]
    pub fn of(dataset: &Dataset, parts: Vec<String>) -> Self {
        let frames = |record: &usize| dataset.facts.samples[*record].frames;
        let sides = [Side::Train, Side::Val, Side::Test].map(|side| (side, dataset.of(side)));
        let lengths: Vec<usize> = sides.iter().flat_map(|(_, records)| records.iter().map(frames)).collect();
        let Lengths { least, most, .. } = Lengths::of(lengths);
        let range = (most + 1 - least).div_ceil(RANGES).max(1);
        let side = |(side, records): &(Side, Vec<usize>)| {
            let samples = || records.iter().map(|record| &dataset.facts.samples[*record]);
            let all: usize = samples().map(|sample| sample.frames_before).sum();
            let gone = |part: usize| samples().filter_map(|sample| sample.unseen.get(part)).sum::<usize>();
            let never =
                |part: usize| samples().filter(|sample| sample.unseen.get(part) == Some(&sample.frames_before)).count();
            let lengths: Vec<usize> = records.iter().map(frames).collect();
            OfSide {
                side: side.name().to_owned(),
                sequences: records.len(),
                frames: Lengths::of(lengths.clone()),
                lengths: ranges(&lengths, least, range),
                unseen: (0..parts.len()).map(|part| gone(part) as f64 / all.max(1) as f64).collect(),
                never: (0..parts.len()).map(never).collect(),
            }
        };
        let sides = sides.iter().filter(|(_, records)| !records.is_empty()).map(side).collect();
        Self { parts, range, sides }
    }
}

/// How many lengths are in each range, those without any left out.
fn ranges(lengths: &[usize], least: usize, range: usize) -> Vec<[usize; 2]> {
    let mut counts = std::collections::BTreeMap::new();
    for length in lengths {
        *counts.entry(least + (length - least) / range * range).or_insert(0) += 1;
    }
    counts.into_iter().map(|(from, count)| [from, count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_in_one_range() {
        assert_eq!(ranges(&[3, 4, 5, 9, 30], 3, 3), [[3, 3], [9, 1], [30, 1]]);
        assert_eq!(ranges(&[], 0, 1), [[0; 2]; 0]);
    }

    #[test]
    fn lengths_of_nothing_are_zero_and_others_are_in_order() {
        assert_eq!(Lengths::of(Vec::new()), Lengths::default());
        let of = Lengths::of((1..=100).rev().collect());
        assert_eq!((of.least, of.median, of.p95, of.most), (1, 51, 95, 100));
    }
}
