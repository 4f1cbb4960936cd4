//! Every operation of writing a store fails, dies or loses power once; every sync is left out once. What the next program
//! finds is the old store or the new one, whole.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::RecordStore;
use super::testing::*;
use crate::data::disk::memory::{Cut, Fault, MemoryDisk};
use crate::data::disk::{Disk, create_folders, place};

const PLACE: &str = "prepared/key/records";

fn cuts() -> Vec<Cut> {
    let chances = (0..4).map(Cut::Chance);
    [Cut::Kill, Cut::OnlySynced, Cut::NamesFirst].into_iter().chain(chances).collect()
}

/// A disk with this many versions of the store, written one after the other.
fn disk_with(versions: u8) -> MemoryDisk {
    let disk = MemoryDisk::default();
    create_folders(&disk, Path::new("prepared/key")).unwrap();
    (1..=versions).for_each(|version| write(Arc::new(disk.clone()), Path::new(PLACE), version).unwrap());
    disk
}

/// The version that the next program finds after its start, 0 for none; or what is wrong.
fn found(disk: &MemoryDisk) -> Result<u8, String> {
    place::recover(disk, Path::new("prepared/key")).map_err(|error| error.to_string())?;
    let names: Vec<String> =
        disk.list(Path::new("prepared/key")).unwrap().into_iter().map(|entry| entry.name).collect();
    if names.iter().any(|name| name != "records") {
        return Err(format!("{names:?} are left"));
    }
    if names.is_empty() {
        return Ok(0);
    }
    let folder = tempfile::tempdir().unwrap();
    copy(disk, Path::new(PLACE), folder.path());
    version_of(&RecordStore::open(folder.path()).map_err(|error| error.to_string())?)
}

/// Writes the version after this many with a fault at one operation; returns what is wrong after each kind of cut.
fn broken_after(versions: u8, operation: usize, fault: Fault) -> Vec<String> {
    let run = |cut: Cut| {
        let disk = disk_with(versions);
        disk.inject(operation, fault);
        let ended = write(Arc::new(disk.clone()), Path::new(PLACE), versions + 1);
        let next = disk.after(cut);
        let wrong = match found(&next) {
            Ok(version) if version == versions + 1 || version == versions && ended.is_err() => {
                write(Arc::new(next.clone()), Path::new(PLACE), versions + 2).err().map(|error| error.to_string())
            }
            Ok(version) => Some(format!("version {version}")),
            Err(error) => Some(error),
        };
        wrong.map(|wrong| format!("{fault:?} at {operation}, {cut:?}: {wrong} ({ended:?})"))
    };
    cuts().into_iter().filter_map(run).collect()
}

fn operations(versions: u8) -> usize {
    let disk = disk_with(versions);
    let before = disk.operations().len();
    write(Arc::new(disk.clone()), Path::new(PLACE), versions + 1).unwrap();
    disk.operations().len() - before
}

#[test]
fn whatever_fails_or_dies_the_old_store_or_the_new_one_is_whole() {
    let eio = ErrorKind::Other;
    let faults = [
        Fault::Death,
        Fault::Once(eio),
        Fault::FromNowOn(eio),
        Fault::Once(ErrorKind::StorageFull),
        Fault::FromNowOn(ErrorKind::StorageFull),
        Fault::Unreadable(eio),
    ];
    for versions in [0, 1] {
        let operations = operations(versions);
        assert!(operations > 20, "{operations}");
        for fault in faults {
            let broken: Vec<_> = (0..operations).flat_map(|at| broken_after(versions, at, fault)).collect();
            assert!(broken.is_empty(), "{} of {}: {broken:#?}", broken.len(), operations * cuts().len());
        }
    }
}

/// The mutation test: each sync is there for a reason, and its absence would be seen.
#[test]
fn no_sync_can_be_left_out_unnoticed() {
    let disk = MemoryDisk::default();
    write(Arc::new(disk.clone()), Path::new(PLACE), 1).unwrap();
    let names = disk.operations();
    let syncs: Vec<usize> = (0..names.len()).filter(|&at| names[at].starts_with("sync")).collect();
    let seen = |at: usize| {
        cuts().into_iter().any(|cut| {
            let disk = MemoryDisk::default();
            disk.inject(at, Fault::Skipped);
            write(Arc::new(disk.clone()), Path::new(PLACE), 1).unwrap();
            let next = disk.after(cut);
            next.list(Path::new("prepared/key")).is_err() || found(&next) != Ok(1)
        })
    };
    syncs.iter().for_each(|&at| assert!(seen(at), "nobody misses the {} at operation {at}", names[at]));
    // Two folders above, four shards, the facts, the index, the partial folder, the name.
    assert_eq!(syncs.len(), 10, "{names:?}");
}

#[test]
fn a_full_disk_says_so_and_leaves_the_old_store() {
    let disk = disk_with(1);
    disk.inject(12, Fault::FromNowOn(ErrorKind::StorageFull));
    let error = write(Arc::new(disk.clone()), Path::new(PLACE), 2).unwrap_err();
    assert_eq!(error.exit(), crate::util::exit::Exit::DiskIo);
    disk.heal();
    assert_eq!(found(&disk), Ok(1));
}
