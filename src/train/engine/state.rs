//! The progress of training: everything that a checkpoint holds beside tensors. This state and the tensors determine
//! everything that follows; nothing else may.

use serde::{Deserialize, Serialize};

use super::error::TrainError;
use crate::data::loader::Position;
use crate::metric::score::ScoreSpec;
use crate::train::checkpoint::{CheckpointId, Snapshot};
use crate::train::config::TrainConfig;
use crate::train::divergence::Divergence;
use crate::train::events::{Best, Named, Record, measured};
use crate::train::micro_batch::MicroBatchSize;
use crate::train::patience::{PatienceState, Restart};
use crate::train::plateau::PlateauState;
use crate::train::scaler::LossScaler;

/// The progress of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The phase, counted from 0.
    pub phase: usize,
    /// Epochs of this phase that are complete.
    pub phase_epoch: u64,
    /// Epochs that are complete, all phases together.
    pub epoch: u64,
    /// Samples of the current epoch whose step is complete.
    pub seen: usize,
    /// Steps that are complete: made or skipped.
    pub step: u64,
    /// Whether the validation of this position in the middle of the epoch is done.
    pub validated: bool,
    /// Epochs of this phase that ended with a validation.
    pub validated_epochs: u64,
    /// Samples that go through the model at once.
    pub micro_batch: MicroBatchSize,
    /// The learning rate of the last step.
    pub lr: f64,
    /// The training loss of the current epoch.
    pub sums: Sums,
    /// The best validation of this phase.
    pub best: Option<Best>,
    /// The record of each complete epoch: the history can be restored from a checkpoint alone.
    pub rows: Vec<Record>,
    /// The value that patience must see beaten.
    pub patience: PatienceState,
    /// Validated epochs since it improved.
    pub stale_epochs: u64,
    /// How many times the average of the weights was updated.
    pub average_updates: u64,
    /// What the learning rate schedule remembers, once there was a validation.
    pub plateau: Option<PlateauState>,
    /// The number of consecutive steps whose loss or gradient was not finite.
    pub divergence: Divergence,
    /// The loss scale, for fp16.
    pub scaler: Option<LossScaler>,
}

/// Sums of loss parts, weighted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// The sum of the weights.
    pub weight: f64,
    /// The sum of each part; none of what was not measured in all of them.
    pub parts: Vec<Option<f64>>,
}

impl Sums {
    /// Adds the sums over some samples.
    pub fn add(&mut self, weight: f64, parts: &[Option<f64>]) {
        self.weight += weight;
        self.parts.resize(parts.len(), Some(0.0));
        let added = self.parts.iter().zip(parts).map(|(sum, part)| Some((*sum)? + (*part)?));
        self.parts = added.collect();
    }

    /// The averages with their names, of what was measured; empty if nothing was added.
    #[must_use]
    pub fn means(&self, specs: &[ScoreSpec]) -> Vec<Named> {
        measured(specs, self.parts.iter().map(|sum| Some((*sum)? / self.weight)))
    }
}

impl State {
    /// Before the first step.
    #[must_use]
    pub fn new(config: &TrainConfig, atom: usize, scales_loss: bool) -> Self {
        Self {
            phase: 0,
            phase_epoch: 0,
            epoch: 0,
            seen: 0,
            step: 0,
            validated: false,
            validated_epochs: 0,
            micro_batch: MicroBatchSize::new(config.micro_batch_size(), atom),
            lr: 0.0,
            sums: Sums::default(),
            best: None,
            rows: Vec::new(),
            patience: PatienceState::default(),
            stale_epochs: 0,
            average_updates: 0,
            plateau: None,
            divergence: Divergence::default(),
            scaler: scales_loss.then(LossScaler::default),
        }
    }

    /// Before the first step of the next phase. The loss scale is kept: it depends on the model, not on the phase.
    #[must_use]
    pub(super) fn in_next_phase(&self, config: &TrainConfig, atom: usize) -> Self {
        Self {
            phase: self.phase + 1,
            epoch: self.epoch,
            step: self.step,
            lr: self.lr,
            rows: self.rows.clone(),
            scaler: self.scaler.clone(),
            ..Self::new(config, atom, false)
        }
    }

    /// The same under the current configuration: settings that have changed since it was saved are taken from there. Without
    /// a change it stays as it is.
    #[must_use]
    pub(super) fn under(self, config: &TrainConfig, atom: usize, scales_loss: bool) -> Self {
        Self {
            micro_batch: self.micro_batch.under(config.micro_batch_size(), atom),
            scaler: scales_loss.then(|| self.scaler.unwrap_or_default()),
            // The best by another metric says nothing about this one.
            best: self.best.filter(|best| best.by.iter().map(|(name, _)| name).eq(&config.checkpoint.best_by.0)),
            ..self
        }
    }

    /// The state that a snapshot holds.
    ///
    /// # Errors
    /// If another version of the program took it.
    pub fn of(snapshot: &Snapshot) -> Result<Self, TrainError> {
        serde_json::from_value(snapshot.progress.state.clone()).map_err(|error| TrainError::Misfit {
            checkpoint: snapshot.id.to_string(),
            problem: format!("its state can't be read: {error}"),
        })
    }

    /// The position of the next sample.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, next: self.seen }
    }

    /// The name of a checkpoint of this state.
    #[must_use]
    pub fn id(&self) -> CheckpointId {
        CheckpointId { epoch: self.epoch, step: self.step }
    }

    /// Restarts patience if training had stopped early here and more epochs were requested. It makes no difference
    /// whether this state was saved before or after that.
    pub(super) fn restart_patience(&mut self, restarts: &[Restart]) {
        let is_here = |restart: &Restart| restart.epoch == self.epoch && self.stale_epochs >= restart.patience.max(1);
        if self.seen == 0 && restarts.iter().any(is_here) {
            self.stale_epochs = 0;
            self.patience.restart(self.validated_epochs.saturating_sub(1));
        }
    }

    pub(super) fn end_epoch(&mut self) {
        self.epoch += 1;
        self.phase_epoch += 1;
        self.seen = 0;
        self.validated = false;
        self.sums = Sums::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;

    #[test]
    fn what_was_not_measured_in_all_steps_has_no_average_also_if_an_earlier_version_began_the_epoch() {
        let mut sums: Sums = serde_json::from_str(r#"{"weight": 2.0, "parts": [1.0, 3.0]}"#).unwrap();
        sums.add(2.0, &[Some(2.0), None]);
        let specs = ["loss", "huber"].map(|name| ScoreSpec::new(name, name, Better::Lower));
        assert_eq!(sums.means(&specs), [("loss".to_owned(), Some(0.75))]);
        let mut undefined = Sums::default();
        undefined.add(1.0, &[Some(f64::INFINITY), Some(0.5)]);
        let named = |name: &str, value| (name.to_owned(), value);
        assert_eq!(undefined.means(&specs), [named("loss", None), named("huber", Some(0.5))]);
        assert_eq!(serde_json::to_string(&sums).unwrap(), r#"{"weight":4.0,"parts":[3.0,null]}"#);
    }
}
