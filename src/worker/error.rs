//! Why a stage failed: the error of the part that failed, with its exit code.

use thiserror::Error;

use super::train::TrainingError;
use crate::data::acquire::AcquireError;
use crate::task::nowcast::dataset::DatasetError;
use crate::task::nowcast::inspect::InspectError;
use crate::task::nowcast::prepare::PrepareError;
use crate::task::nowcast::quantize::QuantizeError;
use crate::task::nowcast::synth::SynthError;
use crate::util::exit::Exit;

/// A stage that failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub enum WorkError {
    /// The dataset is not here.
    Acquire(#[from] AcquireError),
    /// It could not be prepared.
    Prepare(#[from] PrepareError),
    /// The range of reflectivities makes no sense.
    Quantize(#[from] QuantizeError),
    /// The prepared dataset can't be used.
    Dataset(#[from] DatasetError),
    /// It could not be inspected.
    Inspect(#[from] InspectError),
    /// A synthetic dataset could not be written.
    Synth(#[from] SynthError),
    /// Training did not begin, or failed.
    Train(#[from] TrainingError),
}

impl WorkError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Acquire(error) => error.exit(),
            Self::Prepare(error) => error.exit(),
            Self::Quantize(error) => error.exit(),
            Self::Dataset(error) => error.exit(),
            Self::Inspect(error) => error.exit(),
            Self::Synth(error) => error.exit(),
            Self::Train(error) => error.exit(),
        }
    }
}
