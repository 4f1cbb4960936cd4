//! A validation in the middle of an epoch: it reports progress and may find the best weights so far. Patience and learning
//! rate wait for the end of the epoch, when all samples were seen: they count epochs.

use super::Engine;
use super::error::TrainError;
use crate::train::events::Event;
use crate::train::task::Task;

impl<T: Task> Engine<T> {
    /// Validates if the configuration says so and it is not done yet.
    pub(super) fn validate_midway(&mut self) -> Result<(), TrainError> {
        if !self.is_midway_due() {
            return Ok(());
        }
        let found = self.validate()?;
        self.state.validated = true;
        let values = self.target.values(&found.parts, &found.scores);
        let loss = found.parts.first().and_then(|(_, loss)| *loss);
        let improved = loss.is_some() && self.is_best(&values, loss);
        if improved {
            self.state.best = self.best.clone();
            self.draw()?;
        }
        let (parts, scores) = (found.parts.clone(), found.scores.clone());
        let (epoch, step) = (self.state.epoch, self.state.step);
        self.tell(&Event::ValidationEnded { epoch, step, parts, scores, improved, best: self.best.clone() });
        if improved { self.save_midway(&found) } else { Ok(()) }
    }

    /// A function of the state alone, so that a resumed run validates where it would have without the stop.
    fn is_midway_due(&self) -> bool {
        let Some(every) = self.config().validate.every_steps else { return false };
        let seen = self.state.seen;
        let is_midway = seen > 0 && seen < self.feeds.train.samples() && self.val_samples() > 0;
        is_midway && !self.state.validated && (self.grouping().step_of(seen) as u64).is_multiple_of(every.max(1))
    }

    /// How many validations an epoch has, on average.
    pub(super) fn validations_per_epoch(&self) -> f64 {
        let config = &self.config().validate;
        let steps = self.grouping().steps().saturating_sub(1) as u64;
        let midway = config.every_steps.map_or(0, |every| steps / every.max(1));
        midway as f64 + 1.0 / config.every_epochs.max(1) as f64
    }
}
