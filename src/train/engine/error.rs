//! Why training ended early.

use thiserror::Error;

use crate::native::flat::NotFlat;
use crate::native::said;
use crate::native::shortage::is_out_of_memory;
use crate::nn::parameters::ParametersError;
use crate::train::checkpoint::CheckpointError;
use crate::train::clip::NormError;
use crate::train::divergence::Diverged;
use crate::train::events::MOST_SAMPLES;
use crate::train::feed::FeedError;
use crate::train::micro_batch::OutOfMemory;
use crate::train::optimizer::OptimizerError;
use crate::train::run_folder::RunError;
use crate::train::target::TargetError;
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::failure::Failure;
use crate::util::stop::Stopped;
use crate::util::units;

/// Training that could not continue.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A signal arrived; the state is saved.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A sample can't be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The task could not do what was requested.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The engine's own use of libtorch failed.
    #[error("libtorch failed: {}", said::error(.0))]
    Torch(#[from] tch::TchError),
    /// The optimizer does not fit the weights.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
    /// Weights and gradients do not have the required memory layout.
    #[error(transparent)]
    NotFlat(#[from] NotFlat),
    /// A checkpoint can't be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An observer could not write its output.
    #[error(transparent)]
    Observer(#[from] RunError),
    /// A flat tensor does not match the model.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// There are no training samples.
    #[error("there are no training samples; lower task.*.split.val_share, or add data")]
    NoSamples,
    /// An epoch has fewer samples than a step needs.
    #[error(
        "there are {samples} training samples, but this task needs {atom} or more at once; lower task.*.split.val_share, or add data"
    )]
    FewSamples {
        /// The training samples.
        samples: usize,
        /// The fewest that go through the model at once.
        atom: usize,
    },
    /// A step has fewer samples than the task needs.
    #[error(
        "{} would go through the model at once, but this task needs {atom} or more; raise train.batch and train.micro_batch",
        units::count(*at_once as u64, "sample")
    )]
    SmallBatch {
        /// The samples of a step, or of a micro-batch.
        at_once: usize,
        /// The fewest that go through the model at once.
        atom: usize,
    },
    /// Memory runs out even with the fewest samples that the task can take.
    #[error(
        "{source}; the process holds {}, of which weights, gradients and optimizer take {}; libtorch says: {text}",
        units::bytes(*.held_bytes),
        units::bytes(*.state_bytes)
    )]
    OutOfMemory {
        /// The message of libtorch.
        text: String,
        /// Bytes that the process used.
        held_bytes: u64,
        /// Bytes of weights, gradients and the optimizer's state.
        state_bytes: u64,
        /// The size that failed.
        source: OutOfMemory,
    },
    /// Loss or gradient is not finite, repeatedly.
    #[error(
        "step {step}: {source}; look at its samples: {}", units::listed(.samples, MOST_SAMPLES)
    )]
    Diverged {
        /// The step that was skipped.
        step: u64,
        /// The samples of the group.
        samples: Vec<String>,
        /// What was tried.
        source: Diverged,
    },
    /// Every step was skipped, as its loss or gradient was not finite.
    #[error(
        "training diverged: in none of the {} were the loss and its gradients finite, so nothing was learned; set \
         train.clip_norm, or use precision bf16 or fp32",
        units::count(*.steps, "step")
    )]
    NothingLearned {
        /// The steps.
        steps: u64,
    },
    /// Nothing measures the metric that decides which weights are best.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A checkpoint was made with other phases, another task or another program.
    #[error("checkpoint {checkpoint} does not fit this run: {problem}; start a new run with --no-resume")]
    Misfit {
        /// The checkpoint.
        checkpoint: String,
        /// What is different.
        problem: String,
    },
    /// A stop without a signal: a bug in this program.
    #[error("training was stopped, but no signal came")]
    StopWithoutSignal,
}

