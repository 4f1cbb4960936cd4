//! What can't be used: the dataset as a whole, or one file of it.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::prepare::files::FilesError;
use crate::util::exit::Exit;

/// A dataset, or a file that is read by itself, that can't be used.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Its content is not what was expected.
    #[error("{} {reason}", place.display())]
    Refused {
        /// The file or folder.
        place: PathBuf,
        /// What was found, what was expected, and what to do.
        reason: String,
    },
    /// A folder can't be read.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl ReadError {
    pub(super) fn refused(place: &Path, reason: impl Into<String>) -> Self {
        Self::Refused { place: place.to_owned(), reason: reason.into() }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refused { .. } => Exit::DataRefused,
            Self::Files(error) => error.exit(),
        }
    }
}

/// A file or a sample that takes no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is, below the root.
    pub place: String,
    /// What was found, what was expected, and what to do, as a fragment that follows the place.
    pub reason: String,
    /// The name of the sample, if it is known.
    pub name: Option<String>,
}

impl SetAside {
    pub(super) fn new(place: &str, reason: impl Into<String>) -> Self {
        Self { place: place.to_owned(), reason: reason.into(), name: None }
    }

    pub(super) fn of(name: &str, place: &str, reason: impl Into<String>) -> Self {
        Self { name: Some(name.to_owned()), ..Self::new(place, reason) }
    }
}
