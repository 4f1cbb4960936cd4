//! Damage on the disk: every kind is found, an older checkpoint is used, and the damaged one stays for the user.

use std::path::Path;

use rand::Rng;

use super::disk::memory::MemoryDisk;
use super::disk::{Disk, RealDisk};
use super::testing::*;
use super::*;
use crate::util::seed::generator;

const FILES: [&str; 4] = ["model.safetensors", "optim.safetensors", "ema.safetensors", "manifest.json"];

fn two_saved() -> (MemoryDisk, Store) {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    store.save(&snapshot(1)).unwrap();
    store.save(&snapshot(2)).unwrap();
    (disk, store)
}

/// The newest is rejected, reported and left in place; the older one is used.
fn falls_back(store: &Store) -> String {
    let found = store.newest(|_| Ok(())).unwrap();
    assert_eq!(found.loaded.map(Snapshot::from), Some(snapshot(1)));
    assert_eq!(found.refused.len(), 1);
    assert_eq!(found.refused[0].0, snapshot(2).id);
    assert_eq!(store.list().unwrap().len(), 2);
    found.refused[0].1.clone()
}

#[test]
fn every_flipped_bit_of_every_file_is_found() {
    let mut chance = generator(7, "flips", 0, 0);
    let (disk, store) = two_saved();
    for name in FILES {
        let path = store.path(snapshot(2).id).join(name);
        for _ in 0..300 {
            let mut flip = (0, 0);
            disk.damage(&path, |content| {
                flip = (chance.random_range(0..content.len()), chance.random_range(0..8));
                content[flip.0] ^= 1 << flip.1;
            });
            falls_back(&store);
            disk.damage(&path, |content| content[flip.0] ^= 1 << flip.1);
        }
        assert_eq!(newest(&store), Some(snapshot(2)));
    }
}

#[test]
fn a_cut_emptied_or_missing_file_is_found_by_its_name() {
    for name in FILES {
        let (disk, store) = two_saved();
        let path = store.path(snapshot(2).id).join(name);
        disk.damage(&path, |content| content.truncate(content.len() - 1));
        assert!(falls_back(&store).contains(name));
        disk.damage(&path, Vec::clear);
        assert!(falls_back(&store).contains(name));
        disk.remove_file(&path).unwrap();
        assert!(falls_back(&store).contains(name));
    }
}

#[test]
fn files_and_folders_swapped_between_checkpoints_are_found() {
    for name in FILES {
        let (disk, store) = two_saved();
        let [old, new] = [1, 2].map(|epoch| store.path(snapshot(epoch).id).join(name));
        let mut content = Vec::new();
        disk.damage(&old, |old| content = old.clone());
        disk.damage(&new, |new| *new = content);
        falls_back(&store);
    }
    let (disk, store) = two_saved();
    let third = store.path(snapshot(3).id);
    disk.rename(&store.path(snapshot(2).id), &third).unwrap();
    let found = store.newest(|_| Ok(())).unwrap();
    assert!(found.refused[0].1.contains("belongs to e0002-s000020, expected e0003-s000030"), "{:?}", found.refused);
}

#[test]
fn a_damaged_one_is_set_aside_and_kept_when_its_position_is_saved_again() {
    let (disk, store) = two_saved();
    for expected in ["e0002-s000020.damaged", "e0002-s000020.damaged-2"] {
        disk.damage(&store.path(snapshot(2).id).join(FILES[0]), |content| content[90] ^= 1);
        store.save(&snapshot(2)).unwrap();
        assert_eq!(newest(&store), Some(snapshot(2)));
        assert!(disk.list(&Path::new(FOLDER).join(expected)).is_ok());
    }
    assert_eq!(store.list().unwrap().len(), 2);
}

#[test]
fn a_checkpoint_that_the_engine_rejects_is_skipped_with_its_reason() {
    let (_, store) = two_saved();
    let accept = |loaded: &Loaded| match loaded.manifest.id.epoch {
        2 => Err(differences(&[], &loaded.model).join(", ")),
        _ => Ok(()),
    };
    let found = store.newest(accept).unwrap();
    assert_eq!(found.loaded.map(Snapshot::from), Some(snapshot(1)));
    assert!(found.refused[0].1.contains("w is not part of this model"), "{:?}", found.refused);
}

