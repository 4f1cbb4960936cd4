//! An epoch: steps over groups of samples until all were seen, or a limit is reached.

use std::time::Duration;

use super::Engine;
use super::error::TrainError;
use super::meter::Remaining;
use crate::data::loader::Position;
use crate::train::events::{Cost, Event, Limits, Reason};
use crate::train::feed::Stream;
use crate::train::grouping::Grouping;
use crate::train::task::Task;

/// The samples of one step.
pub(super) struct Group<S> {
    /// The samples in order.
    pub(super) samples: Vec<S>,
    /// The position of the first one.
    pub(super) position: Position,
}

/// The source of groups.
enum Source<S> {
    /// The rest of the epoch.
    Stream(Stream<S>),
    /// The same samples repeatedly.
    Single(Vec<S>),
}

impl<T: Task> Engine<T> {
    /// Trains the rest of the epoch; returns the reason if a limit ends training in the middle of it.
    pub(super) fn train_epoch(&mut self) -> Result<Option<Reason>, TrainError> {
        self.meter.begin_epoch();
        self.tell(&Event::EpochStarted { epoch: self.state.epoch, seen: self.state.seen });
        let mut source = self.open()?;
        // The step that was interrupted by a stop.
        self.validate_midway()?;
        while self.state.seen < self.feeds.train.samples() {
            self.stop.check()?;
            if let Some(reason) = self.limit() {
                return Ok(Some(reason));
            }
            let group = self.next_group(&mut source)?;
            self.step(&group)?;
            self.validate_midway()?;
            self.save_if_due()?;
        }
        // If training ends with an epoch that would not be validated, it is validated anyway.
        Ok(self.limit().filter(|_| !self.validates_epoch()))
    }

    /// Whether the current epoch ends with a validation.
    pub(super) fn validates_epoch(&self) -> bool {
        let (config, ended) = (self.config(), self.state.phase_epoch + 1);
        ended >= config.epochs as u64 || ended.is_multiple_of(config.validate.every_epochs.max(1))
    }

    fn open(&self) -> Result<Source<T::Sample>, TrainError> {
        if self.config().overfit_single_batch {
            return Ok(Source::Single(self.single_batch()?));
        }
        Ok(Source::Stream(self.feeds.train.start(self.state.position())?))
    }

    /// The very first batch.
    pub(super) fn single_batch(&self) -> Result<Vec<T::Sample>, TrainError> {
        let first = self.feeds.train.start(Position::default())?.take(self.config().batch_size());
        Ok(first.collect::<Result<_, _>>()?)
    }

    fn next_group(&mut self, source: &mut Source<T::Sample>) -> Result<Group<T::Sample>, TrainError> {
        let position = self.state.position();
        let samples = match source {
            Source::Single(samples) => samples.clone(),
            Source::Stream(stream) => {
                let size = self.grouping().samples_of(self.grouping().step_of(position.next)).end - position.next;
                self.meter.waiting(|| stream.take(size).collect::<Result<Vec<_>, _>>())?
            }
        };
        Ok(Group { samples, position })
    }

    /// The steps of an epoch. They depend only on the configuration, however many samples fit into memory at once.
    pub(super) fn grouping(&self) -> Grouping {
        Grouping::new(self.feeds.train.samples(), self.config().batch_size(), self.task.atom())
    }

    /// The limit that training has reached.
    pub(super) fn limit(&self) -> Option<Reason> {
        let config = self.config();
        let minutes = self.meter.elapsed().as_secs_f64() / 60.0;
        if config.max_steps.is_some_and(|most| self.state.step >= most) {
            Some(Reason::Steps)
        } else if config.max_minutes.is_some_and(|most| minutes >= most) {
            Some(Reason::Time)
        } else {
            None
        }
    }

    /// The limits of the current phase, which end training regardless of the number of epochs.
    pub(super) fn limits(&self) -> Limits {
        Limits { max_steps: self.config().max_steps, max_minutes: self.config().max_minutes }
    }

    /// The cost of training, and how long it still takes if patience does not end it early.
    pub(super) fn cost(&self) -> Cost {
        let Limits { max_steps, max_minutes } = self.limits();
        let epoch = self.feeds.train.samples() as u64;
        let later: u64 = self.phases.iter().skip(self.state.phase + 1).map(|phase| phase.epochs as u64).sum();
        let epochs = (self.config().epochs as u64).saturating_sub(self.state.phase_epoch).saturating_add(later);
        let all = Remaining {
            samples: epochs.saturating_mul(epoch).saturating_sub(self.state.seen as u64),
            validations: epochs as f64 * self.validations_per_epoch(),
            looks: self.config().validate.every_minutes.and_then(of_minutes),
            until: max_minutes.and_then(of_minutes),
        };
        let steps = max_steps.map(|most| most.saturating_sub(self.state.step));
        let samples = steps.map(|steps| steps.saturating_mul(self.config().batch_size() as u64));
        self.meter.cost(&samples.map_or(all, |samples| all.at_most(samples)))
    }
}

fn of_minutes(minutes: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(60.0 * minutes).ok()
}
