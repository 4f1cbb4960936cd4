//! What can go wrong with a store of records, each with the path and the remedy.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::super::error::is_denied;
use crate::util::exit::Exit;
use crate::util::fs::FsError;

/// A store of records that can't be written or read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The disk refused a write.
    #[error(transparent)]
    Write(#[from] FsError),
    /// The disk refused a read.
    #[error("{}{}", .0, if is_denied(.0) { "" } else { "; check the disk" })]
    Read(FsError),
    /// The store does not exist.
    #[error("there is no prepared dataset at {}: run `fragua prepare` first, with the same configuration", path.display())]
    Absent {
        /// The expected path.
        path: PathBuf,
    },
    /// A file is missing, or is not what was written.
    #[error("{} is damaged: {reason}; remove its folder and prepare again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A record is not what was written.
    #[error(
        "{} is damaged: record {record}, {length} bytes from byte {offset} on, {reason}; remove its folder and prepare again",
        path.display()
    )]
    DamagedRecord {
        /// The shard.
        path: PathBuf,
        /// The number of the record.
        record: usize,
        /// Its place in the shard.
        offset: u64,
        /// Its length.
        length: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of the program wrote it.
    #[error(
        "{} has format version {got}, this program reads version {expected}; remove its folder and prepare again",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u32,
        /// Ours.
        expected: u32,
    },
    /// The facts are not as expected: another task or program wrote them.
    #[error("{} can't be understood: {reason}; remove its folder and prepare again", path.display())]
    Facts {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A number past the last record.
    #[error("record {record} of {} was requested, which has {records}", path.display())]
    Number {
        /// The store.
        path: PathBuf,
        /// The requested number.
        record: usize,
        /// The records there are.
        records: usize,
    },
    /// More than a store can hold.
    #[error("{} can't take {what}, at most {most}", path.display())]
    TooMuch {
        /// The store.
        path: PathBuf,
        /// What is too much.
        what: String,
        /// The limit.
        most: u64,
    },
    /// A write failed before, so that the store can't be finished.
    #[error("{} can't be finished: a write failed before", path.display())]
    Unfinished {
        /// The store.
        path: PathBuf,
    },
}

impl RecordError {
    /// 65 for damaged or unusable data, 73 and 74 for the disk, 70 for wrong use by this program.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Write(error) => error.exit(),
            // Nothing was to be written.
            Self::Read(error) if is_denied(error) => Exit::DataRefused,
            Self::Read(_) => Exit::DiskIo,
            Self::Absent { .. }
            | Self::Damaged { .. }
            | Self::DamagedRecord { .. }
            | Self::Version { .. }
            | Self::Facts { .. }
            | Self::TooMuch { .. } => Exit::DataRefused,
            Self::Number { .. } | Self::Unfinished { .. } => Exit::Bug,
        }
    }

    /// Whether preparing again would help: the data was there, but wrong.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::DamagedRecord { .. } | Self::Version { .. } | Self::Facts { .. })
    }

    /// A damaged file.
    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// A read that failed, as a closure for `map_err`. A file that is not there, or that ends too early, is damage.
    pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| match error.kind() {
            io::ErrorKind::NotFound => Self::damaged(&path, "it is missing"),
            io::ErrorKind::UnexpectedEof => Self::damaged(&path, "it was cut while it was read"),
            _ => Self::Read(FsError::at("read", &path)(error)),
        }
    }
}

crate::util::failures!("records": RecordError);
