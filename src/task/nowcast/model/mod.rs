//! The models of this task, each in its own file behind [`Forecaster`]: a new one also needs a variant in the
//! configuration and an arm in [`forecaster`].

pub mod convlstm;

use serde_json::{Map, Value, json};
use tch::Tensor;

use super::config::{Levels, NowcastConfig, PrepareConfig};
use crate::nn::backward::Passed;
use crate::nn::network::{Io, Network, Port};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::util::quantity::Quantity;

/// A model that continues radar sequences, before it has weights.
pub trait Forecaster: Network {
    /// The model over these parameters: it sees every change of them.
    ///
    /// # Errors
    /// If one of its parameters is missing or has another shape.
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError>;
}

/// A model with its weights.
pub trait Forward: std::fmt::Debug {
    /// The target frames `[b, t, c, y, x]`, in 0 to 1, that follow the input frames `[b, t, c, y, x]`, in 0 to 1. Both are
    /// fp32; what is between has the given precision.
    ///
    /// # Panics
    /// As every operation of `tch`, with libtorch's text: if memory runs out, or the frames are not those of the model.
    fn forward(&self, input_btcyx: &Tensor, precision: Precision) -> Tensor;

    /// The same for training: a model with its own backward pass provides it here.
    ///
    /// # Panics
    /// As [`Self::forward`].
    fn learn(&self, input_btcyx: &Tensor, precision: Precision) -> Passed {
        Passed::with_autograd(self.forward(input_btcyx, precision))
    }
}

/// The model that the configuration selects, for values of this quantity.
#[must_use]
pub fn forecaster(config: &NowcastConfig, quantity: &Quantity) -> Box<dyn Forecaster> {
    Box::new(convlstm::ConvLstm::new(config, quantity))
}

const LAYOUT: &str = "batch, time, channels, rows, columns";

/// The inputs and outputs of every model of this task; `model` are the sizes of this one.
fn io(config: &NowcastConfig, quantity: &Quantity, model: Value) -> Io {
    let NowcastConfig { prepare, windows, .. } = config;
    let [rows, columns] = prepare.size.map(|size| size as i64);
    let input = ("frames", windows.input_frames as i64);
    let meaning = [
        ("normalisation", normalisation(prepare, quantity)),
        ("levels", json!(prepare.levels)),
        ("missing", json!(prepare.missing)),
        ("method", json!(prepare.method)),
        ("model", model),
    ];
    Io {
        input: Port::new(LAYOUT, &[input, ("channels", channels(config)), ("rows", rows), ("columns", columns)]),
        output: Port::new(LAYOUT, &[("frames", windows.target_frames as i64)]),
        meaning: meaning.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>(),
        in_pth: Map::new(),
    }
}

/// How values become the network's input.
fn normalisation(prepare: &PrepareConfig, quantity: &Quantity) -> Value {
    let PrepareConfig { min, max, .. } = prepare;
    if quantity.is_reflectivity() {
        let formula = "(dBZ - min_dbz) / (max_dbz - min_dbz), held within 0 and 1; a missing cell is 0";
        return json!({"min_dbz": min, "max_dbz": max, "formula": formula});
    }
    let formula = "(value - min) / (max - min), held within 0 and 1; a missing cell is 0";
    json!({"min": min, "max": max, "unit": quantity.unit(), "formula": formula})
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
