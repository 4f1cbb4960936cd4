//! Weights for other programs: files that PyTorch reads without this one. Names no network, and does not decide where a file is
//! written.
//!
//! ```text
//! pth          a state dict for torch.load       archive  the zip file that both are
//! torchscript  a network for torch.jit.load      pickle   the objects in it
//! script       what such a network is made of    steps    one from a list of operations
//! modules      the modules that its weights are in
//! python       a network as a module, for weights in a safetensors file
//! ```

mod archive;
pub mod modules;
mod pickle;
pub mod pth;
pub mod python;
pub mod script;
pub mod steps;
#[cfg(test)]
mod tests;
pub mod torchscript;

use std::ops::Range;

use tch::{Device, Tensor};
use thiserror::Error;

use super::parameters::{BufferSpec, Layout, LoadReport, Numbers, ParameterSpec, Parameters, ParametersError};
use crate::util::exit::Exit;
pub use archive::Archive;
pub use script::Script;

/// The most bytes that an archive without the extensions for large files can hold, with room for all but the numbers.
pub const MAX_ARCHIVE_BYTES: u64 = u32::MAX as u64 - (16 << 20);

/// A parameter or a buffer with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Its name: `layers.0.conv.weight`.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// What its numbers are.
    pub numbers: Numbers,
    /// Whether it is trained: not a buffer.
    pub is_parameter: bool,
    /// The numbers, little-endian, the last dimension running fastest.
    pub bytes: Vec<u8>,
}

/// Weights that don't fit the network.
#[derive(Debug, Error)]
pub enum ExportError {
    /// Some are missing, have another shape, or are too many.
    #[error("{0}")]
    Fits(Box<LoadReport>),
    /// The network can't be built.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The numbers can't be taken out.
    #[error("the numbers of {name} can't be read: {source}")]
    Numbers {
        /// The parameter.
        name: String,
        /// The error of libtorch.
        source: tch::TchError,
    },
}

impl ExportError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Fits(_) => Exit::DataRefused,
            Self::Parameters(error) => error.exit(),
            Self::Numbers { .. } => Exit::Bug,
        }
    }
}

/// All parameters of a network and then its buffers, each in its own order, with the numbers of these tensors, of whatever
/// floating type they are.
///
/// # Errors
/// If the tensors are not exactly those of the network.
pub fn weights(layout: &Layout, tensors: &[(String, Tensor)]) -> Result<Vec<Weight>, ExportError> {
    let mut parameters = Parameters::new(layout, 0, Device::Cpu)?;
    let report = parameters.load_named(tensors);
    if !report.is_complete() {
        return Err(ExportError::Fits(Box::new(report)));
    }
    let parameter = |(spec, _): (&ParameterSpec, Range<usize>)| {
        weight(&spec.name, &parameters.view(&spec.name)?.detach(), Numbers::Float, true)
    };
    let buffer = |(spec, place): (&BufferSpec, Tensor)| weight(&spec.name, &place, spec.numbers, false);
    parameters.layout().map(parameter).chain(parameters.buffer_parts().into_iter().map(buffer)).collect()
}

fn weight(name: &str, values: &Tensor, numbers: Numbers, is_parameter: bool) -> Result<Weight, ExportError> {
    let shape = values.size().iter().map(|size| size.unsigned_abs() as usize).collect();
    let unreadable = |source| ExportError::Numbers { name: name.to_owned(), source };
    let values = Vec::<f32>::try_from(values.flatten(0, -1)).map_err(unreadable)?.into_iter();
    let bytes = match numbers {
        Numbers::Float => values.flat_map(f32::to_le_bytes).collect(),
        Numbers::Whole => values.flat_map(|value| (value as i64).to_le_bytes()).collect(),
    };
    Ok(Weight { name: name.to_owned(), shape, numbers, is_parameter, bytes })
}

/// The bytes of all numbers.
#[must_use]
pub fn bytes(weights: &[Weight]) -> u64 {
    weights.iter().map(|weight| weight.bytes.len() as u64).sum()
}

/// How many numbers are trained.
#[must_use]
pub fn trained(weights: &[Weight]) -> u64 {
    weights
        .iter()
        .filter(|weight| weight.is_parameter)
        .map(|weight| weight.shape.iter().product::<usize>() as u64)
        .sum()
}
