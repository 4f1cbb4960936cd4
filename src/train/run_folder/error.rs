//! Why a run folder can't be used.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::difference::Difference;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::lock::LockError;

/// A run folder that can't be used.
#[derive(Debug, Error)]
pub enum RunError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The system gives no thread, or no memory for one.
    #[error(
        "no thread can be started to write {} ({source}); end other programs, or raise the limits of processes and memory",
        path.display()
    )]
    NoThread {
        /// What it would write.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The folder can't be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Another worker is using the folder.
    #[error("{} is in use by {holder}; wait for it to end, or give this run another --name", path.display())]
    Held {
        /// The run folder.
        path: PathBuf,
        /// What the lock's owner wrote about itself.
        holder: String,
    },
    /// A file was changed or damaged.
    #[error("{} can't be read: {problem}; {}", path.display(), restored(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A picture can't be drawn.
    #[error("could not draw {}: {source}", path.display())]
    Picture {
        /// The error, if it was being written.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// The code to exit with.
        exit: Exit,
    },
    /// Another version of the program wrote it.
    #[error("{} has format version {got}, this program reads version {expected}; use the program that wrote it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u64,
        /// Ours.
        expected: u64,
    },
    /// The configuration is not that of the run.
    #[error("the configuration differs from that of the unfinished run {run}:\n{}\nundo the changes, start a new run with --no-resume, or insist with {}", super::difference::table(.differences), super::difference::flags(.differences))]
    ConfigDiffers {
        /// The run.
        run: String,
        /// Every key that must not change.
        differences: Vec<Difference>,
    },
    /// The dataset is not that of the run.
    #[error(
        "the dataset differs from that of the run {run}: {changes}; restore it, or start a new run with --no-resume"
    )]
    DatasetDiffers {
        /// The run.
        run: String,
        /// The files, by kind of change.
        changes: super::dataset::Changes,
    },
    /// This user may not look into the run.
    #[error(transparent)]
    Denied(FsError),
    /// No such run exists.
    #[error("{}", unknown(wanted, root, known))]
    Unknown {
        /// What was requested.
        wanted: String,
        /// The folder of all runs.
        root: PathBuf,
        /// The existing runs.
        known: Vec<String>,
    },
}

/// What to do about a file that is not what was written: the history is also in the checkpoints.
fn restored(path: &Path) -> &'static str {
    match path.ends_with("history.json") {
        true => "the next start of the training restores it from its checkpoint",
        false => "restore it, or start a new run with --no-resume",
    }
}

impl RunError {
    /// 75 if another worker holds it, 78 if configuration or dataset differ, 2 for an unknown run, 65 for damage,
    /// otherwise that of the file.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Lock(error) => error.exit(),
            Self::Picture { exit, .. } => *exit,
            Self::Held { .. } | Self::NoThread { .. } => Exit::TryAgain,
            // Nothing was to be written.
            Self::Unreadable { .. } | Self::Denied(_) => Exit::DataRefused,
            Self::Version { .. } | Self::ConfigDiffers { .. } | Self::DatasetDiffers { .. } => Exit::Configuration,
            Self::Unknown { .. } => Exit::Usage,
        }
    }
}

/// What exists instead of the requested run.
fn unknown(wanted: &str, root: &Path, known: &[String]) -> String {
    let place = root.display();
    match (wanted, known) {
        (_, []) if !root.exists() => {
            format!("the folder of all runs, {place}, does not exist: train first, or name it with --runs")
        }
        (_, []) => format!("there are no runs in {place}: train first, or name another folder with --runs"),
        (_, known) => format!("there is no run {wanted} in {place}; it holds {}", known.join(", ")),
    }
}
