//! Turns gradients into steps: AdamW, Adam and gradient descent over one flat tensor of weights. It knows nothing about
//! layers; the caller specifies that biases and norms do not decay.
//!
//! In main memory a step is one loop of our own, on all threads: it passes over memory once, and its result depends neither on the
//! number of threads nor on the width of the machine's vectors. Elsewhere it is a few tensor operations.

mod adam;
mod blocks;
mod error;
mod runs;
mod sgd;
#[cfg(test)]
mod tests;

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::native::flat::{self, NotFlat};

use super::config;
use blocks::Blocks;
pub use error::OptimizerError;
use runs::{Run, runs};

/// The name of the number of steps in a saved state.
const STEPS: &str = "step";

/// An optimizer and its state.
#[derive(Debug)]
pub struct Optimizer {
    method: Method,
    length: usize,
    steps: u64,
    /// If the weights are not in main memory.
    blocks: Option<Blocks>,
}

#[derive(Debug)]
enum Method {
    Adam { rates: adam::Rates, moments: [Tensor; 2] },
    Sgd { rates: config::Sgd, sums: Option<Tensor> },
}

impl Optimizer {
    /// An optimizer that has taken no step, for weights like these. Allocates all the memory that it will need.
    #[must_use]
    pub fn new(rates: &config::Optimizer, values: &Tensor) -> Self {
        let zeros = || values.detach().zeros_like();
        let adam = |rates| Method::Adam { rates, moments: [zeros(), zeros()] };
        let method = match rates {
            config::Optimizer::Adamw(rates) => adam(rates.into()),
            config::Optimizer::Adam(rates) => adam(rates.into()),
            config::Optimizer::Sgd(rates) => {
                Method::Sgd { rates: rates.clone(), sums: (rates.momentum != 0.0).then(zeros) }
            }
        };
        let blocks = (values.device() != Device::Cpu).then(|| Blocks::beside(&values.detach()));
        Self { method, length: values.numel(), steps: 0, blocks }
    }

    /// One step: updates the weights by their gradients. Only the weights in `decay`, given in order, decay.
    ///
    /// # Errors
    /// [`OptimizerError`] if the tensors are not those that the optimizer was built for; then nothing has changed.
    pub fn step(
        &mut self,
        values: &mut Tensor,
        gradients: &Tensor,
        lr: f64,
        decay: &[Range<usize>],
    ) -> Result<(), OptimizerError> {
        for got in [values.numel(), gradients.numel()] {
            if got != self.length {
                return Err(OptimizerError::Length { got, expected: self.length });
            }
        }
        let runs = runs(decay, self.length)?;
        match &self.blocks {
            None => self.method.step_on_slices(self.steps + 1, values, gradients, lr, &runs)?,
            Some(blocks) => tch::no_grad(|| {
                self.method.step_on_tensors(self.steps + 1, values, gradients, lr, &runs, blocks);
            }),
        }
        self.steps += 1;
        Ok(())
    }

    /// The steps taken so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Everything that the next step depends on, by name, under the names of `torch.optim`. The tensors share the
    /// optimizer's memory: copy them before the next step.
    #[must_use]
    pub fn state(&self) -> Vec<(&'static str, Tensor)> {
        let steps = (STEPS, Tensor::from_slice(&[self.steps as i64]));
        let moments = self.method.moments().into_iter().map(|(name, moment)| (name, moment.shallow_clone()));
        moments.chain([steps]).collect()
    }

    /// Continues from a state that [`Self::state`] returned, bit by bit, on whatever device it is.
    ///
    /// # Errors
    /// [`OptimizerError`] if the state is that of another optimizer or model; then nothing has changed.
    pub fn load_state(&mut self, state: &[(String, Tensor)]) -> Result<(), OptimizerError> {
        let moments = self.method.moments();
        let known = |name: &str| name == STEPS || moments.iter().any(|(known, _)| *known == name);
        if let Some((name, _)) = state.iter().find(|(name, _)| !known(name)) {
            return Err(OptimizerError::Unknown { name: name.clone() });
        }
        let steps = saved(state, STEPS, Kind::Int64, 1)?.int64_value(&[0]);
        let sources = moments.iter().map(|(name, _)| saved(state, name, Kind::Float, self.length));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        for ((_, moment), source) in moments.into_iter().zip(sources) {
            moment.shallow_clone().copy_(source);
        }
        self.steps = steps.max(0).unsigned_abs();
        Ok(())
    }
}

impl Method {
    fn step_on_slices(
        &mut self,
        number: u64,
        values: &mut Tensor,
        gradients: &Tensor,
        lr: f64,
        runs: &[Run],
    ) -> Result<(), NotFlat> {
        match self {
            Self::Adam { rates, moments: [means, squares] } => {
                let step = adam::Step::new(*rates, lr, number);
                flat::update([values, means, squares], gradients, |written, read| step.on_slices(written, read, runs))
            }
            Self::Sgd { rates, sums: Some(sums) } => {
                let step = sgd::Step::new(rates, lr);
                flat::update([values, sums], gradients, |written, read| step.with_momentum(written, read, runs))
            }
            Self::Sgd { rates, sums: None } => {
                let step = sgd::Step::new(rates, lr);
                flat::update([values], gradients, |written, read| step.without_momentum(written, read, runs))
            }
        }
    }

    fn step_on_tensors(
        &self,
        number: u64,
        values: &Tensor,
        gradients: &Tensor,
        lr: f64,
        runs: &[Run],
        blocks: &Blocks,
    ) {
        match self {
            Self::Adam { rates, moments: [means, squares] } => {
                let step = adam::Step::new(*rates, lr, number);
                step.on_tensors([values, means, squares], gradients, runs, blocks);
            }
            Self::Sgd { rates, sums } => {
                sgd::Step::new(rates, lr).on_tensors(values, sums.as_ref(), gradients, runs, blocks);
            }
        }
    }

    fn moments(&self) -> Vec<(&'static str, &Tensor)> {
        match self {
            Self::Adam { moments, .. } => adam::MOMENTS.into_iter().zip(moments).collect(),
            Self::Sgd { sums, .. } => sums.iter().map(|sums| (sgd::MOMENTUM, sums)).collect(),
        }
    }
}

/// A tensor of a saved state, checked for type and length.
fn saved<'a>(
    state: &'a [(String, Tensor)],
    name: &'static str,
    kind: Kind,
    length: usize,
) -> Result<&'a Tensor, OptimizerError> {
    let (_, tensor) = state.iter().find(|(known, _)| known == name).ok_or_else(|| {
        let found = state.iter().map(|(name, _)| name.clone()).collect();
        OptimizerError::Missing { name, found }
    })?;
    if tensor.kind() != kind || tensor.size() != [length as i64] {
        let got = format!("{:?} {:?}", tensor.kind(), tensor.size());
        return Err(OptimizerError::Mismatch { name, got, expected: format!("{kind:?} [{length}]") });
    }
    Ok(tensor)
}