impl TrainError {
    /// Whether a retry may succeed: a disk or a network that failed, a fault of libtorch or of its device.
    /// Faults that follow from configuration, data or the numbers themselves would only recur.
    #[must_use]
    pub fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Torch(error) | Self::Task(TaskError::Torch(error)) => !is_out_of_memory(&error.to_string()),
            Self::Checkpoint(error) => error.may_pass(),
            Self::Feed(_) | Self::Task(_) | Self::Observer(_) => {
                matches!(self.exit(), Exit::DiskIo | Exit::TryAgain)
            }
            _ => false,
        }
    }

    /// The kind of failure, in a word or two: two failures with the same kind are considered the same.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stopped(_) | Self::StopWithoutSignal => "stopped",
            Self::Feed(_) | Self::NoSamples | Self::FewSamples { .. } => "samples",
            Self::SmallBatch { .. } => "configuration",
            Self::Torch(_) | Self::Task(TaskError::Torch(_)) => "libtorch",
            Self::Task(_) => "task",
            Self::Checkpoint(_) => "checkpoint",
            Self::Observer(_) => "run folder",
            Self::OutOfMemory { .. } => "out of memory",
            Self::Diverged { .. } | Self::NothingLearned { .. } => "diverged",
            Self::Misfit { .. } => "misfit",
            Self::Target(_) => "target",
            Self::Optimizer(_) | Self::NotFlat(_) | Self::Parameters(_) => "bug",
        }
    }

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
            Self::NoSamples | Self::FewSamples { .. } => Exit::DataRefused,
            Self::OutOfMemory { source, .. } => source.exit(),
            Self::Diverged { source, .. } => source.exit(),
            Self::NothingLearned { .. } => Exit::Diverged,
            Self::Misfit { .. } | Self::SmallBatch { .. } => Exit::Configuration,
            Self::Target(error) => error.exit(),
            Self::Optimizer(error) => error.exit(),
            Self::Torch(error) if is_out_of_memory(&error.to_string()) => Exit::OutOfMemory,
            Self::NotFlat(_) | Self::Torch(_) | Self::StopWithoutSignal => Exit::Bug,
        }
    }
}

impl Failure for TrainError {
    fn exit(&self) -> Exit {
        Self::exit(self)
    }

    fn kind(&self) -> &'static str {
        Self::kind(self)
    }

    fn may_pass(&self) -> bool {
        self.is_worth_another_try()
    }
}

impl From<NormError> for TrainError {
    fn from(error: NormError) -> Self {
        match error {
            NormError::NotFlat(error) => error.into(),
            NormError::Torch(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::divergence::{Divergence, Health};
    use crate::train::micro_batch::MicroBatchSize;

    #[test]
    fn what_may_go_well_the_next_time_is_worth_another_try() {
        let torch = |text: &str| tch::TchError::Torch(text.into());
        let feed = |exit| TrainError::from(FeedError::new("the disk failed", exit));
        let illegal = "CUDA error: an illegal memory access was encountered";
        let worth: [TrainError; 4] =
            [torch(illegal).into(), TaskError::from(torch(illegal)).into(), feed(Exit::DiskIo), feed(Exit::TryAgain)];
        assert!(worth.iter().all(TrainError::is_worth_another_try));
        let other = |exit| TrainError::from(TaskError::Other { source: "it makes no sense".into(), exit });
        let source = MicroBatchSize::new(1, 1).out_of_memory().unwrap_err();
        let bad = Health { loss: false, gradients: false, scale: None };
        let mut divergence = Divergence::default();
        let diverged = (0..20).find_map(|_| divergence.judge(bad).err()).unwrap();
        let never: [TrainError; 9] = [
            torch("CUDA out of memory. Tried to allocate 2.00 GiB").into(),
            feed(Exit::DataRefused),
            feed(Exit::Configuration),
            other(Exit::DataRefused),
            other(Exit::Bug),
            TrainError::NoSamples,
            TrainError::OutOfMemory { text: String::new(), held_bytes: 1, state_bytes: 1, source },
            TrainError::Diverged { step: 1, samples: Vec::new(), source: diverged },
            TrainError::Misfit { checkpoint: "e0001-s000001".into(), problem: "it has no weight".into() },
        ];
        assert!(!never.iter().any(TrainError::is_worth_another_try));
        let kinds: std::collections::BTreeSet<_> = worth.iter().chain(&never).map(TrainError::kind).collect();
        assert_eq!(
            kinds.into_iter().collect::<Vec<_>>(),
            ["diverged", "libtorch", "misfit", "out of memory", "samples", "task"]
        );
    }
}
