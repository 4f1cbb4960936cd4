//! Validation: loss and scores over the other samples, with the averaged weights where an average is kept.

use std::time::Instant;

use super::error::TrainError;
use super::fault::{Fault, attempted, caught};
use super::state::Sums;
use super::{Engine, Feeds};
use crate::data::loader::Position;
use crate::train::config::TrainConfig;
use crate::train::events::{Event, Named, named};
use crate::train::task::{Depth, Scores, Task};

/// What a validation found.
#[derive(Default)]
pub(super) struct Validation {
    /// The averages of the loss parts; none where there are no samples.
    pub(super) parts: Vec<Named>,
    /// The task's scores.
    pub(super) scores: Vec<Named>,
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
        let mut scores = self.task.scores(Depth::Validation);
        let mut sums = Sums::default();
        let of = self.val_samples();
        let shown = self.task.shown().min(of);
        let collects = self.shown.is_empty();
        let mut stream = self.open_validation()?;
        let mut done = 0;
        while done < of {
            self.stop.check()?;
            let batch = stream.by_ref().take(self.state.micro_batch.get()).collect::<Result<Vec<_>, _>>()?;
            self.evaluate_batch(&batch, &mut sums, &mut scores)?;
            for (sample, place) in batch.iter().zip(done..) {
                if collects && is_shown(place, shown, of) {
                    self.shown.push(sample.clone());
                }
            }
            done += batch.len();
            self.tell(&Event::Validated { done, of });
        }
        // Where nothing was looked at, there is no score, not even one that is no number.
        let scores = if of == 0 { Vec::new() } else { named(&self.scores, scores.values()) };
        Ok(Validation { parts: sums.means(self.task.parts()), scores })
    }

    /// The samples that validation looks at: those of the other side, or the one batch that is learned by heart.
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

    pub(super) fn evaluate_batch(
        &mut self,
        samples: &[T::Sample],
        sums: &mut Sums,
        scores: &mut T::Scores,
    ) -> Result<(), TrainError> {
        let mut done = 0;
        while done < samples.len() {
            let end = samples.len().min(done + self.state.micro_batch.get());
            let part = &samples[done..end];
            let evaluated = caught(|| {
                let batch = self.task.collate(part, None)?;
                Ok(Vec::<f64>::try_from(self.task.evaluate(&batch, scores)?.f_to_kind(tch::Kind::Double)?)?)
            });
            match evaluated {
                Ok(parts) => {
                    sums.add(self.weight(part), &parts);
                    done = end;
                }
                Err(Fault::OutOfMemory(text)) => self.shrink(text)?,
                Err(Fault::Other(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Predicts the shown samples and tells what they look like. An epoch is worth more than its pictures: where they can't
    /// be made, training goes on without them.
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
                Ok(pictures)
            }))
        })?;
        match pictures {
            Ok(pictures) => self.tell(&Event::Pictures { epoch: self.state.epoch, pictures }),
            Err(problem) => tracing::warn!("the pictures of epoch {} can't be drawn: {problem}", self.state.epoch + 1),
        }
        Ok(())
    }
}

/// The samples of a validation: those of the other side, or the one batch that is learned by heart.
pub(super) fn val_samples<S: Clone>(feeds: &Feeds<S>, config: &TrainConfig) -> usize {
    if config.overfit_single_batch {
        return config.micro_batch.min(feeds.train.samples());
    }
    feeds.val.as_ref().map_or(0, |feed| feed.samples())
}

/// Whether a sample is one of those that are spread evenly over all.
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
