//! One round of copying, in the order of the plan. A checkpoint counts as copied only after every file of it was
//! verified in the mirror and its manifest, which comes last, is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use tracing::{debug, warn};

use super::inventory::{self, Inventory};
use super::layout::{Item, MANIFEST, Turn, in_checkpoint, item};
use super::local::{Checkpoint, Local, Stamp, is_finished, unless_gone};
use super::plan::{Action, Known, Scope, plan, removals};
use crate::data::mirror::{Expected, MirrorError, Remote};
use crate::train::checkpoint::{CheckpointId, FileRecord};
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// A run and its copy.
pub(super) struct Copy {
    /// The name of the run, in the mirror as here.
    name: String,
    known: Known,
    /// Files of checkpoints that are verified in the mirror, though their checkpoint is not complete there yet.
    verified: BTreeMap<(CheckpointId, String), Digest>,
    /// Contents of small files by name: a file that was rewritten unchanged is not copied again.
    contents: BTreeMap<String, Digest>,
    /// Checkpoints here that do not match their manifest; reported once.
    unusable: BTreeSet<CheckpointId>,
}

/// The result of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// What is not in the mirror yet, by name.
    pub(super) names: Vec<String>,
}

/// Called during a round: with the bytes of everything planned, then of each thing that is done.
pub(super) trait Watch {
    /// Whether this worker still owns the run: checked before each write, because it may have been frozen for hours.
    fn may_go_on(&self, remote: &Remote) -> Result<(), MirrorError>;
    fn planned(&self, bytes: u64);
    fn done(&self, bytes: u64);
}

