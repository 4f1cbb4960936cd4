//! The sums of one event, as a group for resampling: of one forecast, or of two that are compared.

use super::sums::{LeadSums, Levels};
use crate::metric::better::Better;
use crate::metric::pooled::Pooled;

/// The sums of an event, with the thresholds and scales that they were measured at.
#[derive(Clone, Debug)]
pub struct OfEvent<'a> {
    /// The sums.
    pub sums: LeadSums,
    /// What they were measured at.
    pub levels: &'a Levels,
}

impl Pooled for OfEvent<'_> {
    fn none(&self) -> Self {
        Self { sums: LeadSums::none(self.levels), levels: self.levels }
    }

    fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
    }

    fn scores(&self) -> Vec<Option<f64>> {
        self.sums.scores(self.levels)
    }
}

/// The sums of an event of two forecasts. Its scores are how much better the first one is, so that a resample draws the
/// same events for both.
#[derive(Clone, Debug)]
pub struct OfPair<'a> {
    /// The forecast whose gain is asked for.
    pub one: OfEvent<'a>,
    /// The one that it is compared with.
    pub other: OfEvent<'a>,
    /// Which way each score gets better.
    pub ways: &'a [Better],
}

impl Pooled for OfPair<'_> {
    fn none(&self) -> Self {
        Self { one: self.one.none(), other: self.other.none(), ways: self.ways }
    }

    fn add(&mut self, other: &Self) {
        self.one.add(&other.one);
        self.other.add(&other.other);
    }

    fn scores(&self) -> Vec<Option<f64>> {
        let pairs = self.one.scores().into_iter().zip(self.other.scores());
        pairs.zip(self.ways).map(|((one, other), better)| Some(better.gain(one?, other?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::bootstrap::intervals;
    use crate::metric::forecast::contingency::Contingency;
    use crate::metric::forecast::scores::specs;

    #[test]
    fn what_is_drawn_for_one_forecast_is_drawn_for_the_other() {
        let levels =
            Levels { thresholds: vec![20.0], scales_px: Vec::new(), span: 94.0, unit: "dBZ".into(), frames: None };
        let ways: Vec<Better> = specs(&levels).into_iter().map(|spec| spec.better).collect();
        let of = |hits: u64| {
            let mut sums = LeadSums::none(&levels);
            sums.events[0] = Contingency { hits, misses: 100 - hits, ..Contingency::default() };
            OfEvent { sums, levels: &levels }
        };
        // Events differ by far more than the two forecasts of each, which differ by the same in all.
        let pair = |event: u64| OfPair { one: of(5 + 10 * event), other: of(10 * event), ways: &ways };
        let pairs: Vec<OfPair<'_>> = (0..8).map(pair).collect();
        let [low, high] = intervals(&pairs, 42)[0].unwrap();
        assert!((low - 0.05).abs() < 1e-12 && (high - 0.05).abs() < 1e-12, "{low} to {high}");
        assert_eq!(intervals(&pairs[..1], 42)[0], None);
        let far = specs(&levels).iter().position(|spec| spec.name == "far_20").unwrap();
        assert_eq!(pairs[1].scores()[far], Some(0.0), "neither has a false alarm");
    }
}
