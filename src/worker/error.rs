//! Why a stage failed: the error of the part that failed, with its exit code.

use thiserror::Error;

use super::compare::CompareError;
use super::evaluate::EvaluateError;
use super::export::ExportError;
use super::train::TrainingError;
use super::trained::TrainedError;
use crate::data::acquire::AcquireError;
use crate::data::pack::PackError;
use crate::train::run_folder::RunError;
use crate::util::exit::Exit;
use crate::util::failure::Failed;

/// A stage that failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub enum WorkError {
    /// The dataset is not here.
    Acquire(#[from] AcquireError),
    /// An archive could not be written.
    Pack(#[from] PackError),
    /// Training did not start, or failed.
    Train(#[from] TrainingError),
    /// An evaluation failed.
    Evaluate(#[from] EvaluateError),
    /// A trained model can't be used.
    Trained(#[from] TrainedError),
    /// A model can't be exported.
    Export(#[from] ExportError),
    /// Evaluations can't be compared.
    Compare(#[from] CompareError),
    /// The runs can't be listed.
    Run(#[from] RunError),
    /// A task-specific step failed.
    Task(#[from] Failed),
}

impl WorkError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Acquire(error) => error.exit(),
            Self::Pack(error) => error.exit(),
            Self::Train(error) => error.exit(),
            Self::Evaluate(error) => error.exit(),
            Self::Trained(error) => error.exit(),
            Self::Export(error) => error.exit(),
            Self::Compare(error) => error.exit(),
            Self::Run(error) => error.exit(),
            Self::Task(error) => error.exit(),
        }
    }
}