#[test]
fn a_read_that_fails_once_does_not_cost_the_newest() {
    use super::disk::memory::Fault;
    let (disk, store) = two_saved();
    for operation in 1..5 {
        disk.inject(operation, Fault::Once(std::io::ErrorKind::Other));
        assert_eq!(newest(&store), Some(snapshot(2)), "{operation}");
    }
}

#[test]
fn a_state_with_nan_is_neither_saved_nor_published() {
    let (disk, store) = two_saved();
    let mut diverged = snapshot(3);
    diverged.optim[1] = NamedArray::f32("m", &[2], &[1.0, f32::NAN]);
    let error = store.save(&diverged).unwrap_err();
    assert_eq!(
        error.to_string(),
        "training diverged: the state at e0003-s000030 is not saved, because m holds infinity or NaN at element 1 of 2"
    );
    assert_eq!(error.exit(), crate::util::exit::Exit::Diverged);
    let weights = open_weights(&disk).unwrap();
    assert!(weights.publish(&diverged).is_err());
    assert!(disk.list(Path::new(WEIGHTS)).unwrap().is_empty());
}

#[test]
fn the_same_state_gives_the_same_bytes_and_the_real_disk_gives_them_back() {
    let root = tempfile::tempdir().unwrap();
    let save = |name: &str| {
        let store = Store::open(std::sync::Arc::new(RealDisk), &root.path().join(name), "0.1.0").unwrap();
        store.save(&snapshot(4)).unwrap();
        assert_eq!(newest(&store), Some(snapshot(4)));
        assert_eq!(std::fs::read_dir(root.path().join(name)).unwrap().count(), 1);
        FILES.map(|file| std::fs::read(store.path(snapshot(4).id).join(file)).unwrap())
    };
    assert_eq!(save("one/deep"), save("two"));
}

#[test]
fn whatever_is_in_place_of_a_file_the_older_checkpoint_is_taken_at_once_and_without_reading_it() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(std::sync::Arc::new(RealDisk), &root.path().join("checkpoints"), "0.1.0").unwrap();
    store.save(&snapshot(1)).unwrap();
    for name in ["model.safetensors", "manifest.json"] {
        let replacements: [fn(&Path); 4] = [
            |path| std::fs::create_dir(path).unwrap(),
            |path| symlink(path.file_name().unwrap(), path).unwrap(),
            |path| {
                assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
            },
            // More than any memory.
            |path| std::fs::File::create(path).unwrap().set_len(1 << 43).unwrap(),
        ];
        for replace in &replacements[..if name == "manifest.json" { 3 } else { 4 }] {
            store.save(&snapshot(2)).unwrap();
            let path = store.path(snapshot(2).id).join(name);
            std::fs::remove_file(&path).unwrap();
            replace(&path);
            falls_back(&store);
            std::fs::remove_dir_all(store.path(snapshot(2).id)).unwrap();
        }
    }
}

#[test]
fn weights_that_are_published_again_have_the_same_bytes_whatever_is_undefined() {
    let disk = MemoryDisk::default();
    let (store, weights) = (open(&disk).unwrap(), open_weights(&disk).unwrap());
    let mut first = snapshot(3);
    first.progress.metrics.insert("far_50".into(), f64::NAN);
    store.save(&first).unwrap();
    weights.publish(&first).unwrap();
    let bytes = || super::disk::read(&disk, &weights.best()).unwrap();
    let published = bytes();
    let again = newest(&store).unwrap();
    assert!(!weights.restore_best(&again).unwrap(), "it is what the checkpoint holds");
    weights.publish(&again).unwrap();
    assert!(bytes() == published, "the next start publishes what its checkpoint says");
    let damages: [fn(&mut Vec<u8>); 3] =
        [|content| *content.last_mut().unwrap() ^= 1, |content| content[12] ^= 1, Vec::clear];
    for damage in damages {
        disk.damage(&weights.best(), damage);
        assert!(weights.restore_best(&again).unwrap());
        assert!(bytes() == published);
    }
}

