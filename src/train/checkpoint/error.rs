//! Why a checkpoint could not be saved or loaded.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::nn::weights::NotFinite;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::units::bytes;

/// A checkpoint that could not be saved or loaded.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// A disk operation failed.
    #[error(transparent)]
    Disk(#[from] FsError),
    /// No checkpoint can be used, and at least one could not be read. Another start may be able to.
    #[error("{source}; no other checkpoint in {} can be used: check the disk and whom the files belong to", path.display())]
    Unreadable {
        /// The folder of the checkpoints.
        path: PathBuf,
        /// The disk's error.
        source: FsError,
    },
    /// The disk is full, or soon will be. Earlier saves remain, and training can continue when there is space.
    #[error(
        "{} has {} free, but {} are needed: the next checkpoint is written beside the last one, and {} are left for logs and pictures; free some space{}",
        path.display(), bytes(*.free), bytes(*.needed), bytes(*.reserved), fewer(*.kept)
    )]
    OutOfSpace {
        /// The folder of the checkpoints.
        path: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
        /// The part of them for everything beside checkpoints.
        reserved: u64,
        /// Checkpoints that are there.
        kept: usize,
    },
    /// The state contains infinity or NaN, so nothing could resume from it.
    #[error("training diverged: the state at {checkpoint} is not saved, because {source}")]
    NotFinite {
        /// The position in training.
        checkpoint: String,
        /// The array.
        source: NotFinite,
    },
    /// The engine handed over arrays that can't be written as a file.
    #[error("the state at {checkpoint} can't be written: {problem}")]
    Malformed {
        /// The position in training.
        checkpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The content of the disk differs from what was written.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The checkpoint or the file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another version of the program wrote it.
    #[error("{} has format version {got}, this program reads version {expected}; resume with the program that wrote it", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        got: u64,
        /// Ours.
        expected: u64,
    },
}

/// How to need less space, if some checkpoints could be deleted.
fn fewer(kept: usize) -> String {
    match kept {
        0 | 1 => ", or choose a folder on a larger disk".to_owned(),
        kept => format!(", or lower train.checkpoint.keep_last and keep_best: {kept} checkpoints are kept there"),
    }
}

impl CheckpointError {
    /// 65 if the content is wrong, 76 if training diverged, otherwise that of the disk, which may be full.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Disk(source) | Self::Unreadable { source, .. } => source.exit(),
            Self::OutOfSpace { .. } => Exit::DiskIo,
            Self::NotFinite { .. } => Exit::Diverged,
            Self::Malformed { .. } => Exit::Bug,
            Self::Damaged { .. } => Exit::DataRefused,
            Self::Version { .. } => Exit::Configuration,
        }
    }

    /// Whether waiting for space may help.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        match self {
            Self::OutOfSpace { .. } => true,
            Self::Disk(error) => {
                matches!(error.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Whether trying again from the last checkpoint may help: not if the disk is full, or the file too large for it,
    /// because nobody makes room within seconds.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let stays = match self {
            Self::OutOfSpace { .. } => true,
            Self::Disk(error) => error.source.kind() == io::ErrorKind::FileTooLarge,
            _ => false,
        };
        matches!(self.exit(), Exit::DiskIo | Exit::TryAgain) && !stays
    }

    /// Whether writing the same again under a new name may help: the disk failed, not the state or the space.
    pub(super) fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Disk(_) | Self::Damaged { .. }) && !self.is_out_of_space()
    }
}
