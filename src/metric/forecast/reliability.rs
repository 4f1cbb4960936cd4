//! The reliability of forecast intensities: the mean observation by forecast intensity, in ranges of a round width, and
//! how often each intensity is forecast and observed. Not a score.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::util::step::Step;

/// Sums hold normalised values as multiples of 1 / this: whole numbers add up the same in any order.
const PER_VALUE: f64 = (1_u64 << 32) as f64;

/// Steps between the weakest byte, 1, and the strongest, 255.
const STEPS: f64 = 254.0;

/// The cells with a forecast in a range of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The range: from this,
    #[serde(alias = "from_dbz")]
    pub from: f64,
    /// to this.
    #[serde(alias = "to_dbz")]
    pub to: f64,
    /// Cells with such a forecast.
    pub cells: u64,
    /// Cells with such an observation.
    pub observed_cells: u64,
    /// What was forecast in them on average.
    #[serde(alias = "mean_forecast_dbz")]
    pub mean_forecast: Option<f64>,
    /// What was observed in them on average.
    #[serde(alias = "mean_observed_dbz")]
    pub mean_observed: Option<f64>,
}

/// Sums for each range of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reliability {
    scale: Scale,
    bins: Vec<Bin>,
}

/// The scale of bytes and normalised values, with the ranges on it.
#[derive(Clone, Debug)]
struct Scale {
    min: f64,
    span: f64,
    /// The width of a range.
    step: Step,
    /// The lower end of the first range, in steps from 0.
    first: i64,
    bins: usize,
    /// The range of each byte.
    of_byte: Vec<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    cells: u64,
    observed_cells: u64,
    forecast: i128,
    observed: i128,
}

impl AddAssign for Bin {
    fn add_assign(&mut self, other: Self) {
        self.cells += other.cells;
        self.observed_cells += other.observed_cells;
        self.forecast += other.forecast;
        self.observed += other.observed;
    }
}

impl PartialEq for Scale {
    fn eq(&self, other: &Self) -> bool {
        let bits = |scale: &Self| [scale.min, scale.span, scale.step.times(1)].map(f64::to_bits);
        bits(self) == bits(other)
    }
}

impl Eq for Scale {}

impl Scale {
    fn new(min: f64, span: f64, step: Step) -> Self {
        let width = step.times(1);
        let first = (min / width).floor() as i64;
        let bins = ((min + span - step.times(first)) / width).ceil().max(1.0) as usize;
        let mut scale = Self { min, span, step, first, bins, of_byte: Vec::new() };
        scale.of_byte = (0..=255_u8).map(|byte| scale.bin((f64::from(byte) - 1.0) / STEPS)).collect();
        scale
    }

    /// The range of a normalised value: the nearest, outside the scale.
    fn bin(&self, value: f64) -> usize {
        // Values on the border of two ranges belong to the upper one, regardless of rounding to f32.
        let place = (self.min + value * self.span - self.step.times(self.first)) / self.step.times(1) + 1e-6;
        (place.max(0.0) as usize).min(self.bins - 1)
    }

    fn mean(&self, sum: f64, cells: u64) -> Option<f64> {
        (cells > 0).then(|| self.min + sum / cells as f64 * self.span)
    }
}

impl Reliability {
    /// Empty sums, on a scale that begins at `min` and is `span` long, in ranges of a step.
    #[must_use]
    pub fn none(min: f64, span: f64, step: Step) -> Self {
        let scale = Scale::new(min, span, step);
        Self { bins: vec![Bin::default(); scale.bins], scale }
    }

    /// Adds forecast cells, normalised, and the bytes observed at them. What is missing (0) is left out; a cell without a
    /// forecast (NaN) is a forecast of no echo.
    pub fn add_cells(&mut self, forecast: &[f32], observed: &[u8]) {
        for (&value, &byte) in forecast.iter().zip(observed).filter(|&(_, &byte)| byte != 0) {
            let value = if value.is_nan() { 0.0 } else { f64::from(value) };
            let bin = &mut self.bins[self.scale.bin(value)];
            bin.cells += 1;
            bin.forecast += i128::from((value * PER_VALUE) as i64);
            bin.observed += i128::from(byte - 1);
            self.bins[self.scale.of_byte[usize::from(byte)]].observed_cells += 1;
        }
    }

