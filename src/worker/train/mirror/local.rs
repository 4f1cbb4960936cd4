//! The current content of a run folder: a listing that the plan compares with the mirror. Files may change meanwhile;
//! those that are gone are left out.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::layout::{Item, MANIFEST, STATUS, Turn, in_checkpoint, item};
use crate::train::checkpoint::{CheckpointId, Manifest};
use crate::train::run_folder::status::{State, Status};
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// Distinguishes a file from its successor: every writer of a run folder renames or appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    pub(super) changed: (i64, i64),
    pub(super) inode: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), changed: (metadata.mtime(), metadata.mtime_nsec()), inode: metadata.ino() }
    }
}

/// A complete checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) manifest: Manifest,
    /// Its manifest, byte for byte: it holds the digests of all other files.
    pub(super) text: Vec<u8>,
    pub(super) digest: Digest,
}

impl Checkpoint {
    /// Reads a manifest; `None` if it is not complete.
    pub(super) fn read(path: &Path, id: CheckpointId, text: Vec<u8>) -> Option<Self> {
        let manifest = Manifest::parse(path, id, &text).ok()?;
        let digest = Digest::of(&text);
        Some(Self { manifest, text, digest })
    }
}

/// A run folder at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    pub(super) checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    /// All other files, by name.
    pub(super) files: BTreeMap<String, (Turn, Stamp)>,
}

impl Local {
    /// Lists a run folder, checkpoints first: everything that belongs to them was written before.
    pub(super) fn scan(folder: &Path) -> Result<Self, FsError> {
        let checkpoints = checkpoints(folder)?;
        let is_finished = is_finished(folder);
        let mut names = Vec::new();
        walk(folder, "", &mut names)?;
        let file = |(name, stamp): (String, Stamp)| match item(&name) {
            Item::File(Turn::Last) if !is_finished => Some((name, (Turn::First, stamp))),
            Item::File(turn) => Some((name, (turn, stamp))),
            Item::Checkpoint(..) | Item::Nothing => None,
        };
        Ok(Self { checkpoints, files: names.into_iter().filter_map(file).collect() })
    }
}

impl Local {
    /// Whether a file says that the run is finished.
    pub(super) fn is_last(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|(turn, _)| *turn == Turn::Last)
    }
}

/// Whether a run says that it is finished.
pub(super) fn is_finished(folder: &Path) -> bool {
    Status::read(&folder.join(STATUS)).is_some_and(|status| status.state == State::Finished)
}

/// The checkpoints of a run folder that are complete.
pub(super) fn checkpoints(folder: &Path) -> Result<BTreeMap<CheckpointId, Checkpoint>, FsError> {
    let mut found = BTreeMap::new();
    for (name, _, is_folder) in entries(&folder.join("checkpoints"))? {
        let Ok(id) = name.parse::<CheckpointId>() else { continue };
        let path = folder.join(in_checkpoint(id, MANIFEST));
        if is_folder
            && let Some(text) = unless_gone(fs::read(&path)).map_err(FsError::at("read", &path))?
            && let Some(checkpoint) = Checkpoint::read(&path, id, text)
        {
            found.insert(id, checkpoint);
        }
    }
    Ok(found)
}

fn walk(folder: &Path, below: &str, into: &mut Vec<(String, Stamp)>) -> Result<(), FsError> {
    for (name, metadata, is_folder) in entries(&folder.join(below))? {
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        let is_hidden = name.rsplit('/').next().is_some_and(|last| last.starts_with('.'));
        match is_folder {
            true if is_hidden || name == "checkpoints" => {}
            true => walk(folder, &name, into)?,
            false => into.push((name, Stamp::of(&metadata))),
        }
    }
    Ok(())
}

fn entries(folder: &PathBuf) -> Result<Vec<(String, Metadata, bool)>, FsError> {
    let listed = unless_gone(fs::read_dir(folder)).map_err(FsError::at("read folder", folder))?;
    let mut found = Vec::new();
    for entry in listed.into_iter().flatten() {
        let entry = entry.map_err(FsError::at("read folder", folder))?;
        let metadata = unless_gone(entry.metadata()).map_err(FsError::at("look at", &entry.path()))?;
        if let (Some(metadata), Ok(name)) = (metadata, entry.file_name().into_string())
            && (metadata.is_dir() || metadata.is_file())
        {
            let is_folder = metadata.is_dir();
            found.push((name, metadata, is_folder));
        }
    }
    Ok(found)
}

/// `None` if it is no longer there.
pub(super) fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
