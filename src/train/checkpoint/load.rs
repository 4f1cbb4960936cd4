//! Finds the checkpoint to resume from: the newest intact one, by number. Damaged ones are reported, kept, and never
//! chosen.

use std::io;
use std::path::Path;

use super::disk::read_up_to;
use super::error::CheckpointError;
use super::id::CheckpointId;
use super::manifest::{FileRecord, Manifest};
use super::snapshot::{EMA, MODEL, OPTIM, Snapshot};
use super::storage::{Store, both_sides};
use crate::nn::weights::{NamedArray, safetensors};
use crate::util::plain::is_not_plain;
use crate::util::sha256::Digest;

/// A checkpoint in memory, verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it says about itself.
    pub manifest: Manifest,
    /// The weights that are trained.
    pub model: Vec<NamedArray>,
    /// The state of the optimizer.
    pub optim: Vec<NamedArray>,
    /// The running average of the weights; empty if none is kept.
    pub ema: Vec<NamedArray>,
}

/// The outcome of looking for the newest valid checkpoint.
#[derive(Debug, Default)]
pub struct Found {
    /// The newest valid one, if any.
    pub loaded: Option<Loaded>,
    /// If that one is in the middle of an epoch, the checkpoint that this epoch started with.
    pub epoch_start: Option<Loaded>,
    /// The newer ones that can't be used, newest first, each with the reason.
    pub refused: Vec<(CheckpointId, String)>,
}

impl From<Loaded> for Snapshot {
    fn from(loaded: Loaded) -> Self {
        let Loaded { manifest: Manifest { id, progress, publish, .. }, model, optim, ema } = loaded;
        Self { id, progress, model, optim, ema, publish }
    }
}

impl Store {
    /// Loads one checkpoint and verifies all of it: digests, shapes, finite numbers.
    ///
    /// # Errors
    /// If it can't be read or is damaged.
    pub fn load(&self, id: CheckpointId) -> Result<Loaded, CheckpointError> {
        let folder = self.path(id);
        let manifest = self.read_manifest(&folder, id)?;
        let arrays = |name: &str| match manifest.files.get(name) {
            Some(expected) => self.read_arrays(&folder.join(name), expected),
            None => Ok(Vec::new()),
        };
        let (model, optim, ema) = (arrays(MODEL)?, arrays(OPTIM)?, arrays(EMA)?);
        Ok(Loaded { manifest, model, optim, ema })
    }

    fn read_arrays(&self, path: &Path, expected: &FileRecord) -> Result<Vec<NamedArray>, CheckpointError> {
        let damaged = |problem: String| CheckpointError::Damaged { path: path.to_owned(), problem };
        // At most one byte more than was written, even if the file has become larger.
        let file = read_up_to(self.disk.as_ref(), path, expected.bytes.saturating_add(1))?;
        if file.len() as u64 > expected.bytes {
            return Err(damaged(format!("it has more than the expected {} bytes", expected.bytes)));
        }
        let got = FileRecord { bytes: file.len() as u64, sha256: Digest::of(&file) };
        if got != *expected {
            return Err(damaged(both_sides(&got, expected)));
        }
        let (arrays, _) = safetensors::read(&file).map_err(damaged)?;
        arrays.iter().try_for_each(NamedArray::check_finite).map_err(|problem| damaged(problem.to_string()))?;
        Ok(arrays)
    }

    /// The newest checkpoint that is intact and that `accept` takes; `accept` returns the reason if it rejects one. Each one
    /// that is skipped is reported in a warning and in the result, and stays where it is: one that could not be read may be
    /// readable at the next start.
    ///
    /// # Errors
    /// If the folder can't be read. If no checkpoint can be used, and one of them because the disk failed. If a checkpoint was
    /// written by another version of the program.
    pub fn newest(&self, accept: impl Fn(&Loaded) -> Result<(), String>) -> Result<Found, CheckpointError> {
        let (mut found, mut unreadable) = (Found::default(), None);
        for id in self.list()?.into_iter().rev() {
            let reason = match twice(|| self.load(id)) {
                Ok(loaded) => match accept(&loaded) {
                    Ok(()) => {
                        found.epoch_start = self.epoch_start(&loaded.manifest, &accept)?;
                        found.loaded = Some(loaded);
                        break;
                    }
                    Err(reason) => reason,
                },
                Err(error) if is_damage(&error) => error.to_string(),
                Err(CheckpointError::Disk(source)) => {
                    let reason = source.to_string();
                    unreadable.get_or_insert(source);
                    reason
                }
                Err(error) => return Err(error),
            };
            tracing::warn!("checkpoint {id} can't be used, the next older one is tried: {reason}");
            found.refused.push((id, reason));
        }
        match (&found.loaded, unreadable) {
            (None, Some(source)) => Err(CheckpointError::Unreadable { path: self.folder.clone(), source }),
            _ => Ok(found),
        }
    }

    /// The checkpoint at the start of the epoch that another one is in the middle of; none if it is lost.
    fn epoch_start(
        &self,
        midway: &Manifest,
        accept: impl Fn(&Loaded) -> Result<(), String>,
    ) -> Result<Option<Loaded>, CheckpointError> {
        if midway.progress.position == 0 {
            return Ok(None);
        }
        let earlier = self.list()?.into_iter().filter(|id| id.epoch == midway.id.epoch && *id < midway.id);
        for id in earlier.rev() {
            match twice(|| self.manifest(id)) {
                Ok(manifest) if manifest.progress.position > 0 => continue,
                Ok(_) => {}
                Err(error) if is_lost(&error) => continue,
                Err(error) => return Err(error),
            }
            return match twice(|| self.load(id)) {
                Err(error) if is_lost(&error) => {
                    tracing::warn!("checkpoint {id} can't be used: {error}");
                    Ok(None)
                }
                Ok(loaded) => match accept(&loaded) {
                    Ok(()) => Ok(Some(loaded)),
                    Err(reason) => {
                        tracing::warn!("checkpoint {id} can't be used: {reason}");
                        Ok(None)
                    }
                },
                Err(error) => Err(error),
            };
        }
        Ok(None)
    }
}

/// Whether there is nothing to read, today at least.
fn is_lost(error: &CheckpointError) -> bool {
    is_damage(error) || matches!(error, CheckpointError::Disk(_))
}

/// Retries once after a disk failure.
pub(super) fn twice<R>(read: impl Fn() -> Result<R, CheckpointError>) -> Result<R, CheckpointError> {
    match read() {
        Err(CheckpointError::Disk(error)) => {
            tracing::debug!("it is read again: {error}");
            read()
        }
        done => done,
    }
}

/// Whether a checkpoint is not what was written, so that reading it again later would not help.
fn is_damage(error: &CheckpointError) -> bool {
    match error {
        CheckpointError::Damaged { .. } => true,
        CheckpointError::Disk(error) => error.source.kind() == io::ErrorKind::NotFound || is_not_plain(&error.source),
        _ => false,
    }
}
