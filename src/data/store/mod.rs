//! The prepared dataset: a tree of Zarr v3 groups, one for each event, that Python opens with
//! `xarray.open_zarr(root, group=event, consolidated=False)`. It knows frames of bytes with named axes, and no task.
//!
//! ```text
//! root/zarr.json                a group, as is every folder between it and the events
//! root/radar/20100826/          an event
//!     zarr.json                 its attributes
//!     DBZ/zarr.json             the array of frames: uint8, one chunk per frame, zstd with a checksum
//!     DBZ/c.0.0.0.0             the first frame
//!     time/  z/  y/  x/         the coordinates, float64
//!     time/manifest.json        any data the writer wants to keep; not one folder up, where Zarr's Python library
//!                               warns of files that it does not know
//! ```
//!
//! Everything under an event's name is complete. One program at a time may write (the caller holds a lock); any
//! number may read.

mod chunk;
mod error;
mod metadata;
mod reader;
pub mod records;
mod replace;
mod spec;
mod writer;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

pub use self::error::StoreError;
pub use self::reader::EventReader;
pub use self::spec::{Attributes, Coordinate, FrameArraySpec};
pub use self::writer::EventWriter;
use crate::util::fs::{create_dir_all, write_atomic};
use crate::util::readers::Changing;

/// The name of the axis of frames.
const TIME: &str = "time";

/// The file that makes a folder an event.
const MANIFEST: &str = "time/manifest.json";

/// A folder of prepared events.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held while the folders above an event are made, which two events may share.
    parents: Mutex<()>,
    /// Held from the first change on: otherwise a reader's events would change while it reads them.
    changing: OnceLock<Changing>,
}

impl Store {
    /// Opens the dataset at `root` for reading.
    ///
    /// # Errors
    /// If there is no dataset.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let description = root.join(metadata::DESCRIPTION);
        match fs::metadata(&description) {
            Ok(found) if found.is_file() => {
                Ok(Self { root: root.to_owned(), parents: Mutex::new(()), changing: OnceLock::new() })
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(StoreError::unreadable(&description)(error))
            }
            _ => Err(StoreError::Absent { what: "dataset", path: root.to_owned() }),
        }
    }

    /// Opens the dataset at `root` for writing, or creates it, and removes what a killed program left there. Only for
    /// the one that holds the lock.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn create(root: &Path) -> Result<Self, StoreError> {
        create_dir_all(root)?;
        replace::recover(root, &is_event)?;
        describe_group(root)?;
        Self::open(root)
    }

    /// The folder of the dataset.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The paths of all events below the root, with `/` between folders, sorted.
    ///
    /// # Errors
    /// If a folder can't be read.
    pub fn events(&self) -> Result<Vec<String>, StoreError> {
        let mut events = Vec::new();
        collect_events(&self.root, "", &mut events)?;
        events.sort();
        Ok(events)
    }

    /// Opens an event.
    ///
    /// # Errors
    /// If there is none of that name, or its description is damaged.
    pub fn event(&self, event: &str) -> Result<EventReader, StoreError> {
        EventReader::open(&self.place(event)?)
    }

    /// Starts an event, or a newer version of one, which stays readable until the new one is complete.
    ///
    /// # Errors
    /// If the name can't be used, or the disk refuses.
    pub fn writer(&self, event: &str, spec: FrameArraySpec) -> Result<EventWriter, StoreError> {
        let place = self.place(event)?;
        self.refuse_nesting(event, &place)?;
        for axis in spec.coordinates.iter().map(|coordinate| &coordinate.name).chain([&spec.name]) {
            check_name(axis, axis)?;
        }
        self.change()?;
        self.make_parents(&place)?;
        EventWriter::begin(&place, spec)
    }

    /// Removes an event; one that is not there is fine.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove_event(&self, event: &str) -> Result<(), StoreError> {
        let place = self.place(event)?;
        if is_event(&place) {
            self.change()?;
            replace::take_away(&place)?;
        }
        Ok(())
    }

    /// Keeps readers out until this is dropped.
    fn change(&self) -> Result<(), StoreError> {
        if self.changing.get().is_none() {
            // Another thread may have begun in the meantime: then this one is not needed.
            drop(self.changing.set(Changing::begin(&self.root)?));
        }
        Ok(())
    }

    /// The folder of an event.
    fn place(&self, event: &str) -> Result<PathBuf, StoreError> {
        event.split('/').try_for_each(|name| check_name(event, name))?;
        Ok(self.root.join(event))
    }

    /// An event within another would be lost when the outer one is replaced.
    fn refuse_nesting(&self, event: &str, place: &Path) -> Result<(), StoreError> {
        let nested = |outer: &Path, inner: &Path| StoreError::Name {
            event: event.into(),
            reason: format!(
                "{} would be inside the event {}; give each event's files their own folder",
                inner.display(),
                outer.display()
            ),
        };
        let above = place.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        if let Some(outer) = above.into_iter().find(|folder| is_event(folder)) {
            return Err(nested(outer, place));
        }
        let mut below = Vec::new();
        if place.is_dir() && !is_event(place) {
            collect_events(place, "", &mut below)?;
        }
        below.first().map_or(Ok(()), |inner| Err(nested(place, &place.join(inner))))
    }

    /// Makes every folder between the root and the event a group.
    fn make_parents(&self, place: &Path) -> Result<(), StoreError> {
        let _held = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = place.parent().unwrap_or(&self.root);
        create_dir_all(parent)?;
        parent.ancestors().take_while(|folder| *folder != self.root).try_for_each(describe_group)
    }
}

/// Gives a folder the description of an empty group, unless it has one.
fn describe_group(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(metadata::DESCRIPTION);
    if path.is_file() {
        return Ok(());
    }
    let content = metadata::empty_group()
        .map_err(|error| StoreError::Description { path: folder.to_owned(), reason: error.to_string() })?;
    Ok(write_atomic(&path, &content)?)
}

/// Names that other programs can open and that are not used by hidden files.
fn check_name(event: &str, name: &str) -> Result<(), StoreError> {
    let reason = if name.is_empty() || name == "." || name == ".." {
        "it has an empty part, or one that is not a name"
    } else if name.starts_with('.') || name.starts_with("__") {
        "names that begin with a dot or two underscores are kept for other uses; rename the folder"
    } else if name == metadata::DESCRIPTION || name.contains(['\0', '\\', '/']) {
        "it has a name that is kept for other uses; rename the folder"
    } else {
        return Ok(());
    };
    Err(StoreError::Name { event: event.into(), reason: reason.into() })
}

fn is_event(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file()
}

fn collect_events(folder: &Path, prefix: &str, events: &mut Vec<String>) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(StoreError::unreadable(folder))? {
        let entry = entry.map_err(StoreError::unreadable(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !entry.path().is_dir() {
            continue;
        }
        if is_event(&entry.path()) {
            events.push(format!("{prefix}{name}"));
        } else {
            collect_events(&entry.path(), &format!("{prefix}{name}/"), events)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
