//! Precision over recall, and the area below it.

use serde::{Deserialize, Serialize};

/// How the area below the curve is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Definition {
    /// The area of the joined points at 101 recalls, which ends where the curve does.
    #[default]
    Yolo,
    /// The mean precision at 101 recalls.
    Coco,
    /// As older trainers of YOLO measured it: the end of the curve is joined to precision 0 at recall 1.
    YoloLegacy,
}

/// The recalls at which curves are looked at, less one.
const STEPS: usize = 100;

/// A detection on a curve, the surest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub is_right: bool,
    /// How often it counts.
    pub times: f64,
}

/// Precision and recall, detection by detection.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    pub precision: Vec<f64>,
    pub recall: Vec<f64>,
}

impl Curve {
    /// That of detections, the surest first, for so many objects.
    pub fn of(points: impl Iterator<Item = Point>, objects: f64) -> Self {
        let mut curve = Self::default();
        let (mut right, mut all) = (0.0, 0.0);
        for point in points {
            all += point.times;
            right += if point.is_right { point.times } else { 0.0 };
            curve.precision.push(if all > 0.0 { right / all } else { 0.0 });
            curve.recall.push(if objects > 0.0 { right / objects } else { 0.0 });
        }
        curve
    }

    /// The area below it.
    pub fn area(&self, definition: Definition) -> f64 {
        if self.recall.is_empty() {
            return 0.0;
        }
        let envelope = falling(&self.precision);
        match definition {
            Definition::Coco => self.sampled(&envelope),
            Definition::Yolo => self.joined(envelope, true),
            Definition::YoloLegacy => self.joined(envelope, false),
        }
    }

    /// The mean of the precision of the first point from each recall on.
    fn sampled(&self, envelope: &[f64]) -> f64 {
        let at = |step: usize| {
            let place = self.recall.partition_point(|recall| *recall < recall_of(step));
            envelope.get(place).copied().unwrap_or(0.0)
        };
        (0..=STEPS).map(at).sum::<f64>() / (STEPS + 1) as f64
    }

    /// The area of trapezoids between 101 recalls of the points joined by lines.
    fn joined(&self, envelope: Vec<f64>, ends: bool) -> f64 {
        let last = self.recall.last().copied().unwrap_or(0.0);
        let mut recall = vec![0.0];
        recall.extend(&self.recall);
        let mut precision = vec![1.0];
        precision.extend(envelope);
        if ends {
            recall.push(last);
            precision.push(0.0);
        }
        recall.push(1.0);
        precision.push(0.0);
        let precision = falling(&precision);
        let at: Vec<f64> = (0..=STEPS).map(|step| between(&recall, &precision, recall_of(step))).collect();
        at.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0 / STEPS as f64).sum()
    }
}

fn recall_of(step: usize) -> f64 {
    step as f64 / STEPS as f64
}

/// The largest value from each place on.
fn falling(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    for place in (1..values.len()).rev() {
        values[place - 1] = values[place - 1].max(values[place]);
    }
    values
}

/// The value at a place on the line through points, whose places rise; of several at one place the last counts.
pub(super) fn between(places: &[f64], values: &[f64], at: f64) -> f64 {
    let behind = places.partition_point(|place| *place <= at);
    match (behind.checked_sub(1), places.get(behind)) {
        (None, _) => values.first().copied().unwrap_or(0.0),
        (Some(before), None) => values[before],
        (Some(before), Some(next)) => {
            let share = (at - places[before]) / (next - places[before]);
            values[before] + (values[behind] - values[before]) * share
        }
    }
}
