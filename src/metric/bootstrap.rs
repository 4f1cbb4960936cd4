//! How much scores depend on the groups of samples that happened to be in the set: the percentile bootstrap over groups
//! (Efron 1979). Samples of one group - the windows of a storm, the frames of a film - resemble each other, so whole
//! groups are drawn, never samples.
//!
//! 1000 times, as many groups as exist are drawn with replacement, and their sums give a score. The interval is between
//! the 2.5 % and 97.5 % quantiles of these scores, with linear interpolation as in numpy. There is none with fewer than
//! [`MIN_GROUPS`], for a score that is undefined over all groups, or if it is undefined in more than 50 of the 1000
//! resamples; fewer than that are left out.

use rand_chacha::rand_core::RngCore;
use rayon::prelude::*;

use super::pooled::Pooled;
use crate::util::seed;

const RESAMPLES: usize = 1000;

/// With fewer groups than this there are too few distinct draws to estimate chance.
pub const MIN_GROUPS: usize = 5;

/// The number of resamples that may leave a score undefined.
const MAX_FAILED: usize = 50;

/// The ends of the interval, as shares of the resamples.
const QUANTILES: [f64; 2] = [0.025, 0.975];

/// The 95 % interval of each score, in the order of the scores; nothing without groups. The same seed gives the same intervals.
#[must_use]
pub fn intervals<P: Pooled>(groups: &[P], seed: u64) -> Vec<Option<[f64; 2]>> {
    let all: Vec<usize> = (0..groups.len()).collect();
    let samples = resampled(groups.len(), seed, |drawn| scores(groups, drawn));
    of_each(&scores(groups, &all), &samples)
}

/// The 95 % interval of the difference of each score between two forecasts of the same groups, in the same order: each
/// resample draws the same groups for both. Nothing if one has more groups than the other.
#[must_use]
pub fn differences<P: Pooled>(current: &[P], baseline: &[P], seed: u64) -> Vec<Option<[f64; 2]>> {
    let groups = if current.len() == baseline.len() { current.len() } else { 0 };
    let between = |drawn: &[usize]| -> Vec<Option<f64>> {
        let pairs = scores(current, drawn).into_iter().zip(scores(baseline, drawn));
        pairs.map(|(current, baseline)| Some(current? - baseline?)).collect()
    };
    let all: Vec<usize> = (0..groups).collect();
    let samples = resampled(groups, seed, between);
    of_each(&between(&all), &samples)
}

/// The scores of the sum over these groups.
fn scores<P: Pooled>(groups: &[P], drawn: &[usize]) -> Vec<Option<f64>> {
    let Some(first) = groups.first() else { return Vec::new() };
    let mut sum = first.none();
    drawn.iter().for_each(|&group| sum.add(&groups[group]));
    sum.scores()
}

/// The scores of each resample; with few groups they say little about chance.
fn resampled(groups: usize, seed: u64, scores: impl Fn(&[usize]) -> Vec<Option<f64>> + Sync) -> Vec<Vec<Option<f64>>> {
    if groups < MIN_GROUPS {
        return Vec::new();
    }
    (0..RESAMPLES).into_par_iter().map(|resample| scores(&draw(groups, seed, resample))).collect()
}

/// As many groups as there are, any of them any number of times.
fn draw(groups: usize, seed: u64, resample: usize) -> Vec<usize> {
    // The purpose is a part of the seed: another text would draw other groups.
    let mut random = seed::generator(seed, "bootstrap over events", 0, resample as u64);
    // The upper half of a product is below its factor. The bias, groups / 2^64, is too small to notice.
    let mut group = || ((u128::from(random.next_u64()) * groups as u128) >> 64) as usize;
    (0..groups).map(|_| group()).collect()
}

fn of_each(whole: &[Option<f64>], samples: &[Vec<Option<f64>>]) -> Vec<Option<[f64; 2]>> {
    let of = |(index, score): (usize, &Option<f64>)| {
        let values = samples.iter().filter_map(|scores| scores[index]).filter(|value| value.is_finite());
        score.and_then(|_| interval(values.collect()))
    };
    whole.iter().enumerate().map(of).collect()
}

fn interval(mut values: Vec<f64>) -> Option<[f64; 2]> {
    if values.len() + MAX_FAILED < RESAMPLES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some(QUANTILES.map(|share| {
        let place = share * (values.len() - 1) as f64;
        let below = place as usize;
        let above = (below + 1).min(values.len() - 1);
        values[below] + (values[above] - values[below]) * (place - below as f64)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits and misses; the scores are the share of hits, and the number of hits per miss.
    #[derive(Clone)]
    struct Group {
        hits: u64,
        misses: u64,
    }

    impl Pooled for Group {
        fn none(&self) -> Self {
            Self { hits: 0, misses: 0 }
        }

        fn add(&mut self, other: &Self) {
            self.hits += other.hits;
            self.misses += other.misses;
        }

        fn scores(&self) -> Vec<Option<f64>> {
            let ratio = |below: u64| (below > 0).then(|| self.hits as f64 / below as f64);
            vec![ratio(self.hits + self.misses), ratio(self.misses)]
        }
    }

    fn group(hits: u64, misses: u64) -> Group {
        Group { hits, misses }
    }

    #[test]
    fn an_interval_holds_the_score_and_is_that_of_the_binomial_distribution() {
        // 100 groups, half of them hit: the share of hits among those drawn has a standard deviation of 0.05.
        let groups: Vec<Group> = (0..100).map(|index| group(index % 2, (index + 1) % 2)).collect();
        let [low, high] = intervals(&groups, 42)[0].unwrap();
        assert!((low - 0.402).abs() < 0.02 && (high - 0.598).abs() < 0.02, "{low} to {high}");
        assert_eq!(intervals(&groups, 42), intervals(&groups, 42));
        assert_ne!(intervals(&groups, 43)[0], Some([low, high]));
    }

    #[test]
    fn there_is_no_interval_of_few_groups_or_if_a_score_is_often_undefined() {
        let groups: Vec<Group> = (0..5).map(|index| group(1 + index, 3)).collect();
        assert_eq!(intervals(&groups[..4], 1), [None, None]);
        assert!(intervals(&groups, 1)[0].is_some());
        let mostly_quiet: Vec<Group> = (0..10).map(|index| group(u64::from(index == 0), 0)).collect();
        assert_eq!(intervals(&mostly_quiet, 1), [None, None]);
        assert!(intervals::<Group>(&[], 1).is_empty());
    }

    #[test]
    fn what_two_forecasts_share_does_not_blur_their_difference() {
        let current: Vec<Group> = (0..20).map(|index| group(50 + index * 5, 50)).collect();
        assert_eq!(differences(&current, &current, 7)[0], Some([0.0, 0.0]));
        let baseline: Vec<Group> = (0..20).map(|index| group(49 + index * 5, 51)).collect();
        let width = |[low, high]: [f64; 2]| high - low;
        let alone = width(intervals(&current, 7)[0].unwrap());
        let paired = width(differences(&current, &baseline, 7)[0].unwrap());
        assert!(paired > 0.0 && paired < alone / 20.0, "{paired} of {alone}");
        assert!(differences(&current, &baseline[1..], 7).iter().all(Option::is_none));
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile(numpy.arange(1000) ** 2, [0.025, 0.975])
        let squares = (0..1000).map(|value| f64::from(value * value)).collect();
        let [low, high] = interval(squares).unwrap();
        assert!((low - 623.775).abs() < 1e-9 && (high - 948_724.725).abs() < 1e-6, "{low} {high}");
    }
}
