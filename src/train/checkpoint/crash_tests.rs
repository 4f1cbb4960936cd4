//! Every operation of saving, rotating and restarting fails, crashes or loses power once; every sync is left out once.

use std::io::ErrorKind;

use super::disk::memory::{Cut, Fault, MemoryDisk};
use super::retention::{Standing, deletions};
use super::testing::*;
use super::*;

const EPOCHS: u64 = 5;

fn cuts() -> Vec<Cut> {
    let chances = (0..6).map(Cut::Chance);
    [Cut::Kill, Cut::OnlySynced, Cut::NamesFirst].into_iter().chain(chances).collect()
}

/// Saves epoch after epoch and rotates, reporting which saves were acknowledged. Stops at the first error.
fn train(disk: &MemoryDisk, from: u64, acknowledged: &mut Vec<u64>) -> Result<(), CheckpointError> {
    let (store, weights) = (open(disk)?, open_weights(disk)?);
    for epoch in from..=EPOCHS {
        store.save(&snapshot(epoch))?;
        acknowledged.push(epoch);
        weights.publish(&snapshot(epoch))?;
        rotate(&store, snapshot(epoch).id)?;
    }
    Ok(())
}

fn rotate(store: &Store, written: CheckpointId) -> Result<(), CheckpointError> {
    let score = |id| store.manifest(id).ok().map(|manifest| manifest.progress.metrics["val_loss"]);
    let standing: Vec<Standing> = store
        .list()?
        .into_iter()
        .filter_map(|id| {
            Some(Standing { id, phase: 0, by: vec![("val_loss".into(), Some(score(id)?))], starts_epoch: true })
        })
        .collect();
    deletions(&standing, written, &keep()).into_iter().try_for_each(|id| store.delete(id))
}

