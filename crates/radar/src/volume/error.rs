//! Why a radar volume can't be used. Every message names the file, what was found, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use fragua_util::exit::Exit;
use fragua_util::stop::Stopped;

/// A radar file that can't be used.
#[derive(Debug, Error)]
pub enum VolumeError {
    /// The system could not open or read the file.
    #[error("could not read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another kind of file.
    #[error("{} is not a netCDF file but {found}; remove it from the event's folder or convert it", path.display())]
    NotNetcdf {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        found: String,
    },
    /// A pipe, a device or the like with the name of a file.
    #[error("{} is {what}, not a file; remove it", path.display())]
    NotPlain {
        /// What has the name.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// An HDF5 file that leads out of itself, or in circles.
    #[error("{}: {what}, which no netCDF file has; write it again with `nccopy` or remove it", path.display())]
    NotSelfContained {
        /// The file.
        path: PathBuf,
        /// What leads where.
        what: String,
    },
    /// A format of radar data that is known and not read.
    #[error("{} is {format}, which fragua does not read; {remedy}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The name of the format.
        format: String,
        /// How to convert it.
        remedy: String,
    },
    /// The system gave no process to read the file in.
    #[error("could not read {}: {reason}; run the same command again", path.display())]
    NoReader {
        /// The file.
        path: PathBuf,
        /// Why there is no process.
        reason: String,
    },
    /// A signal asked to stop while the file was being read.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The file ends too early.
    #[error("{} is cut: needs {needs} bytes, has {has}; fetch it again or remove it", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// The length that its header implies.
        needs: u64,
        /// Its length.
        has: u64,
    },
    /// A check failed.
    #[error("{} is damaged: {check}; fetch it again or remove it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was checked, and the result.
        check: String,
    },
    /// The requested variable is absent.
    #[error("{} has no variable \"{wanted}\"; {hint}", path.display())]
    NoVariable {
        /// The file.
        path: PathBuf,
        /// The requested name.
        wanted: String,
        /// The variables that look like fields.
        hint: String,
    },
    /// The variable can't be a field.
    #[error("{}: variable \"{variable}\" {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// What is wrong, what is expected, and the remedy.
        problem: String,
    },
    /// The time of a frame is unknown or implausible.
    #[error("{}: {problem}", path.display())]
    Time {
        /// The file.
        path: PathBuf,
        /// What is wrong and the remedy.
        problem: String,
    },
    /// The data is stored in a way that can't be read.
    #[error("{}: variable \"{variable}\" can't be read: {problem}; write the file again with zlib, or without compression", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// The filter or layout.
        problem: String,
    },
    /// A frame past the last.
    #[error("{} has {frames} frames, frame {frame} (counted from 0) was asked for", path.display())]
    NoFrame {
        /// The file.
        path: PathBuf,
        /// The requested frame.
        frame: usize,
        /// How many there are.
        frames: usize,
    },
}

impl VolumeError {
    /// The exit code: 74 if the disk failed, 75 if the system gave no process, 65 if the file is at fault.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Io { .. } => Exit::DiskIo,
            Self::NoReader { .. } => Exit::TryAgain,
            Self::Stopped(stopped) => stopped.exit(),
            _ => Exit::DataRefused,
        }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(super) fn damaged(path: &Path, check: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), check: check.into() }
    }

    pub(super) fn unusable(path: &Path, variable: &str, problem: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), variable: variable.to_owned(), problem: problem.into() }
    }

    pub(super) fn time(path: &Path, problem: impl Into<String>) -> Self {
        Self::Time { path: path.to_owned(), problem: problem.into() }
    }
}
