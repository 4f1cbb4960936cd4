//! A run folder: its name, its records, and whether a start continues it. Decisions are pure functions
//! ([`decision`], [`difference`], [`dataset`]); the files are small and each has one writer.
//!
//! ```text
//! model_output/<run>/
//!   config.yaml  run.json  dataset.json  status.json  history.json  results.csv  log.jsonl  experiment_log.json  .lock
//!   checkpoints/  weights/
//! ```

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::util::fs::create_dir_all;
use crate::util::lock::{FolderLock, LockError};

pub mod dataset;
pub mod decision;
pub mod difference;
mod error;
pub mod experiment;
pub mod history;
pub mod listing;
pub mod log;
pub mod name;
pub mod problem;
pub mod record;
pub mod status;
pub mod used;

pub use error::RunError;

/// The folder of one run, locked by this process.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: FolderLock,
}

impl RunFolder {
    /// Opens the folder, creating it if it does not exist, and locks out all other workers until it is dropped.
    ///
    /// # Errors
    /// [`RunError::Held`] if another worker has it; also if it can't be written.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        create_dir_all(path)?;
        match FolderLock::acquire(path) {
            // Another start has just removed the run that it could not begin.
            Err(LockError::File(error)) if error.source.kind() == ErrorKind::NotFound => Self::open(path),
            Ok(lock) => Ok(Self { path: path.into(), _lock: lock }),
            Err(LockError::Held { holder, .. }) => Err(RunError::Held { path: path.into(), holder }),
            Err(error) => Err(error.into()),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder in it, by the names listed in the documentation of this module.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::exit::Exit;

    #[test]
    fn a_second_worker_is_refused_with_the_remedy() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/storms");
        let first = RunFolder::open(&path).unwrap();
        let error = RunFolder::open(&path).unwrap_err();
        assert_eq!(error.exit(), Exit::TryAgain);
        let text = error.to_string();
        assert!(
            text.contains("storms is in use by process") && text.ends_with("give this run another --name"),
            "{text}"
        );
        drop(first);
        assert_eq!(RunFolder::open(&path).unwrap().file("run.json"), path.join("run.json"));
    }
}
