//! Why a dataset of images can't be prepared.

use std::path::PathBuf;

use thiserror::Error;

use crate::data::prepare::files::FilesError;
use crate::data::prepare::report::TooManyBad;
use crate::data::store::records::RecordError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::lock::LockError;
use crate::util::stop::Stopped;

/// A dataset that can't be prepared.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// There are no images.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// There is nothing to tell apart.
    #[error(
        "{} has {}, expected at least 2 classes; put the images of each class into a folder of its own{}",
        root.display(),
        match names.len() {
            0 => "no images in folders of classes".to_owned(),
            count => format!("images of {count} class ({})", names.join(", ")),
        },
        if *is_listed { ", or correct task.image_class.prepare.classes" } else { "" }
    )]
    OneClass {
        /// The dataset's root.
        root: PathBuf,
        /// The classes.
        names: Vec<String>,
        /// Whether the configuration lists the classes.
        is_listed: bool,
    },
    /// A file with many images, or all of them, can't be used.
    #[error("{} {reason}", path.display())]
    Packed {
        /// The file, or the folder.
        path: PathBuf,
        /// Why.
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
            Self::OneClass { .. } | Self::Packed { .. } => Exit::DataRefused,
            Self::TooManyBad(error) => error.exit(),
            Self::Records(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::InUse(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("prepare": PrepareError);
