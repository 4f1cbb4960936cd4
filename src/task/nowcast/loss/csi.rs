//! A critical success index that has a gradient: P = sigmoid((f - threshold) / width) takes the place of "more than the
//! threshold is forecast", Y of "more was observed".
//!
//! The index of a whole set is a ratio of sums, which is no sum over samples. The additive form has the same optimum
//! (Dinkelbach 1967): with J the index to be expected, hits / (hits + misses + false alarms) grows exactly if
//! misses + J false alarms, Y (1 - P) + J (1 - Y) P, becomes less. J is that of the advection, and what is summed is divided by
//! the share of cells with events, so that rare ones count as much as frequent ones. The other form is one ratio for each
//! sample and lead time, which needs no constants but is less sensitive to rare events.

use tch::{Device, Kind, Tensor};

use super::cells::{Cells, NO_WEIGHT};
use super::config::{CsiConfig, CsiForm};
use super::expected::{Expected, ExpectedError};
use super::{Loss, Scale};

/// Cells that are added to hits and to the union of each sample, so that few cells don't decide and nothing is 0 / 0.
const PRIOR_CELLS: f64 = 20.0;

/// The index at several thresholds.
#[derive(Debug)]
pub(super) struct Csi {
    width: f64,
    thresholds: Vec<Threshold>,
}

#[derive(Debug)]
struct Threshold {
    /// On the normalised scale.
    value: f64,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Additive { expected_tcyx: Tensor, event_share: f64 },
    PerSample,
}

impl Csi {
    pub(super) fn new(
        settings: &CsiConfig,
        thresholds: &[f64],
        expected: &Expected,
        (scale, device): (Scale, Device),
    ) -> Result<Self, ExpectedError> {
        let form = |threshold: f64| {
            Ok(match settings.form {
                CsiForm::PerSample => Form::PerSample,
                CsiForm::Additive => {
                    let known = expected.of(threshold)?;
                    let csi = Tensor::from_slice(&known.csi).to_kind(Kind::Float).to_device(device);
                    Form::Additive { expected_tcyx: csi.view([-1, 1, 1, 1]), event_share: known.event_share }
                }
            })
        };
        let threshold = |&threshold: &f64| Ok(Threshold { value: scale.value(threshold), form: form(threshold)? });
        let thresholds = thresholds.iter().map(threshold).collect::<Result<_, _>>()?;
        Ok(Self { width: scale.difference(settings.width), thresholds })
    }
}

impl Loss for Csi {
    /// The mean over thresholds.
    fn of_samples(&self, cells: &Cells<'_>) -> Tensor {
        let of = |threshold: &Threshold| {
            let forecast = cells.soft_events(threshold.value, self.width);
            let observed = cells.events(threshold.value);
            match &threshold.form {
                Form::Additive { expected_tcyx, event_share } => {
                    additive(cells, &forecast, &observed, expected_tcyx) / *event_share
                }
                Form::PerSample => per_sample(cells, &forecast, &observed),
            }
        };
        let sum = self.thresholds.iter().map(of).reduce(|sum, next| sum + next);
        sum.map_or_else(|| cells.mean(cells.target) * 0.0, |sum| sum / self.thresholds.len() as f64)
    }
}

/// Y (1 - P) + J (1 - Y) P, as Y + P (J - (1 + J) Y): what does not depend on the forecast keeps no graph.
fn additive(cells: &Cells<'_>, forecast: &Tensor, observed: &Tensor, expected_tcyx: &Tensor) -> Tensor {
    let slope = expected_tcyx - observed * (expected_tcyx + 1.0);
    cells.mean(&(observed + forecast * slope))
}

/// 1 - (sum P Y + 20) / (sum (P + Y - P Y) + 20) over the known cells of a frame; the mean over frames of which something is
/// known, weighted by lead time.
fn per_sample(cells: &Cells<'_>, forecast: &Tensor, observed: &Tensor) -> Tensor {
    let sum = |values: &Tensor| {
        let known = cells.known.map(|known| values * known);
        known.as_ref().unwrap_or(values).sum_dim_intlist([2_i64, 3, 4].as_slice(), false, Kind::Float)
    };
    let hits = forecast * observed;
    let union = forecast + observed - &hits;
    let index_bt = (sum(&hits) + PRIOR_CELLS) / (sum(&union) + PRIOR_CELLS);
    let weights_bt = cells.frame_weights();
    let weight_b = weights_bt.sum_dim_intlist(1, false, Kind::Float).clamp_min(NO_WEIGHT);
    let distance_bt: Tensor = 1.0 - index_bt;
    (distance_bt * weights_bt).sum_dim_intlist(1, false, Kind::Float) / weight_b
}
