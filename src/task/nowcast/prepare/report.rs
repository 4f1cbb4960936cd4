//! What became of every event and file, for people and for later stages. It is written last and rewritten whole.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PrepareError;
use super::record::GridRecord;
use crate::task::nowcast::config::PrepareConfig;
use crate::train::run_folder::dataset::FileDigest;
use crate::util::fs::{FsError, write_atomic};
use crate::util::sha256::{Digest, Hasher};

/// The bad files of a dataset that was refused because of them.
const REFUSED: &str = "refused.json";

/// The report on a prepared dataset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The options that made it.
    pub options: PrepareConfig,
    /// The grid of the source files.
    pub source_grid: Option<GridRecord>,
    /// Stands for all prepared frames: changes with any source file that is used, and with nothing else.
    pub fingerprint: Digest,
    /// All events, by path.
    pub events: Vec<EventReport>,
}

/// What became of an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventReport {
    /// Its path below the dataset's root.
    pub path: String,
    /// Frames in the dataset; none where the event is absent from it.
    pub frames: usize,
    /// Source files.
    pub files: usize,
    /// The files that were set aside.
    pub set_aside: Vec<SetAside>,
    /// The names and the content of the files that are used.
    #[serde(skip)]
    pub used: Vec<(String, Digest)>,
}

/// A file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Its name in the event's folder.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl Report {
    /// A report, with its fingerprint.
    #[must_use]
    pub fn new(options: PrepareConfig, source_grid: Option<GridRecord>, events: Vec<EventReport>) -> Self {
        let mut hasher = Hasher::default();
        for event in events.iter().filter(|event| event.frames > 0) {
            hasher.update(format!("{}\n{}\n", event.path, event.used.len()).as_bytes());
            event.used.iter().for_each(|(_, digest)| hasher.update(digest.to_string().as_bytes()));
        }
        Self { options, source_grid, fingerprint: hasher.finish(), events }
    }

    /// Where the report of a prepared dataset lies.
    #[must_use]
    pub fn path(store: &Path) -> PathBuf {
        store.join("report.json")
    }

    /// Reads the report of a prepared dataset.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn load(store: &Path) -> Result<Self, FsError> {
        let path = Self::path(store);
        let text = std::fs::read(&path).map_err(FsError::at("read", &path))?;
        serde_json::from_slice(&text).map_err(|error| FsError::at("understand", &path)(error.into()))
    }

    /// All source files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.events.iter().map(|event| event.files).sum()
    }

    /// All files that were set aside.
    #[must_use]
    pub fn bad(&self) -> usize {
        self.events.iter().map(|event| event.set_aside.len()).sum()
    }

    /// Every source file that is used.
    #[must_use]
    pub fn used(&self) -> Vec<FileDigest> {
        let events = self.events.iter().filter(|event| event.frames > 0);
        let file = |event: &str, (name, sha256): &(String, Digest)| {
            let path = if event.is_empty() { name.clone() } else { format!("{event}/{name}") };
            FileDigest { path, sha256: *sha256 }
        };
        events.flat_map(|event| event.used.iter().map(|used| file(&event.path, used))).collect()
    }

    /// All prepared frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.events.iter().map(|event| event.frames).sum()
    }

    /// The first files that were set aside, as "event/file: reason".
    #[must_use]
    pub fn examples(&self, most: usize) -> Vec<String> {
        examples(&self.events, most)
    }

    /// Writes the report, unless the same stands there already.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn save(&self, store: &Path) -> Result<(), PrepareError> {
        write_json(&Self::path(store), self)?;
        let refused = store.join(REFUSED);
        match std::fs::remove_file(&refused) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FsError::at("remove", &refused)(error).into()),
            _ => Ok(()),
        }
    }
}

/// The first files that were set aside, as "event/file: reason".
#[must_use]
pub fn examples(events: &[EventReport], most: usize) -> Vec<String> {
    let all = events.iter().flat_map(|event| {
        event.set_aside.iter().map(move |bad| format!("{}/{}: {}", event.path, bad.file, bad.reason))
    });
    all.take(most).collect()
}

/// Writes the bad files of a dataset that is refused because of them; where they are listed. The report of what was
/// prepared before stays as it is.
///
/// # Errors
/// Where it can't be written.
pub fn save_refused(events: &[EventReport], store: &Path) -> Result<PathBuf, PrepareError> {
    let path = store.join(REFUSED);
    let bad: Vec<_> = events.iter().filter(|event| !event.set_aside.is_empty()).collect();
    write_json(&path, &bad)?;
    Ok(path)
}

/// Writes a value as JSON, unless the same stands there already.
fn write_json(path: &Path, value: &impl Serialize) -> Result<(), PrepareError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| FsError::at("encode", path)(error.into()))?;
    text.push(b'\n');
    if std::fs::read(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    Ok(write_atomic(path, &text)?)
}
