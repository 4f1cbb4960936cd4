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
    /// What the frames count.
    pub(super) lead_weights_tcyx: &'a Tensor,
    /// What each cell counts: that of its frame if it is known, 0 elsewhere.
    pub(super) weights_btcyx: Tensor,
}

impl<'a> Cells<'a> {
    pub(super) fn new(
        prediction: &'a Tensor,
        target: &'a Tensor,
        known: Option<&'a Tensor>,
        lead_weights_tcyx: &'a Tensor,
    ) -> Self {
        let weights_btcyx = match known {
            Some(known) => known * lead_weights_tcyx,
            None => lead_weights_tcyx.expand(target.size(), false),
        };
        Self { prediction, target, known, lead_weights_tcyx, weights_btcyx }
    }

    /// The weighted mean over the cells of each sample; 0 for a sample without weight.
    pub(super) fn mean(&self, values_btcyx: &Tensor) -> Tensor {
        sum(&(values_btcyx * &self.weights_btcyx)) / self.weight()
    }

    /// The sum of values of cells, known or not, weighted by lead time, per weight of a known cell.
    pub(super) fn mean_of_all(&self, values_btcyx: &Tensor) -> Tensor {
        sum(&(values_btcyx * self.lead_weights_tcyx)) / self.weight()
    }

    /// The weight of all cells of each sample.
    fn weight(&self) -> Tensor {
        sum(&self.weights_btcyx).clamp_min(NO_WEIGHT)
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

/// The sum over all axes but the first.
fn sum(tensor: &Tensor) -> Tensor {
    tensor.flatten(1, -1).sum_dim_intlist(1, false, Kind::Float)
}
