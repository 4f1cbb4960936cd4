//! What every term of the loss looks at: forecast and target, which cells are known, and what each counts.

use tch::{Kind, Tensor};

use crate::task::nowcast::quantize::STEPS;

/// Less than the weight of one cell.
pub(super) const NO_WEIGHT: f64 = 1e-9;

/// The share of a step between two bytes up to which an observation counts as on a threshold: allows for rounding only.
const ON_THRESHOLD: f64 = 1e-3 / STEPS;

/// Forecast and target of some samples, in fp32.
pub(super) struct Cells<'a> {
    /// The forecast; it may be below 0 or above 1.
    pub(super) prediction: &'a Tensor,
    /// What was observed, 0 to 1.
    pub(super) target: &'a Tensor,
    /// 1 where the target is known, 0 elsewhere; without it all is known.
    pub(super) known: Option<&'a Tensor>,
    /// What the frames count; none if they count alike.
    lead_weights_tcyx: Option<&'a Tensor>,
    /// What each cell counts: that of its frame if it is known, 0 elsewhere; none if all count alike.
    weights_btcyx: Option<Tensor>,
    /// The weight of all cells of each sample.
    weight_b: Tensor,
}

impl<'a> Cells<'a> {
    /// `lead_weights_tcyx` says what the frames count; none if they count alike.
    pub(super) fn new(
        prediction: &'a Tensor,
        target: &'a Tensor,
        known: Option<&'a Tensor>,
        lead_weights_tcyx: Option<&'a Tensor>,
    ) -> Self {
        let weights_btcyx = match (known, lead_weights_tcyx) {
            (Some(known), Some(lead_weights_tcyx)) => Some(known * lead_weights_tcyx),
            (Some(known), None) => Some(known.shallow_clone()),
            (None, lead_weights_tcyx) => lead_weights_tcyx.map(|weights| weights.expand(target.size(), false)),
        };
        let samples = target.size()[0];
        let all = (target.numel() as f64 / samples.max(1) as f64, (Kind::Float, target.device()));
        let weight_b = weights_btcyx.as_ref().map_or_else(|| Tensor::full([samples], all.0, all.1), sum);
        Self { prediction, target, known, lead_weights_tcyx, weights_btcyx, weight_b: weight_b.clamp_min(NO_WEIGHT) }
    }

    /// The weighted mean over the cells of each sample; 0 for a sample without weight.
    pub(super) fn mean(&self, values_btcyx: &Tensor) -> Tensor {
        weighted_sum(values_btcyx, self.weights_btcyx.as_ref()) / &self.weight_b
    }

    /// The sum of values of cells, known or not, weighted by lead time, per weight of a known cell.
    pub(super) fn mean_of_all(&self, values_btcyx: &Tensor) -> Tensor {
        weighted_sum(values_btcyx, self.lead_weights_tcyx) / &self.weight_b
    }

    /// What each frame counts, `[b, t]`: that of its lead time if any of it is known, 0 elsewhere.
    pub(super) fn frame_weights(&self) -> Tensor {
        let size = self.target.size();
        let options = (Kind::Float, self.target.device());
        let weights = self.weights_btcyx.as_ref().map(|weights| weights.amax([2_i64, 3, 4].as_slice(), false));
        weights.unwrap_or_else(|| Tensor::ones(&size[..2], options))
    }

    /// 1 where more than this was observed, 0 elsewhere. Values are those of bytes: none is between a threshold and a
    /// thousandth of a step above it, unless rounding moved it there.
    pub(super) fn events(&self, threshold: f64) -> Tensor {
        self.target.gt(threshold + ON_THRESHOLD).to_kind(Kind::Float)
    }

    /// How likely each forecast is an event: a step at the threshold with a slope.
    pub(super) fn soft_events(&self, threshold: f64, width: f64) -> Tensor {
        ((self.prediction - threshold) / width).sigmoid()
    }
}

/// The sum of values with their weights over all axes but the first. Where all count alike, that costs no multiplication.
fn weighted_sum(values: &Tensor, weights: Option<&Tensor>) -> Tensor {
    weights.map_or_else(|| sum(values), |weights| sum(&(values * weights)))
}

/// The sum over all axes but the first.
fn sum(tensor: &Tensor) -> Tensor {
    tensor.flatten(1, -1).sum_dim_intlist(1, false, Kind::Float)
}
