//! What is remembered of a prepared event: each source file with its hash, and what became of it.
//!
//! The record is the manifest of the event in the prepared dataset and appears with it, so that it is true or absent.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::PrepareError;
use super::discover::Stamp;
use crate::data::prepare::record;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// The version of the record's form; a record of another version is prepared again.
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
pub type FileRecord = record::FileRecord<Frames, Known>;

/// What became of a source file.
pub type Outcome = record::Outcome<Frames, Known>;

/// The frames of a file, which are in the dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frames {
    /// The grid of the file.
    pub grid: GridRecord,
    /// Its frames.
    pub frames: Vec<FrameRecord>,
}

/// What is known of a file that was set aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Its grid, if the header could be read.
    pub grid: Option<GridRecord>,
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

/// A grid: enough to distinguish it from another, and to say how they differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GridRecord {
    /// Levels, rows, columns.
    pub shape: [usize; 3],
    /// The digest of all coordinates.
    pub digest: Digest,
}

impl EventRecord {
    /// Parses a record; one that is unreadable or of another version counts as missing.
    #[must_use]
    pub fn of_json(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|record: &Self| record.format == FORMAT)
    }

    /// The record as it is stored.
    ///
    /// # Errors
    /// Never in practice: all parts can be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, PrepareError> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| FsError::at("encode", Path::new("event record"))(error.into()).into())
    }

    /// The record of a file that has this name and still looks the same from outside.
    #[must_use]
    pub fn unchanged(&self, name: &str, stamp: Stamp) -> Option<&FileRecord> {
        record::unchanged(&self.files, name, stamp)
    }

    /// The record of the file with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&FileRecord> {
        record::of_name(&self.files, name)
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
        self.used().map_or(&[], |used| &used.frames)
    }

    /// The file's grid, if its header could be read.
    #[must_use]
    pub fn grid(&self) -> Option<&GridRecord> {
        match &self.outcome {
            Outcome::Used(used) => Some(&used.grid),
            Outcome::SetAside { known, .. } => known.grid.as_ref(),
        }
    }
}
