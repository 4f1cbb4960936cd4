//! Saving beside the training thread: training hands over a copied snapshot and continues. One save is being written at a
//! time, one more may wait; a slow disk never blocks a periodic save.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::error::CheckpointError;
use super::id::CheckpointId;
use super::manifest::{Manifest, Progress};
use super::retention::{Keep, Standing, deletions};
use super::snapshot::{Publish, Snapshot};
use super::storage::Store;
use super::weights::Weights;
use crate::util::stop::Stop;

/// The outcome of one save.
#[derive(Debug)]
pub enum Outcome {
    /// It is on the disk; checkpoints that the policy no longer keeps are deleted.
    Saved {
        /// What was saved.
        id: CheckpointId,
        /// The names under which to publish it.
        publish: Publish,
        /// What was deleted after it.
        deleted: Vec<CheckpointId>,
    },
    /// The disk is full. Older checkpoints remain; hand the snapshot over again once there is space.
    Paused {
        /// What was to be saved.
        snapshot: Arc<Snapshot>,
        /// The disk's error.
        error: CheckpointError,
    },
    /// It was not saved: the stop is urgent, and a newer one was handed over.
    Skipped {
        /// What was to be saved.
        id: CheckpointId,
    },
    /// It could not be saved. Older checkpoints remain.
    Failed {
        /// What was to be saved.
        id: CheckpointId,
        /// Why.
        error: CheckpointError,
    },
}

/// Saves on its own thread.
pub struct Saver {
    jobs: Option<SyncSender<Arc<Snapshot>>>,
    outcomes: Receiver<Outcome>,
    /// Saves whose outcome was not collected yet.
    awaited: Cell<usize>,
    under_way: Arc<AtomicUsize>,
    /// Those of them that have the best weights.
    best_under_way: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    /// Starts the thread. `refused` are checkpoints that can't be resumed from: they are neither counted nor deleted.
    ///
    /// # Errors
    /// If the folder of checkpoints can't be read, or the system can't start a thread.
    pub fn start(
        store: Store,
        weights: Weights,
        keep: Keep,
        refused: &[CheckpointId],
    ) -> Result<Self, CheckpointError> {
        Self::heeding(store, weights, keep, refused, Stop::default())
    }

