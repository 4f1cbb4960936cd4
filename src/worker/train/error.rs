//! Why a training did not begin, or ended before its time.

use std::path::PathBuf;

use thiserror::Error;

use crate::data::loader::SampleError;
use crate::nn::weights::WeightsError;
use crate::task::nowcast::training::NowcastError;
use crate::train::checkpoint::CheckpointError;
use crate::train::device::DeviceError;
use crate::train::engine::TrainError;
use crate::train::run_folder::RunError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;

/// A training that failed.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// The device or the precision that is asked for is not here.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The run folder can't be used, or is that of another run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The task can't be set up.
    #[error(transparent)]
    Task(#[from] NowcastError),
    /// The samples make no sense together.
    #[error(transparent)]
    Samples(#[from] SampleError),
    /// Checkpoints can't be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Training itself failed.
    #[error(transparent)]
    Engine(#[from] TrainError),
    /// A file of the run can't be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A signal came while nothing was computed.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The configuration can't be taken apart or written down.
    #[error("the configuration can't be used: {0}")]
    Configuration(String),
    /// The weights to start from can't be read.
    #[error("train.init_from: {0}")]
    Weights(#[from] WeightsError),
    /// There are no weights to start from.
    #[error(
        "train.init_from {}: no weights there; name a .safetensors file, a checkpoint, a run folder or a run below {}",
        wanted.display(),
        root.display()
    )]
    NoWeights {
        /// What the configuration says.
        wanted: PathBuf,
        /// Where runs lie.
        root: PathBuf,
    },
    /// The weights to start from are of another model.
    #[error(
        "train.init_from {}: none of its tensors fits this model ({report}); choose weights of the same task, or set train.init_from to null",
        file.display()
    )]
    NothingFits {
        /// The file.
        file: PathBuf,
        /// What became of its tensors.
        report: String,
    },
    /// Somebody was told what training will take and did not agree.
    #[error("nothing was started")]
    Declined,
}

impl TrainingError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Device(error) => error.exit(),
            Self::Run(error) => error.exit(),
            Self::Task(error) => error.exit(),
            Self::Samples(error) => error.exit(),
            Self::Checkpoint(error) => error.exit(),
            Self::Engine(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
            Self::Weights(error) => error.exit(),
            Self::Configuration(_) | Self::NoWeights { .. } | Self::NothingFits { .. } => Exit::Configuration,
            Self::Declined => Exit::Interrupted,
        }
    }
}
