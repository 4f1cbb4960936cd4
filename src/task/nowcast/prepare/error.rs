//! Why a dataset could not be prepared.

use thiserror::Error;

use crate::data::prepare::files::FilesError;
use crate::data::prepare::report::TooManyBad;
use crate::data::store::StoreError;
use crate::task::nowcast::resample::ResampleError;
use crate::task::nowcast::volume::VolumeError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;
use crate::util::units::bytes;

/// Preparing failed. Finished work is kept and not repeated.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// There is nothing to prepare, or it can't be listed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// All files are of a format that is not supported.
    #[error("{0}")]
    Foreign(String),
    /// Too much of the dataset is unusable.
    #[error(transparent)]
    TooManyBad(#[from] TooManyBad),
    /// The files are in different units.
    #[error("variable {variable} is in several units: {found}; keep the files of one unit, or convert the others")]
    MixedUnits {
        /// The variable.
        variable: String,
        /// The units with their files.
        found: String,
    },
    /// A mean of Z of what is not reflectivity.
    #[error(
        "task.nowcast.prepare.method is mean_z, which averages the Z of reflectivities, and variable {variable} is in {units}; \
         set method: mean"
    )]
    NoReflectivity {
        /// The variable.
        variable: String,
        /// Its unit.
        units: String,
    },
    /// The grid can't be resampled to the configured size.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The prepared dataset could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A single frame is larger than the memory.
    #[error(
        "a frame of {levels} x {rows} x {columns} (levels x rows x columns) takes {}; {what} is {}; lower prepare.size, or use a larger machine",
        bytes(*.needed), bytes(*.available)
    )]
    FrameTooLarge {
        /// Levels of a frame.
        levels: usize,
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Bytes of a frame.
        needed: u64,
        /// What limits the memory.
        what: &'static str,
        /// Bytes that there are.
        available: u64,
    },
    /// A file could not be read, which says nothing about the data.
    #[error(transparent)]
    Unread(VolumeError),
    /// Interrupted by a signal.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PrepareError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Files(error) => error.exit(),
            Self::Foreign(_) => Exit::DataRefused,
            Self::TooManyBad(error) => error.exit(),
            Self::MixedUnits { .. } => Exit::DataRefused,
            Self::NoReflectivity { .. } => Exit::Configuration,
            Self::Resample(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::FrameTooLarge { .. } => Exit::OutOfMemory,
            Self::Unread(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

crate::util::failures!("prepare": PrepareError);
