//! What training minimises: a sum of terms with weights, on the normalised scale. By default, only Huber and SSIM.
//!
//! ```text
//! huber_ssim  (1 - w) Huber + w (1 - SSIM)             expected   what the data makes expect: constants of csi and fss
//! absolute    the absolute error, weighted by intensity   measure    these constants from the training windows
//! csi         a CSI that has a gradient                kept       the same, kept beside the prepared data
//! fss         an FSS that has a gradient               parts      what is reported of a loss
//! cells       forecast, target, what is known          config, check  the settings, and what makes no sense in them
//! ```
//!
//! Every term is a mean over the valid cells of a sample, weighted by lead time. The loss of several samples is the
//! mean of theirs, so neither the micro-batch size nor a sample with few valid cells changes the objective being
//! minimised. A forecast may be below 0 or above 1: a dry cell whose forecast is below 0 must still be told of an echo.
//!
//! Tensors carry their dimensions: b samples, t frames, c channels, y rows, x columns.

mod absolute;
mod cells;
mod check;
pub mod config;
mod csi;
pub mod expected;
mod fss;
mod huber_ssim;
pub mod kept;
mod measure;
mod parts;
#[cfg(test)]
mod tests;

use tch::{Device, Kind, Tensor};

pub use expected::{Expected, ExpectedError, Wanted};
pub use parts::{LossParts, Reported, loss_spec};

use self::absolute::Absolute;
use self::cells::Cells;
use self::config::{Term, thresholds_for};
use self::csi::Csi;
use self::fss::Fss;
use self::huber_ssim::HuberSsim;
use super::config::{LossConfig, NowcastConfig};
use crate::util::quantity::Quantity;

/// The loss with its settings on the normalised scale.
#[derive(Debug)]
pub struct NowcastLoss {
    /// What the frames count; none if they count alike.
    lead_weights_tcyx: Option<Tensor>,
    huber_ssim: HuberSsim,
    huber_ssim_weight: f64,
    terms: Vec<Weighted>,
}

/// A term beside Huber and SSIM.
#[derive(Debug)]
struct Weighted {
    /// 0 for a term that is only reported, of validations.
    weight: f64,
    term: Box<dyn Loss>,
}

/// A term of the loss.
trait Loss: std::fmt::Debug {
    /// Its value for each sample, `[b]`.
    fn of_samples(&self, cells: &Cells<'_>) -> Tensor;
}

/// What a loss is built from.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The section of the task with the loss of one phase. Frames have its `prepare.size`.
    pub config: &'a NowcastConfig,
    /// What is measured.
    pub quantity: &'a Quantity,
    /// What the data makes expect.
    pub expected: &'a Expected,
    /// What is reported, which may be more than the loss of this phase has.
    pub reported: &'a Reported,
    /// The device.
    pub device: Device,
}

impl NowcastLoss {
    /// The loss that a configuration selects.
    ///
    /// # Errors
    /// If nothing is known of one of its thresholds: a bug in this program.
    pub fn new(setting: &Setting<'_>) -> Result<Self, ExpectedError> {
        let Setting { config, device, reported, .. } = *setting;
        let (loss, target_frames) = (&config.loss, config.windows.target_frames as i64);
        let lead_weights = (loss.last_lead_weight != 1.0)
            .then(|| Tensor::linspace(1.0, loss.last_lead_weight, target_frames, (Kind::Float, device)));
        let term = |(term, settings): (Term, &LossConfig)| {
            Ok(Weighted { weight: loss.weight(term), term: setting.term(term, settings)? })
        };
        Ok(Self {
            lead_weights_tcyx: lead_weights.map(|weights| weights.view([target_frames, 1, 1, 1])),
            huber_ssim: HuberSsim::new(config, device),
            huber_ssim_weight: loss.huber_ssim_weight,
            terms: reported.settings(loss).map(term).collect::<Result<_, _>>()?,
        })
    }

    /// The loss of each sample with all its parts, also those without a weight: they are worth knowing where no gradient is
    /// kept. `known` is 1 where the target is known and 0 elsewhere; without it all is known.
    #[must_use]
    pub fn parts(&self, prediction_btcyx: &Tensor, target_btcyx: &Tensor, known: Option<&Tensor>) -> LossParts {
        self.measure([prediction_btcyx, target_btcyx], known, |_| true)
    }

