//! An event that is read: its description, checked when it is opened, and its frames, from as many threads as there are.

use std::fs;
use std::path::{Path, PathBuf};

use super::chunk::Chunks;
use super::error::StoreError;
use super::spec::{Attributes, Coordinate, FrameArraySpec};
use super::{MANIFEST, metadata};

/// A complete event of the prepared dataset.
#[derive(Debug)]
pub struct EventReader {
    folder: PathBuf,
    spec: FrameArraySpec,
    times: Vec<f64>,
    attributes: Attributes,
    chunks: Chunks,
}

impl EventReader {
    /// Opens the event in `folder`.
    ///
    /// # Errors
    /// If there is none, or its description is damaged or not one that this program writes. Frames are checked when
    /// they are read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        if !folder.is_dir() {
            return Err(StoreError::Absent { what: "event", path: folder.to_owned() });
        }
        let metadata::Description { spec, times, attributes, encoding } = metadata::read(folder)?;
        let chunks = Chunks::new(folder, &spec, encoding);
        Ok(Self { folder: folder.to_owned(), spec, times, attributes, chunks })
    }

    /// The event's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many frames there are.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.times.len()
    }

    /// The lengths of a frame's axes.
    #[must_use]
    pub fn frame_shape(&self) -> Vec<usize> {
        self.spec.frame_shape()
    }

    /// The cells of a frame, each of one byte.
    #[must_use]
    pub fn frame_len(&self) -> usize {
        self.chunks.frame_len
    }

    /// Seconds since 1970 of each frame.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The axes of a frame, slowest first.
    #[must_use]
    pub fn coordinates(&self) -> &[Coordinate] {
        &self.spec.coordinates
    }

    /// Name, attributes and axes of the array.
    #[must_use]
    pub fn spec(&self) -> &FrameArraySpec {
        &self.spec
    }

    /// The unit of the values; empty if it is not known.
    #[must_use]
    pub fn units(&self) -> &str {
        self.spec.attributes.get("units").and_then(|units| units.as_str()).unwrap_or_default()
    }

    /// The attributes of the event.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The manifest as it was given when the event was finished.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn manifest(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.folder.join(MANIFEST);
        fs::read(&path).map_err(StoreError::unreadable(&path))
    }

    /// The file of a frame.
    #[must_use]
    pub fn frame_path(&self, index: usize) -> PathBuf {
        self.chunks.path(index)
    }

    /// The first frame whose file is not there, or empty: what can be seen without reading it.
    #[must_use]
    pub fn lost_frame(&self) -> Option<PathBuf> {
        let is_there = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
        (0..self.frames()).map(|index| self.frame_path(index)).find(|path| !is_there(path))
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// If there is no such frame, `frame` has another length, or the file is missing, damaged or can't be read.
    pub fn read_frame(&self, index: usize, frame: &mut [u8]) -> Result<(), StoreError> {
        let path = || self.folder.clone();
        if index >= self.frames() {
            return Err(StoreError::FrameNumber { path: path(), index, frames: self.frames() });
        }
        if frame.len() != self.frame_len() {
            let (got, expected) = (frame.len(), self.frame_len());
            return Err(StoreError::FrameSize { path: path(), index, got, expected });
        }
        self.chunks.read(index, frame)
    }

    /// Reads every frame once, to know that all are there and whole.
    ///
    /// # Errors
    /// At the first that is not.
    pub fn verify(&self) -> Result<(), StoreError> {
        let mut frame = vec![0; self.frame_len()];
        (0..self.frames()).try_for_each(|index| self.read_frame(index, &mut frame))
    }
}
