//! Why training ended before its time.

use thiserror::Error;

use crate::native::flat::NotFlat;
use crate::nn::parameters::ParametersError;
use crate::train::checkpoint::CheckpointError;
use crate::train::divergence::Diverged;
use crate::train::feed::FeedError;
use crate::train::micro_batch::OutOfMemory;
use crate::train::optimizer::OptimizerError;
use crate::train::run_folder::RunError;
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::stop::Stopped;
use crate::util::units;

/// Training that could not go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A signal came; the state is saved.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A sample can't be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The task could not do what it was asked.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The engine's own use of libtorch failed.
    #[error("libtorch failed: {0}")]
    Torch(#[from] tch::TchError),
    /// The optimizer does not fit the weights.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
    /// Weights and gradients do not lie as they should.
    #[error(transparent)]
    NotFlat(#[from] NotFlat),
    /// A checkpoint can't be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What observers write can't be written.
    #[error(transparent)]
    Observer(#[from] RunError),
    /// A flat tensor is not that of the model.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// There is nothing to train on.
    #[error("there are no training samples; lower task.*.split.val_share, or add data")]
    NoSamples,
    /// A single sample is too much.
    #[error(
        "{source}; the process holds {}, of which weights, gradients and optimizer take {}; libtorch says: {text}",
        units::bytes(*.held_bytes),
        units::bytes(*.state_bytes)
    )]
    OutOfMemory {
        /// What libtorch said.
        text: String,
        /// Bytes that the process held.
        held_bytes: u64,
        /// Bytes of weights, gradients and the optimizer's state.
        state_bytes: u64,
        /// The size that failed.
        source: OutOfMemory,
    },
    /// Loss or gradient is no number, again and again.
    #[error(
        "step {step}: {source}; look at its samples: {}", .samples.join(", ")
    )]
    Diverged {
        /// The step that was not made.
        step: u64,
        /// The samples of the group.
        samples: Vec<String>,
        /// What was tried.
        source: Diverged,
    },
    /// A checkpoint was made with other phases, another task or another program.
    #[error("checkpoint {checkpoint} does not fit this run: {problem}; start a new run with --no-resume")]
    Misfit {
        /// The checkpoint.
        checkpoint: String,
        /// In what.
        problem: String,
    },
    /// A stop without a signal: a mistake of this program.
    #[error("training was stopped, but no signal came")]
    StopWithoutSignal,
}

impl TrainError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Stopped(error) => error.exit(),
            Self::Feed(error) => error.exit(),
            Self::Task(error) => error.exit(),
            Self::Checkpoint(error) => error.exit(),
            Self::Observer(error) => error.exit(),
            Self::Parameters(error) => error.exit(),
            Self::NoSamples => Exit::DataRefused,
            Self::OutOfMemory { source, .. } => source.exit(),
            Self::Diverged { source, .. } => source.exit(),
            Self::Misfit { .. } => Exit::Configuration,
            Self::Optimizer(error) => error.exit(),
            Self::NotFlat(_) | Self::Torch(_) | Self::StopWithoutSignal => Exit::Bug,
        }
    }
}
