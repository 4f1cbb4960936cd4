//! What can be wrong with the tensors passed to an optimizer.

use thiserror::Error;

use crate::native::flat::NotFlat;
use crate::util::exit::Exit;

/// Why a step was not taken or a state not loaded. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OptimizerError {
    /// The data of a tensor can't be accessed.
    #[error("optimizer step: {0}")]
    NotFlat(#[from] NotFlat),
    /// The optimizer was built for another number of weights.
    #[error("optimizer step: got {got} numbers, expected the {expected} that the optimizer was built for")]
    Length {
        /// Numbers in the tensor.
        got: usize,
        /// Weights that the optimizer was built for.
        expected: usize,
    },
    /// The ranges with weight decay are not in order, or touch, or end past the weights.
    #[error("weight decay range {start}..{end} must begin at {from} or later and end at {length} or before")]
    Decay {
        /// Its first weight.
        start: usize,
        /// Past its last weight.
        end: usize,
        /// The end of the range before it.
        from: usize,
        /// The number of weights.
        length: usize,
    },
    /// The saved state lacks a tensor.
    #[error(
        "the saved optimizer state has no tensor {name:?}, but has {found:?}; resume with the optimizer that wrote it, or start a new run"
    )]
    Missing {
        /// The tensor.
        name: &'static str,
        /// The tensors that are there.
        found: Vec<String>,
    },
    /// The saved state contains a tensor that this optimizer does not use.
    #[error(
        "the saved optimizer state has a tensor {name:?} that this optimizer does not know; resume with the optimizer that wrote it, or start a new run"
    )]
    Unknown {
        /// The tensor.
        name: String,
    },
    /// A tensor of the saved state is of another size or type.
    #[error(
        "tensor {name:?} of the saved optimizer state is {got}, expected {expected}; resume with the model that wrote it, or start a new run"
    )]
    Mismatch {
        /// The tensor.
        name: &'static str,
        /// Its type and size.
        got: String,
        /// What this optimizer expects.
        expected: String,
    },
}

impl OptimizerError {
    /// The code that a process ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotFlat(_) | Self::Length { .. } | Self::Decay { .. } => Exit::Bug,
            Self::Missing { .. } | Self::Unknown { .. } | Self::Mismatch { .. } => Exit::Configuration,
        }
    }
}
