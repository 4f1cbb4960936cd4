//! Weights for other programs: files that PyTorch reads without this one. Not the weights that this program goes on with,
//! which are [`super::weights`], and not where a file lies.
//!
//! ```text
//! pth          a state dict for torch.load       archive  the zip file that both are
//! torchscript  a network for torch.jit.load      pickle   the objects in it
//! code         the network in TorchScript
//! ```

mod archive;
mod code;
mod pickle;
pub mod pth;
#[cfg(test)]
mod tests;
pub mod torchscript;

use std::ops::Range;

use tch::{Device, Tensor};
use thiserror::Error;

use super::convlstm::Architecture;
use super::parameters::{LoadReport, ParameterSpec, Parameters, ParametersError};
use crate::util::exit::Exit;

/// The most bytes that an archive without the extensions for large files can hold, with room for all but the numbers.
pub const MAX_ARCHIVE_BYTES: u64 = u32::MAX as u64 - (16 << 20);

/// A parameter with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Its name: `layers.0.conv.weight`.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// The numbers: fp32, little-endian, the last dimension running fastest.
    pub bytes: Vec<u8>,
}

/// Weights that are not those of the network.
#[derive(Debug, Error)]
pub enum ExportError {
    /// Some are missing, have another shape, or are too many.
    #[error("{0}")]
    Fits(LoadReport),
    /// The network can't be built.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The numbers can't be taken out.
    #[error("the numbers of {name} can't be read: {source}")]
    Numbers {
        /// The parameter.
        name: String,
        /// What libtorch says.
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

/// All parameters of a network, in its own order, with the numbers of these tensors, of whatever floating type they are.
///
/// # Errors
/// Where the tensors are not exactly those of the network.
pub fn weights(architecture: &Architecture, tensors: &[(String, Tensor)]) -> Result<Vec<Weight>, ExportError> {
    let mut parameters = Parameters::new(&architecture.parameters(), 0, Device::Cpu)?;
    let report = parameters.load_named(tensors);
    if !report.is_complete() {
        return Err(ExportError::Fits(report));
    }
    let weight = |(spec, _): (&ParameterSpec, Range<usize>)| -> Result<Weight, ExportError> {
        let name = spec.name.clone();
        let values = Vec::<f32>::try_from(parameters.view(&name)?.detach().flatten(0, -1));
        let values = values.map_err(|source| ExportError::Numbers { name: name.clone(), source })?;
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Ok(Weight { name, shape: spec.shape.iter().map(|size| size.unsigned_abs() as usize).collect(), bytes })
    };
    parameters.layout().map(weight).collect()
}

/// The bytes of all numbers.
#[must_use]
pub fn bytes(weights: &[Weight]) -> u64 {
    weights.iter().map(|weight| weight.bytes.len() as u64).sum()
}
