//! `weights/{best,last}.safetensors`: the weights that others load, each replaced atomically by a complete new file.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::disk::{Disk, RealDisk, create_folders, partials, remove_tree, replace};
use super::error::CheckpointError;
use super::id::CheckpointId;
use super::snapshot::{Publish, Snapshot};
use super::storage::write_arrays;
use crate::nn::weights::NamedArray;
use crate::nn::weights::safetensors::{self, Metadata};
use crate::util::fs::{FsError, partial_name};

/// The folder of the published weights.
pub struct Weights {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    metadata: Metadata,
}

impl Weights {
    /// Opens the folder, creating it if it does not exist, and removes what a killed program left. `metadata` is written
    /// into each file: the task, the digest of the configuration.
    ///
    /// # Errors
    /// If the folder can't be read or written.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, metadata: Metadata) -> Result<Self, CheckpointError> {
        create_folders(disk.as_ref(), folder)?;
        for partial in partials(disk.as_ref(), folder)? {
            remove_tree(disk.as_ref(), &partial)?;
        }
        Ok(Self { disk, folder: folder.into(), metadata })
    }

    /// The best so far, by validation.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// Those of the last checkpoint.
    #[must_use]
    pub fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// Publishes a state's weights under the names that it requests.
    ///
    /// # Errors
    /// If the disk failed; what was published before then remains.
    pub fn publish(&self, snapshot: &Snapshot) -> Result<(), CheckpointError> {
        self.publish_as(snapshot, snapshot.publish)
    }

    pub(super) fn publish_as(&self, snapshot: &Snapshot, names: Publish) -> Result<(), CheckpointError> {
        snapshot.check()?;
        let named = [(names.last, self.last()), (names.best, self.best())];
        let places: Vec<PathBuf> =
            named.into_iter().filter_map(|(is_wanted, path)| is_wanted.then_some(path)).collect();
        Ok(self.replace(&places, snapshot)?)
    }

    /// Publishes the best weights again if the file is not what their checkpoint holds: damaged, missing or replaced. Says
    /// whether it had to.
    ///
    /// # Errors
    /// If the disk failed.
    pub fn restore_best(&self, of: &Snapshot) -> Result<bool, CheckpointError> {
        let path = self.best();
        let expected = self.metadata_of(of);
        // A position that was saved again later has no metrics: then those in the file are not known.
        let is_same = |got: &Metadata| match of.progress.metrics.is_empty() {
            true => expected.iter().all(|(key, value)| key == FACTS || got.get(key) == Some(value)),
            false => *got == expected,
        };
        match read(self.disk.as_ref(), &path) {
            Ok((arrays, says)) if arrays == of.weights() && is_same(&says) => Ok(false),
            Err(CheckpointError::Disk(error)) if error.source.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => self.publish_as(of, Publish { last: false, best: true }).map(|()| true),
        }
    }

    fn metadata_of(&self, snapshot: &Snapshot) -> Metadata {
        let mut metadata = self.metadata.clone();
        if let Some(facts) = with(metadata.get(FACTS), &snapshot.progress.learned) {
            metadata.insert(FACTS.into(), facts);
        }
        metadata.insert(CHECKPOINT.into(), snapshot.id.to_string());
        // As in the manifest: a checkpoint that is published again leaves the same bytes.
        let known = snapshot.progress.metrics.iter().filter(|(_, value)| value.is_finite());
        metadata.extend(known.map(|(name, value)| (name.clone(), value.to_string())));
        metadata
    }

    fn replace(&self, places: &[PathBuf], snapshot: &Snapshot) -> Result<(), FsError> {
        let (disk, metadata) = (self.disk.as_ref(), self.metadata_of(snapshot));
        let write = |place: &PathBuf| {
            let partial = partial_name(place);
            // An existing file may come from a failed sync and must not be reused.
            remove_tree(disk, &partial)?;
            write_arrays(disk, &partial, snapshot.weights(), &metadata).map(|(_, file)| file)
        };
        let written = places.iter().map(write).collect();
        replace(disk, written, &places.iter().map(PathBuf::as_path).collect::<Vec<_>>())
    }
}

const CHECKPOINT: &str = "checkpoint";

/// The key in a weights file for what its model must know wherever it is used: an object of JSON.
pub const FACTS: &str = "facts";

/// Facts with what a validation has found out about these weights; `None` if it found nothing.
fn with(facts: Option<&String>, learned: &Value) -> Option<String> {
    let learned = learned.as_object().filter(|learned| !learned.is_empty())?;
    let facts: Value = facts.and_then(|facts| serde_json::from_str(facts).ok()).unwrap_or_else(|| json!({}));
    let mut joined = facts.as_object().cloned()?;
    joined.extend(learned.clone());
    Some(Value::Object(joined).to_string())
}

/// Writes a weights file, with its free text, so that a reader sees the old file or the new, never a part.
///
/// # Errors
/// If the disk failed; the old file then remains.
pub fn write(path: &Path, arrays: &[NamedArray], metadata: &Metadata) -> Result<(), FsError> {
    let written = write_arrays(&RealDisk, &partial_name(path), arrays, metadata);
    replace(&RealDisk, written.map(|(_, file)| vec![file]), &[path])
}

/// Reads a weights file, with its free text: the task, the checkpoint that it comes from.
///
/// # Errors
/// If it can't be read or is not a weights file.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<(Vec<NamedArray>, Metadata), CheckpointError> {
    let mut file = Vec::new();
    disk.open_file(path).and_then(|mut opened| opened.read_to_end(&mut file)).map_err(FsError::at("read", path))?;
    safetensors::read(&file).map_err(|problem| CheckpointError::Damaged { path: path.into(), problem })
}

/// What a weights file says about itself, read from its header alone.
///
/// # Errors
/// If it can't be read.
pub fn metadata(disk: &dyn Disk, path: &Path) -> Result<Metadata, CheckpointError> {
    let mut file = disk.open_file(path).map_err(FsError::at("read", path))?;
    safetensors::read_metadata(&mut file).map_err(|problem| CheckpointError::Damaged { path: path.into(), problem })
}

/// The checkpoint that a weights file comes from, read from its header alone.
///
/// # Errors
/// If it can't be read, or does not contain it.
pub fn origin(disk: &dyn Disk, path: &Path) -> Result<CheckpointId, CheckpointError> {
    let damaged = |problem| CheckpointError::Damaged { path: path.into(), problem };
    metadata(disk, path)?
        .get(CHECKPOINT)
        .ok_or_else(|| damaged("it does not name its checkpoint".into()))?
        .parse()
        .map_err(damaged)
}
