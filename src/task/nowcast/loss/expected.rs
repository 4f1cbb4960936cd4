//! What the training windows make expect at each threshold: what the terms of the loss divide by, constants of a run. How
//! they are measured is in `measure`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::{CsiForm, thresholds_for};
use crate::task::nowcast::config::{LossConfig, NowcastConfig, ScoresConfig};
use crate::task::nowcast::verification::Judge;
use crate::util::exit::Exit;
use crate::util::quantity::Quantity;

/// What some training windows make expect. A loss that needs nothing is built with [`Expected::default`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The windows that it was measured on.
    pub windows: usize,
    /// In ascending order.
    pub thresholds: Vec<OfThreshold>,
}

/// What they make expect at one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfThreshold {
    /// In the unit of the data.
    pub threshold: f64,
    /// The share of the known cells that are above it. That of a frame of any size: a mean over cells, divided by this, is the sum
    /// over a frame, divided by its mean number of events.
    pub event_share: f64,
    /// For each lead time, the critical success index of the advection.
    pub csi: Vec<f64>,
    /// For each side length of squares.
    pub squares: Vec<OfSquares>,
}

/// What they make expect of squares of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfSquares {
    /// The side length.
    pub scale_px: usize,
    /// The sum of the squared shares of events within the squares around all cells, per known cell.
    pub squared_share: f64,
}

/// A threshold or a scale of which nothing was measured: a bug in this program.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("nothing is known of {what} for the loss, only of {known}")]
pub struct ExpectedError {
    what: String,
    known: String,
}

impl ExpectedError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Bug
    }
}

impl Expected {
    /// What is known of a threshold.
    ///
    /// # Errors
    /// If nothing is.
    pub fn of(&self, threshold: f64) -> Result<&OfThreshold, ExpectedError> {
        let found = self.thresholds.iter().find(|of| of.threshold == threshold);
        found.ok_or_else(|| ExpectedError {
            what: format!("threshold {threshold}"),
            known: listed(self.thresholds.iter().map(|of| of.threshold)),
        })
    }

    /// Whether it is what was wanted, for this many lead times, and numbers that can be used.
    #[must_use]
    pub fn fits(&self, wanted: &Wanted, leads: usize) -> bool {
        let thresholds = self.thresholds.iter().map(|of| of.threshold);
        let is_usable = |share: f64| share > 0.0 && share <= 1.0;
        let fits = |of: &OfThreshold| {
            of.squares.iter().map(|squares| squares.scale_px).eq(wanted.scales_px.iter().copied())
                && of.csi.len() == leads
                && of.csi.iter().all(|csi| is_usable(*csi))
                && is_usable(of.event_share)
                && of.squares.iter().all(|squares| is_usable(squares.squared_share))
        };
        thresholds.eq(wanted.thresholds.iter().copied()) && self.thresholds.iter().all(fits)
    }
}

impl OfThreshold {
    /// What is known of squares of this size.
    ///
    /// # Errors
    /// If nothing is.
    pub fn squares(&self, scale_px: usize) -> Result<f64, ExpectedError> {
        let found = self.squares.iter().find(|of| of.scale_px == scale_px);
        found.map(|of| of.squared_share).ok_or_else(|| ExpectedError {
            what: format!("squares of {scale_px} cells at threshold {}", self.threshold),
            known: listed(self.squares.iter().map(|of| of.scale_px)),
        })
    }
}

fn listed(values: impl Iterator<Item = impl ToString>) -> String {
    let values: Vec<String> = values.map(|value| value.to_string()).collect();
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

/// What must be measured for some losses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wanted {
    /// In ascending order.
    pub thresholds: Vec<f64>,
    /// In ascending order; none if no loss compares squares.
    pub scales_px: Vec<usize>,
}

