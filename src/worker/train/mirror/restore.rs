//! Restores a run from the mirror: every checkpoint, with every byte checked against its manifest, then all other
//! files, first under a hidden name. A folder that is missing here appears as a whole, by one rename. In an existing
//! one, the files come before the checkpoints that need them, the newest checkpoint last: an interrupted restore is
//! continued by the next start, which keeps what was downloaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::error::MirrorTrouble;
use super::inventory::{self, Inventory};
use super::layout::{Item, MANIFEST, RECORD, STATUS, in_checkpoint, item};
use super::local::{self, Checkpoint};
use crate::data::mirror::{Cancel, Entry, MirrorError, Remote, jitter};
use crate::train::checkpoint::CheckpointId;
use crate::train::run_folder::RunFolder;
use crate::train::run_folder::status::{State, Status};
use crate::util::fs::{FsError, create_dir_all, free_bytes, remove_tree, rename, sync_file_system, write_atomic};
use crate::util::progress::{Stage, Unit};
use crate::util::retry::Backoff;
use crate::util::sha256::Digest;
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// What makes a folder this run.
const IDENTITY: [&str; 3] = [RECORD, "config.yaml", "dataset.json"];

/// The result of a restore.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Checkpoints in the mirror that do not match their manifest.
    pub(super) damaged: BTreeSet<CheckpointId>,
    /// Other files of a finished run that are damaged or gone there.
    pub(super) lost: Vec<String>,
}

/// A place to restore a run to, locked against other workers of this machine.
pub(super) struct Held {
    folder: PathBuf,
    /// The hidden folder that gets the run's name; `None` if the run is here.
    partial: Option<PathBuf>,
    _lock: RunFolder,
}

impl Held {
    /// Takes the place of a run; `None` if another start has restored it meanwhile.
    pub(super) fn take(root: &Path, name: &str) -> Result<Option<Self>, MirrorTrouble> {
        let folder = root.join(name);
        if folder.join(RECORD).is_file() {
            let lock = RunFolder::open(&folder)?;
            return Ok(Some(Self { folder, partial: None, _lock: lock }));
        }
        create_dir_all(root)?;
        let partial = root.join(format!(".{name}.mirror.partial"));
        let lock = RunFolder::open(&partial)?;
        if folder.join(RECORD).is_file() {
            remove_tree(&partial)?;
            return Ok(None);
        }
        Ok(Some(Self { folder, partial: Some(partial), _lock: lock }))
    }
}

/// Space that stays free for the run itself.
const SPARE_BYTES: u64 = 64_000_000;

/// Refuses a run that the disk has no room for, before the download starts.
fn check_room(into: &Path, needed: u64) -> Result<(), MirrorTrouble> {
    let (needed, free) = (needed.saturating_add(SPARE_BYTES), free_bytes(into)?);
    if needed <= free { Ok(()) } else { Err(MirrorTrouble::NoRoom { folder: into.to_owned(), needed, free }) }
}

/// The bytes of a file that are not here yet.
fn left(into: &Path, entry: &Entry) -> u64 {
    let held = fs::metadata(into.join(&entry.name)).map_or(0, |found| found.len());
    entry.bytes.saturating_sub(held)
}

/// Restores a run to its place.
pub(super) fn restore(
    remote: &Remote,
    name: &str,
    held: &Held,
    around: &Surroundings<'_>,
) -> Result<Restored, MirrorTrouble> {
    let work = Restore { remote, name, around };
    match &held.partial {
        Some(partial) => work.as_whole(partial, &held.folder),
        None => work.add_to_run(&held.folder),
    }
}

struct Restore<'a> {
    remote: &'a Remote,
    name: &'a str,
    around: &'a Surroundings<'a>,
}

