//! When the learning rate falls because the validation loss has stopped falling: the rules of torch's
//! `ReduceLROnPlateau` with a relative threshold. A pure state; it reads no clock and no file.

use serde::{Deserialize, Serialize};

use super::config::Plateau;

/// Reductions of the learning rate below this are not made: torch's `eps`.
const SMALLEST_FALL: f64 = 1e-8;

/// What the next decision depends on: saved with a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// The configured learning rate: where reductions start from.
    pub configured: f64,
    /// The learning rate.
    pub lr: f64,
    /// The smallest loss so far that counted as better.
    pub best: Option<f64>,
    /// Losses since then.
    pub bad_epochs: usize,
}

impl PlateauState {
    /// Before the first loss.
    #[must_use]
    pub fn new(lr: f64) -> Self {
        Self { configured: lr, lr, best: None, bad_epochs: 0 }
    }

    /// The same under another configured rate, scaled by the reductions so far. Under the same rate nothing changes,
    /// not even by rounding.
    #[must_use]
    pub fn under(self, configured: f64) -> Self {
        if configured == self.configured {
            return self;
        }
        let share = self.lr / self.configured;
        Self { configured, lr: configured * share, ..self }
    }

    /// Records the validation loss of an epoch. One that is not a number counts as bad.
    pub fn observe(&mut self, rules: &Plateau, loss: f64) {
        if self.is_better(rules, loss) {
            self.best = Some(loss);
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if self.bad_epochs > rules.patience {
            let lower = (self.lr * rules.factor).max(rules.min_lr);
            if self.lr - lower > SMALLEST_FALL {
                self.lr = lower;
            }
            self.bad_epochs = 0;
        }
    }

    /// Records a loss that can only improve the best: one of the warm-up.
    pub fn observe_leniently(&mut self, rules: &Plateau, loss: f64) {
        if self.is_better(rules, loss) {
            self.best = Some(loss);
        }
    }

    fn is_better(&self, rules: &Plateau, loss: f64) -> bool {
        loss < self.best.map_or(f64::INFINITY, |best| best * (1.0 - rules.threshold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_when_that_of_torch_falls() {
        let expected: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/optimizer/expected.json")).unwrap();
        let cases = expected["schedules"]["plateau"].as_array().unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let number = |key: &str| case[key].as_f64().unwrap();
            let rules = Plateau {
                factor: number("factor"),
                patience: case["patience"].as_u64().unwrap() as usize,
                threshold: number("threshold"),
                min_lr: number("min_lr"),
            };
            let mut state = PlateauState::new(number("lr"));
            let losses = case["losses"].as_array().unwrap().iter().map(|loss| loss.as_str().unwrap().parse().unwrap());
            for (epoch, (loss, lr)) in losses.zip(case["rates"].as_array().unwrap()).enumerate() {
                assert_eq!(Some(state.lr), lr.as_f64(), "{rules:?}, epoch {epoch}");
                state.observe(&rules, loss);
            }
        }
    }

    #[test]
    fn losses_of_the_warm_up_use_up_no_patience() {
        let rules = Plateau { patience: 0, ..Plateau::default() };
        let mut state = PlateauState::new(1.0);
        for loss in [3.0, 4.0, 5.0] {
            state.observe_leniently(&rules, loss);
        }
        assert_eq!(state, PlateauState { best: Some(3.0), ..PlateauState::new(1.0) });
        state.observe(&rules, 3.0);
        assert_eq!(state.lr, 0.5);
    }

    #[test]
    fn another_configured_rate_falls_as_far_as_the_one_before_had() {
        let rules = Plateau { patience: 0, factor: 0.1, ..Plateau::default() };
        let mut state = PlateauState::new(0.3);
        [1.0, 1.0, 1.0].into_iter().for_each(|loss| state.observe(&rules, loss));
        assert_eq!(state.clone().under(0.3), state);
        let other = state.under(0.6);
        assert!((other.lr - 0.006).abs() < 1e-15 && other.configured == 0.6 && other.best == Some(1.0), "{other:?}");
    }
}