impl Wanted {
    /// For these losses of a task, whatever they have in common; nothing if all of them do without.
    #[must_use]
    pub fn of<'a>(
        config: &NowcastConfig,
        quantity: &Quantity,
        losses: impl IntoIterator<Item = &'a LossConfig>,
    ) -> Option<Self> {
        let (mut thresholds, mut scales_px) = (Vec::new(), Vec::new());
        for loss in losses {
            if let Some(csi) = loss.csi.as_ref().filter(|csi| csi.form == CsiForm::Additive) {
                thresholds.extend(thresholds_for(csi.thresholds.as_deref(), config, quantity));
            }
            if let Some(fss) = &loss.fss {
                thresholds.extend(thresholds_for(fss.thresholds.as_deref(), config, quantity));
                scales_px.extend(fss.scales_for(config));
            }
        }
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        scales_px.sort_unstable();
        scales_px.dedup();
        (!thresholds.is_empty()).then_some(Self { thresholds, scales_px })
    }

    /// What measures it.
    #[must_use]
    pub fn judge(&self, config: &NowcastConfig, quantity: &Quantity) -> Judge {
        let scores = ScoresConfig {
            frames: None,
            thresholds: Some(self.thresholds.clone()),
            fss_scales_px: self.scales_px.clone(),
            primary: None,
        };
        Judge::new(&NowcastConfig { scores, ..config.clone() }, quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::config::{AbsoluteConfig, CsiConfig, FssConfig};

    #[test]
    fn what_is_wanted_is_that_of_all_losses_together() {
        let config = NowcastConfig::default();
        let plain = LossConfig { absolute: Some(AbsoluteConfig::default()), ..LossConfig::default() };
        let ratios = CsiConfig { form: CsiForm::PerSample, ..CsiConfig::default() };
        let per_sample = LossConfig { csi: Some(ratios), ..LossConfig::default() };
        let wanted = |losses: &[&LossConfig]| Wanted::of(&config, &Quantity::default(), losses.iter().copied());
        assert_eq!(wanted(&[&plain, &per_sample]), None);
        let csi = LossConfig { csi: Some(CsiConfig::default()), ..LossConfig::default() };
        let fss = FssConfig { thresholds: Some(vec![35.0, 45.0]), scales_px: vec![9, 3], ..FssConfig::default() };
        let fss = LossConfig { fss: Some(fss), ..LossConfig::default() };
        let both = Wanted { thresholds: vec![20.0, 30.0, 35.0, 40.0, 45.0], scales_px: vec![3, 9] };
        assert_eq!(wanted(&[&plain, &csi, &fss]), Some(both));
        assert_eq!(wanted(&[&csi]).unwrap().scales_px, [0; 0]);
    }

    #[test]
    fn a_threshold_of_which_nothing_was_measured_is_named_beside_those_that_are_known() {
        let of = OfThreshold { threshold: 35.0, event_share: 0.1, csi: vec![0.5], squares: Vec::new() };
        let expected = Expected { windows: 1, thresholds: vec![of] };
        let error = expected.of(30.0).unwrap_err();
        assert_eq!(error.to_string(), "nothing is known of threshold 30 for the loss, only of 35");
        assert_eq!(error.exit(), Exit::Bug);
        let error = expected.of(35.0).unwrap().squares(5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "nothing is known of squares of 5 cells at threshold 35 for the loss, only of none"
        );
    }

    #[test]
    fn only_usable_numbers_of_what_was_wanted_fit() {
        let wanted = Wanted { thresholds: vec![35.0], scales_px: vec![5] };
        let squares = vec![OfSquares { scale_px: 5, squared_share: 0.01 }];
        let of = OfThreshold { threshold: 35.0, event_share: 0.1, csi: vec![0.5, 0.2], squares };
        let fits = |of: OfThreshold, leads| Expected { windows: 1, thresholds: vec![of] }.fits(&wanted, leads);
        assert!(fits(of.clone(), 2) && !fits(of.clone(), 3));
        assert!(!fits(OfThreshold { threshold: 36.0, ..of.clone() }, 2));
        assert!(!fits(OfThreshold { event_share: 0.0, ..of.clone() }, 2));
        assert!(!fits(OfThreshold { csi: vec![0.5, f64::NAN], ..of.clone() }, 2));
        assert!(!fits(OfThreshold { squares: Vec::new(), ..of }, 2));
    }
}
