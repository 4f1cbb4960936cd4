//! The effect of a validation loss: on the record, the best weights, the learning rate, and whether training continues.

use super::Engine;
use super::error::TrainError;
use super::validate::Validation;
use crate::metric::better::Better;
use crate::train::checkpoint::Publish;
use crate::train::events::{Best, Ended, Event, Named, Reason, Record};
use crate::train::patience::{Outlook, Patience};
use crate::train::task::Task;

impl<T: Task> Engine<T> {
    /// Ends an epoch and saves. An epoch cut short by a limit is validated and its weights are published as `last`, but
    /// it changes no training state; raising the limit later continues as if it had never applied. Its weights are
    /// therefore published as `best` only if there is no best yet; the end of the epoch will then replace them. An
    /// epoch that was not validated decides nothing.
    pub(super) fn conclude(&mut self, found: Option<Validation>, cut: Option<Reason>) -> Result<(), TrainError> {
        let validated = found.is_some();
        let mut found = found.unwrap_or_default();
        let learned = found.learned.take();
        let record = self.record(found);
        let first = record.val.first().or(record.train.first());
        let loss = first.filter(|_| validated).and_then(|(_, loss)| *loss);
        let target = match (validated, record.val.is_empty()) {
            (false, _) => Vec::new(),
            (true, true) => self.target.values(&record.train, &[]),
            (true, false) => self.target.values(&record.val, &record.scores),
        };
        let may_be_best = cut.is_none() || self.state.best.is_none();
        // Weights whose loss is not finite predict nothing useful, whatever a score says.
        let improved = may_be_best && loss.is_some() && self.is_best(&target, loss);
        // The reported speed is that of training, without drawing.
        let cost = self.cost();
        if improved {
            self.draw()?;
        }
        self.tell(&Event::EpochEnded { record: record.clone(), cost, improved, best: self.best.clone() });
        if cut.is_none() {
            self.state.best = self.best.clone();
            self.state.rows.push(record.clone());
            if validated {
                self.learn(loss.unwrap_or(f64::NAN), &record);
            }
            self.grow_back();
            self.state.end_epoch();
            self.state.restart_patience(&self.patience_restarts);
        }
        self.save_epoch(&record, learned, &target, Publish { last: true, best: improved })
    }

    /// Whether values of the current epoch are better than all before them; if so they are remembered, but not yet in the
    /// state. Only this function decides which weights are the best.
    pub(super) fn is_best(&mut self, values: &[Named], loss: Option<f64>) -> bool {
        let improved = self.target.is_better(values, self.state.best.as_ref().map(|best| best.by.as_slice()));
        if improved {
            let (epoch, step) = (self.state.epoch + 1, self.state.step);
            self.best = Some(Best { epoch, step, by: values.to_vec(), loss });
        }
        improved
    }

    fn record(&self, found: Validation) -> Record {
        Record {
            epoch: self.state.epoch + 1,
            phase: self.state.phase + 1,
            step: self.state.step,
            lr: self.state.lr,
            train: self.state.sums.means(self.task.parts()),
            val: found.parts,
            scores: found.scores,
        }
    }

    /// Updates the learning rate from the loss at the end of an epoch, and patience from what it watches.
    fn learn(&mut self, loss: f64, record: &Record) {
        self.tools.schedule.observe(self.state.phase_epoch, loss);
        self.state.plateau = Some(self.tools.schedule.state().clone());
        let parts = if record.val.is_empty() { &record.train } else { &record.val };
        let (better, value) = self.watched.first(parts, &record.scores).unwrap_or((Better::Lower, Some(loss)));
        let patience = Patience { epochs: self.config().patience, better, min_delta: self.config().min_delta };
        let (value, epoch) = (value.unwrap_or(f64::NAN), self.state.validated_epochs);
        self.state.patience.watch(&self.config().patience_by.clone());
        self.state.stale_epochs = match patience.observe(&mut self.state.patience, epoch, value) {
            Outlook::Better => 0,
            Outlook::Worse { since } | Outlook::Stop { since } => since,
        };
        self.state.validated_epochs += 1;
    }

    /// Tries more samples at once after epochs without running out of memory.
    fn grow_back(&mut self) {
        let from = self.state.micro_batch.get();
        if let Some(to) = self.state.micro_batch.epoch_ended() {
            self.tell_micro_batch(from, to);
        }
    }

    pub(super) fn ended(&self, reason: Reason) -> Ended {
        let epoch_share = self.state.seen as f64 / self.feeds.train.samples().max(1) as f64;
        Ended { reason, epoch: self.state.epoch, epoch_share, step: self.state.step, best: self.best.clone() }
    }
}
