//! Validation: loss and scores over the validation samples, with the averaged weights if an average is kept.

use std::time::Instant;

use serde_json::Value;

use super::error::TrainError;
use super::evaluation::{Evaluated, Evaluation};
use super::{Engine, Feeds};
use crate::data::loader::Position;
use crate::train::config::TrainConfig;
use crate::train::events::{Event, Named, named};
use crate::train::fault::attempted;
use crate::train::task::{Depth, Scores, Task, TaskError};

/// The result of a validation.
#[derive(Default)]
pub(super) struct Validation {
    /// The averages of the loss parts; empty if there are no samples.
    pub(super) parts: Vec<Named>,
    /// The task's scores.
    pub(super) scores: Vec<Named>,
    /// What must travel with the weights.
    pub(super) learned: Value,
}

/// The samples of a validation, in order.
type ValidationStream<S> = Box<dyn Iterator<Item = Result<S, TrainError>>>;

impl<T: Task> Engine<T> {
    /// Evaluates the weights that would be exported now.
    pub(super) fn validate(&mut self) -> Result<Validation, TrainError> {
        let began = Instant::now();
        self.tell(&Event::ValidationStarted { epoch: self.state.epoch });
        let found = self.with_averaged_weights(Self::evaluate)?;
        self.meter.validated(began);
        Ok(found)
    }

    fn evaluate(&mut self) -> Result<Validation, TrainError> {
        let of = self.val_samples();
        let (shown, collects) = (self.task.shown().min(of), self.shown.is_empty());
        let (samples, state_bytes) = (self.open_validation()?, self.state_bytes());
        let statistics = self.task.depends_on_micro_batch();
        let mut scores = self.task.scores(Depth::Validation);
        let Self { task, state, reads, stop, observers, shown: kept, .. } = self;
        let mut done = 0;
        let mut told = |evaluated: Evaluated<'_, T::Sample>| match evaluated {
            Evaluated::Samples(samples) => {
                let places = samples.iter().zip(done..).filter(|(_, place)| collects && is_shown(*place, shown, of));
                kept.extend(places.map(|(sample, _)| sample.clone()));
                done += samples.len();
                observers.tell(&Event::Validated { done, of });
            }
            Evaluated::Smaller { from, to } => observers.tell(&Event::MicroBatchChanged { from, to, statistics }),
        };
        let mut evaluation = Evaluation { task, size: &mut state.micro_batch, reads, stop, state_bytes };
        let sums = evaluation.run(samples, &mut scores, &mut told)?;
        // If nothing was evaluated, there is no score, not even an undefined one.
        let (scores, learned) = match of {
            0 => (Vec::new(), Value::Null),
            _ => (named(&self.scores, scores.values()), scores.learned()),
        };
        Ok(Validation { parts: sums.means(self.task.parts()), scores, learned })
    }

    /// The samples of a validation: the validation side, or the one batch that is being overfitted.
    pub(super) fn open_validation(&self) -> Result<ValidationStream<T::Sample>, TrainError> {
        if self.config().overfit_single_batch {
            return Ok(Box::new(self.single_batch()?.into_iter().map(Ok)));
        }
        match &self.feeds.val {
            Some(feed) => Ok(Box::new(feed.start(Position::default())?.map(|sample| sample.map_err(TrainError::from)))),
            None => Ok(Box::new(std::iter::empty())),
        }
    }

    pub(super) fn val_samples(&self) -> usize {
        val_samples(&self.feeds, self.config())
    }

    /// Predicts the shown samples and emits the pictures; listeners draw them. An epoch is worth more than its pictures:
    /// if they can't be made, training continues without them.
    pub(super) fn draw(&mut self) -> Result<(), TrainError> {
        if self.shown.is_empty() {
            return Ok(());
        }
        let pictures = self.with_averaged_weights(|engine| {
            let (shown, task) = (&engine.shown, &mut engine.task);
            Ok(attempted(|| {
                let mut pictures = Vec::new();
                for sample in shown {
                    let batch = task.collate(std::slice::from_ref(sample), None)?;
                    pictures.extend(task.draw(&batch)?);
                }
                Ok::<_, TaskError>(pictures)
            }))
        })?;
        match pictures {
            Ok(pictures) => {
                let folder = self.task.pictures();
                self.tell(&Event::Pictures { epoch: self.state.epoch, folder, pictures });
            }
            Err(problem) => tracing::warn!("the pictures of epoch {} can't be drawn: {problem}", self.state.epoch + 1),
        }
        Ok(())
    }
}

/// The samples of a validation: the validation side, or the one batch that is being overfitted.
pub(super) fn val_samples<S: Clone>(feeds: &Feeds<S>, config: &TrainConfig) -> usize {
    if config.overfit_single_batch {
        return config.batch_size().min(feeds.train.samples());
    }
    feeds.val.as_ref().map_or(0, |feed| feed.samples())
}

/// Whether a sample is one of those spread evenly over all.
fn is_shown(place: usize, shown: usize, of: usize) -> bool {
    (0..shown).any(|number| number * of / shown == place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_spread_evenly() {
        let places = |shown, of| (0..of).filter(|&place| is_shown(place, shown, of)).collect::<Vec<_>>();
        assert_eq!(places(3, 10), [0, 3, 6]);
        assert_eq!(places(4, 4), [0, 1, 2, 3]);
        assert_eq!(places(0, 4), [0_usize; 0]);
    }
}
