//! Saving beside training: a slow disk blocks nothing, a full one pauses saving, and nothing handed over is lost.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::{io, io::Read, path::Path};

use super::disk::memory::{Fault, MemoryDisk};
use super::disk::{Disk, DiskFile, Entry};
use super::testing::*;
use super::writer::{Outcome, Saver, is_replaced};
use super::*;
use crate::util::stop::Stop;

/// Methods of a disk that wraps another one, and does only what that does.
macro_rules! passed_on {
    ($($name:ident($($path:ident),*) -> $result:ty;)*) => {$(
        fn $name(&self, $($path: &Path),*) -> io::Result<$result> {
            self.disk.$name($($path),*)
        }
    )*};
}

/// A disk on which every new checkpoint takes until the test releases it.
struct Slow {
    disk: MemoryDisk,
    entered: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Disk for Slow {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.to_string_lossy().ends_with(".partial") {
            self.entered.lock().unwrap().send(()).unwrap();
            self.go.lock().unwrap().recv_timeout(NEVER).unwrap();
        }
        self.disk.create_folder(path)
    }

    passed_on! {
        create_file(path) -> Box<dyn DiskFile>;
        open_file(path) -> Box<dyn Read>;
        list(path) -> Vec<Entry>;
        rename(from, to) -> ();
        sync_folder(path) -> ();
        remove_file(path) -> ();
        remove_folder(path) -> ();
        free_bytes(path) -> u64;
    }
}

fn saver(disk: &MemoryDisk) -> Saver {
    Saver::start(open(disk).unwrap(), open_weights(disk).unwrap(), keep(), &[]).unwrap()
}

fn saved(outcomes: &[Outcome]) -> Vec<(u64, Vec<u64>)> {
    let epochs = |ids: &[CheckpointId]| ids.iter().map(|id| id.epoch).collect();
    let one = |outcome: &Outcome| match outcome {
        Outcome::Saved { id, deleted, .. } => (id.epoch, epochs(deleted)),
        other => panic!("{other:?}"),
    };
    outcomes.iter().map(one).collect()
}

#[test]
fn everything_handed_over_is_saved_published_and_rotated() {
    let disk = MemoryDisk::default();
    let saver = saver(&disk);
    (1..=5).for_each(|epoch| saver.save(snapshot(epoch)));
    // The newest and the best stay: epoch 3 is the best.
    let expected = [(1, vec![]), (2, vec![1]), (3, vec![2]), (4, vec![]), (5, vec![4])];
    assert_eq!(saved(&saver.finish()), expected);
    let left: Vec<u64> = open(&disk).unwrap().list().unwrap().iter().map(|id| id.epoch).collect();
    assert_eq!(left, [3, 5]);
    let weights = open_weights(&disk).unwrap();
    assert_eq!(weights::origin(&disk, &weights.best()).unwrap().epoch, 3);
    assert_eq!(weights::origin(&disk, &weights.last()).unwrap().epoch, 5);
}

#[test]
fn an_urgent_stop_saves_what_the_next_start_needs_and_leaves_the_rest_to_it() {
    let disk = MemoryDisk::default();
    let stop = Stop::default();
    let saver = Saver::heeding(open(&disk).unwrap(), open_weights(&disk).unwrap(), keep(), &[], stop.clone()).unwrap();
    (1..=4).for_each(|epoch| saver.save(snapshot(epoch)));
    assert_eq!(saver.wait().len(), 4);
    stop.request_since(std::time::Duration::from_secs(60));
    saver.save(snapshot(5));
    assert_eq!(saved(&saver.finish()), [(5, vec![])]);
    assert_eq!(newest(&open(&disk).unwrap()), Some(snapshot(5)));
    let weights = open_weights(&disk).unwrap();
    assert_eq!(weights::origin(&disk, &weights.best()).unwrap().epoch, 3, "the best are in no checkpoint alone");
    assert_eq!(weights::origin(&disk, &weights.last()).unwrap().epoch, 4, "the last are those of the checkpoint");
    weights.publish(&snapshot(5)).unwrap();
    assert_eq!(weights::origin(&disk, &weights.last()).unwrap().epoch, 5);
}

/// A disk that counts how often one waits for it.
struct Waits {
    disk: MemoryDisk,
    count: Arc<AtomicUsize>,
}

struct WaitedFor(Box<dyn DiskFile>, Arc<AtomicUsize>);

