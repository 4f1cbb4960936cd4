//! The settings of the terms that a loss may have beside Huber and SSIM, and what they follow from if nothing is set. What
//! makes no sense in them is in `check`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::task::nowcast::config::{LossConfig, NowcastConfig};
use crate::util::quantity::Quantity;

/// The thresholds of reflectivity, in dBZ: stronger echo is too rare in most training sets to be learned from.
const REFLECTIVITY: [f64; 4] = [20.0, 30.0, 35.0, 40.0];

/// The weights of reflectivity above thresholds in dBZ: those of HKO-7 (Shi et al. 2017), 2 to 30 mm/h, on the scale of dBZ.
const BALANCED: [[f64; 2]; 5] = [[15.0, 2.0], [25.0, 4.0], [30.0, 6.0], [35.0, 10.0], [40.0, 20.0]];

/// The absolute error, which may count more at strong echo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AbsoluteConfig {
    /// Its weight in the loss.
    pub weight: f64,
    /// Pairs of a threshold and what the error counts where more than that was observed; elsewhere it counts 1. By default, those
    /// of HKO-7 for reflectivity and none for other quantities.
    pub above: Option<Vec<[f64; 2]>>,
}

impl Default for AbsoluteConfig {
    fn default() -> Self {
        Self { weight: 0.4, above: None }
    }
}

/// A critical success index that has a gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsiConfig {
    /// Its weight in the loss.
    pub weight: f64,
    /// The values above which a cell is an event, in the unit of the data; by default 20 to 40 dBZ, or those of the scores.
    pub thresholds: Option<Vec<f64>>,
    /// How far above a threshold a forecast is an event to 73 %, in the unit of the data.
    pub width: f64,
    /// How hits and errors become a number.
    pub form: CsiForm,
}

impl Default for CsiConfig {
    fn default() -> Self {
        Self { weight: 0.15, thresholds: None, width: 1.5, form: CsiForm::Additive }
    }
}

/// How hits and errors become a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CsiForm {
    /// A sum over cells with the optimum of the index of the whole training set.
    Additive,
    /// The mean of the indices of samples and lead times.
    PerSample,
}

/// A fractions skill score that has a gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FssConfig {
    /// Its weight in the loss.
    pub weight: f64,
    /// The values above which a cell is an event, in the unit of the data; by default 20 to 40 dBZ, or those of the scores.
    pub thresholds: Option<Vec<f64>>,
    /// The side lengths of the squares in which shares of events are compared.
    pub scales_px: Vec<usize>,
    /// How far above a threshold a forecast is an event to 73 %, in the unit of the data.
    pub width: f64,
}

impl Default for FssConfig {
    fn default() -> Self {
        Self { weight: 0.1, thresholds: None, scales_px: vec![5, 15], width: 1.5 }
    }
}

impl AbsoluteConfig {
    /// Thresholds and weights for a quantity, in ascending order.
    #[must_use]
    pub fn above_for(&self, config: &NowcastConfig, quantity: &Quantity) -> Vec<[f64; 2]> {
        let within = |[threshold, _]: &[f64; 2]| (config.prepare.min..config.prepare.max).contains(threshold);
        match &self.above {
            Some(above) => above.clone(),
            None if quantity.is_reflectivity() => BALANCED.into_iter().filter(within).collect(),
            None => Vec::new(),
        }
    }
}

impl FssConfig {
    /// The side lengths for a frame: those configured; of the default ones those that fit.
    #[must_use]
    pub fn scales_for(&self, config: &NowcastConfig) -> Vec<usize> {
        let widest = config.prepare.size[0].min(config.prepare.size[1]);
        let is_default = self.scales_px == Self::default().scales_px;
        self.scales_px.iter().copied().filter(|&scale| !is_default || scale <= widest).collect()
    }
}

/// The thresholds of a term: those configured, or the usual ones within the range that is kept.
#[must_use]
pub fn thresholds_for(configured: Option<&[f64]>, config: &NowcastConfig, quantity: &Quantity) -> Vec<f64> {
    if let Some(thresholds) = configured {
        return thresholds.to_vec();
    }
    let within = |threshold: &f64| (config.prepare.min..config.prepare.max).contains(threshold);
    let usual: Vec<f64> = match quantity.is_reflectivity() {
        true => REFLECTIVITY.into_iter().filter(within).collect(),
        false => Vec::new(),
    };
    if usual.is_empty() { config.scores.thresholds_for(quantity, &config.prepare) } else { usual }
}

/// A term beside Huber and SSIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// The absolute error.
    Absolute,
    /// The soft critical success index.
    Csi,
    /// The soft fractions skill score.
    Fss,
}

impl Term {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 3] = [Self::Absolute, Self::Csi, Self::Fss];

    /// Whether a loss has this term.
    #[must_use]
    pub fn is_in(self, config: &LossConfig) -> bool {
        match self {
            Self::Absolute => config.absolute.is_some(),
            Self::Csi => config.csi.is_some(),
            Self::Fss => config.fss.is_some(),
        }
    }
}

impl LossConfig {
    /// What Huber and 1 - SSIM count beside each other.
    pub(super) fn shares(&self) -> [f64; 2] {
        [1.0 - self.ssim_weight, self.ssim_weight]
    }

    /// What they count in the whole loss.
    pub(super) fn huber_ssim_weights(&self) -> [f64; 2] {
        self.shares().map(|share| share * self.huber_ssim_weight)
    }

    /// What another term counts; 0 for one that is off.
    pub(super) fn weight(&self, term: Term) -> f64 {
        let weight = match term {
            Term::Absolute => self.absolute.as_ref().map(|term| term.weight),
            Term::Csi => self.csi.as_ref().map(|term| term.weight),
            Term::Fss => self.fss.as_ref().map(|term| term.weight),
        };
        weight.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(min: f64, max: f64) -> NowcastConfig {
        let mut config = NowcastConfig::default();
        (config.prepare.min, config.prepare.max) = (min, max);
        config
    }

    #[test]
    fn thresholds_and_weights_follow_from_what_is_measured_and_from_the_range() {
        let of = |unit: &str, min, max| {
            let (config, quantity) = (config(min, max), Quantity::of(unit));
            let above = AbsoluteConfig::default().above_for(&config, &quantity);
            (thresholds_for(None, &config, &quantity), above.len())
        };
        assert_eq!(of("dBZ", -29.0, 65.0), (REFLECTIVITY.to_vec(), 5));
        assert_eq!(of("dBZ", 0.0, 32.0), (vec![20.0, 30.0], 3));
        assert_eq!(of("mm/h", 0.0, 15.0), (vec![0.1, 1.0, 2.0, 5.0, 10.0], 0));
        let chosen = AbsoluteConfig { above: Some(vec![[1.0, 3.0]]), ..AbsoluteConfig::default() };
        assert_eq!(chosen.above_for(&config(0.0, 9.0), &Quantity::of("mm")), [[1.0, 3.0]]);
        assert_eq!(thresholds_for(Some(&[3.0]), &config(0.0, 9.0), &Quantity::of("mm")), [3.0]);
    }

    #[test]
    fn default_squares_that_do_not_fit_into_a_frame_are_left_out() {
        let mut config = NowcastConfig::default();
        assert_eq!(FssConfig::default().scales_for(&config), [5, 15]);
        config.prepare.size = [12, 64];
        assert_eq!(FssConfig::default().scales_for(&config), [5]);
    }
}
