//! Snapshots that are saved beside training: the keeper that a real run has. A full disk is waited out: older checkpoints
//! stand and training goes on. Where the newest snapshot has still found no space at the end, that is the run's error.

use std::sync::Arc;

use super::saving::Keeper;
use crate::train::checkpoint::writer::{Outcome, Saver};
use crate::train::checkpoint::{CheckpointError, Snapshot};

/// A saver with what it could not save.
pub struct Background {
    saver: Option<Saver>,
    /// What found no space, with what the disk said.
    paused: Option<(Arc<Snapshot>, CheckpointError)>,
}

impl Background {
    /// Saves with this saver.
    #[must_use]
    pub fn new(saver: Saver) -> Self {
        Self { saver: Some(saver), paused: None }
    }

    fn take_in(&mut self, outcomes: Vec<Outcome>) -> Result<(), CheckpointError> {
        for outcome in outcomes {
            match outcome {
                Outcome::Saved { .. } => self.paused = None,
                Outcome::Paused { snapshot, error } => {
                    tracing::warn!("{error}; training goes on");
                    self.paused = Some((snapshot, error));
                }
                Outcome::Failed { error, .. } => return Err(error),
            }
        }
        Ok(())
    }
}

impl Keeper for Background {
    fn is_busy(&self) -> bool {
        self.saver.as_ref().is_some_and(Saver::is_busy)
    }

    fn save(&mut self, snapshot: Arc<Snapshot>) -> Result<(), CheckpointError> {
        let outcomes = self.saver.as_ref().map_or_else(Vec::new, Saver::outcomes);
        self.take_in(outcomes)?;
        if let Some((older, _)) = self.paused.take()
            && older.publish.best
            && !snapshot.publish.best
        {
            // The best weights must not be lost for want of space; the newer snapshot can't stand for them.
            if let Some(saver) = &self.saver {
                saver.save(older);
            }
        }
        if let Some(saver) = &self.saver {
            saver.save(snapshot);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CheckpointError> {
        if let Some(saver) = self.saver.take() {
            let outcomes = saver.finish();
            self.take_in(outcomes)?;
        }
        self.paused.take().map_or(Ok(()), |(_, error)| Err(error))
    }
}
