//! A validation in the middle of an epoch: it reports progress and may find the best weights so far. Patience and learning
//! rate wait for the end of the epoch, when all samples were seen: they count epochs.

use super::Engine;
use super::error::TrainError;
use super::validate::Validation;
use crate::train::events::Event;
use crate::train::task::Task;

impl<T: Task> Engine<T> {
    /// Validates if the configuration says so and it is not done yet.
    pub(super) fn validate_midway(&mut self) -> Result<(), TrainError> {
        if self.is_midway_due() {
            self.validate_by_steps()
        } else if self.is_look_due() {
            self.look()
        } else {
            Ok(())
        }
    }

    fn validate_by_steps(&mut self) -> Result<(), TrainError> {
        let found = self.validate()?;
        self.state.validated = true;
        let values = self.target.values(&found.parts, &found.scores);
        let loss = found.parts.first().and_then(|(_, loss)| *loss);
        let improved = loss.is_some() && self.is_best(&values, loss);
        if improved {
            self.state.best = self.best.clone();
            self.draw()?;
        }
        self.tell_midway(&found, improved);
        if improved { self.save_midway(&found) } else { Ok(()) }
    }

    /// A validation by the clock: it reports and changes nothing that a checkpoint or the history holds, because a resumed run
    /// has it at another step.
    fn look(&mut self) -> Result<(), TrainError> {
        let found = self.validate()?;
        self.tell_midway(&found, false);
        Ok(())
    }

    fn tell_midway(&mut self, found: &Validation, improved: bool) {
        let (parts, scores) = (found.parts.clone(), found.scores.clone());
        let (epoch, step) = (self.state.epoch, self.state.step);
        self.tell(&Event::ValidationEnded { epoch, step, parts, scores, improved, best: self.best.clone() });
    }

    fn is_look_due(&self) -> bool {
        let minutes = self.config().validate.every_minutes.filter(|_| self.is_inside_epoch());
        minutes.is_some_and(|minutes| self.meter.since_validation().as_secs_f64() >= 60.0 * minutes)
    }

    fn is_inside_epoch(&self) -> bool {
        let seen = self.state.seen;
        seen > 0 && seen < self.feeds.train.samples() && self.val_samples() > 0
    }

    /// A function of the state alone, so that a resumed run validates at the same steps as an uninterrupted one.
    fn is_midway_due(&self) -> bool {
        let Some(every) = self.config().validate.every_steps else { return false };
        let step = self.grouping().step_of(self.state.seen) as u64;
        self.is_inside_epoch() && !self.state.validated && step.is_multiple_of(every.max(1))
    }

    /// How many validations an epoch has, on average.
    pub(super) fn validations_per_epoch(&self) -> f64 {
        let config = &self.config().validate;
        let steps = self.grouping().steps().saturating_sub(1) as u64;
        let midway = config.every_steps.map_or(0, |every| steps / every.max(1));
        midway as f64 + 1.0 / config.every_epochs.max(1) as f64
    }
}
