//! Precision and recall by confidence, and at the confidence that serves all classes best.

use serde::Serialize;

use super::curve::{Curve, between};

/// Confidences from 0 to 1 at which curves are looked at.
pub(super) const CONFIDENCES: usize = 1000;

/// The curve that the best confidence is taken from is a mean over so many of them.
const SMOOTHED: usize = 101;

/// A denominator is never 0.
const TINY: f64 = 1e-16;

/// Precision, recall and F1 of a class, for each of 1,000 confidences from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Of what was found, the share that is right.
    pub precision: Vec<f64>,
    /// Of what is there, the share that was found.
    pub recall: Vec<f64>,
    /// Both in one number.
    pub f1: Vec<f64>,
}

impl Best {
    /// The curves of detections with these scores, the surest first.
    pub(super) fn of(curve: &Curve, scores: &[f32]) -> Self {
        let rising: Vec<f64> = scores.iter().map(|score| -f64::from(*score)).collect();
        let at = |values: &[f64], above: f64| -> Vec<f64> {
            let one = |number: usize| match (-confidence(number), rising.first()) {
                (_, None) => 0.0,
                (at, Some(surest)) if at < *surest => above,
                (at, _) => between(&rising, values, at),
            };
            (0..CONFIDENCES).map(one).collect()
        };
        let (precision, recall) = (at(&curve.precision, 1.0), at(&curve.recall, 0.0));
        let f1 = precision.iter().zip(&recall).map(|(precision, recall)| f1(*precision, *recall)).collect();
        Self { precision, recall, f1 }
    }
}

/// The confidence of this number.
pub(super) fn confidence(number: usize) -> f64 {
    number as f64 / (CONFIDENCES - 1) as f64
}

pub(super) fn f1(precision: f64, recall: f64) -> f64 {
    2.0 * precision * recall / (precision + recall + TINY)
}

/// The number of the confidence with the largest mean F1, once that is smoothed; of equal ones the lowest.
pub(super) fn best<'a>(classes: impl Iterator<Item = &'a Best>) -> usize {
    let mut mean = vec![0.0; CONFIDENCES];
    for class in classes {
        mean.iter_mut().zip(&class.f1).for_each(|(mean, f1)| *mean += f1);
    }
    let half = SMOOTHED / 2;
    let at = |number: usize| -> f64 {
        (0..SMOOTHED).map(|step| mean[(number + step).saturating_sub(half).min(CONFIDENCES - 1)]).sum()
    };
    let smooth: Vec<f64> = (0..CONFIDENCES).map(at).collect();
    (1..CONFIDENCES).fold(0, |best, number| if smooth[number] > smooth[best] { number } else { best })
}
