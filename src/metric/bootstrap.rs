//! How much scores depend on which events happened to be there: the percentile bootstrap over events (Efron 1979). Windows
//! of one event resemble each other, so whole events are drawn, never windows.
//!
//! As many events as there are, are drawn with replacement, 1000 times; the sums of those drawn give a score. Between the
//! 2.5 % and 97.5 % quantiles of these scores lies the interval, with linear interpolation as in numpy. There is none with
//! fewer than two events, for a score that is no number over all events, or where it is no number in more than 50 of the
//! 1000 resamples; fewer than that are left out.

use std::collections::BTreeMap;

use rand_chacha::rand_core::RngCore;
use rayon::prelude::*;

use super::sums::{LeadSums, Levels, Score};
use crate::util::seed;

const RESAMPLES: usize = 1000;

/// So many resamples may give no number.
const MAX_FAILED: usize = 50;

/// The ends of the interval, as shares of the resamples.
const QUANTILES: [f64; 2] = [0.025, 0.975];

/// The 95 % interval of each score. The same seed gives the same intervals.
#[must_use]
pub fn intervals(events: &[LeadSums], levels: &Levels, seed: u64) -> BTreeMap<String, Option<[f64; 2]>> {
    let whole = LeadSums::of(events.iter(), levels).scores(levels);
    let samples = resampled(events.len(), seed, |drawn| {
        LeadSums::of(drawn.iter().map(|&event| &events[event]), levels)
            .scores(levels)
            .iter()
            .map(|score| score.value)
            .collect()
    });
    by_name(&whole, &samples)
}

/// Half the width of the 95 % interval of the difference of each score between two forecasts of the same events, in the same
/// order: each resample draws the same events for both. None for all, where one has more events than the other.
#[must_use]
pub fn differences(
    current: &[LeadSums],
    baseline: &[LeadSums],
    levels: &Levels,
    seed: u64,
) -> BTreeMap<String, Option<f64>> {
    let events = if current.len() == baseline.len() { current.len() } else { 0 };
    let both = |drawn: &[usize]| {
        [current, baseline].map(|events| LeadSums::of(drawn.iter().map(|&event| &events[event]), levels).scores(levels))
    };
    let between = |[current, baseline]: [Vec<Score>; 2]| -> Vec<Option<f64>> {
        let pairs = current.iter().zip(&baseline);
        pairs.map(|(current, baseline)| Some(current.value? - baseline.value?)).collect()
    };
    let all: Vec<usize> = (0..events).collect();
    let mut whole = both(&all)[0].clone();
    whole.iter_mut().zip(between(both(&all))).for_each(|(score, difference)| score.value = difference);
    let samples = resampled(events, seed, |drawn| between(both(drawn)));
    let half = |interval: Option<[f64; 2]>| interval.map(|[low, high]| (high - low) / 2.0);
    by_name(&whole, &samples).into_iter().map(|(name, interval)| (name, half(interval))).collect()
}

/// The scores of each resample; without two events there is nothing to draw from.
fn resampled(events: usize, seed: u64, scores: impl Fn(&[usize]) -> Vec<Option<f64>> + Sync) -> Vec<Vec<Option<f64>>> {
    if events < 2 {
        return Vec::new();
    }
    (0..RESAMPLES).into_par_iter().map(|resample| scores(&draw(events, seed, resample))).collect()
}

/// As many events as there are, any of them any number of times.
fn draw(events: usize, seed: u64, resample: usize) -> Vec<usize> {
    let mut random = seed::generator(seed, "bootstrap over events", 0, resample as u64);
    // The upper half of a product is below its factor. The bias, events / 2^64, is none that anyone could see.
    let mut event = || ((u128::from(random.next_u64()) * events as u128) >> 64) as usize;
    (0..events).map(|_| event()).collect()
}

fn by_name(whole: &[Score], samples: &[Vec<Option<f64>>]) -> BTreeMap<String, Option<[f64; 2]>> {
    let of = |(index, score): (usize, &Score)| {
        let values: Vec<f64> =
            samples.iter().filter_map(|scores| scores[index]).filter(|value| value.is_finite()).collect();
        (score.name.clone(), score.value.and_then(|_| interval(values)))
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
    use crate::metric::contingency::Contingency;

    fn levels() -> Levels {
        Levels { thresholds_dbz: vec![35.0], scales_px: vec![1], span_dbz: 94.0 }
    }

    fn event(hits: u64, misses: u64) -> LeadSums {
        let mut sums = LeadSums::none(&levels());
        sums.events[0] = Contingency { hits, misses, ..Contingency::default() };
        sums
    }

    #[test]
    fn an_interval_holds_the_score_and_is_that_of_the_binomial_distribution() {
        // 100 events, half of them hit: the share of hits among those drawn has a standard deviation of 0.05.
        let events: Vec<LeadSums> = (0..100).map(|index| event(index % 2, (index + 1) % 2)).collect();
        let [low, high] = intervals(&events, &levels(), 42)["pod_35"].unwrap();
        assert!((low - 0.402).abs() < 0.02 && (high - 0.598).abs() < 0.02, "{low} to {high}");
        assert_eq!(intervals(&events, &levels(), 42), intervals(&events, &levels(), 42));
        assert_ne!(intervals(&events, &levels(), 43)["pod_35"], Some([low, high]));
    }

    #[test]
    fn there_is_no_interval_without_two_events_or_where_a_score_is_often_no_number() {
        assert_eq!(intervals(&[event(1, 1)], &levels(), 1)["pod_35"], None);
        let mostly_quiet: Vec<LeadSums> = (0..10).map(|index| event(u64::from(index == 0), 0)).collect();
        assert_eq!(intervals(&mostly_quiet, &levels(), 1)["pod_35"], None);
        assert_eq!(intervals(&mostly_quiet, &levels(), 1)["rmse_dbz"], None);
        assert!(intervals(&[], &levels(), 1)["csi_35"].is_none());
    }

    #[test]
    fn what_two_forecasts_share_does_not_blur_their_difference() {
        let current: Vec<LeadSums> = (0..20).map(|index| event(50 + index * 5, 50)).collect();
        assert_eq!(differences(&current, &current, &levels(), 7)["csi_35"], Some(0.0));
        let baseline: Vec<LeadSums> = (0..20).map(|index| event(49 + index * 5, 51)).collect();
        let [low, high] = intervals(&current, &levels(), 7)["csi_35"].unwrap();
        let half = differences(&current, &baseline, &levels(), 7)["csi_35"].unwrap();
        assert!(half > 0.0 && half < (high - low) / 20.0, "{half} of {low} to {high}");
        assert_eq!(differences(&current, &baseline[1..], &levels(), 7)["csi_35"], None);
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile(numpy.arange(1000) ** 2, [0.025, 0.975])
        let squares = (0..1000).map(|value| f64::from(value * value)).collect();
        let [low, high] = interval(squares).unwrap();
        assert!((low - 623.775).abs() < 1e-9 && (high - 948_724.725).abs() < 1e-6, "{low} {high}");
    }
}