/// After a restart: what was acknowledged is there (I1, I2), unchanged; no leftovers; and training completes (I4).
fn second_life(disk: &MemoryDisk, acknowledged: &[u64]) -> Result<(), String> {
    let store = open(disk).map_err(|error| error.to_string())?;
    let found = store.newest(|_| Ok(())).map_err(|error| error.to_string())?;
    if !found.refused.is_empty() {
        return Err(format!("a damaged one has its name: {:?}", found.refused));
    }
    let epoch = found.loaded.as_ref().map_or(0, |loaded| loaded.manifest.id.epoch);
    if epoch < acknowledged.last().copied().unwrap_or(0) {
        return Err(format!("epoch {epoch} is the newest, acknowledged were {acknowledged:?}"));
    }
    if found.loaded.is_some_and(|loaded| Snapshot::from(loaded) != snapshot(epoch)) {
        return Err(format!("epoch {epoch} is not what was saved"));
    }
    for id in store.list().map_err(|error| error.to_string())? {
        store.load(id).map_err(|error| format!("its name refers to something incomplete: {error}"))?;
    }
    for path in [open_weights(disk).unwrap().best(), open_weights(disk).unwrap().last()] {
        match weights::read(disk, &path) {
            Ok((arrays, _)) if arrays.len() == 4 => {}
            Ok(other) => return Err(format!("{} holds {other:?}", path.display())),
            Err(CheckpointError::Disk(error)) if error.source.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    finishes(disk, epoch)
}

/// Training continues to its end, and leaves exactly what an uninterrupted run leaves.
fn finishes(disk: &MemoryDisk, done: u64) -> Result<(), String> {
    train(disk, done + 1, &mut Vec::new()).map_err(|error| error.to_string())?;
    let names = |disk: &MemoryDisk| {
        let entries = super::disk::Disk::list(disk, std::path::Path::new(FOLDER)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
    };
    let (left, newest) = (names(disk), newest(&open(disk).unwrap()).map(|snapshot| snapshot.id.epoch));
    match newest == Some(EPOCHS) && left.len() <= 4 && left.iter().all(|name| !name.starts_with('.')) {
        true => Ok(()),
        false => Err(format!("{newest:?} is the newest of {left:?}")),
    }
}

fn undisturbed() -> Vec<&'static str> {
    let disk = MemoryDisk::default();
    train(&disk, 1, &mut Vec::new()).unwrap();
    disk.operations()
}

/// Runs training with a fault at one operation and reports what is wrong after a restart, for each kind of power cut.
fn broken_after(operation: usize, fault: Fault) -> Vec<String> {
    let run = |cut: Cut| {
        let disk = MemoryDisk::default();
        disk.inject(operation, fault);
        let mut acknowledged = Vec::new();
        let ended = train(&disk, 1, &mut acknowledged);
        let next = disk.after(cut);
        second_life(&next, &acknowledged)
            .err()
            .map(|found| format!("{fault:?} at {operation}, {cut:?}: {found} ({ended:?})"))
    };
    cuts().into_iter().filter_map(run).collect()
}

#[test]
fn a_death_or_power_cut_at_any_operation_loses_nothing_that_was_acknowledged() {
    let operations = undisturbed().len();
    assert!(operations > 150, "{operations}");
    let broken: Vec<_> = (0..operations).flat_map(|operation| broken_after(operation, Fault::Death)).collect();
    assert!(broken.is_empty(), "{} of {}: {broken:#?}", broken.len(), operations * cuts().len());
}

#[test]
fn an_error_at_any_operation_once_or_for_good_loses_nothing_that_was_acknowledged() {
    let operations = undisturbed().len();
    let eio = ErrorKind::Other;
    for fault in [
        Fault::Once(eio),
        Fault::FromNowOn(eio),
        Fault::Once(ErrorKind::StorageFull),
        Fault::FromNowOn(ErrorKind::StorageFull),
    ] {
        let broken: Vec<_> = (0..operations).flat_map(|operation| broken_after(operation, fault)).collect();
        assert!(broken.is_empty(), "{} of {}: {broken:#?}", broken.len(), operations * cuts().len());
    }
}

/// The mutation test: each sync of the program is needed, and leaving it out would be detected.
#[test]
fn no_sync_of_a_save_can_be_left_out_unnoticed() {
    let disk = MemoryDisk::default();
    train_until(&disk, 1);
    let operations = disk.operations();
    let syncs = (0..operations.len()).filter(|&at| operations[at].starts_with("sync"));
    let mut count = 0;
    for at in syncs {
        count += 1;
        assert!(seen_without(at), "nobody misses the {} at operation {at}", operations[at]);
    }
    // Folders run and checkpoints, three files, the manifest, the partial folder, the name.
    assert_eq!(count, 8);
}

fn train_until(disk: &MemoryDisk, epoch: u64) {
    let store = open(disk).unwrap();
    store.save(&snapshot(epoch)).unwrap();
}

/// Whether some power cut right after the first acknowledged save shows that the sync was left out.
fn seen_without(at: usize) -> bool {
    cuts().into_iter().any(|cut| {
        let disk = MemoryDisk::default();
        disk.inject(at, Fault::Skipped);
        train_until(&disk, 1);
        second_life(&disk.after(cut), &[1]).is_err()
    })
}

#[test]
fn a_failed_sync_is_followed_by_a_whole_new_write_under_a_new_name() {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    let first_sync = {
        let probe = MemoryDisk::default();
        train_until(&probe, 1);
        probe.operations().iter().position(|name| *name == "sync").unwrap() - 5
    };
    disk.inject(first_sync, Fault::Once(ErrorKind::Other));
    let before = disk.operations().len();
    store.save(&snapshot(1)).unwrap();
    let done = disk.operations().split_off(before);
    assert_eq!(done.iter().filter(|name| **name == "create folder").count(), 2, "{done:?}");
    assert_eq!(newest(&open(&disk.after(Cut::OnlySynced)).unwrap()), Some(snapshot(1)));
}

#[test]
fn a_full_disk_is_no_failure_and_costs_no_old_checkpoint() {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    store.save(&snapshot(1)).unwrap();
    disk.inject(3, Fault::FromNowOn(ErrorKind::StorageFull));
    let error = store.save(&snapshot(2)).unwrap_err();
    assert!(error.is_out_of_space(), "{error}");
    assert_eq!(error.exit(), crate::util::exit::Exit::DiskIo);
    assert_eq!(newest(&store), Some(snapshot(1)));
    disk.heal();
    store.save(&snapshot(2)).unwrap();
    assert_eq!(newest(&store), Some(snapshot(2)));
}

#[test]
fn space_is_missed_before_training_begins() {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    store.check_space(1_000_000_000).unwrap();
    disk.set_free_bytes(2_000_000_000);
    let error = store.check_space(1_000_000_000).unwrap_err();
    assert_eq!(
        (error.exit(), error.may_pass()),
        (crate::util::exit::Exit::DiskIo, false),
        "nobody makes room within seconds"
    );
    assert_eq!(
        error.to_string(),
        "run/checkpoints has 2.0 GB free, but 2.1 GB are needed: the next checkpoint is written beside the last one, and \
         64.0 MB are left for logs and pictures; free some space, or choose a folder on a larger disk"
    );
    (1..=3).for_each(|epoch| drop(store.save(&snapshot(epoch)).unwrap()));
    let error = store.check_space(1_000_000_000).unwrap_err().to_string();
    assert!(
        error.ends_with("or lower train.checkpoint.keep_last and keep_best: 3 checkpoints are kept there"),
        "{error}"
    );
}

#[test]
fn a_small_model_reserves_little_space() {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    disk.set_free_bytes(16_100_000);
    store.check_space(50_000).unwrap();
    disk.set_free_bytes(16_000_000);
    assert!(store.check_space(50_000).is_err());
}

#[test]
fn the_same_position_saved_again_replaces_a_whole_one_at_no_moment_missing() {
    let operations = {
        let disk = MemoryDisk::default();
        let store = open(&disk).unwrap();
        store.save(&snapshot(1)).unwrap();
        let before = disk.operations().len();
        store.save(&snapshot(1)).unwrap();
        assert_eq!(store.list().unwrap().len(), 1);
        disk.operations().len() - before
    };
    for operation in 0..operations {
        for cut in cuts() {
            let disk = MemoryDisk::default();
            let store = open(&disk).unwrap();
            store.save(&snapshot(1)).unwrap();
            disk.inject(operation, Fault::Death);
            drop(store.save(&snapshot(1)));
            second_life(&disk.after(cut), &[1]).unwrap_or_else(|found| panic!("{operation}, {cut:?}: {found}"));
        }
    }
}
