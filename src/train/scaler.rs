//! The factor that keeps fp16 gradients from vanishing: `torch.amp.GradScaler`'s rules (Micikevicius et al. 2018). It
//! grows until gradients overflow, and then shrinks. A pure state; `clip` decides whether gradients are finite.

use serde::{Deserialize, Serialize};
use tch::Tensor;

const START: f32 = 65536.0;
const GROWTH: f32 = 2.0;
const BACKOFF: f32 = 0.5;
/// Steps without overflow after which the scale grows.
const GROWTH_INTERVAL: u32 = 2000;

/// The scale, and the number of steps since it changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScaler {
    scale: f32,
    good_steps: u32,
}

impl Default for LossScaler {
    fn default() -> Self {
        Self { scale: START, good_steps: 0 }
    }
}

impl LossScaler {
    /// What the loss is multiplied by before the backward pass: the same for all micro-batches of a step.
    #[must_use]
    pub fn scale(&self) -> f64 {
        f64::from(self.scale)
    }

    /// Undoes the scale in the gradients of a step, before they are clipped. The scale is a power of two, so this is exact
    /// except for tiny values.
    pub fn unscale(&self, gradients: &mut Tensor) {
        tch::no_grad(|| *gradients *= 1.0 / self.scale());
    }

    /// Records whether the gradients of a step were finite. If not, the step must be skipped.
    pub fn update(&mut self, finite: bool) {
        self.update_every(GROWTH_INTERVAL, finite);
    }

    fn update_every(&mut self, growth_interval: u32, finite: bool) {
        if !finite {
            // torch's scale may fall to 0, whose inverse is infinite: no gradient would ever be finite again.
            self.scale = (self.scale * BACKOFF).max(f32::MIN_POSITIVE);
            self.good_steps = 0;
            return;
        }
        self.good_steps += 1;
        if self.good_steps >= growth_interval {
            let larger = self.scale * GROWTH;
            self.scale = if larger.is_finite() { larger } else { self.scale };
            self.good_steps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_that_of_torch_after_every_step() {
        let expected: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/optimizer/expected.json")).unwrap();
        let expected = &expected["scaler"];
        let interval = expected["growth_interval"].as_u64().unwrap() as u32;
        let finite: Vec<bool> = serde_json::from_value(expected["finite"].clone()).unwrap();
        let scales: Vec<f64> = serde_json::from_value(expected["scales"].clone()).unwrap();
        let mut scaler = LossScaler::default();
        for (step, (finite, scale)) in finite.into_iter().zip(scales).enumerate() {
            scaler.update_every(interval, finite);
            assert_eq!(scaler.scale(), scale, "step {step}");
        }
    }

    #[test]
    fn the_scale_doubles_after_two_thousand_good_steps_in_a_row() {
        let mut scaler = LossScaler::default();
        scaler.update(false);
        (0..1999).for_each(|_| scaler.update(true));
        assert_eq!(scaler.scale(), 32768.0);
        scaler.update(true);
        assert_eq!(scaler.scale(), 65536.0);
    }

    #[test]
    fn the_scale_stays_a_finite_number_above_zero() {
        let mut scaler = LossScaler::default();
        (0..500).for_each(|_| scaler.update(false));
        assert!(scaler.scale() > 0.0 && (1.0 / scaler.scale() as f32).is_finite());
        (0..500).for_each(|_| scaler.update_every(1, true));
        assert!((scaler.scale() as f32).is_finite());
    }

    #[test]
    fn what_was_scaled_comes_back_exactly() {
        let scaler = LossScaler::default();
        let mut gradients = Tensor::from_slice(&[0.1_f32, -3e-9, f32::INFINITY]) * scaler.scale();
        scaler.unscale(&mut gradients);
        assert_eq!(Vec::<f32>::try_from(gradients).unwrap(), [0.1, -3e-9, f32::INFINITY]);
    }

    #[test]
    fn a_saved_scaler_continues_where_it_stopped() {
        let mut scaler = LossScaler::default();
        [true, false, true, true].into_iter().for_each(|finite| scaler.update(finite));
        let text = serde_json::to_string(&scaler).unwrap();
        assert_eq!(text, r#"{"scale":32768.0,"good_steps":2}"#);
        assert_eq!(serde_json::from_str::<LossScaler>(&text).unwrap(), scaler);
    }
}