    /// Adds other sums on the same scale.
    ///
    /// # Panics
    /// If the other scale is another one.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.scale, other.scale, "reliability on two scales");
        self.bins.iter_mut().zip(&other.bins).for_each(|(bin, other)| *bin += *other);
    }

    /// The ranges from weak to strong.
    #[must_use]
    pub fn bins(&self) -> Vec<ReliabilityBin> {
        let of_bin = |(index, bin): (usize, &Bin)| {
            let edge = |index: usize| self.scale.step.times(self.scale.first + index as i64);
            ReliabilityBin {
                from: edge(index),
                to: edge(index + 1),
                cells: bin.cells,
                observed_cells: bin.observed_cells,
                mean_forecast: self.scale.mean(bin.forecast as f64 / PER_VALUE, bin.cells),
                mean_observed: self.scale.mean(bin.observed as f64 / STEPS, bin.cells),
            }
        };
        self.bins.iter().enumerate().map(of_bin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?}, expected {expected}");
    }

    #[test]
    fn cells_are_counted_in_the_range_of_their_forecast_and_in_that_of_their_observation() {
        // 1 dBZ a step: the byte b is b - 1 dBZ.
        let mut sums = Reliability::none(0.0, 254.0, Step::at_least(5.0));
        let dbz = |dbz: f32| dbz / 254.0;
        sums.add_cells(&[dbz(12.0), dbz(14.0), dbz(14.0), f32::NAN, dbz(10.0)], &[21, 24, 0, 3, 11]);
        let bins = sums.bins();
        assert_eq!((bins.len(), bins[0].from, bins[50].to), (51, 0.0, 255.0));
        assert_eq!((bins[2].cells, bins[2].observed_cells, bins[4].observed_cells), (3, 1, 2));
        near(bins[2].mean_forecast, 12.0);
        near(bins[2].mean_observed, (20.0 + 23.0 + 10.0) / 3.0);
        assert_eq!((bins[0].cells, bins[0].mean_forecast), (1, Some(0.0)));
        assert_eq!(bins[4].mean_forecast, None);
        assert_eq!(bins.iter().map(|bin| bin.observed_cells).sum::<u64>(), 4);
    }

    #[test]
    fn ranges_end_at_multiples_of_5_and_hold_the_whole_scale() {
        let mut sums = Reliability::none(-29.0, 94.0, Step::at_least(5.0));
        sums.add_cells(&[0.0, 1.0, 1.5, -0.5], &[1, 255, 255, 1]);
        let bins = sums.bins();
        assert_eq!((bins[0].from, bins.last().unwrap().to, bins.len()), (-30.0, 65.0, 19));
        assert_eq!((bins[0].cells, bins[18].cells, bins[18].observed_cells), (2, 2, 2));
    }

    #[test]
    fn parts_add_up_to_the_whole_in_any_order() {
        let forecast: Vec<f32> = (0..1000).map(|index| (index * 37 % 1000) as f32 / 999.0).collect();
        let observed: Vec<u8> = (0..1000_u32).map(|index| (index * 91 % 256) as u8).collect();
        let of = |cells: std::ops::Range<usize>| {
            let mut sums = Reliability::none(-29.0, 94.0, Step::at_least(5.0));
            sums.add_cells(&forecast[cells.clone()], &observed[cells]);
            sums
        };
        let (whole, [mut one, mut other]) = (of(0..1000), [of(0..300), of(300..1000)]);
        let first = one.clone();
        one.add(&other);
        other.add(&first);
        assert_eq!(one, whole);
        assert_eq!(other, whole);
    }
}
