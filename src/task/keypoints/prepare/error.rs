//! Why a dataset of sequences can't be prepared.

use std::path::PathBuf;

use thiserror::Error;

use crate::data::prepare::files::FilesError;
use crate::data::prepare::report::TooManyBad;
use crate::data::store::records::RecordError;
use crate::task::keypoints::read::ReadError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::lock::LockError;
use crate::util::stop::Stopped;

/// A dataset that can't be prepared.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// A folder can't be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// What the files say as a whole can't be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing to tell apart.
    #[error(
        "{} has {}, expected at least 2 classes",
        root.display(),
        match names.len() {
            0 => "no sequences that can be used".to_owned(),
            count => format!("sequences of {count} class ({})", names.join(", ")),
        }
    )]
    OneClass {
        /// The dataset's root.
        root: PathBuf,
        /// The classes.
        names: Vec<String>,
    },
    /// A stream would be all zeros.
    #[error(
        "{} never shows {}{}; leave the stream out of task.keypoints.prepare.streams, or name the parts that the files have under \
         its `parts`",
        root.display(),
        parts.join(", "),
        aside.as_ref().map_or_else(String::new, |aside| format!(" (set aside: {aside})"))
    )]
    NeverSeen {
        /// The dataset's root.
        root: PathBuf,
        /// The parts that no sequence shows.
        parts: Vec<String>,
        /// What was set aside first, and why.
        aside: Option<String>,
    },
    /// A file that says what the sequences are is not as it was fetched, or can't be read.
    #[error("{} can't be used: {reason}; delete the dataset's folder raw, and fetch it again", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// How it differs.
        reason: String,
    },
    /// Too much can't be used.
    #[error(transparent)]
    TooManyBad(#[from] TooManyBad),
    /// The store can't be written or read.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// A training reads what would be changed.
    #[error(transparent)]
    InUse(#[from] LockError),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PrepareError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Files(error) => error.exit(),
            Self::Read(error) => error.exit(),
            Self::OneClass { .. } | Self::NeverSeen { .. } | Self::Damaged { .. } => Exit::DataRefused,
            Self::TooManyBad(error) => error.exit(),
            Self::Records(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::InUse(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("prepare": PrepareError);