    /// The same for training: a part without a weight is not measured and costs nothing. Which these are, [`Reported::weighted`]
    /// says.
    #[must_use]
    pub fn weighted_parts(
        &self,
        prediction_btcyx: &Tensor,
        target_btcyx: &Tensor,
        known: Option<&Tensor>,
    ) -> LossParts {
        self.measure([prediction_btcyx, target_btcyx], known, |weight| weight != 0.0)
    }

    fn measure(
        &self,
        [prediction, target]: [&Tensor; 2],
        known: Option<&Tensor>,
        is_measured: impl Fn(f64) -> bool,
    ) -> LossParts {
        let [prediction, target] = [prediction, target].map(|tensor| tensor.to_kind(Kind::Float));
        let known = known.map(|known| known.to_kind(Kind::Float));
        let cells = Cells::new(&prediction, &target, known.as_ref(), self.lead_weights_tcyx.as_ref());
        let huber_ssim = self.huber_ssim.parts(&cells, self.huber_ssim.settings.huber_ssim_weights().map(&is_measured));
        let term = |each: &Weighted| is_measured(each.weight).then(|| each.term.of_samples(&cells));
        let terms: Vec<Option<Tensor>> = self.terms.iter().map(term).collect();
        let both = sum_of(self.huber_ssim.settings.shares().into_iter().zip(&huber_ssim));
        let weighted = self.terms.iter().map(|each| each.weight).zip(&terms);
        let loss_b = sum_of(std::iter::once((self.huber_ssim_weight, &both)).chain(weighted));
        let [huber_b, distance_b] = huber_ssim;
        LossParts {
            loss_b: loss_b.unwrap_or_else(|| Tensor::zeros(&target.size()[..1], (Kind::Float, target.device()))),
            huber_b: huber_b.map(|huber_b| huber_b.detach()),
            ssim_b: distance_b.map(|distance_b| 1.0 - distance_b.detach()),
            terms_b: terms.into_iter().map(|term_b| Some(term_b?.detach())).collect(),
        }
    }
}

/// The sum of what has a weight.
fn sum_of<'a>(weighted: impl Iterator<Item = (f64, &'a Option<Tensor>)>) -> Option<Tensor> {
    let found = weighted.filter(|(weight, _)| *weight != 0.0);
    found.filter_map(|(weight, part_b)| Some(part_b.as_ref()? * weight)).reduce(|sum, next| sum + next)
}

impl Setting<'_> {
    /// A term with these settings.
    fn term(&self, term: Term, loss: &LossConfig) -> Result<Box<dyn Loss>, ExpectedError> {
        let Setting { config, quantity, expected, device, .. } = *self;
        let scale = Scale::of(config);
        let thresholds = |configured: Option<&[f64]>| thresholds_for(configured, config, quantity);
        Ok(match term {
            Term::Absolute => {
                let above = loss.absolute.clone().unwrap_or_default().above_for(config, quantity);
                Box::new(Absolute::new(&above, scale))
            }
            Term::Csi => {
                let settings = loss.csi.clone().unwrap_or_default();
                let thresholds = thresholds(settings.thresholds.as_deref());
                Box::new(Csi::new(&settings, &thresholds, expected, (scale, device))?)
            }
            Term::Fss => {
                let settings = loss.fss.clone().unwrap_or_default();
                let (thresholds, scales) = (thresholds(settings.thresholds.as_deref()), settings.scales_for(config));
                let frame = config.prepare.size.map(|size| size as i64);
                Box::new(Fss::new((&thresholds, &scales), settings.width, expected, (scale, frame, device))?)
            }
        })
    }
}

/// From the unit of the data to the normalised scale.
#[derive(Clone, Copy, Debug)]
struct Scale {
    min: f64,
    span: f64,
}

impl Scale {
    fn of(config: &NowcastConfig) -> Self {
        Self { min: config.prepare.min, span: config.prepare.max - config.prepare.min }
    }

    fn value(self, value: f64) -> f64 {
        (value - self.min) / self.span
    }

    fn difference(self, difference: f64) -> f64 {
        difference / self.span
    }
}
