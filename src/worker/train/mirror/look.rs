//! The content of a mirror at a start: which names are taken, and the records of the runs of a family.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::MirrorTrouble;
use super::layout::{Item, MANIFEST, OWNER, RECORD, STATUS, in_checkpoint, item};
use super::local;
use crate::data::mirror::{MirrorError, Remote};
use crate::train::checkpoint::CheckpointId;
use crate::train::run_folder::decision::Existing;
use crate::train::run_folder::name::number;
use crate::train::run_folder::record::RunRecord;
use crate::train::run_folder::status::{State, Status};

/// A run in the mirror.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its record; `None` if it is not a run.
    pub(super) record: Option<RunRecord>,
    /// Its state, as it was written.
    status_text: Vec<u8>,
    status: Status,
    /// The newest checkpoint that is complete.
    newest: Option<CheckpointId>,
}

/// Everything with a name of the family.
pub(super) fn family(remote: &Remote, family: &str) -> Result<BTreeMap<String, Seen>, MirrorTrouble> {
    let names = remote.folders("")?.into_iter().filter(|name| number(family, name).is_some());
    let mut names: Vec<String> = names.collect();
    names.sort_by_key(|name| number(family, name));
    let mut found = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        match run(remote, name) {
            Ok(Some(seen)) => drop(found.insert(name.clone(), seen)),
            Ok(None) => {}
            // As with the runs here, only the newest one has to be readable.
            Err(MirrorTrouble::Run { .. }) if place + 1 < names.len() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What has this name; `None` if there is only the note of a worker that is about to start.
pub(super) fn run(remote: &Remote, name: &str) -> Result<Option<Seen>, MirrorTrouble> {
    let names: BTreeSet<String> = remote.list(name)?.into_iter().map(|entry| entry.name).collect();
    if !names.iter().any(|name| name != OWNER && !name.starts_with('.')) {
        return Ok(None);
    }
    let complete = |name: &String| match item(name) {
        Item::Checkpoint(id, file) if file == MANIFEST => Some(id),
        _ => None,
    };
    let path = format!("{name}/{RECORD}");
    let unreadable = |source| MirrorTrouble::Run { mirror: remote.shown().to_owned(), source };
    let record = remote.read(&path)?.map(|(text, _)| RunRecord::parse(Path::new(&path), &text)).transpose();
    let status_text = remote.read(&format!("{name}/{STATUS}"))?.map(|(text, _)| text).unwrap_or_default();
    Ok(Some(Seen {
        record: record.map_err(unreadable)?,
        status: serde_json::from_slice(&status_text).unwrap_or_default(),
        status_text,
        newest: names.iter().filter_map(complete).max(),
    }))
}

impl Seen {
    fn is_finished(&self) -> bool {
        self.status.state == State::Finished
    }

    /// Whether the mirror is ahead of a run folder: it has a newer checkpoint, or is finished with the newest one.
    pub(super) fn is_ahead_of(&self, folder: &Path) -> Result<bool, MirrorTrouble> {
        let here = local::checkpoints(folder)?.keys().next_back().copied();
        let status = Status::read(&folder.join(STATUS)).unwrap_or_default();
        let finished_there_only = self.is_finished() && status.state != State::Finished;
        Ok(self.newest > here || self.newest == here && self.newest.is_some() && finished_there_only)
    }

    /// Whether the mirror holds all of an idle run folder: the state of a run is copied last.
    pub(super) fn is_level_with(&self, folder: &Path) -> bool {
        std::fs::read(folder.join(STATUS)).is_ok_and(|text| text == self.status_text)
    }

    /// Whether everything that a start decides by is the same.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let is_same = match (&self.record, &other.record) {
            (Some(one), Some(another)) => one.is_same_run(another),
            (one, another) => one.is_none() == another.is_none(),
        };
        is_same && self.newest == other.newest && self.is_finished() == other.is_finished()
    }

    /// The time and host of its start, for people.
    pub(super) fn told(record: &RunRecord) -> String {
        let began = record.started.strftime("%Y-%m-%d %H:%M:%S UTC");
        format!("begun {began}, last on {}", record.used.host)
    }

    fn existing(&self, name: &str) -> Existing {
        Existing {
            name: name.to_owned(),
            record: self.record.clone(),
            finished: self.is_finished(),
            ended: self.status.ended,
        }
    }
}

