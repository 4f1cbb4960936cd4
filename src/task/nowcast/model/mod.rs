//! The models of this task, each in its own folder behind [`Forecaster`]: a new one also needs a variant in the
//! configuration and an arm in `network`.
//!
//! ```text
//! sizes    what a network is built for       whole    a network with what is around it, as other layers know it
//! carried  what a network sees, and what its output means: frames, or growth and decay in moving coordinates
//! check    invalid values of the section
//! fill     sizes that a network's steps do not divide     by_lead      outputs that are made lead by lead
//! convolution   one description of it: parameters, itself over them, TorchScript
//! python   all of it in PyTorch              script   all of it in TorchScript
//! ```

mod by_lead;
pub mod carried;
mod check;
pub mod convlstm;
mod convolution;
mod fill;
pub mod predrnn;
mod python;
mod script;
pub mod simvp;
mod sizes;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
pub mod trajgru;
pub mod unet;
mod whole;

use serde_json::Value;
use tch::Tensor;

pub use self::python::Python;
pub use self::script::Torchscript;
pub use self::sizes::{Sizes, seen_frames};
pub use self::whole::{Forecasting, Model, forecaster};
use super::config::{Levels, ModelConfig, NowcastConfig};
use crate::nn::backward::Passed;
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::util::quantity::Quantity;

/// A network that continues radar sequences, before it has weights.
pub trait Forecaster: std::fmt::Debug {
    /// Its parameters. Their names and shapes are those of weight files.
    fn layout(&self) -> Layout;

    /// Multiplications for one sample, forward. A step of training takes about three times as many.
    fn multiplications(&self) -> f64;

    /// Its sizes, for who uses its weights.
    fn describe(&self) -> Value;

    /// What becomes of its output if that is frames: in 0 to 1 by a sigmoid, or as it is.
    fn ending(&self) -> Ending {
        Ending::Sigmoid
    }

    /// How many layers start at zero between its first parameters and its output, besides the last convolution.
    fn sleeping_layers(&self) -> u64 {
        0
    }

    /// It in PyTorch.
    fn python(&self) -> Python;

    /// It in TorchScript.
    fn script(&self) -> Torchscript;

    /// It over these parameters: it sees every change of them.
    ///
    /// # Errors
    /// If one of its parameters is missing or has another shape.
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError>;
}

/// What becomes of an output that is frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is squeezed into 0 to 1.
    Sigmoid,
    /// It is a frame as it is.
    Plain,
}

/// A network with its weights.
pub trait Forward: std::fmt::Debug {
    /// Its output `[b, parts * leads, c, y, x]` in fp32, without an ending, for the frames `[b, t, c, y, x]`, which are those
    /// of [`Sizes::frames`] in fp32; what is between has the given precision.
    ///
    /// # Panics
    /// As every operation of `tch`, with libtorch's text: if memory runs out, or the frames are not those of the model.
    fn forward(&self, frames_btcyx: &Tensor, precision: Precision) -> Tensor;

    /// The same for training: a network with its own backward pass provides it here.
    ///
    /// # Panics
    /// As [`Self::forward`].
    fn learn(&self, frames_btcyx: &Tensor, precision: Precision) -> Passed {
        Passed::with_autograd(self.forward(frames_btcyx, precision))
    }
}

/// The network that the configuration selects.
fn network(config: &NowcastConfig) -> Box<dyn Forecaster> {
    let sizes = Sizes::of(config);
    match &config.model {
        ModelConfig::ConvLstm(model) => Box::new(convlstm::ConvLstm::new(model, sizes)),
        ModelConfig::Unet(model) => Box::new(unet::Unet::new(model, sizes)),
        ModelConfig::TrajGru(model) => Box::new(trajgru::TrajGru::new(model, sizes)),
        ModelConfig::Simvp(model) => Box::new(simvp::Simvp::new(model, sizes)),
        ModelConfig::Predrnn(model) => Box::new(predrnn::Predrnn::new(model, sizes)),
    }
}

/// Code for reflectivity as code for this quantity: `to_dbz` is called `to_physical`.
fn named(code: &str, quantity: &Quantity) -> String {
    if quantity.is_reflectivity() {
        return code.to_owned();
    }
    let names = [("to_dbz", "to_physical"), ("from_dbz", "from_physical"), ("_DBZ", "_VALUE"), ("_dbz", "_value")];
    names.iter().fold(code.to_owned(), |code, (dbz, other)| code.replace(dbz, other))
}

/// The channels of a frame: levels are separate sequences, or one image, or the channels.
pub(super) fn channels(config: &NowcastConfig) -> i64 {
    match &config.prepare.levels {
        Levels::Each | Levels::Composite => 1,
        Levels::Channels(levels) => levels.len() as i64,
    }
}
