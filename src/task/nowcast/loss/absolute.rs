//! The absolute error that counts more at strong echo: the balanced loss of HKO-7 (Shi et al. 2017), on a scale linear in
//! dBZ. Its best forecast is a weighted median, which is sharp where a mean is not.

use tch::Tensor;

use super::cells::Cells;
use super::{Loss, Scale};

/// The absolute error with its weights.
#[derive(Debug)]
pub(super) struct Absolute {
    /// Normalised thresholds in ascending order, and by how much the weight grows above each.
    steps: Vec<(f64, f64)>,
}

impl Absolute {
    /// With pairs of a threshold and the weight above it.
    pub(super) fn new(above: &[[f64; 2]], scale: Scale) -> Self {
        let before = std::iter::once(1.0).chain(above.iter().map(|[_, weight]| *weight));
        let step = |([threshold, weight], before): (&[f64; 2], f64)| (scale.value(*threshold), weight - before);
        Self { steps: above.iter().zip(before).map(step).collect() }
    }
}

impl Loss for Absolute {
    /// The mean of w(y) |f - y|.
    fn of_samples(&self, cells: &Cells<'_>) -> Tensor {
        let error = (cells.prediction - cells.target).abs();
        let step = |(threshold, growth): &(f64, f64)| cells.events(*threshold) * *growth;
        let weights = self.steps.iter().map(step).reduce(|sum, next| sum + next);
        match weights {
            Some(weights) => cells.mean(&(error * (weights + 1.0))),
            None => cells.mean(&error),
        }
    }
}
