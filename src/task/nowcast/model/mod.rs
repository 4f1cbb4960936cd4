//! The models of this task, each in a file of its own behind [`Forecaster`]: what a further one needs beside its file is a variant
//! in the configuration and an arm in [`forecaster`].

pub mod convlstm;

use serde_json::{Map, Value, json};
use tch::Tensor;

use super::config::{Levels, NowcastConfig};
use crate::nn::backward::Passed;
use crate::nn::network::{Io, Network, Port};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;

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

/// The model that the configuration selects.
#[must_use]
pub fn forecaster(config: &NowcastConfig) -> Box<dyn Forecaster> {
    Box::new(convlstm::ConvLstm::new(config))
}

const LAYOUT: &str = "batch, time, channels, rows, columns";

/// The inputs and outputs of every model of this task; `model` are the sizes of this one.
fn io(config: &NowcastConfig, model: Value) -> Io {
    let NowcastConfig { prepare, windows, .. } = config;
    let [rows, columns] = prepare.size.map(|size| size as i64);
    let input = ("frames", windows.input_frames as i64);
    let meaning = [
        (
            "normalisation",
            json!({"min_dbz": prepare.min_dbz, "max_dbz": prepare.max_dbz,
                "formula": "(dBZ - min_dbz) / (max_dbz - min_dbz), held within 0 and 1; a missing cell is 0"}),
        ),
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

/// The channels of a frame: levels are separate sequences, or one image, or the channels.
pub(super) fn channels(config: &NowcastConfig) -> i64 {
    match &config.prepare.levels {
        Levels::Each | Levels::Composite => 1,
        Levels::Channels(levels) => levels.len() as i64,
    }
}
