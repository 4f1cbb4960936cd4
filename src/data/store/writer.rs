//! An event that is being written: under a hidden name until it is complete, then in place of an older one if there is.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::chunk::{self, Chunks};
use super::error::StoreError;
use super::reader::EventReader;
use super::spec::{Attributes, FrameArraySpec};
use super::{MANIFEST, TIME, metadata, replace};
use crate::util::fs::{FsError, create_dir_all, partial_name, remove_tree, sync_file_system};

/// The default zstd level. On radar volumes level 3 takes nearly twice the time of level 1, and its files
/// are a few hundredths smaller or not smaller at all.
const DEFAULT_LEVEL: i32 = 1;

/// Writes the frames of one event, in any order and from several threads. If dropped early, it leaves nothing.
#[derive(Debug)]
pub struct EventWriter {
    place: PathBuf,
    partial: PathBuf,
    spec: FrameArraySpec,
    chunks: Chunks,
    level: i32,
    finished: bool,
}

impl EventWriter {
    /// Starts the event that will be at `place`.
    pub(super) fn begin(place: &Path, spec: FrameArraySpec) -> Result<Self, StoreError> {
        if let Some(reason) = flaw(&spec) {
            return Err(StoreError::Description { path: place.to_owned(), reason });
        }
        let partial = partial_name(place);
        remove_tree(&partial)?;
        let chunks = Chunks::new(&partial, &spec, chunk::encoding());
        create_dir_all(chunks.folder())?;
        Ok(Self { place: place.to_owned(), partial, spec, chunks, level: DEFAULT_LEVEL, finished: false })
    }

    /// Sets the level of zstd, from 1 (fast) to 22 (small).
    #[must_use]
    pub fn with_level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// The folder where the event will be.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Writes the frame with this number, once.
    ///
    /// # Errors
    /// If the frame has another length than its axes say, was written before, or the disk refuses.
    pub fn write_frame(&self, index: usize, frame: &[u8]) -> Result<(), StoreError> {
        let (got, expected) = (frame.len(), self.chunks.frame_len);
        if got != expected {
            return Err(StoreError::FrameSize { path: self.place.clone(), index, got, expected });
        }
        self.chunks.write(index, frame, self.level)
    }

    /// Reuses a compressed frame of an older event, after reading it once to check that it is intact.
    ///
    /// # Errors
    /// If the older event's array has another description, its frame is damaged (it must then be made again), this
    /// frame was written before, or the disk refuses.
    pub fn reuse_frame(&self, index: usize, from: &EventReader, old_index: usize) -> Result<(), StoreError> {
        if let Some(what) = difference(&self.spec.as_read_back(), from.spec()) {
            let (old, new) = (from.folder().to_owned(), self.place.clone());
            return Err(StoreError::Different { old, new, what });
        }
        from.read_frame(old_index, &mut vec![0; from.frame_len()])?;
        Ok(self.chunks.adopt(index, &from.frame_path(old_index))?)
    }

    /// Keeps only these frames, given in ascending order, and renumbers them from 0.
    ///
    /// # Errors
    /// If one of them was not written, or the disk refuses.
    pub fn keep(&self, indices: &[usize]) -> Result<(), StoreError> {
        let kept: BTreeSet<OsString> = indices.iter().map(|&index| self.file_name(index)).collect();
        for name in self.written()?.difference(&kept) {
            let path = self.chunks.folder().join(name);
            fs::remove_file(&path).map_err(FsError::at("remove", &path))?;
        }
        // Each frame moves to a number that is free by then, because those before it have moved already.
        for (new, &old) in indices.iter().enumerate().filter(|(new, old)| new != *old) {
            let path = self.chunks.path(old);
            fs::rename(&path, self.chunks.path(new)).map_err(FsError::at("rename", &path))?;
        }
        Ok(())
    }

    /// Completes the event: `times` are seconds since 1970, one for each frame; `attributes` are those of the event; the
    /// manifest is kept as it is. When this returns, the event is on disk and an older one in its place is removed.
    ///
    /// # Errors
    /// If frames are missing or too many, a time is not a number, or the disk refuses; an older event is then kept.
    pub fn finish(
        mut self,
        times: &[f64],
        attributes: &Attributes,
        manifest: &[u8],
    ) -> Result<EventReader, StoreError> {
        self.check(times)?;
        metadata::write(&self.partial, &self.spec, times, self.level, attributes)?;
        let path = self.partial.join(MANIFEST);
        fs::write(&path, manifest).map_err(FsError::at("write", &path))?;
        sync_file_system(&self.partial)?;
        let written = EventReader::open(&self.partial)?;
        if self.place.exists() {
            // The old event is removed only after the new one has been read back.
            written.verify()?;
        }
        replace::into_place(&self.partial, &self.place)?;
        self.finished = true;
        EventReader::open(&self.place)
    }

    /// Refuses times that do not belong to the frames on disk.
    fn check(&self, times: &[f64]) -> Result<(), StoreError> {
        let unfinished = |reason: String| Err(StoreError::Unfinished { path: self.place.clone(), reason });
        if times.is_empty() {
            return unfinished("it has no frames".into());
        }
        if let Some(index) = times.iter().position(|time| !time.is_finite()) {
            return unfinished(format!("the time of frame {index} is {}", times[index]));
        }
        let written = self.written()?;
        let expected: BTreeSet<OsString> = (0..times.len()).map(|index| self.file_name(index)).collect();
        if let Some(index) = (0..times.len()).find(|&index| !written.contains(&self.file_name(index))) {
            return unfinished(format!("frame {index} of {} was not written", times.len()));
        }
        match written.difference(&expected).next() {
            Some(name) => unfinished(format!("it has {} times but also the frame {name:?}", times.len())),
            None => Ok(()),
        }
    }

    fn file_name(&self, index: usize) -> OsString {
        self.chunks.path(index).file_name().unwrap_or_default().to_owned()
    }

    fn written(&self) -> Result<BTreeSet<OsString>, StoreError> {
        let folder = self.chunks.folder();
        let entries = fs::read_dir(folder).map_err(FsError::at("read folder", folder))?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        Ok(names.collect::<Result<_, _>>().map_err(FsError::at("read folder", folder))?)
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = remove_tree(&self.partial)
        {
            tracing::warn!("an unfinished event was left behind: {error}");
        }
    }
}

/// Why an array can't be described, if it can't.
fn flaw(spec: &FrameArraySpec) -> Option<String> {
    if spec.coordinates.is_empty() || spec.frame_len() == 0 {
        return Some(format!("frames of {:?} have no cells", spec.frame_shape()));
    }
    let mut taken = BTreeSet::from([TIME]);
    let mut names = spec.coordinates.iter().map(|coordinate| coordinate.name.as_str()).chain([spec.name.as_str()]);
    names.find(|name| !taken.insert(name)).map(|name| format!("two of its arrays are called {name:?}"))
}

/// The first difference between two arrays that changes the meaning of their frames.
fn difference(new: &FrameArraySpec, old: &FrameArraySpec) -> Option<&'static str> {
    if new.name != old.name {
        Some("names")
    } else if new.attributes != old.attributes {
        Some("attributes")
    } else if new.coordinates != old.coordinates {
        Some("coordinates")
    } else {
        None
    }
}
