//! Why a dataset could not be prepared.

use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

use crate::data::store::StoreError;
use crate::task::nowcast::resample::ResampleError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;

/// Preparing failed. What was finished before stays and is not done again.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// There is nothing to prepare.
    #[error("no radar file below {}: expected files that end in .{endings}, in a folder for each event", root.display())]
    NoFiles {
        /// The dataset's root.
        root: PathBuf,
        /// What was looked for.
        endings: String,
    },
    /// A name can't be written into the dataset.
    #[error("{} holds the name {name:?}, which is not UTF-8; rename it", folder.display())]
    Name {
        /// The folder.
        folder: PathBuf,
        /// The name.
        name: OsString,
    },
    /// Too much of the dataset is unusable.
    #[error(
        "{bad} of {total} files can't be used, more than task.nowcast.prepare.max_bad_share = {limit} allows; {}; {} names all of them; \
         repair the files or raise the share",
        examples.join("; "),
        list.display()
    )]
    TooManyBad {
        /// Files set aside.
        bad: usize,
        /// All files.
        total: usize,
        /// The configured share.
        limit: f64,
        /// The first few, with their reasons.
        examples: Vec<String>,
        /// The file that names all.
        list: PathBuf,
    },
    /// The grid can't be brought to the configured size.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The prepared dataset could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PrepareError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoFiles { .. } | Self::Name { .. } | Self::TooManyBad { .. } => Exit::DataRefused,
            Self::Resample(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

crate::util::failures!("prepare": PrepareError);
