//! One step of Adam (Kingma and Ba 2015) and of AdamW (Loshchilov and Hutter 2019) over flat weights, with the formulas
//! and the order of operations of `torch.optim`:
//!
//! ```text
//! g = gradient + penalty * value                                  (Adam's weight decay)
//! value *= 1 - lr * weight_decay                                  (AdamW's)
//! m = lerp(m, g, 1 - beta1);  v = beta2 * v + (1 - beta2) * g * g
//! value -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
//! ```

use tch::Tensor;

use super::super::config::{Adam, AdamW};
use super::super::lerp::Lerp;
use super::blocks::{Blocks, penalised};
use super::runs::Run;
use crate::native::wide::Loop;
use crate::native::{parallel, wide};

/// The names of the two running means in a saved state, as in `torch.optim`.
pub(super) const MOMENTS: [&str; 2] = ["exp_avg", "exp_avg_sq"];

/// What does not change from step to step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    /// Whether weight decay is decoupled from the gradient, as in AdamW.
    apart: bool,
}

impl From<&AdamW> for Rates {
    fn from(rates: &AdamW) -> Self {
        Self { betas: rates.betas, eps: rates.eps, weight_decay: rates.weight_decay, apart: true }
    }
}

impl From<&Adam> for Rates {
    fn from(rates: &Adam) -> Self {
        Self { betas: rates.betas, eps: rates.eps, weight_decay: rates.weight_decay, apart: false }
    }
}

/// Weights that a thread works on at a time.
const BLOCK: usize = 1 << 16;

/// The step of a block of weights.
struct OnBlock<'a> {
    step: Step,
    written: [&'a mut [f32]; 3],
    gradients: &'a [f32],
}

impl Loop for OnBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.step.on_run(self.written, self.gradients);
    }
}

/// Splits the first values off.
fn first<'a>(values: &mut &'a mut [f32], size: usize) -> &'a mut [f32] {
    let (first, rest) = std::mem::take(values).split_at_mut(size);
    *values = rest;
    first
}

/// What one step does to every weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    betas: [f64; 2],
    eps: f64,
    /// What a decayed weight is multiplied by.
    shrink: f64,
    /// The share of a decayed weight that is added to its gradient.
    penalty: f64,
    step_size: f64,
    square_correction: f64,
}

impl Step {
    /// Step `number`, counted from 1.
    pub fn new(rates: Rates, lr: f64, number: u64) -> Self {
        let Rates { betas, eps, weight_decay, apart } = rates;
        let [mean_correction, square_correction] = betas.map(|beta| 1.0 - beta.powf(number as f64));
        let (shrink, penalty) = if apart { (1.0 - lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
        let step_size = lr / mean_correction;
        Self { betas, eps, shrink, penalty, step_size, square_correction: square_correction.sqrt() }
    }

    /// In one pass over main memory, block by block on all threads.
    pub fn on_slices(self, written: [&mut [f32]; 3], mut gradients: &[f32], runs: &[Run]) {
        let (mut written, mut blocks) = (written, Vec::new());
        for Run { range, decayed } in runs {
            let step = if *decayed { self } else { Self { shrink: 1.0, penalty: 0.0, ..self } };
            let mut left = range.len();
            while left > 0 {
                let size = left.min(BLOCK);
                let (of_block, rest) = gradients.split_at(size);
                blocks.push(OnBlock {
                    step,
                    written: written.each_mut().map(|values| first(values, size)),
                    gradients: of_block,
                });
                gradients = rest;
                left -= size;
            }
        }
        parallel::for_each(blocks, wide::widest);
    }

    #[inline(always)]
    fn on_run(self, [values, means, squares]: [&mut [f32]; 3], gradients: &[f32]) {
        let (shrink, penalty, eps) = (self.shrink as f32, self.penalty as f32, self.eps as f32);
        let (keep, gain) = (self.betas[1] as f32, (1.0 - self.betas[1]) as f32);
        let (step_size, correction) = (self.step_size as f32, self.square_correction as f32);
        let lerp = Lerp::new(1.0 - self.betas[0]);
        for (((value, mean), square), gradient) in values.iter_mut().zip(means).zip(squares).zip(gradients) {
            let gradient = gradient + penalty * *value;
            *mean = lerp.between(*mean, gradient);
            *square = *square * keep + gain * gradient * gradient;
            let deviation = square.sqrt() / correction + eps;
            *value = *value * shrink - step_size * *mean / deviation;
        }
    }

    /// With operations that run on the tensors' device, and that allocate nothing.
    pub fn on_tensors(self, [values, means, squares]: [&Tensor; 3], gradients: &Tensor, runs: &[Run], blocks: &Blocks) {
        for run in runs.iter().filter(|run| run.decayed && self.shrink != 1.0) {
            let mut decayed = values.narrow(0, run.range.start as i64, run.range.len() as i64);
            decayed *= self.shrink;
        }
        for block in blocks.over(values) {
            let [mut value, mut mean, mut square] = [values, means, squares].map(|tensor| block.of(tensor));
            let (mut gradient, mut scratch) = penalised(&block, &value, gradients, self.penalty, runs);
            drop(mean.lerp_(&gradient, 1.0 - self.betas[0]));
            square *= self.betas[1];
            scratch.copy_(&gradient);
            scratch *= 1.0 - self.betas[1];
            scratch *= &gradient;
            square += &scratch;
            gradient.copy_(&square);
            drop(gradient.sqrt_());
            gradient /= self.square_correction;
            gradient += self.eps;
            scratch.copy_(&mean);
            scratch *= -self.step_size;
            scratch /= &gradient;
            value += &scratch;
        }
    }
}