    /// The same, saving only what the next start needs once the stop is urgent.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub fn heeding(
        store: Store,
        weights: Weights,
        keep: Keep,
        refused: &[CheckpointId],
        stop: Stop,
    ) -> Result<Self, CheckpointError> {
        let mut found = store.list()?;
        found.retain(|id| !refused.contains(id));
        let path = store.folder.clone();
        // The channel holds the one that waits; the thread holds the one that is written.
        let (jobs, queue) = sync_channel::<Arc<Snapshot>>(1);
        let (report, outcomes) = channel();
        let under_way = Arc::new(AtomicUsize::new(0));
        let best_under_way = Arc::new(AtomicUsize::new(0));
        let counts = [&under_way, &best_under_way].map(Arc::clone);
        let worker = Worker { store, weights, keep, standing: Vec::new(), stop, counts };
        let thread = std::thread::Builder::new().name("checkpoints".into());
        let thread = thread
            .spawn(move || worker.run(&found, &queue, &report))
            .map_err(crate::util::fs::FsError::at("start a thread for", &path))?;
        Ok(Self { jobs: Some(jobs), outcomes, awaited: Cell::new(0), under_way, best_under_way, thread: Some(thread) })
    }

    /// Whether a save is in progress or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    /// Hands over a save that must not be skipped. Blocks only if one is being written and another one already waits.
    pub fn save(&self, snapshot: impl Into<Arc<Snapshot>>) {
        let snapshot: Arc<Snapshot> = snapshot.into();
        let bests = usize::from(snapshot.publish.best);
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.best_under_way.fetch_add(bests, Ordering::AcqRel);
        let handed = self.jobs.as_ref().map(|jobs| jobs.send(snapshot));
        if matches!(handed, Some(Ok(()))) {
            self.awaited.set(self.awaited.get() + 1);
        } else {
            // Only a thread that has panicked no longer receives; `finish` reports it.
            self.under_way.fetch_sub(1, Ordering::AcqRel);
            self.best_under_way.fetch_sub(bests, Ordering::AcqRel);
        }
    }

    /// The outcomes of the saves since the last call, without waiting.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.try_iter().inspect(|_| self.awaited.set(self.awaited.get() - 1)).collect()
    }

    /// The outcomes of the saves since the last call, once everything handed over has one.
    #[must_use]
    pub fn wait(&self) -> Vec<Outcome> {
        // A thread that has panicked sends no more; `finish` reports it.
        let outcomes: Vec<_> = self.outcomes.iter().take(self.awaited.get()).collect();
        self.awaited.set(0);
        outcomes
    }

    /// Waits until everything handed over has its outcome.
    #[must_use]
    pub fn finish(mut self) -> Vec<Outcome> {
        self.join();
        self.outcomes.try_iter().collect()
    }

    fn join(&mut self) {
        self.jobs = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Waits as [`Saver::finish`] does: a save that was handed over is never lost.
impl Drop for Saver {
    fn drop(&mut self) {
        self.join();
    }
}

/// The valid checkpoints with their scores. Every byte is read: a damaged one is neither counted nor ever deleted.
fn standing(store: &Store, found: &[CheckpointId], keep: &Keep) -> Vec<Standing> {
    let manifests = found.iter().filter_map(|&id| store.verify(&store.path(id), id).ok());
    manifests.map(|manifest| of(&manifest, keep)).collect()
}

fn of(manifest: &Manifest, keep: &Keep) -> Standing {
    let Progress { metrics, phase, position, .. } = &manifest.progress;
    let by = keep.by.names().map(|name| (name.to_owned(), metrics.get(name).copied())).collect();
    Standing { id: manifest.id, phase: *phase, by, starts_epoch: *position == 0 }
}

/// Whether a snapshot need not be saved because the stop is urgent and a newer one was handed over. Snapshots with the
/// best weights are always saved.
pub(super) fn is_replaced(stop: &Stop, publish: Publish, under_way: usize) -> bool {
    stop.is_urgent() && !publish.best && under_way > 1
}

struct Worker {
    store: Store,
    weights: Weights,
    keep: Keep,
    standing: Vec<Standing>,
    stop: Stop,
    /// The save that is being written and those that wait: all, and those with the best weights.
    counts: [Arc<AtomicUsize>; 2],
}

impl Worker {
    fn run(mut self, found: &[CheckpointId], queue: &Receiver<Arc<Snapshot>>, report: &Sender<Outcome>) {
        self.standing = standing(&self.store, found, &self.keep);
        for snapshot in queue {
            let bests = usize::from(snapshot.publish.best);
            let [all, with_best] = self.counts.each_ref().map(Arc::clone);
            let outcome = match is_replaced(&self.stop, snapshot.publish, all.load(Ordering::Acquire)) {
                true => Outcome::Skipped { id: snapshot.id },
                false => self.handle(snapshot),
            };
            let heard = report.send(outcome);
            all.fetch_sub(1, Ordering::AcqRel);
            with_best.fetch_sub(bests, Ordering::AcqRel);
            if heard.is_err() {
                tracing::debug!("nobody waits for the outcome of a save");
            }
        }
    }

    fn handle(&mut self, snapshot: Arc<Snapshot>) -> Outcome {
        let id = snapshot.id;
        match self.save(&snapshot) {
            Ok(()) => Outcome::Saved { id, publish: snapshot.publish, deleted: self.rotate(id) },
            Err(error) if error.is_out_of_space() => Outcome::Paused { snapshot, error },
            Err(error) => Outcome::Failed { id, error },
        }
    }

    /// The checkpoint first: published weights always come from one that exists, and its manifest says what was to be
    /// published. One that had to wait for space while a newer one was saved is no longer the last.
    fn save(&mut self, snapshot: &Snapshot) -> Result<(), CheckpointError> {
        let manifest = self.store.save(snapshot)?;
        self.standing.retain(|checkpoint| checkpoint.id != snapshot.id);
        self.standing.push(of(&manifest, &self.keep));
        let is_newest = self.standing.iter().all(|checkpoint| checkpoint.id <= snapshot.id);
        // If the stop is urgent, the next start publishes the last weights, from the checkpoint that it resumes from.
        let last = snapshot.publish.last && is_newest && !self.is_in_a_hurry();
        let is_beaten = self.stop.check().is_err() && self.counts[1].load(Ordering::Acquire) > 1;
        let publish = Publish { last, best: snapshot.publish.best && !is_beaten };
        self.weights.publish_as(snapshot, publish)
    }

    /// Whether only what must be saved is still saved. Once a stop was requested, what is saved now must not hold up the
    /// state that waits behind it.
    fn is_in_a_hurry(&self) -> bool {
        let is_followed = || self.stop.check().is_err() && self.counts[0].load(Ordering::Acquire) > 1;
        self.stop.is_urgent() || is_followed()
    }

    /// What can't be deleted is reported and tried again after the next save.
    fn rotate(&mut self, written: CheckpointId) -> Vec<CheckpointId> {
        let mut deleted = Vec::new();
        if self.is_in_a_hurry() {
            return deleted;
        }
        for id in deletions(&self.standing, written, &self.keep) {
            match self.store.delete(id) {
                Ok(()) => deleted.push(id),
                Err(error) => tracing::warn!("the old checkpoint {id} could not be deleted: {error}"),
            }
        }
        self.standing.retain(|checkpoint| !deleted.contains(&checkpoint.id));
        deleted
    }
}
