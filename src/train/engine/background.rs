//! Snapshots that are saved beside training: the keeper of a real run. A full disk is waited out: older checkpoints remain
//! and training continues. The best weights wait for space until they are saved or better ones are; of the others only the
//! newest snapshot counts. If one of these two still finds no space at the end, the run fails with that error.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::saving::Keeper;
use crate::train::checkpoint::writer::{Outcome, Saver};
use crate::train::checkpoint::{CheckpointError, CheckpointId, Snapshot};

/// A saver with the snapshots that it could not save.
pub struct Background {
    saver: Option<Saver>,
    /// The newest snapshot that was handed over, and the best one.
    newest: Option<CheckpointId>,
    best: Option<CheckpointId>,
    /// What found no space and is still needed, oldest first: the best, the newest, or both.
    paused: Vec<Arc<Snapshot>>,
    /// The disk's last error.
    full: Option<CheckpointError>,
    /// Whether the last save found no space.
    is_full: bool,
}

impl Background {
    /// Saves with this saver.
    #[must_use]
    pub fn new(saver: Saver) -> Self {
        Self { saver: Some(saver), newest: None, best: None, paused: Vec::new(), full: None, is_full: false }
    }

    fn take_in(&mut self, outcomes: Vec<Outcome>) -> Result<(), CheckpointError> {
        for outcome in outcomes {
            match outcome {
                Outcome::Saved { id, publish, .. } => {
                    // The same position may be saved as the best and then again as just the last.
                    self.paused.retain(|snapshot| snapshot.id != id || snapshot.publish.best && !publish.best);
                    if std::mem::take(&mut self.is_full) {
                        tracing::info!("there is space again: {id} is saved");
                    }
                }
                Outcome::Paused { snapshot, error } => {
                    // Each save would say the same.
                    if !std::mem::replace(&mut self.is_full, true) {
                        tracing::warn!("{error}; training continues, and saves again once there is space");
                    }
                    self.paused.push(snapshot);
                    self.full = Some(error);
                }
                Outcome::Skipped { id } => tracing::debug!("{id} is not saved: a newer one is"),
                Outcome::Failed { error, .. } => return Err(error),
            }
        }
        Ok(())
    }

    /// Hands over again what found no space, as far as it is still needed.
    fn try_again(&mut self) {
        let wanted = |id| Some(id) == self.best || Some(id) == self.newest;
        self.paused.retain(|snapshot| wanted(snapshot.id));
        if let Some(saver) = &self.saver {
            // What finds no space again is returned as its outcome.
            self.paused.drain(..).for_each(|snapshot| saver.save(snapshot));
        }
    }
}

impl Keeper for Background {
    fn is_busy(&self) -> bool {
        self.saver.as_ref().is_some_and(Saver::is_busy)
    }

    fn save(&mut self, snapshot: Arc<Snapshot>) -> Result<(), CheckpointError> {
        let outcomes = self.saver.as_ref().map_or_else(Vec::new, Saver::outcomes);
        self.take_in(outcomes)?;
        self.newest = Some(snapshot.id);
        if snapshot.publish.best {
            self.best = Some(snapshot.id);
        }
        self.try_again();
        if let Some(saver) = &self.saver {
            saver.save(snapshot);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CheckpointError> {
        let outcomes = self.saver.as_ref().map_or_else(Vec::new, Saver::wait);
        self.take_in(outcomes)?;
        // There may be space by now, and this is the last attempt.
        self.try_again();
        let outcomes = self.saver.take().map_or_else(Vec::new, Saver::finish);
        self.take_in(outcomes)?;
        let is_lost = !self.paused.is_empty();
        self.full.take().filter(|_| is_lost).map_or(Ok(()), Err)
    }
}
