//! Snapshots: taking one, handing it over to be saved, and rolling back to one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::Engine;
use super::error::TrainError;
use super::phase::Tools;
use super::state::State;
use super::tensors::{arrays, cut, join, join_model};
use super::validate::Validation;
use crate::nn::parameters::Parameters;
use crate::nn::weights::tensors;
use crate::train::checkpoint::policy::{LastSave, Moment, due};
use crate::train::checkpoint::{CheckpointError, CheckpointId, Progress, Publish, Snapshot};
use crate::train::events::{Event, Named, Record};
use crate::train::task::Task;

/// Where snapshots are saved. It works beside training and reports a failure at one of the next calls, or at the end.
pub trait Keeper {
    /// Whether a save is in progress: a periodic one is then skipped.
    fn is_busy(&self) -> bool;

    /// Takes a snapshot to be saved.
    ///
    /// # Errors
    /// If an earlier save failed for good.
    fn save(&mut self, snapshot: Arc<Snapshot>) -> Result<(), CheckpointError>;

    /// Waits until everything is durable.
    ///
    /// # Errors
    /// If a save failed for good.
    fn finish(&mut self) -> Result<(), CheckpointError>;
}

/// Saves nothing: for a rehearsal, and for callers that need only the numbers.
pub struct NotKept;

impl Keeper for NotKept {
    fn is_busy(&self) -> bool {
        false
    }

    fn save(&mut self, _snapshot: Arc<Snapshot>) -> Result<(), CheckpointError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CheckpointError> {
        Ok(())
    }
}

/// The whole training state at this moment.
pub(super) fn capture<T: Task>(task: &T, tools: &Tools, state: &State, seed: u64) -> Result<Snapshot, TrainError> {
    let parameters = task.parameters();
    let progress = Progress {
        position: state.seen as u64,
        phase: state.phase as u64,
        seed,
        best: state.best.iter().flat_map(|best| known(&best.by)).collect(),
        state: json!(state),
        ..Progress::default()
    };
    Ok(Snapshot {
        id: state.id(),
        progress,
        model: cut(parameters, &parameters.values())?,
        optim: arrays(tools.optimizer.state())?,
        ema: tools.average.as_ref().map_or(Ok(Vec::new()), |average| cut(parameters, average.average()))?,
        publish: Publish { last: true, best: false },
    })
}

/// Restores a snapshot's weights and buffers.
pub(super) fn restore_weights(parameters: &Parameters, snapshot: &Snapshot) -> Result<(), TrainError> {
    let misfit = |problem: String| TrainError::Misfit { checkpoint: snapshot.id.to_string(), problem };
    join_model(parameters, &snapshot.model).map_err(misfit)
}

/// What a checkpoint records of its validation: the values that it is compared by, under their names.
fn metrics(parts: &[Named], scores: &[Named], target: &[Named]) -> BTreeMap<String, f64> {
    known(parts).chain(known(scores)).chain(known(target)).collect()
}

fn known(values: &[Named]) -> impl Iterator<Item = (String, f64)> {
    values.iter().filter_map(|(name, value)| Some((name.clone(), (*value)?)))
}

impl<T: Task> Engine<T> {
    pub(super) fn capture(&self) -> Result<Snapshot, TrainError> {
        capture(&self.task, &self.tools, &self.state, self.seed)
    }

    /// Saves if the policy says so.
    pub(super) fn save_if_due(&mut self) -> Result<(), TrainError> {
        if !self.is_due(false) || self.keeper.is_busy() {
            return Ok(());
        }
        let snapshot = Arc::new(self.capture()?);
        self.hand_over(snapshot)
    }

    /// Saves because a signal arrived.
    pub(super) fn save_where_it_stands(&mut self) -> Result<(), TrainError> {
        if !self.is_due(true) {
            return Ok(());
        }
        let snapshot = Arc::new(self.capture()?);
        self.hand_over(snapshot)
    }

    /// Saves the initial state: a run that is killed in its first epoch needs it to roll back to.
    pub(super) fn save_start(&mut self) -> Result<(), TrainError> {
        if self.is_resumed {
            return Ok(());
        }
        self.hand_over(Arc::clone(&self.last_good))
    }

    /// Saves the end of an epoch, which is also what a diverged run rolls back to. Only this save is used for that,
    /// because the others depend on a clock, and a run's results must not. Without a validation it has no loss to
    /// compare.
    pub(super) fn save_epoch(
        &mut self,
        record: &Record,
        learned: Value,
        target: &[Named],
        publish: Publish,
    ) -> Result<(), TrainError> {
        // The one before goes first: both beside the training would be the most memory that a run takes.
        self.last_good = Arc::new(self.last_good.without_arrays());
        let mut snapshot = Snapshot { publish, ..self.capture()? };
        snapshot.progress.metrics = metrics(&record.val, &record.scores, target);
        snapshot.progress.learned = learned;
        let snapshot = Arc::new(snapshot);
        self.last_good = Arc::clone(&snapshot);
        self.hand_over(snapshot)
    }

    /// Saves the best weights in the middle of an epoch.
    pub(super) fn save_midway(&mut self, found: &Validation) -> Result<(), TrainError> {
        let mut snapshot = Snapshot { publish: Publish { last: true, best: true }, ..self.capture()? };
        snapshot.progress.metrics = metrics(&found.parts, &found.scores, &[]);
        snapshot.progress.learned = found.learned.clone();
        self.hand_over(Arc::new(snapshot))
    }

    fn is_due(&self, stopping: bool) -> bool {
        let (id, when) = self.last_saved;
        let last = LastSave { id, clock: when.duration_since(self.meter.started()) };
        let now = Moment { id: self.state.id(), clock: self.meter.elapsed(), stopping };
        due(&self.config().checkpoint, &last, &now).is_some()
    }

    fn hand_over(&mut self, snapshot: Arc<Snapshot>) -> Result<(), TrainError> {
        let CheckpointId { epoch, step } = snapshot.id;
        self.last_saved = (snapshot.id, Instant::now());
        self.keeper.save(snapshot)?;
        self.tell(&Event::Saving { epoch, step });
        Ok(())
    }

    /// Resumes from a snapshot: weights, optimizer, average and state. Settings that have changed since then follow the
    /// current configuration.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let state = State::of(snapshot)?;
        self.state = state.under(self.config(), self.task.atom(), self.task.scales_loss());
        self.state.restart_patience(&self.patience_restarts);
        self.restore_tensors(snapshot)?;
        if let Some(plateau) = &self.state.plateau {
            self.tools.schedule.load_state(plateau.clone());
        }
        Ok(())
    }

    /// Restores only a snapshot's weights, optimizer and average.
    pub(super) fn restore_tensors(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let misfit = |problem: String| TrainError::Misfit { checkpoint: snapshot.id.to_string(), problem };
        let updates = State::of(snapshot)?.average_updates;
        let (parameters, tools) = (self.task.parameters(), &mut self.tools);
        restore_weights(parameters, snapshot)?;
        let saved = tensors(&snapshot.optim).map_err(misfit)?;
        tools.optimizer.load_state(&saved).map_err(|error| misfit(error.to_string()))?;
        if let Some(average) = &mut tools.average {
            // If averaging is enabled on resume, the average starts with the current weights. Buffers are not averaged.
            let source = if snapshot.ema.is_empty() { &snapshot.model } else { &snapshot.ema };
            let values = parameters.values().zeros_like();
            join(parameters, source, &values).map_err(misfit)?;
            average.load(updates, &values)?;
        }
        self.state.average_updates = updates;
        Ok(())
    }
}
