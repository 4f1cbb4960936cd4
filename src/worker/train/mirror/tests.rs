//! Rounds of copying against an in-memory store that fails, lies or refuses on demand: in every case, a mirror that
//! had a complete checkpoint still has one, and in the end it contains what the run folder contains.

mod scripted;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;

use self::scripted::{Fault, Scripted};
use super::copy::{Copy, Watch};
use super::layout::{MANIFEST, in_checkpoint};
use super::local::Checkpoint;
use super::plan::Scope;
use super::restore::{Held, restore};
use super::session::{End, Session};
use super::{MirrorTrouble, look};
use crate::data::mirror::{Expected, MirrorError, Remote};
use crate::train::checkpoint::disk::RealDisk;
use crate::train::checkpoint::{CheckpointId, NamedArray, Progress, Publish, Snapshot, Store};
use crate::util::exit::Exit;
use crate::util::progress::Silent;
use crate::util::sha256::Digest;
use crate::util::stop::Stop;
use crate::util::surroundings::Surroundings;

struct Nobody;

impl Watch for Nobody {
    fn may_go_on(&self, _remote: &Remote) -> Result<(), MirrorError> {
        Ok(())
    }
    fn planned(&self, _bytes: u64) {}
    fn done(&self, _bytes: u64) {}
}

/// Another worker takes over the run after this many operations.
struct Displaced(std::cell::Cell<usize>);

impl Watch for Displaced {
    fn may_go_on(&self, remote: &Remote) -> Result<(), MirrorError> {
        let changed = || MirrorError::Changed { mirror: remote.shown().to_owned(), object: "owner.json".into() };
        self.0.set(self.0.get().checked_sub(1).ok_or_else(changed)?);
        Ok(())
    }
    fn planned(&self, _bytes: u64) {}
    fn done(&self, _bytes: u64) {}
}

fn id(step: u64) -> CheckpointId {
    CheckpointId { epoch: 1, step }
}

fn save(folder: &Path, step: u64, value: f32) {
    let store = Store::open(Arc::new(RealDisk), &folder.join("checkpoints"), "0").unwrap();
    let snapshot = Snapshot {
        id: id(step),
        progress: Progress::default(),
        model: vec![NamedArray::f32("w", &[2], &[value, step as f32])],
        optim: vec![NamedArray::f32("m", &[1], &[value])],
        ema: Vec::new(),
        publish: Publish::default(),
    };
    store.save(&snapshot).unwrap();
    fs::write(folder.join("history.json"), format!("[{step}]")).unwrap();
    fs::write(folder.join("status.json"), format!("{{\"state\": \"finished\", \"step\": {step}}}")).unwrap();
}

fn delete(folder: &Path, step: u64) {
    fs::remove_dir_all(folder.join(format!("checkpoints/{}", id(step)))).unwrap();
}

/// A run folder with two checkpoints, and a store for it.
fn begin() -> (tempfile::TempDir, Arc<Scripted>, Remote) {
    let folder = tempfile::tempdir().unwrap();
    let store = Scripted::new();
    let remote = Remote::with_store(Arc::clone(&store) as Arc<dyn ObjectStore>, "a", "scripted").unwrap();
    for step in [10, 20] {
        save(folder.path(), step, 0.5);
    }
    fs::create_dir(folder.path().join("plots")).unwrap();
    for name in ["run.json", "log.jsonl", "plots/loss.png", ".lock", "notes.txt"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    (folder, store, remote)
}

fn copy(remote: &Remote) -> Copy {
    Copy::begin(remote, "run", &BTreeSet::new()).unwrap()
}

fn round(copy: &mut Copy, remote: &Remote, folder: &Path) -> Result<(), MirrorError> {
    copy.round(remote, folder, Scope::All, &Nobody)
}

/// The checkpoints in the mirror that match their manifest; every one that claims to be complete must match.
fn whole(remote: &Remote) -> Vec<u64> {
    let entries = remote.list("run/checkpoints").unwrap();
    let manifests = entries.iter().filter(|entry| entry.name.ends_with(MANIFEST));
    let check = |name: &str| {
        let text = remote.read(&format!("run/checkpoints/{name}")).unwrap().unwrap().0;
        let id = name.split('/').next().unwrap().parse().unwrap();
        let checkpoint = Checkpoint::read(Path::new(name), id, text).unwrap_or_else(|| panic!("{name} is damaged"));
        for (file, record) in &checkpoint.manifest.files {
            let bytes = remote.read(&format!("run/{}", in_checkpoint(id, file))).unwrap().unwrap().0;
            assert_eq!(Digest::of(&bytes), record.sha256, "{file} of {name}");
        }
        id.step
    };
    manifests.map(|entry| check(&entry.name)).collect()
}

/// Every object, by name, without its owner's note.
fn objects(remote: &Remote) -> BTreeMap<String, Vec<u8>> {
    let names = remote
        .list("run")
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| !["owner.json", "inventory.json"].contains(&name.as_str()));
    names.map(|name| (name.clone(), remote.read(&format!("run/{name}")).unwrap().unwrap().0)).collect()
}