/// The runs here and those of the mirror in one list, for a start to decide: a run that is in both counts as the one
/// that is ahead.
pub(super) fn join(
    here: Vec<Existing>,
    there: &BTreeMap<String, Seen>,
    root: &Path,
) -> Result<Vec<Existing>, MirrorTrouble> {
    let mut joined = Vec::new();
    for run in here {
        let further = match (&run.record, there.get(&run.name)) {
            (Some(record), Some(seen)) if seen.record.as_ref().is_some_and(|other| other.is_same_run(record)) => {
                seen.is_ahead_of(&root.join(&run.name))?.then(|| seen.existing(&run.name))
            }
            _ => None,
        };
        joined.push(further.unwrap_or(run));
    }
    let missing = there.iter().filter(|(name, _)| !joined.iter().any(|run| run.name == **name));
    let missing: Vec<Existing> = missing.map(|(name, seen)| seen.existing(name)).collect();
    Ok([joined, missing].concat())
}

/// Whether every file of a run folder that is copied is there with its size: somebody may have deleted some.
pub(super) fn has_all(remote: &Remote, name: &str, folder: &Path) -> Result<bool, MirrorTrouble> {
    let there: BTreeMap<String, u64> = remote.list(name)?.into_iter().map(|entry| (entry.name, entry.bytes)).collect();
    let here = local::Local::scan(folder)?;
    let files = here.files.iter().map(|(name, (_, stamp))| (name.clone(), stamp.bytes));
    let of_checkpoint = |(id, checkpoint): (&CheckpointId, &local::Checkpoint)| {
        let manifest = (in_checkpoint(*id, MANIFEST), checkpoint.text.len() as u64);
        let files = checkpoint.manifest.files.iter().map(|(file, record)| (in_checkpoint(*id, file), record.bytes));
        files.chain([manifest]).collect::<Vec<_>>()
    };
    let mut all = files.chain(here.checkpoints.iter().flat_map(of_checkpoint));
    Ok(all.all(|(name, bytes)| there.get(&name) == Some(&bytes)))
}

/// Refuses if a run here is not the run of that name in the mirror.
pub(super) fn check(remote: &Remote, name: &str, seen: &Seen, root: &Path) -> Result<(), MirrorTrouble> {
    let folder = root.join(name);
    let Some(there) = &seen.record else { return Ok(()) };
    let mirror = remote.shown().to_owned();
    match RunRecord::read(&folder.join(RECORD))? {
        Some(here) if !here.is_same_run(there) => Err(MirrorTrouble::OtherRun {
            name: name.to_owned(),
            mirror,
            here: Seen::told(&here),
            there: Seen::told(there),
        }),
        None if !is_free(&folder) => Err(MirrorTrouble::InTheWay { folder, mirror }),
        _ => Ok(()),
    }
}

/// The error that a run has advanced since a start looked at it.
pub(super) fn moved(remote: &Remote, name: &str) -> MirrorTrouble {
    MirrorTrouble::Moved { name: name.to_owned(), mirror: remote.shown().to_owned() }
}

/// Whether a folder holds only what an aborted start leaves.
fn is_free(folder: &Path) -> bool {
    let is_left = |name: &str| name.starts_with('.') || name == "config.yaml" || name == STATUS;
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            let names: Vec<_> =
                entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.is_empty() || names.iter().any(|name| name == ".lock") && names.iter().all(|name| is_left(name))
        }
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Whether the look failed because of the network, which may pass.
pub(super) fn is_passing(error: &MirrorTrouble) -> bool {
    matches!(error, MirrorTrouble::Store(MirrorError::Unreachable { .. } | MirrorError::Changed { .. }))
}
