//! The ConvLSTM (Shi et al. 2015): a stack of recurrent layers whose products are convolutions, and a head that turns the
//! last state into all target frames at once. A state may be weighed by an attention. No peepholes, no dropout, no randomness.
//!
//! Tensors carry their dimensions: b samples, t frames, c channels, y rows, x columns.

mod architecture;
mod attention;
mod bound;
mod layer;
mod needs;
mod norm;
mod python;
mod script;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

pub use architecture::Architecture;
pub use bound::BoundConvLstm;

use super::{Forecaster, Forward, Python, Sizes, Torchscript};
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::task::nowcast::config::{Attention, ConvLstmConfig};

/// The ConvLSTM that a configuration describes.
#[derive(Clone, Debug)]
pub struct ConvLstm {
    architecture: Architecture,
    config: ConvLstmConfig,
}

impl ConvLstm {
    /// The one that this configuration describes, with these inputs and outputs.
    #[must_use]
    pub fn new(config: &ConvLstmConfig, sizes: Sizes) -> Self {
        Self { architecture: Architecture::of(config, sizes), config: config.clone() }
    }
}

impl Forecaster for ConvLstm {
    fn layout(&self) -> Layout {
        self.architecture.layout()
    }

    fn multiplications(&self) -> f64 {
        self.architecture.multiplications()
    }

    fn describe(&self) -> Value {
        let ConvLstmConfig { hidden, kernel, norm, attention, .. } = &self.config;
        match attention {
            Attention::None => json!({"hidden": hidden, "kernel": kernel, "norm": norm}),
            _ => json!({"hidden": hidden, "kernel": kernel, "norm": norm, "attention": attention}),
        }
    }

    fn python(&self) -> Python {
        python::code(&self.architecture)
    }

    fn script(&self) -> Torchscript {
        script::code(&self.architecture)
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundConvLstm::new(&self.architecture, parameters)?))
    }
}