impl io::Write for WaitedFor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DiskFile for WaitedFor {
    fn sync(&mut self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
}

impl Disk for Waits {
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(WaitedFor(self.disk.create_file(path)?, Arc::clone(&self.count))))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.disk.sync_folder(path)
    }

    /// One wait, however many there are.
    fn sync_together(&self, files: Vec<Box<dyn DiskFile>>, folder: Option<&Path>) -> io::Result<()> {
        let before = self.count.load(Ordering::SeqCst);
        for mut file in files {
            file.sync()?;
        }
        folder.map_or(Ok(()), |folder| self.sync_folder(folder))?;
        self.count.store(before + 1, Ordering::SeqCst);
        Ok(())
    }

    passed_on! {
        create_folder(path) -> ();
        open_file(path) -> Box<dyn Read>;
        list(path) -> Vec<Entry>;
        rename(from, to) -> ();
        remove_file(path) -> ();
        remove_folder(path) -> ();
        free_bytes(path) -> u64;
    }
}

/// On a disk where each wait takes 0.6 s, a stop has time for some ten of them before Docker kills.
#[test]
fn a_save_waits_for_the_disk_twice_and_publishing_both_weights_twice_more() {
    let count = Arc::new(AtomicUsize::new(0));
    let disk: Arc<dyn Disk> = Arc::new(Waits { disk: MemoryDisk::default(), count: Arc::clone(&count) });
    let store = Store::open(Arc::clone(&disk), Path::new(FOLDER), "0.1.0").unwrap();
    let weights = weights::Weights::open(disk, Path::new(WEIGHTS), Default::default()).unwrap();
    count.store(0, Ordering::SeqCst);
    store.save(&snapshot(1)).unwrap();
    assert_eq!(count.swap(0, Ordering::SeqCst), 2, "the files with their names, and the name of the checkpoint");
    weights.publish(&snapshot(1)).unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn once_a_stop_was_requested_what_is_saved_does_not_hold_up_what_waits_behind_it() {
    let disk = MemoryDisk::default();
    let (entered, entering) = channel();
    let (release, go) = channel();
    let slow = Slow { disk: disk.clone(), entered: Mutex::new(entered), go: Mutex::new(go) };
    let store = Store::open(Arc::new(slow), Path::new(FOLDER), "0.1.0").unwrap();
    let stop = Stop::default();
    let saver = Saver::heeding(store, open_weights(&disk).unwrap(), keep(), &[], stop.clone()).unwrap();
    saver.save(snapshot(2));
    entering.recv().unwrap();
    stop.request();
    saver.save(snapshot(3));
    (0..2).for_each(|_| release.send(()).unwrap());
    assert_eq!(saved(&saver.finish()), [(2, vec![]), (3, vec![2])]);
    let weights = open_weights(&disk).unwrap();
    assert_eq!([weights.best(), weights.last()].map(|path| weights::origin(&disk, &path).unwrap().epoch), [3, 3]);
    let renamed = disk.operations().iter().filter(|name| **name == "rename").count();
    assert_eq!(renamed, 5, "two checkpoints, the best and the last weights once, and the old checkpoint that goes");
}

#[test]
fn an_urgent_stop_skips_what_a_newer_snapshot_replaces_but_never_the_best() {
    let [calm, urgent] = [Stop::default(), Stop::default()];
    urgent.request_since(std::time::Duration::from_secs(60));
    let [last, best] = [false, true].map(|best| Publish { last: true, best });
    assert_eq!([1, 2, 3].map(|under_way| is_replaced(&urgent, last, under_way)), [false, true, true]);
    assert!(!is_replaced(&urgent, best, 3) && !is_replaced(&calm, last, 3));
}

#[test]
fn a_slow_disk_holds_up_nobody_and_periodic_saves_are_left_out_meanwhile() {
    let memory = MemoryDisk::default();
    let ((entered, started), (release, go)) = (channel(), channel());
    let slow = Slow { disk: memory.clone(), entered: Mutex::new(entered), go: Mutex::new(go) };
    let store = Store::open(Arc::new(slow), Path::new(FOLDER), "0.1.0").unwrap();
    let saver = Saver::start(store, open_weights(&memory).unwrap(), keep(), &[]).unwrap();
    saver.save(snapshot(1));
    started.recv_timeout(NEVER).unwrap();
    // The disk is blocked now. If anything below waited for it, this test would never end.
    assert!(saver.is_busy(), "a periodic save is left out");
    saver.save(snapshot(2));
    assert!(saver.is_busy() && saver.outcomes().is_empty());
    release.send(()).unwrap();
    release.send(()).unwrap();
    assert_eq!(saved(&saver.finish()), [(1, vec![]), (2, vec![1])]);
}

#[test]
fn a_full_disk_gives_the_snapshot_back_to_be_handed_over_again() {
    let disk = MemoryDisk::default();
    let saver = saver(&disk);
    saver.save(snapshot(1));
    wait_until(|| !saver.is_busy());
    disk.inject(4, Fault::FromNowOn(ErrorKind::StorageFull));
    saver.save(snapshot(2));
    let mut outcomes = saver.wait();
    assert_eq!(saved(&outcomes[..1]), [(1, vec![])]);
    let Some(Outcome::Paused { snapshot: again, error }) = outcomes.pop() else { panic!("{outcomes:?}") };
    assert!(error.is_out_of_space() && *again == snapshot(2));
    assert_eq!(newest(&open(&disk.after(super::disk::memory::Cut::Kill)).unwrap()), Some(snapshot(1)));
    disk.heal();
    saver.save(again);
    assert_eq!(saved(&saver.finish()), [(2, vec![1])]);
}

#[test]
fn a_failure_is_reported_and_the_next_save_works() {
    let disk = MemoryDisk::default();
    let saver = saver(&disk);
    let mut diverged = snapshot(1);
    diverged.model[3] = NamedArray::f32("w", &[1], &[f32::INFINITY]);
    saver.save(diverged);
    saver.save(snapshot(2));
    let outcomes = saver.finish();
    assert!(matches!(&outcomes[0], Outcome::Failed { id, .. } if id.epoch == 1), "{outcomes:?}");
    assert_eq!(saved(&outcomes[1..]), [(2, vec![])]);
}

#[test]
fn dropping_waits_for_what_was_handed_over() {
    let disk = MemoryDisk::default();
    let saver = saver(&disk);
    saver.save(snapshot(1));
    saver.save(snapshot(2));
    drop(saver);
    assert_eq!(newest(&open(&disk).unwrap()), Some(snapshot(2)));
}

#[test]
fn a_damaged_checkpoint_is_never_deleted_and_counts_for_nothing() {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    store.save(&snapshot(1)).unwrap();
    disk.damage(&store.path(snapshot(1).id).join("manifest.json"), |content| content.truncate(9));
    let saver = saver(&disk);
    (4..=6).for_each(|epoch| saver.save(snapshot(epoch)));
    assert_eq!(saved(&saver.finish()), [(4, vec![]), (5, vec![]), (6, vec![5])]);
    assert_eq!(open(&disk).unwrap().list().unwrap()[0], snapshot(1).id);
}

#[test]
fn flipped_bytes_anywhere_count_for_nothing_and_are_never_deleted() {
    let disk = MemoryDisk::default();
    let store = open(&disk).unwrap();
    [1, 3].iter().for_each(|&epoch| drop(store.save(&snapshot(epoch)).unwrap()));
    // The best of all according to its manifest, which is intact.
    disk.damage(&store.path(snapshot(3).id).join("model.safetensors"), |content| content[90] ^= 1);
    let saver = saver(&disk);
    (4..=6).for_each(|epoch| saver.save(snapshot(epoch)));
    assert_eq!(saved(&saver.finish()), [(4, vec![1]), (5, vec![]), (6, vec![5])]);
    assert_eq!(open(&disk).unwrap().list().unwrap(), [3, 4, 6].map(|epoch| snapshot(epoch).id));
}

#[test]
fn a_checkpoint_that_was_refused_counts_for_nothing_and_is_never_deleted() {
    let disk = MemoryDisk::default();
    open(&disk).unwrap().save(&snapshot(3)).unwrap();
    let refused = [snapshot(3).id];
    let saver = Saver::start(open(&disk).unwrap(), open_weights(&disk).unwrap(), keep(), &refused).unwrap();
    (4..=6).for_each(|epoch| saver.save(snapshot(epoch)));
    assert_eq!(saved(&saver.finish()), [(4, vec![]), (5, vec![]), (6, vec![5])]);
    assert_eq!(open(&disk).unwrap().list().unwrap(), [3, 4, 6].map(|epoch| snapshot(epoch).id));
}

#[test]
fn an_older_snapshot_that_is_saved_late_is_published_as_the_best_and_not_as_the_last() {
    let disk = MemoryDisk::default();
    let saver = saver(&disk);
    [4, 3].iter().for_each(|&epoch| saver.save(snapshot(epoch)));
    assert_eq!(saved(&saver.finish()), [(4, vec![]), (3, vec![])]);
    let weights = open_weights(&disk).unwrap();
    assert_eq!(weights::origin(&disk, &weights.best()).unwrap().epoch, 3);
    assert_eq!(weights::origin(&disk, &weights.last()).unwrap().epoch, 4);
}
