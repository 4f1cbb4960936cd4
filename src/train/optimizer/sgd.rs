//! One step of gradient descent with momentum (Sutskever et al. 2013) over flat weights, with the formulas and the order
//! of operations of `torch.optim.SGD`, dampening 0:
//!
//! ```text
//! g = gradient + weight_decay * value
//! b = momentum * b + g;  g = g + momentum * b (Nesterov's) or b
//! value -= lr * g
//! ```

use tch::Tensor;

use super::super::config::Sgd;
use super::blocks::{Blocks, penalised};
use super::runs::Run;

/// The name of the running sum in a saved state, as in `torch.optim`.
pub(super) const MOMENTUM: &str = "momentum_buffer";

/// What one step does to every weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    lr: f64,
    penalty: f64,
    momentum: f64,
    nesterov: bool,
}

impl Step {
    /// One step with these rates.
    pub fn new(rates: &Sgd, lr: f64) -> Self {
        Self { lr, penalty: rates.weight_decay, momentum: rates.momentum, nesterov: rates.nesterov }
    }

    /// In one pass over main memory.
    pub fn without_momentum(self, [values]: [&mut [f32]; 1], gradients: &[f32], runs: &[Run]) {
        let lr = self.lr as f32;
        for Run { range, decayed } in runs {
            let penalty = self.penalty_of(*decayed);
            for (value, gradient) in values[range.clone()].iter_mut().zip(&gradients[range.clone()]) {
                let gradient = gradient + penalty * *value;
                *value -= lr * gradient;
            }
        }
    }

    /// In one pass over main memory.
    pub fn with_momentum(self, [values, sums]: [&mut [f32]; 2], gradients: &[f32], runs: &[Run]) {
        let (lr, momentum, nesterov) = (self.lr as f32, self.momentum as f32, self.nesterov);
        for Run { range, decayed } in runs {
            let penalty = self.penalty_of(*decayed);
            let (values, sums) = (&mut values[range.clone()], &mut sums[range.clone()]);
            for ((value, sum), gradient) in values.iter_mut().zip(sums).zip(&gradients[range.clone()]) {
                let gradient = gradient + penalty * *value;
                *sum = *sum * momentum + gradient;
                let direction = if nesterov { gradient + momentum * *sum } else { *sum };
                *value -= lr * direction;
            }
        }
    }

    fn penalty_of(self, decayed: bool) -> f32 {
        if decayed { self.penalty as f32 } else { 0.0 }
    }

    /// With operations that run on the tensors' device, and that allocate nothing.
    pub fn on_tensors(self, values: &Tensor, sums: Option<&Tensor>, gradients: &Tensor, runs: &[Run], blocks: &Blocks) {
        for block in blocks.over(values) {
            let mut value = block.of(values);
            let (mut direction, mut scratch) = penalised(&block, &value, gradients, self.penalty, runs);
            if let Some(mut sum) = sums.map(|sums| block.of(sums)) {
                sum *= self.momentum;
                sum += &direction;
                scratch.copy_(&sum);
                if self.nesterov {
                    scratch *= self.momentum;
                    direction += &scratch;
                } else {
                    direction.copy_(&scratch);
                }
            }
            direction *= -self.lr;
            value += &direction;
        }
    }
}
