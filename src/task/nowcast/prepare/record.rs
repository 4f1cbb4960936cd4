//! What is remembered of a prepared event: each source file with its hash, and what became of it.
//!
//! The record is the manifest of the event in the prepared dataset and appears with it, so that it is true or absent.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::PrepareError;
use super::discover::Stamp;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// The version of the record's form; a record of another version is prepared anew.
pub const FORMAT: u32 = 1;

/// The record of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// The grid that all used files share.
    pub grid: GridRecord,
    /// All source files, by name.
    pub files: Vec<FileRecord>,
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name in the event's folder.
    pub name: String,
    /// What it looked like from outside.
    pub stamp: Stamp,
    /// Its content; absent where it could not be read.
    pub sha256: Option<Digest>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a source file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its frames are in the dataset.
    Used {
        /// The grid of the file.
        grid: GridRecord,
        /// Its frames.
        frames: Vec<FrameRecord>,
    },
    /// It was set aside.
    SetAside {
        /// Why.
        reason: String,
        /// Its grid, where the header could be read.
        grid: Option<GridRecord>,
    },
}

/// A frame of a source file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameRecord {
    /// Its place in the file.
    pub in_file: usize,
    /// Its place in the event.
    pub in_event: usize,
    /// Seconds since 1970.
    pub time: f64,
}

/// A grid: enough to tell it from another, and to say how they differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GridRecord {
    /// Levels, rows, columns.
    pub shape: [usize; 3],
    /// The digest of all coordinates.
    pub digest: Digest,
}

impl EventRecord {
    /// Understands a record; one that is unreadable or of another version counts as none.
    #[must_use]
    pub fn of_json(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|record: &Self| record.format == FORMAT)
    }

    /// The record as it is stored.
    ///
    /// # Errors
    /// None in practice: all parts can be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, PrepareError> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| FsError::at("encode", Path::new("event record"))(error.into()).into())
    }

    /// The record of a file that has this name and still looks the same from outside.
    #[must_use]
    pub fn unchanged(&self, name: &str, stamp: Stamp) -> Option<&FileRecord> {
        self.find(name).filter(|file| file.stamp == stamp)
    }

    /// The record of the file with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&FileRecord> {
        let index = self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok()?;
        self.files.get(index)
    }

    /// How many frames the event has.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.files.iter().map(|file| file.frames().len()).sum()
    }
}

impl FileRecord {
    /// The frames of the file that are in the dataset.
    #[must_use]
    pub fn frames(&self) -> &[FrameRecord] {
        match &self.outcome {
            Outcome::Used { frames, .. } => frames,
            Outcome::SetAside { .. } => &[],
        }
    }

    /// Why the file was set aside.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Used { .. } => None,
            Outcome::SetAside { reason, .. } => Some(reason),
        }
    }

    /// The file's grid, where its header could be read.
    #[must_use]
    pub fn grid(&self) -> Option<&GridRecord> {
        match &self.outcome {
            Outcome::Used { grid, .. } => Some(grid),
            Outcome::SetAside { grid, .. } => grid.as_ref(),
        }
    }
}
