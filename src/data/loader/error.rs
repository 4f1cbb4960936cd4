//! What can go wrong between a position and a window.

use thiserror::Error;

use super::source::FrameError;
use crate::util::exit::Exit;

/// An epoch that can't be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// A position of another dataset, or of another configuration of its windows.
    #[error(
        "sample {next} of epoch {epoch} does not exist, expected at most {samples}; the dataset or its windows changed"
    )]
    Position {
        /// As given.
        epoch: u64,
        /// As given.
        next: usize,
        /// The samples of an epoch.
        samples: u32,
    },
    /// The system gives no thread.
    #[error("can't start a loader thread: {0}; set a lower number of loader threads")]
    Thread(#[from] std::io::Error),
}

impl StartError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Position { .. } => Exit::Configuration,
            Self::Thread(_) => Exit::TryAgain,
        }
    }
}

/// A window that can't be delivered.
#[derive(Debug, Error)]
pub enum LoaderError<E: FrameError> {
    /// A frame of it can't be read.
    #[error("frame {frame} of event {event}: {source}")]
    Frame {
        /// The event's number in the source.
        event: usize,
        /// The frame's number in the event.
        frame: usize,
        /// The reason.
        source: E,
    },
    /// A mistake in this program ended the thread that was loading it.
    #[error("a loader thread ended with a panic")]
    ThreadDied,
}

impl<E: FrameError> LoaderError<E> {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Frame { source, .. } => source.exit(),
            Self::ThreadDied => Exit::Bug,
        }
    }
}
