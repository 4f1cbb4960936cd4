//! What can go wrong with a prepared dataset. All errors of the store, each with the path and the remedy.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::lock::LockError;

/// An event that can't be written, read or replaced.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The disk refused a write.
    #[error(transparent)]
    Write(#[from] FsError),
    /// A training reads the dataset that would be changed.
    #[error(transparent)]
    InUse(#[from] LockError),
    /// The disk refused a read.
    #[error("{}{}", .0, if is_denied(.0) { "" } else { "; check the disk" })]
    Read(FsError),
    /// A file is missing, or is not what was written.
    #[error("{} is damaged: {reason}; remove the folder of its event and prepare again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that can't be a folder of the store.
    #[error("the event {event:?} can't be stored: {reason}")]
    Name {
        /// The event's path below the root of the store.
        event: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The event or the store does not exist.
    #[error("there is no prepared {what} at {}: run `fragua prepare` first, with the same configuration", path.display())]
    Absent {
        /// "dataset" or "event".
        what: &'static str,
        /// The expected path.
        path: PathBuf,
    },
    /// A frame of the wrong size.
    #[error("frame {index} of {} has {got} cells, expected {expected}", path.display())]
    FrameSize {
        /// The event's folder.
        path: PathBuf,
        /// The frame's number.
        index: usize,
        /// Cells given.
        got: usize,
        /// Cells of a frame.
        expected: usize,
    },
    /// A number past the last frame.
    #[error("frame {index} of {} was requested, which has {frames}", path.display())]
    FrameNumber {
        /// The event's folder.
        path: PathBuf,
        /// The requested number.
        index: usize,
        /// Frames there are.
        frames: usize,
    },
    /// An event that is finished without all its frames, or with some too many.
    #[error("the event for {} can't be finished: {reason}", path.display())]
    Unfinished {
        /// The event's folder.
        path: PathBuf,
        /// What is missing or too much.
        reason: String,
    },
    /// Frames of an older event whose meaning differs from those of the new one.
    #[error("frames of {} can't be used for {}: their {what} differ", old.display(), new.display())]
    Different {
        /// The older event's folder.
        old: PathBuf,
        /// The new event's folder.
        new: PathBuf,
        /// "coordinates", "attributes" or "names".
        what: &'static str,
    },
    /// A description that Zarr has no room for.
    #[error("the description of {} is not one that Zarr can hold: {reason}", path.display())]
    Description {
        /// The event's folder.
        path: PathBuf,
        /// The error of the Zarr library.
        reason: String,
    },
}

/// Whether this user may not read it. The error itself then says what helps.
pub(super) fn is_denied(error: &FsError) -> bool {
    error.source.kind() == std::io::ErrorKind::PermissionDenied
}

impl StoreError {
    /// 65 for damaged or unusable data, 73 and 74 for the disk, 70 for wrong use by this program.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Write(error) => error.exit(),
            Self::InUse(error) => error.exit(),
            // Nothing was to be written.
            Self::Read(error) if is_denied(error) => Exit::DataRefused,
            Self::Read(_) => Exit::DiskIo,
            Self::Damaged { .. } | Self::Name { .. } | Self::Absent { .. } => Exit::DataRefused,
            Self::FrameSize { .. }
            | Self::FrameNumber { .. }
            | Self::Unfinished { .. }
            | Self::Different { .. }
            | Self::Description { .. } => Exit::Bug,
        }
    }

    /// Whether preparing the event again would help: the data was there, but wrong.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// A damaged file, as a closure for `map_err`.
    pub(super) fn damaged<E: ToString>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |reason| Self::Damaged { path, reason: reason.to_string() }
    }

    /// A read that failed, as a closure for `map_err`; a file that is not there at all is damage.
    pub(super) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| match error.kind() {
            std::io::ErrorKind::NotFound => Self::Damaged { path, reason: "it is missing".into() },
            _ => Self::Read(FsError::at("read", &path)(error)),
        }
    }
}

crate::util::failures!("store": StoreError);
