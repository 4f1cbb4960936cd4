//! A window that can't be loaded, and which of its frames is to blame.

use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::failure::Failure;

/// Why a window can't be loaded.
#[derive(Debug, Error)]
pub enum WindowError<E: Failure> {
    /// One of its frames can't be read.
    #[error("frame {frame} of event {event}: {source}")]
    Frame {
        /// The event's number in the source.
        event: usize,
        /// The frame's number in the event.
        frame: usize,
        /// The reason.
        source: E,
    },
    /// No longer needed.
    #[error("the window is no longer needed")]
    Unwanted,
}

impl<E: Failure> Failure for WindowError<E> {
    fn exit(&self) -> Exit {
        match self {
            Self::Frame { source, .. } => source.exit(),
            Self::Unwanted => Exit::Bug,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Frame { source, .. } => source.kind(),
            Self::Unwanted => "loader",
        }
    }

    fn may_pass(&self) -> bool {
        matches!(self, Self::Frame { source, .. } if source.may_pass())
    }
}
