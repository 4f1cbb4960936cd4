//! The record of a dataset that is complete: where it came from and where it lies.
//!
//! The record is written last. Without it a folder is no dataset, whatever lies in it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::AcquireError;
use crate::data::config::Source;
use crate::util::fs::{FsError, write_atomic};

/// The version of the record's form.
const FORMAT: u32 = 1;

/// A complete dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    /// The mirror that it came from, as configured.
    pub source: Source,
    /// The folder with the raw files; a relative path is below the dataset's folder.
    pub root: PathBuf,
    /// The manifest with the files' hashes, below the dataset's folder; none for a folder that is used in place.
    pub manifest: Option<PathBuf>,
}

impl Record {
    /// A record to be saved once all is in place.
    #[must_use]
    pub fn new(source: Source, root: PathBuf, manifest: Option<PathBuf>) -> Self {
        Self { format: FORMAT, source, root, manifest }
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("source.json")
    }

    /// The record of a dataset's folder, if it is complete.
    ///
    /// # Errors
    /// Where the record can't be read or was written by another version.
    pub fn load(folder: &Path) -> Result<Option<Self>, AcquireError> {
        let path = Self::path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FsError::at("read", &path)(error).into()),
        };
        let record: Self = serde_json::from_slice(&text)
            .map_err(|error| AcquireError::Record { path: path.clone(), reason: error.to_string() })?;
        if record.format != FORMAT {
            let reason = format!("it has format {}, this version writes {FORMAT}", record.format);
            return Err(AcquireError::Record { path, reason });
        }
        Ok(Some(record))
    }

    /// Declares the dataset complete.
    ///
    /// # Errors
    /// Where the record can't be written.
    pub fn save(&self, folder: &Path) -> Result<(), AcquireError> {
        let path = Self::path(folder);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| AcquireError::Record { path: path.clone(), reason: error.to_string() })?;
        Ok(write_atomic(&path, &text)?)
    }
}