#[track_caller]
fn assert_level(remote: &Remote, folder: &Path) {
    let there = objects(remote);
    assert!(!there.contains_key("notes.txt") && !there.contains_key(".lock"));
    for (name, bytes) in &there {
        assert!(fs::read(folder.join(name)).unwrap() == *bytes, "{name}");
    }
    assert_eq!(there.keys().filter(|name| name.ends_with(MANIFEST)).count(), whole(remote).len());
    assert!(there.len() >= 9, "{:?}", there.keys());
}

#[test]
fn a_worker_that_lost_the_run_in_the_midst_of_a_round_writes_nothing_more() {
    let (folder, _, remote) = begin();
    delete(folder.path(), 10);
    for done in 0..4 {
        let before = objects(&remote).len();
        let displaced = Displaced(done.into());
        copy(&remote).round(&remote, folder.path(), Scope::All, &displaced).unwrap_err();
        assert!(objects(&remote).len() <= before.max(done), "{:?}", objects(&remote).keys());
        assert!(whole(&remote).is_empty(), "no checkpoint became complete");
    }
}

#[test]
fn a_manifest_is_uploaded_after_all_its_files() {
    let (folder, store, remote) = begin();
    let mut copy = copy(&remote);
    round(&mut copy, &remote, folder.path()).unwrap();
    let log = store.log();
    let at = |name: &str| log.iter().position(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{name}: {log:?}"));
    for step in [10, 20] {
        for file in ["model.safetensors", "optim.safetensors"] {
            assert!(at(&in_checkpoint(id(step), file)) < at(&in_checkpoint(id(step), MANIFEST)));
        }
    }
    assert!(at("run.json") < at(MANIFEST) && at("history.json") < at(MANIFEST), "{log:?}");
    assert!(log.last().unwrap().ends_with("status.json"), "{log:?}");
    assert_level(&remote, folder.path());
    store.follow(|_, _| Fault::None);
    fs::write(folder.path().join("run.json"), "run.json").unwrap();
    round(&mut copy, &remote, folder.path()).unwrap();
    assert_eq!(store.log(), [""; 0], "the same content does not go twice");
}

/// What happens to a run between two rounds.
fn goes_on(folder: &Path) {
    save(folder, 30, 0.7);
    delete(folder, 10);
    // The same position again with other numbers, as on a GPU after resuming from an earlier step.
    delete(folder, 20);
    save(folder, 20, 0.9);
}

#[test]
fn a_fault_at_any_request_leaves_a_complete_checkpoint_and_is_made_good_for() {
    for fault in [Fault::Fails, Fault::FailsAfter, Fault::Forbidden, Fault::Flips] {
        for number in 0.. {
            let (folder, store, remote) = begin();
            let mut first = copy(&remote);
            round(&mut first, &remote, folder.path()).unwrap();
            goes_on(folder.path());
            store.follow(move |request, _| if request == number { fault } else { Fault::None });
            // The same process continues, or a new one.
            let failed = round(&mut first, &remote, folder.path());
            assert!(fault == Fault::Flips || !whole(&remote).is_empty(), "{fault:?} at {:?}", store.log().last());
            let is_over = store.log().len() <= number;
            store.follow(|_, _| Fault::None);
            let mut next = if number % 2 == 0 { first } else { copy(&remote) };
            round(&mut next, &remote, folder.path()).unwrap();
            if fault != Fault::Flips || failed.is_err() {
                assert_level(&remote, folder.path());
                assert_eq!(whole(&remote), [20, 30], "{fault:?} at {number}");
            }
            if is_over {
                assert!(number > 8, "only {number} requests");
                failed.unwrap();
                break;
            }
        }
    }
}

#[test]
fn the_mirror_learns_that_a_finished_run_continues_before_anything_else() {
    let (folder, store, remote) = begin();
    let mut copy = copy(&remote);
    round(&mut copy, &remote, folder.path()).unwrap();
    store.follow(|_, _| Fault::None);
    save(folder.path(), 30, 0.1);
    fs::write(folder.path().join("status.json"), r#"{"state": "running"}"#).unwrap();
    fs::write(folder.path().join("run.json"), "more epochs").unwrap();
    round(&mut copy, &remote, folder.path()).unwrap();
    assert!(store.log()[0].ends_with("status.json"), "{:?}", store.log());
}

#[test]
fn a_checkpoint_that_arrived_otherwise_than_sent_never_counts() {
    let (folder, store, remote) = begin();
    let mut copy = copy(&remote);
    store.follow(|_, request| if request.ends_with("s000020/model.safetensors") { Fault::Flips } else { Fault::None });
    let error = round(&mut copy, &remote, folder.path()).unwrap_err();
    assert!(matches!(error, MirrorError::Damaged { .. }), "{error}");
    assert_eq!(whole(&remote), [0; 0]);
    store.follow(|_, _| Fault::None);
    round(&mut copy, &remote, folder.path()).unwrap();
    assert_eq!(whole(&remote), [10, 20]);
}

#[test]
fn a_checkpoint_that_is_damaged_here_or_rotated_away_is_no_error() {
    let (folder, store, remote) = begin();
    let mut copy = copy(&remote);
    fs::write(folder.path().join(in_checkpoint(id(10), "optim.safetensors")), "damaged").unwrap();
    let path = folder.path().join(in_checkpoint(id(20), "optim.safetensors"));
    store.follow(move |_, request| {
        if request.starts_with("put") && request.ends_with("s000020/model.safetensors") {
            fs::remove_file(&path).unwrap();
        }
        Fault::None
    });
    round(&mut copy, &remote, folder.path()).unwrap();
    assert_eq!(whole(&remote), [0; 0]);
    delete(folder.path(), 20);
    save(folder.path(), 30, 0.1);
    round(&mut copy, &remote, folder.path()).unwrap();
    assert_eq!(whole(&remote), [30]);
    assert!(!objects(&remote).keys().any(|name| name.contains("s000020")), "what was begun is cleared away");
}

/// Restores the run into a folder of all runs.
fn bring(remote: &Remote, root: &Path) -> Result<super::restore::Restored, MirrorTrouble> {
    let (stop, progress) = (Stop::default(), Silent);
    let around = Surroundings { stop: &stop, progress: &progress };
    let held = Held::take(root, "run")?.unwrap();
    restore(remote, "run", &held, &around)
}

#[test]
fn a_run_is_restored_unchanged_and_a_damaged_checkpoint_is_not() {
    let (folder, _, remote) = begin();
    round(&mut copy(&remote), &remote, folder.path()).unwrap();
    let root = tempfile::tempdir().unwrap();
    // What an interrupted start left: one file is complete, the other is not.
    let partial = root.path().join(".run.mirror.partial/checkpoints").join(id(20).to_string());
    fs::create_dir_all(&partial).unwrap();
    fs::copy(folder.path().join(in_checkpoint(id(20), "model.safetensors")), partial.join("model.safetensors"))
        .unwrap();
    fs::write(partial.join("optim.safetensors"), "half").unwrap();
    assert!(bring(&remote, root.path()).unwrap().damaged.is_empty());
    assert_level(&remote, &root.path().join("run"));
    assert!(!root.path().join(".run.mirror.partial").exists());

    remote.write(&format!("run/{}", in_checkpoint(id(20), "model.safetensors")), b"x", Expected::Anything).unwrap();
    let root = tempfile::tempdir().unwrap();
    assert_eq!(bring(&remote, root.path()).unwrap().damaged, [id(20)].into());
    assert!(!root.path().join("run/checkpoints").join(id(20).to_string()).exists());
    assert!(root.path().join("run/checkpoints").join(id(10).to_string()).exists());

    remote.write(&format!("run/{}", in_checkpoint(id(10), MANIFEST)), b"{}", Expected::Anything).unwrap();
    let error = bring(&remote, tempfile::tempdir().unwrap().path()).unwrap_err();
    assert_eq!(error.exit(), Exit::DataRefused);
    assert!(error.to_string().contains("none of the checkpoints of run in the mirror"), "{error}");
}

#[test]
fn a_session_follows_a_run_to_its_last_file() {
    let (folder, store, remote) = begin();
    let (stop, progress) = (Stop::default(), Silent);
    let around = Surroundings { stop: &stop, progress: &progress };
    // The first requests fail, of whatever kind they are.
    store.follow(|number, _| if number < 3 { Fault::Fails } else { Fault::None });
    let owner = None;
    let session = Session::start(remote.clone(), ("run", folder.path()), owner, BTreeSet::new(), &stop).unwrap();
    goes_on(folder.path());
    let copied = session.finish(End::ByItself, &around).unwrap();
    assert!(copied.complete && copied.missing.is_empty(), "{copied:?}");
    assert_level(&remote, folder.path());
    let (note, _) = remote.read("run/owner.json").unwrap().unwrap();
    assert!(String::from_utf8(note).unwrap().contains("\"released\": true"));
    assert!(look::run(&remote, "other").unwrap().is_none());
}
