//! Who copies to a run in a mirror: one small file, renewed while its owner lives. Its age is measured by the service's
//! clock alone, against another object that was written just now.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::{debug, info};

use super::error::MirrorTrouble;
use super::layout::OWNER;
use crate::data::mirror::{Entry, Expected, MirrorError, Remote, Version, random_id};
use crate::util::fs::{create_dir_all, write_atomic};
use crate::util::units;

/// The interval between heartbeats.
const BEAT: Duration = Duration::from_secs(30);
/// The file in the folder of all runs that identifies this folder.
const PLACE: &str = ".fragua-place";
/// The environment variable that changes it, in seconds. All workers of a mirror must use the same value.
const BEAT_VARIABLE: &str = "FRAGUA_MIRROR_BEAT_SECONDS";

/// The interval between heartbeats.
pub(super) fn interval() -> Duration {
    let set = std::env::var(BEAT_VARIABLE).ok().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
    set.map_or(BEAT, Duration::from_secs)
}

/// After this long without a heartbeat, an owner counts as dead.
pub(super) fn patience() -> Duration {
    3 * interval()
}

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The machine.
    pub(super) host: String,
    /// The folder of all runs on it, by the id in it: a worker that starts there holds the lock of the run, so its
    /// predecessor has ended.
    place: String,
    /// This process.
    session: String,
    /// When it took over.
    pub(super) since: jiff::Timestamp,
    /// The last heartbeat, for people only.
    beat: jiff::Timestamp,
    /// Whether it was released. It stays: a worker that was frozen for long would take a missing note for its own.
    #[serde(default)]
    released: bool,
}

/// A claim to a run in a mirror. [`Owner::release`] gives it up; otherwise it becomes stale.
pub(super) struct Owner {
    name: String,
    note: Note,
    version: Mutex<Option<Version>>,
}

