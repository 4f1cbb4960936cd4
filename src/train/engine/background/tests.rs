//! Full disks: nothing important is lost for lack of space.

use std::io::ErrorKind;

use super::*;
use crate::train::checkpoint::disk::memory::{Fault, MemoryDisk};
use crate::train::checkpoint::testing::{keep, open, open_weights, snapshot, wait_until};
use crate::train::checkpoint::{Publish, weights};
use crate::util::exit::Exit;

fn keeper(disk: &MemoryDisk) -> Background {
    Background::new(Saver::start(open(disk).unwrap(), open_weights(disk).unwrap(), keep(), &[]).unwrap())
}

fn save(keeper: &mut Background, epoch: u64) {
    keeper.save(Arc::new(snapshot(epoch))).unwrap();
    wait_until(|| !keeper.is_busy());
}

/// The epochs that the best and the last weights come from.
fn published(disk: &MemoryDisk) -> [u64; 2] {
    let weights = open_weights(disk).unwrap();
    [weights.best(), weights.last()].map(|path| weights::origin(disk, &path).unwrap().epoch)
}

fn epochs(disk: &MemoryDisk) -> Vec<u64> {
    open(disk).unwrap().list().unwrap().iter().map(|id| id.epoch).collect()
}

#[test]
fn the_best_weights_outlast_a_disk_that_stays_full_for_many_saves() {
    // Epoch 3 is the best of all; the ones before it are the best until then.
    for full in 1..5 {
        let disk = MemoryDisk::default();
        let mut keeper = keeper(&disk);
        save(&mut keeper, 2);
        disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
        (3..3 + full).for_each(|epoch| save(&mut keeper, epoch));
        assert_eq!(published(&disk), [2, 2]);
        disk.heal();
        save(&mut keeper, 3 + full);
        keeper.finish().unwrap();
        assert_eq!(published(&disk), [3, 3 + full], "full for {full} saves");
        assert_eq!(epochs(&disk), [3, 3 + full]);
    }
}

#[test]
fn the_best_weights_are_kept_if_only_newer_ones_find_space() {
    let disk = MemoryDisk::default();
    let mut keeper = keeper(&disk);
    save(&mut keeper, 2);
    for epoch in 3..6 {
        // The best is always written first.
        disk.inject(0, Fault::Once(ErrorKind::StorageFull));
        save(&mut keeper, epoch);
    }
    assert_eq!(published(&disk), [2, 5]);
    keeper.finish().unwrap();
    assert_eq!(published(&disk), [3, 5]);
}

#[test]
fn a_better_one_takes_the_place_of_the_best_that_found_no_space() {
    let disk = MemoryDisk::default();
    let mut keeper = keeper(&disk);
    save(&mut keeper, 1);
    disk.inject(0, Fault::Once(ErrorKind::StorageFull));
    save(&mut keeper, 2);
    save(&mut keeper, 3);
    keeper.finish().unwrap();
    assert_eq!((published(&disk), epochs(&disk)), ([3, 3], vec![3]));
}

#[test]
fn a_save_of_the_same_position_that_is_not_the_best_does_not_replace_it() {
    let disk = MemoryDisk::default();
    let mut keeper = keeper(&disk);
    save(&mut keeper, 2);
    disk.inject(0, Fault::Once(ErrorKind::StorageFull));
    save(&mut keeper, 3);
    disk.inject(0, Fault::Once(ErrorKind::StorageFull));
    let publish = Publish { best: false, ..snapshot(3).publish };
    keeper.save(Arc::new(Snapshot { publish, ..snapshot(3) })).unwrap();
    keeper.finish().unwrap();
    assert_eq!(published(&disk), [3, 3]);
}

#[test]
fn a_disk_that_stays_full_to_the_end_is_the_error_of_the_run() {
    for last in [3, 4] {
        let disk = MemoryDisk::default();
        let mut keeper = keeper(&disk);
        save(&mut keeper, 2);
        disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
        (3..=last).for_each(|epoch| save(&mut keeper, epoch));
        let error = keeper.finish().unwrap_err();
        assert!(error.is_out_of_space());
        assert_eq!(error.exit(), Exit::DiskIo);
        assert_eq!(published(&disk), [2, 2]);
    }
}

#[test]
fn a_full_disk_is_told_once_and_again_only_after_there_was_space() {
    let disk = MemoryDisk::default();
    let mut keeper = keeper(&disk);
    let log = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.reopen().unwrap()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for first in [2, 6] {
            disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
            (first..first + 3).for_each(|epoch| save(&mut keeper, epoch));
            disk.heal();
            save(&mut keeper, first + 3);
        }
        keeper.finish().unwrap();
    });
    let told = std::fs::read_to_string(log.path()).unwrap();
    let count = |words: &str| told.matches(words).count();
    assert_eq!((count("training continues, and saves again"), count("there is space again")), (2, 2), "{told}");
}