impl Copy {
    /// Lists the content of the mirror.
    pub(super) fn begin(remote: &Remote, name: &str, damaged: &BTreeSet<CheckpointId>) -> Result<Self, MirrorError> {
        let mut known = Known { distrusted: damaged.clone(), ..Known::default() };
        let mut manifests = BTreeSet::new();
        for entry in remote.list(name)? {
            match item(&entry.name) {
                Item::Checkpoint(id, file) if file == MANIFEST => drop(manifests.insert(id)),
                Item::Checkpoint(id, _) => drop(known.partial.insert(id)),
                Item::File(_) | Item::Nothing => {}
            }
        }
        for id in manifests {
            let object = format!("{name}/{}", in_checkpoint(id, MANIFEST));
            // One whose manifest is damaged is not complete.
            match remote.read(&object)?.and_then(|(text, _)| Checkpoint::read(Path::new(&object), id, text)) {
                Some(checkpoint) => {
                    known.partial.remove(&id);
                    known.complete.insert(id, checkpoint.digest);
                }
                None => drop(known.partial.insert(id)),
            }
        }
        let (name, verified, contents) = (name.to_owned(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { name, known, verified, contents, unusable: BTreeSet::new() })
    }

    /// The part of a run folder that is not in the mirror.
    pub(super) fn left(&self, folder: &Path) -> Result<Left, FsError> {
        let local = self.local(folder)?;
        let files = plan(&local, &self.known, Scope::All).into_iter().filter_map(|action| match action {
            Action::File(name) => Some(name),
            Action::Checkpoint(_) => None,
        });
        let differs = |(id, checkpoint): &(&CheckpointId, &Checkpoint)| {
            self.known.complete.get(id) != Some(&checkpoint.digest) || self.known.distrusted.contains(id)
        };
        let checkpoints = local.checkpoints.iter().rev().filter(differs).map(|(id, _)| format!("checkpoints/{id}"));
        Ok(Left { names: checkpoints.chain(files).collect() })
    }

    /// Whether a round would find nothing to do.
    pub(super) fn is_done(&self, folder: &Path) -> bool {
        let waits = |local: &Local, action: &Action| match action {
            Action::File(name) => local.is_last(name) && !self.has_all(local),
            Action::Checkpoint(_) => false,
        };
        let is_left = |local: &Local| plan(local, &self.known, Scope::All).iter().any(|action| !waits(local, action));
        self.local(folder).is_ok_and(|local| !is_left(&local))
    }

    fn local(&self, folder: &Path) -> Result<Local, FsError> {
        let mut local = Local::scan(folder)?;
        local.checkpoints.retain(|id, _| !self.unusable.contains(id));
        Ok(local)
    }

    /// Copies missing files, and deletes those that may be deleted.
    pub(super) fn round(
        &mut self,
        remote: &Remote,
        folder: &Path,
        scope: Scope,
        watch: &dyn Watch,
    ) -> Result<(), MirrorError> {
        let local = self.local(folder)?;
        let actions = plan(&local, &self.known, scope);
        let size = |action: &Action| match action {
            Action::File(name) => local.files.get(name).map_or(0, |(_, stamp)| stamp.bytes),
            Action::Checkpoint(id) => local.checkpoints.get(id).map_or(0, bytes),
        };
        let is_first = |name: &String| local.files.get(name).is_some_and(|(turn, _)| *turn == Turn::First);
        watch.planned(actions.iter().map(size).sum());
        for action in &actions {
            watch.may_go_on(remote)?;
            match action {
                // The run has finished since the plan was made: the next round reports it, when everything is there.
                Action::File(name) if is_first(name) && is_finished(folder) => {}
                Action::File(name) if local.is_last(name) && !self.has_all(&local) => {}
                Action::File(name) => {
                    if local.is_last(name) {
                        self.take_stock(remote, folder, name, &local)?;
                    }
                    self.file(remote, folder, name)?;
                }
                Action::Checkpoint(id) => match local.checkpoints.get(id) {
                    Some(checkpoint) => self.checkpoint(remote, folder, (*id, checkpoint), watch)?,
                    None => continue,
                },
            }
            watch.done(size(action));
        }
        if scope != Scope::Newest {
            for id in removals(&local, &self.known) {
                watch.may_go_on(remote)?;
                self.remove(remote, id)?;
            }
        }
        Ok(())
    }

    /// Whether every usable checkpoint of this folder is there.
    fn has_all(&self, local: &Local) -> bool {
        let is_there = |(id, checkpoint): (&CheckpointId, &Checkpoint)| {
            self.unusable.contains(id) || self.known.complete.get(id) == Some(&checkpoint.digest)
        };
        local.checkpoints.iter().all(is_there)
    }

    /// Writes the inventory, before the file that marks the run as finished.
    fn take_stock(&self, remote: &Remote, folder: &Path, last: &str, local: &Local) -> Result<(), MirrorError> {
        let path = folder.join(last);
        let status = Digest::of_file(&path).map_err(FsError::at("read", &path))?;
        let copied = local.files.keys().filter(|name| *name != last);
        let record = |name: &String| {
            let (bytes, sha256) = (self.known.files.get(name)?.bytes, *self.contents.get(name)?);
            Some((name.clone(), FileRecord { bytes, sha256 }))
        };
        let inventory = Inventory { status, files: copied.filter_map(record).collect() };
        let object = format!("{}/{}", self.name, inventory::NAME);
        remote.write(&object, &inventory.text(), Expected::Anything)?;
        Ok(())
    }

    /// Copies a file in its state when opened: writers rename, or append and never change earlier bytes.
    fn file(&mut self, remote: &Remote, folder: &Path, name: &str) -> Result<(), MirrorError> {
        let path = folder.join(name);
        let Some(file) = unless_gone(File::open(&path)).map_err(FsError::at("open", &path))? else { return Ok(()) };
        let stamp = Stamp::of(&file.metadata().map_err(FsError::at("look at", &path))?);
        let content = digest(&file, stamp.bytes).map_err(FsError::at("read", &path))?;
        if self.contents.get(name) != Some(&content) {
            let sent = remote.send(&format!("{}/{name}", self.name), &file, stamp.bytes)?;
            self.contents.insert(name.to_owned(), sent);
        }
        self.known.files.insert(name.to_owned(), stamp);
        Ok(())
    }

    /// Copies a checkpoint, its manifest last. One that is deleted here meanwhile is left as it is.
    fn checkpoint(
        &mut self,
        remote: &Remote,
        folder: &Path,
        (id, checkpoint): (CheckpointId, &Checkpoint),
        watch: &dyn Watch,
    ) -> Result<(), MirrorError> {
        let manifest = format!("{}/{}", self.name, in_checkpoint(id, MANIFEST));
        if self.known.complete.remove(&id).is_some() {
            // Other content under the same name: it is not complete while its files are replaced.
            remote.remove(&manifest)?;
        }
        self.known.partial.insert(id);
        for (file, record) in &checkpoint.manifest.files {
            if self.verified.get(&(id, file.clone())) == Some(&record.sha256) {
                continue;
            }
            let path = folder.join(in_checkpoint(id, file));
            let Some(opened) = unless_gone(File::open(&path)).map_err(FsError::at("open", &path))? else {
                if folder.join(in_checkpoint(id, MANIFEST)).is_file() {
                    warn!("{} is missing, so the checkpoint is not copied", path.display());
                    self.unusable.insert(id);
                } else {
                    debug!("checkpoint {id} was rotated away while it was copied");
                }
                return Ok(());
            };
            let has = opened.metadata().map_err(FsError::at("look at", &path))?.len();
            let object = format!("{}/{}", self.name, in_checkpoint(id, file));
            let sent = if has == record.bytes { Some(remote.send(&object, &opened, has)?) } else { None };
            if sent != Some(record.sha256) {
                warn!("{} does not match its manifest, so the checkpoint is not copied", path.display());
                self.unusable.insert(id);
                return Ok(());
            }
            remote.verify(&object, record.bytes, record.sha256)?;
            watch.may_go_on(remote)?;
            self.verified.insert((id, file.clone()), record.sha256);
        }
        remote.settle()?;
        remote.write(&manifest, &checkpoint.text, Expected::Anything)?;
        remote.verify(&manifest, checkpoint.text.len() as u64, checkpoint.digest)?;
        remote.settle()?;
        self.known.partial.remove(&id);
        self.known.distrusted.remove(&id);
        self.known.complete.insert(id, checkpoint.digest);
        self.verified.retain(|(other, _), _| *other != id);
        debug!("checkpoint {id} is in the mirror");
        Ok(())
    }

    /// Deletes a checkpoint: first the file that makes it complete.
    fn remove(&mut self, remote: &Remote, id: CheckpointId) -> Result<(), MirrorError> {
        let below = format!("{}/checkpoints/{id}", self.name);
        let names = remote.list(&below)?.into_iter().map(|entry| entry.name);
        let (first, others): (Vec<String>, Vec<String>) = names.partition(|name| name == MANIFEST);
        if self.known.complete.remove(&id).is_some() {
            self.known.partial.insert(id);
        }
        first.iter().chain(&others).try_for_each(|name| remote.remove(&format!("{below}/{name}")))?;
        self.known.partial.remove(&id);
        self.known.distrusted.remove(&id);
        self.verified.retain(|(other, _), _| *other != id);
        Ok(())
    }

    /// The newest checkpoint that is complete in the mirror.
    pub(super) fn newest(&self) -> Option<CheckpointId> {
        self.known.complete.keys().next_back().copied()
    }
}

fn bytes(checkpoint: &Checkpoint) -> u64 {
    checkpoint.manifest.files.values().map(|record| record.bytes).sum()
}

fn digest(file: &File, bytes: u64) -> std::io::Result<Digest> {
    use std::os::unix::fs::FileExt;
    let mut hasher = crate::util::sha256::Hasher::default();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < bytes {
        let length = usize::try_from(bytes - done).unwrap_or(usize::MAX).min(buffer.len());
        file.read_exact_at(&mut buffer[..length], done)?;
        hasher.update(&buffer[..length]);
        done += length as u64;
    }
    Ok(hasher.finish())
}
