//! Why there is no forecast at all, or none of one event.

use std::path::PathBuf;

use jiff::Timestamp;
use thiserror::Error;

use super::select::SelectError;
use crate::report::PictureError;
use crate::task::nowcast::lrose::container::ContainerError;
use crate::task::nowcast::prepare::PrepareError;
use crate::task::nowcast::resample::ResampleError;
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;

/// Predicting failed. Finished forecasts are kept.
#[derive(Debug, Error)]
pub enum PredictError {
    /// There are no files to read.
    #[error("--input {}: there is no such folder; name one with radar files, or with a folder of them for each event", path.display())]
    NoInput {
        /// The path.
        path: PathBuf,
    },
    /// Forecasts among the radar files would be taken for radar files.
    #[error(
        "--output {} is inside --input {}, where forecasts would be taken for radar files the next time; choose a folder outside it",
        output.display(),
        input.display()
    )]
    OutputInInput {
        /// The output.
        output: PathBuf,
        /// The input.
        input: PathBuf,
    },
    /// No event covers a time.
    #[error("no event has a frame at {time} or shortly before it; the events have frames {spans}")]
    NoFrameAt {
        /// The requested time.
        time: Timestamp,
        /// The first and the last time of the events.
        spans: String,
    },
    /// Some events were refused; the others have their forecasts.
    #[error("{refused} of {all} forecasts could not be made; the lines above say why")]
    Refused {
        /// How many.
        refused: usize,
        /// Of how many.
        all: usize,
    },
    /// Files could not be found or read.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The grid can't be resampled to that of the model.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The model failed.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A picture could not be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A file could not be made.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A file could not be written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Interrupted by a signal.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PredictError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoInput { .. } | Self::NoFrameAt { .. } | Self::Refused { .. } => Exit::DataRefused,
            Self::OutputInInput { .. } => Exit::Usage,
            Self::Prepare(error) => error.exit(),
            Self::Resample(error) => error.exit(),
            Self::Task(error) => error.exit(),
            Self::Picture(error) => error.exit(),
            Self::Container(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

crate::util::failures!("predict": PredictError);

/// Why there is no forecast of one event. The others are not affected.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Refusal {
    /// Its frames don't make an input.
    #[error(transparent)]
    Frames(#[from] SelectError),
    /// A file among its last frames can't be used.
    #[error("{file}, among the last frames, can't be used: {reason}")]
    Damaged {
        /// The file's name in the event's folder.
        file: String,
        /// Why.
        reason: String,
    },
    /// Its frames are on several grids.
    #[error(
        "{file} has another grid than the newest frame: {got}, expected {expected} (levels x rows x columns); a forecast needs frames of one grid"
    )]
    Grids {
        /// The file's name in the event's folder.
        file: String,
        /// Its size, and whether only the coordinates differ.
        got: String,
        /// The size of the newest frame.
        expected: String,
    },
    /// A frame is in another unit than the model.
    #[error("{file} is in {got}, and the model learned from {expected}; give it files in {expected}")]
    Units {
        /// The file's name in the event's folder.
        file: String,
        /// Its unit.
        got: String,
        /// The unit of the model.
        expected: String,
    },
    /// The model needs a level that does not exist.
    #[error(
        "its volumes have {levels} levels, the model takes level {level} (counted from 0) too; give it volumes with the levels that it was trained on"
    )]
    Level {
        /// The level.
        level: usize,
        /// How many there are.
        levels: usize,
    },
    /// The model returned values that are not finite.
    #[error("the model returned values that are not finite; its training diverged, use an earlier checkpoint")]
    NotFinite,
}
