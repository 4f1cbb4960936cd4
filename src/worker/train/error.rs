//! Why a training did not start, or ended early.

use std::path::PathBuf;

use thiserror::Error;

use super::mirror::MirrorTrouble;
use crate::train::checkpoint::CheckpointError;
use crate::train::device::DeviceError;
use crate::train::engine::TrainError;
use crate::train::run_folder::RunError;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;
use crate::worker::evaluate::EvaluateError;
use crate::worker::room::NoRoom;

/// A training that failed.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// The requested device or precision is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The run folder can't be used, or belongs to another run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The task can't be set up.
    #[error(transparent)]
    Task(#[from] Failed),
    /// Checkpoints can't be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Training itself failed.
    #[error(transparent)]
    Engine(#[from] TrainError),
    /// A file of the run can't be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The mirror prevents it.
    #[error(transparent)]
    Mirror(Box<MirrorTrouble>),
    /// A signal was received outside of training.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The configuration can't be parsed or serialised.
    #[error("the configuration can't be used: {0}")]
    Configuration(String),
    /// The weights to start from can't be read.
    #[error("train.init_from: {0}")]
    Weights(#[source] Failed),
    /// The weights to start from do not exist.
    #[error(
        "train.init_from {}: no weights there; name a file (.safetensors, .pth), a checkpoint, a run folder or a run below {}",
        wanted.display(),
        root.display()
    )]
    NoWeights {
        /// The configured value.
        wanted: PathBuf,
        /// The folder of all runs.
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
        /// How its tensors compare with those of the model.
        report: String,
    },
    /// Most of the model would start from nothing.
    #[error(
        "train.init_from {}: {fits} of the {all} tensors of this model are in it, fewer than half ({report}); choose weights of the \
         same network, or set train.init_from to null",
        file.display()
    )]
    FewFit {
        /// The file.
        file: PathBuf,
        /// Tensors of the model that it has.
        fits: usize,
        /// All tensors of the model.
        all: usize,
        /// How its tensors compare with those of the model.
        report: String,
    },
    /// libtorch failed on a GPU. CUDA does not recover within a process.
    #[error("the GPU failed: {0}; run the same command again to continue from the last checkpoint")]
    Gpu(TrainError),
    /// What is configured can't fit into this machine.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The run folder is gone.
    #[error("{} is no longer there: its volume was unmounted, or the folder was moved; bring it back and run the same command again", folder.display())]
    Vanished {
        /// The run folder.
        folder: PathBuf,
    },
    /// Weights to start from that hold infinity or NaN.
    #[error("train.init_from {}: {tensor} holds infinity or NaN; choose an earlier checkpoint of that run", file.display())]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A key that may change does not exist.
    #[error("--allow-change {key}: there is no such key; {}", .likely.as_ref().map_or_else(|| "write it as in the list of differences".to_owned(), |likely| format!("did you mean {likely}?")))]
    NoSuchKey {
        /// The requested key.
        key: String,
        /// An existing key with the same ending.
        likely: Option<String>,
    },
    /// All checkpoints are damaged.
    #[error(
        "none of the checkpoints in {} can be used, the newest because {reason}; restore one, or start a new run with --no-resume",
        folder.display()
    )]
    NoCheckpoint {
        /// The folder of the checkpoints.
        folder: PathBuf,
        /// What is wrong with the newest.
        reason: String,
    },
    /// Something removed the checkpoints.
    #[error(
        "{} holds no checkpoint, but the run has published weights, which a training from the beginning would replace; \
         restore the checkpoints, or start a new run with --no-resume",
        folder.display()
    )]
    LostCheckpoints {
        /// Where they were.
        folder: PathBuf,
    },
    /// Training diverged; the remedy is that of the run's record.
    #[error("{problem}; {remedy}")]
    Diverged {
        /// What happened.
        problem: String,
        /// The key to change, with its value.
        remedy: String,
    },
    /// The result of the run can't be evaluated.
    #[error("training is done, but its evaluation failed: {0}; the same command evaluates again")]
    Evaluation(#[from] EvaluateError),
    /// The user was shown what training would take and did not agree.
    #[error("nothing was started")]
    Declined,
}

impl From<MirrorTrouble> for TrainingError {
    fn from(trouble: MirrorTrouble) -> Self {
        Self::Mirror(Box::new(trouble))
    }
}

impl TrainingError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Device(error) => error.exit(),
            Self::Run(error) => error.exit(),
            Self::Task(error) => error.exit(),
            Self::Checkpoint(error) => error.exit(),
            Self::Engine(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Mirror(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
            Self::Weights(error) => error.exit(),
            Self::Configuration(_) | Self::NoWeights { .. } | Self::NothingFits { .. } => Exit::Configuration,
            Self::Evaluation(error) => error.exit(),
            // Not "try again": a caller that retries without a limit would rent a broken GPU for ever.
            Self::Gpu(_) | Self::Vanished { .. } => Exit::DiskIo,
            Self::NoRoom(error) => error.exit(),
            Self::NoSuchKey { .. } => Exit::Usage,
            Self::NoCheckpoint { .. } | Self::LostCheckpoints { .. } | Self::NotFinite { .. } | Self::FewFit { .. } => {
                Exit::DataRefused
            }
            Self::Diverged { .. } => Exit::Diverged,
            Self::Declined => Exit::Interrupted,
        }
    }

    /// Whether the failure may be temporary: if so, training retries from the last checkpoint.
    #[must_use]
    pub fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_worth_another_try(),
            Self::Task(error) => error.may_pass(),
            Self::Checkpoint(error) => error.may_pass(),
            Self::Run(_) | Self::File(_) => matches!(self.exit(), Exit::DiskIo | Exit::TryAgain),
            _ => false,
        }
    }

    /// The kind of failure, used to recognise that two failures are the same.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Engine(error) | Self::Gpu(error) => error.kind(),
            Self::Task(error) => error.kind(),
            Self::Run(_) | Self::File(_) => "run folder",
            Self::Checkpoint(_) => "checkpoint",
            Self::Evaluation(_) => "evaluation",
            Self::Diverged { .. } => "diverged",
            _ => "start",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_failed_is_a_broken_device_and_not_a_matter_of_waiting() {
        let failed = tch::TchError::Torch("CUDA error: an illegal memory access was encountered".into());
        let error = TrainingError::Gpu(failed.into());
        assert_eq!(
            (error.exit(), error.is_worth_another_try()),
            (Exit::DiskIo, false),
            "CUDA does not recover within a process"
        );
    }
}
