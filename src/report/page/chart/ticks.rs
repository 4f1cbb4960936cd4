//! The horizontal axis: the positions of places on it, and which of them are labelled.

use crate::report::curves::{Tick, round_step};

/// The share of the width that stays free at each side.
const MARGIN: f64 = 0.02;

/// A horizontal axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Across {
    from: f64,
    to: f64,
}

impl Across {
    /// An axis with all places; `None` if there are none.
    pub(super) fn over(places: &[f64]) -> Option<Self> {
        let places = || places.iter().copied().filter(|place| place.is_finite());
        let (from, to) = (places().reduce(f64::min)?, places().reduce(f64::max)?);
        Some(Self { from, to })
    }

    /// The position of a place: 0 at the left end, 1 at the right one.
    pub(super) fn share(&self, place: f64) -> f64 {
        match self.to - self.from {
            width if width > 0.0 => MARGIN + (1.0 - 2.0 * MARGIN) * (place - self.from) / width,
            _ => 0.5,
        }
    }

    /// About this many round numbers; whole ones if all places are whole.
    pub(super) fn ticks(&self, most: usize, places: &[f64]) -> Vec<Tick> {
        let is_whole = places.iter().all(|place| place.fract() == 0.0);
        let width = self.to - self.from;
        if width <= 0.0 {
            return vec![Tick { value: self.from, label: label(self.from, 0) }];
        }
        let least = width / most.max(1) as f64;
        let (digit, exponent) = round_step(if is_whole { least.max(1.0) } else { least });
        let step = digit * 10_f64.powi(exponent);
        let first = (self.from / step).ceil() as i64;
        let decimals = (-exponent).max(0) as usize;
        let values = (first..).map(|number| number as f64 * step).take_while(|value| *value <= self.to);
        values.take(most + 1).map(|value| Tick { value, label: label(value, decimals) }).collect()
    }
}

fn label(value: f64, decimals: usize) -> String {
    match decimals {
        0 if value.fract() != 0.0 => format!("{value:.1}"),
        _ => format!("{value:.decimals$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(places: &[f64]) -> Vec<String> {
        let across = Across::over(places).unwrap();
        across.ticks(6, places).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_and_whole_where_places_are() {
        assert_eq!(labels(&[1.0, 2.0, 3.0]), ["1", "2", "3"]);
        assert_eq!(labels(&[1.0, 100.0]), ["20", "40", "60", "80", "100"]);
        assert_eq!(labels(&[5.0, 35.0]), ["5", "10", "15", "20", "25", "30", "35"]);
        assert_eq!(labels(&[0.25, 0.5]), ["0.25", "0.30", "0.35", "0.40", "0.45", "0.50"]);
        assert_eq!(labels(&[7.0]), ["7"]);
        assert_eq!(labels(&[4.3]), ["4.3"]);
    }

    #[test]
    fn a_single_place_stands_in_the_middle_and_nowhere_has_no_axis() {
        assert_eq!(Across::over(&[3.0]).unwrap().share(3.0), 0.5);
        assert!(Across::over(&[]).is_none() && Across::over(&[f64::NAN]).is_none());
        let across = Across::over(&[1.0, 3.0]).unwrap();
        assert!(across.share(1.0) > 0.0 && across.share(3.0) < 1.0 && (across.share(2.0) - 0.5).abs() < 1e-12);
    }
}