#[test]
fn published_weights_are_the_average_with_their_origin() {
    let disk = MemoryDisk::default();
    let weights = open_weights(&disk).unwrap();
    weights.publish(&snapshot(3)).unwrap();
    weights.publish(&snapshot(4)).unwrap();
    let (arrays, metadata) = weights::read(&disk, &weights.best()).unwrap();
    assert!(arrays.contains(&snapshot(3).ema[3]) && metadata["task"] == "toy" && metadata["val_loss"] == "0.1");
    assert_eq!(weights::origin(&disk, &weights.best()).unwrap(), snapshot(3).id);
    assert_eq!(weights::origin(&disk, &weights.last()).unwrap(), snapshot(4).id);
}

#[test]
fn an_unreadable_newest_one_is_passed_over_kept_and_used_again_once_it_can_be_read() {
    for kind in [std::io::ErrorKind::Other, std::io::ErrorKind::PermissionDenied] {
        for name in FILES {
            let (disk, store) = two_saved();
            disk.make_unreadable(&store.path(snapshot(2).id).join(name), kind);
            assert!(falls_back(&store).contains(name));
            disk.heal();
            assert_eq!(newest(&store), Some(snapshot(2)));
            disk.make_unreadable(&store.path(snapshot(2).id).join(name), kind);
            store.save(&snapshot(2)).unwrap();
            assert_eq!(newest(&store), Some(snapshot(2)), "it was trained again");
            assert!(disk.list(&Path::new(FOLDER).join("e0002-s000020.damaged")).is_ok(), "what was there is kept");
        }
    }
}

#[test]
fn a_disk_on_which_no_checkpoint_can_be_read_ends_with_its_code_and_is_not_taken_for_damage() {
    use super::disk::memory::Fault;
    for kind in [std::io::ErrorKind::Other, std::io::ErrorKind::PermissionDenied] {
        let (disk, store) = two_saved();
        disk.inject(0, Fault::Unreadable(kind));
        let error = store.newest(|_| Ok(())).unwrap_err();
        assert!(matches!(error, CheckpointError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains("no other checkpoint in run/checkpoints can be used"), "{error}");
        disk.heal();
        assert_eq!(newest(&store), Some(snapshot(2)));
        // The older one is damaged, and the newer one can't be read.
        disk.damage(&store.path(snapshot(1).id).join(FILES[0]), Vec::clear);
        disk.make_unreadable(&store.path(snapshot(2).id).join(FILES[0]), kind);
        assert!(matches!(store.newest(|_| Ok(())), Err(CheckpointError::Unreadable { .. })));
    }
}

#[test]
fn a_start_of_the_epoch_that_can_not_be_read_is_lost_and_the_newest_is_used() {
    use super::disk::memory::Fault;
    let (disk, store) = two_saved();
    let mut midway = snapshot(2);
    (midway.id.step, midway.progress.position) = (25, 40);
    store.save(&midway).unwrap();
    let found = store.newest(|_| Ok(())).unwrap();
    assert_eq!(found.epoch_start.map(Snapshot::from), Some(snapshot(2)));
    // The folder, four files of the newest, the folder again: then come the files of the start.
    for operation in 6..8 {
        disk.inject(operation, Fault::Unreadable(std::io::ErrorKind::Other));
        let found = store.newest(|_| Ok(())).unwrap();
        assert!(found.loaded.is_some() && found.epoch_start.is_none(), "{operation}");
        disk.inject(operation, Fault::Once(std::io::ErrorKind::Other));
        assert!(store.newest(|_| Ok(())).unwrap().epoch_start.is_some(), "{operation}");
    }
}

#[test]
fn if_all_checkpoints_are_damaged_each_one_is_reported() {
    let empty = open(&MemoryDisk::default()).unwrap();
    assert!(empty.newest(|_| Ok(())).unwrap().refused.is_empty());
    let (disk, store) = two_saved();
    for epoch in [1, 2] {
        disk.damage(&store.path(snapshot(epoch).id).join("manifest.json"), Vec::clear);
    }
    let found = store.newest(|_| Ok(())).unwrap();
    assert_eq!((found.loaded.is_none(), found.refused.len()), (true, 2));
}
