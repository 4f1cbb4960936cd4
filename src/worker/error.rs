//! Why a stage failed: the error of the part that failed, with its exit code.

use thiserror::Error;

use super::compare::CompareError;
use super::evaluate::EvaluateError;
use super::export::ExportError;
use super::train::TrainingError;
use super::trained::TrainedError;
use crate::data::acquire::AcquireError;
use crate::task::nowcast::dataset::DatasetError;
use crate::task::nowcast::inspect::InspectError;
use crate::task::nowcast::predict::PredictError;
use crate::task::nowcast::prepare::PrepareError;
use crate::task::nowcast::quantize::QuantizeError;
use crate::task::nowcast::synth::SynthError;
use crate::train::run_folder::RunError;
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
    /// An evaluation failed.
    Evaluate(#[from] EvaluateError),
    /// A trained model can't be used.
    Trained(#[from] TrainedError),
    /// There are no forecasts, or not all that were asked for.
    Predict(#[from] PredictError),
    /// A model can't be exported.
    Export(#[from] ExportError),
    /// Evaluations can't be compared.
    Compare(#[from] CompareError),
    /// The runs can't be listed.
    Run(#[from] RunError),
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
            Self::Evaluate(error) => error.exit(),
            Self::Trained(error) => error.exit(),
            Self::Predict(error) => error.exit(),
            Self::Export(error) => error.exit(),
            Self::Compare(error) => error.exit(),
            Self::Run(error) => error.exit(),
        }
    }
}
