//! The ConvLSTM (Shi et al. 2015): a stack of recurrent layers whose products are convolutions, and a head that turns the
//! last state into all target frames at once. No peepholes, no dropout, no randomness.
//!
//! Tensors carry their dimensions: b samples, t frames, c channels, y rows, x columns.

mod architecture;
mod bound;
mod layer;
mod norm;
mod python;
#[cfg(test)]
mod python_tests;
mod script;
#[cfg(test)]
mod script_tests;
#[cfg(test)]
mod tests;

use serde_json::json;

pub use architecture::Architecture;
pub use bound::BoundConvLstm;

use super::{Forecaster, Forward, io, named};
use crate::nn::export::Script;
use crate::nn::network::{Io, Network};
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::task::nowcast::config::NowcastConfig;
use crate::util::quantity::Quantity;

/// The ConvLSTM that a configuration describes.
#[derive(Clone, Debug)]
pub struct ConvLstm {
    architecture: Architecture,
    config: NowcastConfig,
    quantity: Quantity,
}

impl ConvLstm {
    /// The one that this configuration describes, for values of this quantity.
    #[must_use]
    pub fn new(config: &NowcastConfig, quantity: &Quantity) -> Self {
        Self { architecture: Architecture::of(config), config: config.clone(), quantity: quantity.clone() }
    }
}

impl Network for ConvLstm {
    fn layout(&self) -> Layout {
        self.architecture.layout()
    }

    fn multiplications(&self) -> f64 {
        self.architecture.multiplications(self.config.windows.input_frames as i64)
    }

    fn describe(&self) -> Io {
        let model = &self.config.model;
        io(&self.config, &self.quantity, json!({"hidden": model.hidden, "kernel": model.kernel, "norm": model.norm}))
    }

    fn python(&self) -> String {
        named(&python::code(&self.architecture, &self.config), &self.quantity)
    }

    fn script(&self) -> Option<Script> {
        let mut script = script::script(&self.architecture, &self.config, &self.quantity);
        script.code = named(&script.code, &self.quantity);
        Some(script)
    }
}

impl Forecaster for ConvLstm {
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundConvLstm::new(&self.architecture, parameters)?))
    }
}