impl Restore<'_> {
    /// A run that is not here. The lock of the hidden folder becomes that of the run.
    fn as_whole(&self, partial: &Path, folder: &Path) -> Result<Restored, MirrorTrouble> {
        let restored = self.download(partial, &BTreeMap::new())?;
        sync_file_system(partial)?;
        if folder.is_dir() {
            // An aborted start has left it; no process may be using it now.
            let _left = RunFolder::open(folder)?;
            remove_tree(folder)?;
        }
        rename(partial, folder)?;
        Ok(restored)
    }

    /// A run that is here, and ahead in the mirror.
    fn add_to_run(&self, folder: &Path) -> Result<Restored, MirrorTrouble> {
        let partial = folder.join(".mirror.partial");
        create_dir_all(&partial)?;
        let restored = self.download(&partial, &local::checkpoints(folder)?)?;
        sync_file_system(&partial)?;
        let come = local::Local::scan(&partial)?;
        let put = |name: &String| -> Result<(), MirrorTrouble> {
            let to = folder.join(name);
            to.parent().map_or(Ok(()), create_dir_all)?;
            Ok(rename(&partial.join(name), &to)?)
        };
        // The state of the run comes last: it may say that everything is there.
        let (last, files): (Vec<&String>, Vec<&String>) = come.files.keys().partition(|name| *name == STATUS);
        files.into_iter().try_for_each(put)?;
        for id in come.checkpoints.keys() {
            put_checkpoint(&partial, folder, *id)?;
        }
        last.into_iter().try_for_each(put)?;
        remove_tree(&partial)?;
        Ok(restored)
    }

    /// Everything into a folder, except for the checkpoints that are already here.
    fn download(&self, into: &Path, here: &BTreeMap<CheckpointId, Checkpoint>) -> Result<Restored, MirrorTrouble> {
        let entries = self.patiently(|remote| remote.list(self.name))?;
        let wanted = |entry: &&Entry| item(&entry.name) != Item::Nothing;
        let total = entries.iter().filter(wanted).fold(0, |sum: u64, entry| sum.saturating_add(entry.bytes));
        info!("restoring {} from the mirror {}: {}", self.name, self.remote.shown(), units::bytes(total));
        sweep(into, &entries)?;
        let missing = entries.iter().filter(wanted).filter(|entry| match item(&entry.name) {
            Item::Checkpoint(id, _) => !here.contains_key(&id),
            _ => true,
        });
        check_room(into, missing.fold(0, |sum: u64, entry| sum.saturating_add(left(into, entry))))?;
        self.around.progress.begin(Stage::Restore, Some(total), Unit::BYTES);
        let mut restored = self.checkpoints(into, &entries, here)?;
        let is_file = |entry: &&Entry| matches!(item(&entry.name), Item::File(_));
        for entry in entries.iter().filter(is_file) {
            self.fetch(into, &entry.name, entry.bytes)?;
        }
        restored.lost = self.take_stock(into)?;
        self.around.progress.end(&format!("restored {} from the mirror {}", self.name, self.remote.shown()));
        Ok(restored)
    }

    /// Compares the files of a finished run with its inventory. If some are damaged or missing, the run is not
    /// finished: they are made again from its newest checkpoint.
    fn take_stock(&self, into: &Path) -> Result<Vec<String>, MirrorTrouble> {
        let status = into.join(STATUS);
        let Ok(digest) = Digest::of_file(&status) else { return Ok(Vec::new()) };
        let object = format!("{}/{}", self.name, inventory::NAME);
        let text = self.patiently(|remote| remote.read(&object))?.map(|(text, _)| text).unwrap_or_default();
        let Some(inventory) = Inventory::of_state(&text, digest) else { return Ok(Vec::new()) };
        let lost = inventory.lost(into);
        if !lost.is_empty() {
            let names = lost.join(", ");
            warn!("{names} of {} is damaged or gone in the mirror: it is made again", self.name);
            // The files that identify the run stay: their readers report damage.
            let replaceable = lost.iter().filter(|name| !IDENTITY.contains(&name.as_str()));
            replaceable.map(|name| into.join(name)).try_for_each(|path| remove_file(&path))?;
            let last = Status::read(&status).unwrap_or_default();
            Status { state: State::Stopped, ended: None, ..last }.write(&status)?;
        }
        Ok(lost)
    }

    /// All checkpoints that are complete there, newest first. A damaged one is reported and left out.
    fn checkpoints(
        &self,
        into: &Path,
        entries: &[Entry],
        here: &BTreeMap<CheckpointId, Checkpoint>,
    ) -> Result<Restored, MirrorTrouble> {
        let complete = |entry: &Entry| match item(&entry.name) {
            Item::Checkpoint(id, file) if file == MANIFEST => Some(id),
            _ => None,
        };
        let ids: BTreeSet<CheckpointId> = entries.iter().filter_map(complete).collect();
        let (mut restored, mut usable, mut newest_reason) = (Restored::default(), 0, None);
        for id in ids.iter().rev() {
            match self.checkpoint(into, *id, here)? {
                Ok(()) => usable += 1,
                Err(reason) => {
                    warn!("checkpoint {id} in the mirror can't be used, the next older one is tried: {reason}");
                    remove_tree(&into.join(format!("checkpoints/{id}")))?;
                    restored.damaged.insert(*id);
                    newest_reason.get_or_insert(reason);
                }
            }
        }
        match newest_reason {
            Some(reason) if usable == 0 && here.is_empty() => Err(MirrorTrouble::NoCheckpoint {
                name: self.name.to_owned(),
                mirror: self.remote.shown().to_owned(),
                reason,
            }),
            _ => Ok(restored),
        }
    }

    /// One checkpoint, its manifest last, or why it can't be used.
    fn checkpoint(
        &self,
        into: &Path,
        id: CheckpointId,
        here: &BTreeMap<CheckpointId, Checkpoint>,
    ) -> Result<Result<(), String>, MirrorTrouble> {
        let object = |file: &str| format!("{}/{}", self.name, in_checkpoint(id, file));
        let path = into.join(in_checkpoint(id, MANIFEST));
        let Some((text, _)) = self.patiently(|remote| remote.read(&object(MANIFEST)))? else {
            return Ok(Err("its manifest is gone".into()));
        };
        let Some(checkpoint) = Checkpoint::read(&path, id, text) else {
            return Ok(Err("its manifest is damaged".into()));
        };
        if here.get(&id).is_some_and(|mine| mine.digest == checkpoint.digest) {
            return Ok(Ok(()));
        }
        for (file, record) in &checkpoint.manifest.files {
            let to = into.join(in_checkpoint(id, file));
            if Digest::of_file(&to).ok() == Some(record.sha256) {
                self.around.progress.advance(record.bytes);
                continue;
            }
            to.parent().map_or(Ok(()), create_dir_all)?;
            let there = self.patiently(|remote| remote.look(&object(file)))?.map(|entry| entry.bytes);
            if there != Some(record.bytes) {
                let got = there.map_or_else(|| "is not there".into(), |bytes| format!("has {bytes} bytes"));
                return Ok(Err(format!("{file} {got}, expected {} bytes", record.bytes)));
            }
            let got = self.patiently(|remote| remote.fetch(&object(file), record.bytes, &to))?;
            if got != record.sha256 {
                return Ok(Err(format!("{file} has SHA-256 {got}, expected {}", record.sha256)));
            }
            self.around.progress.advance(record.bytes);
        }
        write_atomic(&path, &checkpoint.text)?;
        Ok(Ok(()))
    }

    fn fetch(&self, into: &Path, name: &str, bytes: u64) -> Result<(), MirrorTrouble> {
        let to: PathBuf = into.join(name);
        to.parent().map_or(Ok(()), create_dir_all)?;
        self.patiently(|remote| remote.fetch(&format!("{}/{name}", self.name), bytes, &to))?;
        self.around.progress.advance(bytes);
        Ok(())
    }

    /// Retries what fails for lack of an answer, with growing waits; a signal ends it at once.
    fn patiently<T>(&self, ask: impl Fn(&Remote) -> Result<T, MirrorError>) -> Result<T, MirrorTrouble> {
        let backoff = Backoff { max_tries: 6, longest: Duration::from_secs(20), ..Backoff::default() };
        let (mut failed, mut waited) = (0, Duration::ZERO);
        loop {
            self.around.stop.check()?;
            let source = match ask(&self.remote.bounded(&Cancel::on(self.around.stop), None)) {
                Err(error @ MirrorError::Unreachable { .. }) => error,
                Err(MirrorError::Cancelled { .. }) => continue,
                done => return Ok(done?),
            };
            failed += 1;
            let Some(wait) = backoff.wait(failed, waited, None, jitter()) else {
                return Err(MirrorTrouble::Interrupted { name: self.name.to_owned(), source });
            };
            warn!("{source}; trying again in {}", units::duration(wait));
            waited += wait;
            let until = Instant::now() + wait;
            while Instant::now() < until {
                self.around.stop.check()?;
                std::thread::sleep(Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())));
            }
        }
    }
}

