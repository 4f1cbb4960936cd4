//! What can go wrong between a position and a sample.

use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::failure::Failure;

/// An epoch that can't be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// A position of another dataset, or of another configuration of its samples.
    #[error(
        "sample {next} of epoch {epoch} does not exist, expected at most {samples}; the dataset or its samples changed"
    )]
    Position {
        /// As given.
        epoch: u64,
        /// As given.
        next: usize,
        /// The samples of an epoch.
        samples: u32,
    },
    /// More samples than an order can number.
    #[error("{samples} samples can't be numbered, expected fewer than {}", u32::MAX)]
    TooMany {
        /// How many there are.
        samples: usize,
    },
    /// The system gives no thread.
    #[error("can't start a loader thread: {0}; lower data.loader.threads")]
    Thread(#[from] std::io::Error),
}

impl StartError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Position { .. } => Exit::Configuration,
            Self::TooMany { .. } => Exit::Bug,
            Self::Thread(_) => Exit::TryAgain,
        }
    }
}

/// A sample that can't be delivered.
#[derive(Debug, Error)]
pub enum LoaderError<E: Failure> {
    /// It can't be read.
    #[error(transparent)]
    Sample(E),
    /// A mistake in this program ended the thread that was loading it.
    #[error("a loader thread ended with a panic")]
    ThreadDied,
}

impl<E: Failure> LoaderError<E> {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Sample(source) => source.exit(),
            Self::ThreadDied => Exit::Bug,
        }
    }
}
