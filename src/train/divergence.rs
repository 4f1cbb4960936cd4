//! What to do about a step whose loss or gradients are not finite: skip it, then lower the learning rate, and stop if
//! nothing helps. It only decides; it touches neither the weights nor the optimizer.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::util::exit::Exit;

/// Bad steps in a row after which the learning rate is lowered.
const LOWER_EVERY: u32 = 5;
/// Bad steps in a row after which training stops.
const STOP_AFTER: u32 = 20;
/// What the learning rate is multiplied by.
const FACTOR: f64 = 0.5;
/// A loss scale from which an overflow of fp16 no longer explains gradients that are not finite.
const SMALLEST_USEFUL_SCALE: f64 = 1.0;

/// Training can't continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "training diverged: the loss or its gradients were not finite in {bad_steps} steps in a row; \
     set train.clip_norm, or use precision bf16 or fp32"
)]
pub struct Diverged {
    bad_steps: u32,
}

impl Diverged {
    /// The code that a process ends with.
    #[must_use]
    pub fn exit(self) -> Exit {
        Exit::Diverged
    }
}

/// What is known of a step before it changes the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Health {
    /// Whether the loss is finite.
    pub loss: bool,
    /// Whether all gradients are.
    pub gradients: bool,
    /// The loss scale, if there is one.
    pub scale: Option<f64>,
}

/// What to do with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Apply it.
    Take,
    /// Skip it: it is a fault, and counted.
    Skip,
    /// Skip it: an fp16 overflow that the loss scaler will handle, not a fault.
    SkipOverflow,
    /// Skip it; from now on the learning rate is lower.
    SkipAndLower,
}

/// The number of consecutive bad steps: saved with a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    bad_steps: u32,
    lowerings: u32,
    /// Whether any step was taken. Where a checkpoint does not say so, it was.
    #[serde(default = "yes")]
    taken: bool,
}

fn yes() -> bool {
    true
}

impl Divergence {
    /// Decides about a step. An overflow that the loss scaler will handle is skipped and not counted.
    ///
    /// # Errors
    /// [`Diverged`] after too many bad steps in a row.
    pub fn judge(&mut self, step: Health) -> Result<Verdict, Diverged> {
        if step.loss && step.gradients {
            self.bad_steps = 0;
            self.taken = true;
            return Ok(Verdict::Take);
        }
        if step.loss && step.scale.is_some_and(|scale| scale > SMALLEST_USEFUL_SCALE) {
            return Ok(Verdict::SkipOverflow);
        }
        self.bad_steps += 1;
        if self.bad_steps >= STOP_AFTER {
            return Err(Diverged { bad_steps: self.bad_steps });
        }
        if !self.bad_steps.is_multiple_of(LOWER_EVERY) {
            return Ok(Verdict::Skip);
        }
        self.lowerings += 1;
        Ok(Verdict::SkipAndLower)
    }

    /// Whether any step was taken: if not, nothing was learned.
    #[must_use]
    pub fn has_learned(&self) -> bool {
        self.taken
    }

    /// What the schedule's learning rate is multiplied by.
    #[must_use]
    pub fn lr_factor(&self) -> f64 {
        FACTOR.powi(self.lowerings.min(1000) as i32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: Health = Health { loss: true, gradients: true, scale: None };
    const BAD: Health = Health { loss: false, gradients: false, scale: None };

    #[test]
    fn bad_steps_are_left_out_then_the_rate_falls_then_training_stops() {
        let mut divergence = Divergence::default();
        let verdicts: Vec<_> = (0..19).map(|_| divergence.judge(BAD).unwrap()).collect();
        let lowered: Vec<_> = (0..19).filter(|step| verdicts[*step] == Verdict::SkipAndLower).collect();
        assert_eq!(lowered, [4, 9, 14]);
        assert_eq!(divergence.lr_factor(), 0.125);
        let diverged = divergence.judge(BAD).unwrap_err();
        assert_eq!(diverged.exit(), Exit::Diverged);
        assert!(diverged.to_string().contains("in 20 steps in a row"), "{diverged}");
    }

    #[test]
    fn a_good_step_ends_the_row_and_the_rate_stays_low() {
        let mut divergence = Divergence::default();
        for _ in 0..3 {
            (0..5).for_each(|_| assert_ne!(divergence.judge(BAD), Ok(Verdict::Take)));
            assert_eq!(divergence.judge(GOOD), Ok(Verdict::Take));
        }
        assert_eq!(divergence.lr_factor(), 0.125);
    }

    #[test]
    fn gradients_alone_that_are_not_finite_are_a_bad_step_too() {
        let mut divergence = Divergence::default();
        assert_eq!(divergence.judge(Health { loss: true, ..BAD }), Ok(Verdict::Skip));
        assert_eq!(divergence, Divergence { bad_steps: 1, ..Divergence::default() });
        assert!(!divergence.has_learned());
    }

    #[test]
    fn overflows_while_the_loss_scale_comes_down_do_not_count() {
        let overflow = Health { loss: true, gradients: false, scale: Some(65536.0) };
        let mut divergence = Divergence::default();
        (0..100).for_each(|_| assert_eq!(divergence.judge(overflow), Ok(Verdict::SkipOverflow)));
        assert_eq!(divergence, Divergence::default());
        let helpless = Health { scale: Some(1.0), ..overflow };
        assert_eq!(divergence.judge(helpless), Ok(Verdict::Skip), "a scale that can't come down explains nothing");
        assert!((0..20).any(|_| divergence.judge(helpless).is_err()));
    }

    #[test]
    fn a_loss_that_is_not_finite_counts_with_a_scale_too() {
        let mut divergence = Divergence::default();
        let step = Health { scale: Some(65536.0), ..BAD };
        assert!((0..20).any(|_| divergence.judge(step).is_err()));
    }

    proptest! {
        #[test]
        fn only_good_steps_are_taken(steps in prop::collection::vec((any::<bool>(), any::<bool>()), 0..200)) {
            let mut divergence = Divergence::default();
            for (loss, gradients) in steps {
                let verdict = divergence.judge(Health { loss, gradients, scale: None });
                prop_assert_eq!(verdict == Ok(Verdict::Take), loss && gradients);
                prop_assert!(divergence.lr_factor() > 0.0);
            }
        }
    }
}