fn remove_file(path: &Path) -> Result<(), FsError> {
    local::unless_gone(fs::remove_file(path)).map_err(FsError::at("remove", path)).map(drop)
}

/// Deletes leftovers of an earlier restore that are not in the mirror now: they may belong to another run.
fn sweep(into: &Path, entries: &[Entry]) -> Result<(), MirrorTrouble> {
    let there: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let left = local::Local::scan(into)?;
    let mut gone = left.checkpoints.keys().filter(|id| !there.contains(in_checkpoint(**id, MANIFEST).as_str()));
    gone.try_for_each(|id| remove_tree(&into.join(format!("checkpoints/{id}"))))?;
    for name in left.files.keys().filter(|name| !there.contains(name.as_str())) {
        let path = into.join(name);
        fs::remove_file(&path).map_err(FsError::at("remove", &path))?;
    }
    Ok(())
}

/// Gives a complete checkpoint its place. If there is one with other content, it is set aside.
fn put_checkpoint(partial: &Path, folder: &Path, id: CheckpointId) -> Result<(), MirrorTrouble> {
    let place = folder.join(format!("checkpoints/{id}"));
    create_dir_all(&folder.join("checkpoints"))?;
    if place.exists() {
        let aside = (1..).map(|number| folder.join(format!("checkpoints/{id}.damaged-{number}")));
        let Some(aside) = aside.into_iter().find(|path| !path.exists()) else { return Ok(()) };
        warn!("{} is not what the mirror holds; it is now {}", place.display(), aside.display());
        rename(&place, &aside)?;
    }
    let complete = partial.join(format!("checkpoints/{id}"));
    if fs::exists(&complete).unwrap_or(false) {
        rename(&complete, &place)?;
    }
    Ok(())
}
