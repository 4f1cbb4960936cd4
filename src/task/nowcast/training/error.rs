//! Why a nowcast can't be trained as configured.

use thiserror::Error;

use crate::native::said;
use crate::nn::parameters::ParametersError;
use crate::task::nowcast::loss::ExpectedError;
use crate::task::nowcast::quantize::QuantizeError;
use crate::train::task::TaskError;
use crate::util::exit::Exit;

/// A task that can't be set up, or a window that does not belong to it.
#[derive(Debug, Error)]
pub enum NowcastError {
    /// The dataset was prepared with another size.
    #[error(
        "the frames have {got:?} rows and columns, task.nowcast.prepare.size is {expected:?}; prepare the dataset again"
    )]
    Size {
        /// As the dataset has them.
        got: [usize; 2],
        /// As configured.
        expected: [usize; 2],
    },
    /// A channel is a level that the dataset does not have.
    #[error(
        "task.nowcast.prepare.levels asks for level {level} (counted from 0), the dataset has {levels}; choose among them"
    )]
    Level {
        /// The level.
        level: usize,
        /// How many there are.
        levels: usize,
    },
    /// A pattern of a phase fits no parameter.
    #[error("{} freezes what the model does not have: {source}; correct its patterns", named(*phase, *phases))]
    Freeze {
        /// The phase.
        phase: usize,
        /// How many there are.
        phases: usize,
        /// The pattern, and all names.
        source: ParametersError,
    },
    /// A phase leaves nothing to learn.
    #[error("{} freezes the whole model; leave a part of it trainable", named(*phase, *phases))]
    AllFrozen {
        /// The phase.
        phase: usize,
        /// How many there are.
        phases: usize,
    },
    /// The engine requests a phase that was not set up: a bug in this program.
    #[error("there is no phase {phase} (counted from 0) among {phases}")]
    NoPhase {
        /// The phase.
        phase: usize,
        /// How many there are.
        phases: usize,
    },
    /// A window was not made from the dataset and the configuration of this task: a bug in this program.
    #[error("{name}: it has {got:?} (frames, bytes of each), expected {expected:?} and frames that its event has")]
    Window {
        /// The window.
        name: String,
        /// Its shape.
        got: (usize, usize),
        /// The shape of all windows.
        expected: (usize, usize),
    },
    /// The model can't be built.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// Reflectivity has no range.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// A loss needs what was not measured: a bug in this program.
    #[error(transparent)]
    Expected(#[from] ExpectedError),
    /// libtorch refused.
    #[error("libtorch failed: {}", said::error(.0))]
    Torch(#[from] tch::TchError),
}

/// What freezes: without phases of its own, training has one that nobody has numbered.
fn named(phase: usize, phases: usize) -> String {
    if phases == 1 { "train.freeze".to_owned() } else { format!("phase {phase} (counted from 0)") }
}

impl NowcastError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Size { .. } | Self::Level { .. } | Self::AllFrozen { .. } => Exit::Configuration,
            Self::Freeze { source, .. } | Self::Parameters(source) => source.exit(),
            Self::Quantize(error) => error.exit(),
            Self::Expected(error) => error.exit(),
            Self::NoPhase { .. } | Self::Window { .. } | Self::Torch(_) => Exit::Bug,
        }
    }
}

crate::util::failures!("task": NowcastError);

impl From<NowcastError> for TaskError {
    fn from(error: NowcastError) -> Self {
        match error {
            // Unchanged: running out of memory is recognised by libtorch's text.
            NowcastError::Torch(error) => Self::Torch(error),
            other => Self::Other { exit: other.exit(), source: Box::new(other) },
        }
    }
}