impl Owner {
    /// Claims a run, unless a live worker owns it.
    pub(super) fn claim(remote: &Remote, name: &str, folder: &Path) -> Result<Self, MirrorTrouble> {
        let now = jiff::Timestamp::now();
        let note = Note {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            place: place(folder.parent().unwrap_or(folder)),
            session: random_id(),
            since: now,
            beat: now,
            released: false,
        };
        let owner = Self { name: name.to_owned(), note, version: Mutex::new(None) };
        // If another worker was faster, look once more.
        for _ in 0..2 {
            let expected = match owner.read(remote)? {
                None => Expected::Nothing,
                Some((other, entry)) => {
                    owner.displace(remote, &other, &entry)?;
                    Expected::This(entry.version)
                }
            };
            match owner.write(remote, expected) {
                Ok(()) => return Ok(owner),
                Err(MirrorError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        match owner.read(remote)? {
            Some((other, entry)) => Err(owner.held(remote, &other, entry.modified)),
            None => Err(MirrorError::Changed { mirror: remote.shown().to_owned(), object: owner.object() }.into()),
        }
    }

    /// Whether the current owner may be displaced: it has released the run, worked in this folder, or has been silent
    /// for too long.
    fn displace(&self, remote: &Remote, other: &Note, entry: &Entry) -> Result<(), MirrorTrouble> {
        if other.session == self.note.session || other.released {
            return Ok(());
        }
        if other.place == self.note.place {
            debug!("{} in the mirror was last used from here", self.name);
            return Ok(());
        }
        let now = self.clock(remote)?;
        match Duration::try_from(now.duration_since(entry.modified)) {
            Ok(age) if age >= patience() => {
                let age = units::duration(age);
                info!("taking over {} in the mirror from {}, last seen {age} ago", self.name, other.host);
                Ok(())
            }
            _ => Err(self.held(remote, other, entry.modified)),
        }
    }

    fn held(&self, remote: &Remote, other: &Note, sign: jiff::Timestamp) -> MirrorTrouble {
        MirrorTrouble::Held {
            name: self.name.clone(),
            mirror: remote.shown().to_owned(),
            host: other.host.clone(),
            since: other.since,
            sign,
            stale: patience(),
        }
    }

    /// The time there.
    fn clock(&self, remote: &Remote) -> Result<jiff::Timestamp, MirrorError> {
        let name = format!("{}/.clock-{}", self.name, self.note.session);
        remote.write(&name, b"may be deleted\n", Expected::Anything)?;
        let there = remote.look(&name)?;
        remote.remove(&name)?;
        let object = name;
        there.map(|entry| entry.modified).ok_or_else(|| MirrorError::Absent { mirror: remote.shown().into(), object })
    }

    /// The name of its note.
    pub(super) fn object(&self) -> String {
        format!("{}/{OWNER}", self.name)
    }

    fn read(&self, remote: &Remote) -> Result<Option<(Note, Entry)>, MirrorError> {
        let Some((text, entry)) = remote.read(&self.object())? else { return Ok(None) };
        // An unreadable note has no owner.
        let nobody = || Note {
            host: "an unknown worker".into(),
            place: String::new(),
            session: String::new(),
            since: entry.modified,
            beat: entry.modified,
            released: false,
        };
        let note = serde_json::from_slice(&text).unwrap_or_else(|_| nobody());
        Ok(Some((note, entry)))
    }

    /// Writes the note; some stores can check the condition only over an existing object.
    fn write(&self, remote: &Remote, expected: Expected) -> Result<(), MirrorError> {
        self.write_note(remote, expected, false)
    }

    fn write_note(&self, remote: &Remote, expected: Expected, released: bool) -> Result<(), MirrorError> {
        let note = Note { beat: jiff::Timestamp::now(), released, ..self.note.clone() };
        let text = serde_json::to_vec_pretty(&note).unwrap_or_default();
        let version = match remote.write(&self.object(), &text, expected) {
            Err(MirrorError::Unsupported { .. }) => remote.write(&self.object(), &text, Expected::Anything)?,
            done => done?,
        };
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        Ok(())
    }

    /// The new owner, if it is no longer this worker. A missing note is written again.
    pub(super) fn check(&self, remote: &Remote) -> Result<Option<Note>, MirrorError> {
        let found = self.read(remote)?;
        Ok(found.map(|(note, _)| note).filter(|note| note.session != self.note.session))
    }

    /// Sends a heartbeat. Returns the new owner, if it is no longer this worker.
    pub(super) fn beat(&self, remote: &Remote) -> Result<Option<Note>, MirrorError> {
        let known = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((note, entry)) = self.read(remote)? else {
            return match self.write(remote, Expected::Nothing) {
                Err(MirrorError::Changed { .. }) => self.check(remote),
                done => done.map(|()| None),
            };
        };
        if note.session != self.note.session {
            return Ok(Some(note));
        }
        let expected = Expected::This(known.unwrap_or(entry.version));
        match self.write(remote, expected) {
            // A write whose answer was lost has changed it as well: the next one reads the current version.
            Err(MirrorError::Changed { .. }) => {
                *self.version.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.check(remote)
            }
            done => done.map(|()| None),
        }
    }

    /// Releases it. If that fails, it becomes stale.
    pub(super) fn release(&self, remote: &Remote) {
        let released = self.read(remote).and_then(|found| match found {
            Some((note, entry)) if note.session == self.note.session => {
                self.write_note(remote, Expected::This(entry.version), true)
            }
            _ => Ok(()),
        });
        if let Err(error) = released {
            debug!("{} is left to become stale: {error}", self.object());
        }
    }

    /// The error that another worker has taken over.
    pub(super) fn taken(&self, remote: &Remote, by: &Note) -> MirrorTrouble {
        MirrorTrouble::Taken {
            name: self.name.clone(),
            mirror: remote.shown().to_owned(),
            host: by.host.clone(),
            since: by.since,
        }
    }
}

/// The id of a folder of runs; a new one if there is none. If it can't be stored, nobody will be taken for this worker.
fn place(root: &Path) -> String {
    let path = root.join(PLACE);
    if let Ok(id) = std::fs::read_to_string(&path)
        && !id.is_empty()
    {
        return id;
    }
    let id = random_id();
    match create_dir_all(root).and_then(|()| write_atomic(&path, id.as_bytes())) {
        // If two start at once, the stored id counts.
        Ok(()) => std::fs::read_to_string(&path).unwrap_or(id),
        Err(error) => {
            debug!("this place has no id of its own: {error}");
            id
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::data::mirror::Address;
    use crate::util::exit::Exit;

    fn other(remote: &Remote, host: &str) -> Note {
        let now = jiff::Timestamp::now();
        let (host, place, session) = (host.to_owned(), "other".into(), "other".into());
        let note = Note { host, place, session, since: now, beat: now, released: false };
        remote.write("storms/owner.json", &serde_json::to_vec(&note).unwrap(), Expected::Anything).unwrap();
        note
    }

    fn age(file: &Path, seconds: u64) {
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn a_live_owner_is_respected_and_a_dead_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let remote = Remote::open(&Address::Folder(folder.path().into())).unwrap();
        let note = other(&remote, "gpu7");
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let claim = |at: &tempfile::TempDir| Owner::claim(&remote, "storms", &at.path().join("storms"));
        let Err(held) = claim(&here) else { panic!("it was taken") };
        assert_eq!(held.exit(), Exit::TryAgain);
        assert!(held.to_string().contains(&format!("in use by gpu7 since {}", note.since)), "{held}");
        age(&folder.path().join("storms/owner.json"), 80);
        assert!(claim(&here).is_err());
        age(&folder.path().join("storms/owner.json"), 100);
        let owner = claim(&here).unwrap();
        assert!(claim(&there).is_err() && claim(&here).is_ok(), "the same folder goes on, whatever machine it is on");
        assert_eq!(owner.beat(&remote).unwrap().unwrap().host, owner.note.host, "the second claim has it now");
        let names: Vec<_> = remote.list("storms").unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, [OWNER], "no clock is left");
    }

    #[test]
    fn an_owner_notices_that_another_took_over_and_leaves_its_note() {
        let folder = tempfile::tempdir().unwrap();
        let remote = Remote::open(&Address::Folder(folder.path().into())).unwrap();
        let root = tempfile::tempdir().unwrap();
        let owner = Owner::claim(&remote, "storms", &root.path().join("storms")).unwrap();
        assert_eq!(owner.beat(&remote).unwrap(), None);
        let note = other(&remote, "gpu7");
        assert_eq!(owner.beat(&remote).unwrap(), Some(note.clone()));
        assert_eq!(owner.check(&remote).unwrap(), Some(note));
        owner.release(&remote);
        assert!(remote.look("storms/owner.json").unwrap().is_some());
    }

    #[test]
    fn a_released_run_is_free() {
        let store = std::sync::Arc::new(object_store::memory::InMemory::new());
        let remote = Remote::with_store(store, "", "memory").unwrap();
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let claim = |at: &tempfile::TempDir| Owner::claim(&remote, "storms", &at.path().join("storms"));
        let owner = claim(&here).unwrap();
        assert!(claim(&there).is_err());
        assert_eq!((owner.beat(&remote).unwrap(), owner.beat(&remote).unwrap()), (None, None));
        owner.release(&remote);
        let other = claim(&there).unwrap();
        other.release(&remote);
        assert!(owner.check(&remote).unwrap().is_some(), "who was away meanwhile finds that another one had it");
        assert!(owner.beat(&remote).unwrap().is_some());
    }
}
