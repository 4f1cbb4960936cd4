//! The one loop that trains every task: epochs of steps, each epoch followed by a validation. It emits events and prints
//! nothing; it knows no task, no file and no terminal.
//!
//! ```text
//! begin    a fresh start, or a resume from a snapshot     step      one group of samples: gradient, check, update
//! phase    what a phase resets                            gradient  micro-batches, and what to do when memory runs out
//! epoch    steps until the epoch or a limit ends          validate  the loss and scores over the validation samples
//! midway   a validation in the middle of an epoch         verdict   the effect of a validation loss
//! saving   snapshots, and rolling back to one             state     the training state in a checkpoint
//! rehearse one step without side effects, for estimates   evaluation  loss and scores without training
//! read     reads of device values by the host             meter     the cost of training
//! ```
//!
//! Everything a run does follows from its configuration, its samples and its state; so a run that is stopped after any step
//! and resumed gives the same result.

mod background;
mod begin;
mod epoch;
mod error;
mod evaluation;
mod gradient;
mod meter;
mod midway;
mod phase;
mod read;
mod rehearse;
mod saving;
mod state;
mod step;
mod tensors;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod validate;
mod verdict;

use std::sync::Arc;
use std::time::Instant;

pub use background::Background;
pub use begin::{Feeds, Setting};
pub use error::TrainError;
pub use evaluation::evaluate;
pub use rehearse::Rehearsal;
pub use saving::{Keeper, NotKept};
pub use state::State;
pub use tensors::model_arrays;

use self::meter::Meter;
use self::phase::Tools;
use self::read::Reads;
use super::checkpoint::{CheckpointId, Snapshot};
use super::config::TrainConfig;
use super::events::{Best, Ended, Event, Observers, Reason};
use super::patience::Restart;
use super::target::Target;
use super::task::Task;
use crate::metric::score::ScoreSpec;
use crate::util::stop::Stop;

/// A task, its samples, and how it is trained.
pub struct Engine<T: Task> {
    task: T,
    feeds: Feeds<T::Sample>,
    /// One complete configuration per phase.
    phases: Vec<TrainConfig>,
    seed: u64,
    patience_restarts: Vec<Restart>,
    state: State,
    tools: Tools,
    /// Samples that are shown in pictures, chosen at the first validation.
    shown: Vec<T::Sample>,
    /// What a diverged run rolls back to: the start of the current epoch, or of its phase.
    last_good: Arc<Snapshot>,
    /// Whether training resumes from a snapshot.
    is_resumed: bool,
    keeper: Box<dyn Keeper>,
    observers: Observers,
    reads: Reads,
    stop: Stop,
    meter: Meter,
    /// What was saved last, and when.
    last_saved: (CheckpointId, Instant),
    /// The metrics that decide which weights are the best.
    target: Target,
    /// The metric that patience watches.
    watched: Target,
    /// What the scores of a validation are.
    scores: Vec<ScoreSpec>,
    /// What was published as the best: that of the state, or an epoch cut short by a limit before there was any.
    best: Option<Best>,
}

impl<T: Task> Engine<T> {
    /// Trains until all phases are done, a limit is reached, or a signal arrives. Then saves what was done.
    ///
    /// # Errors
    /// If a signal arrived, samples can't be read, memory runs out with the fewest samples that the task can take, training
    /// diverges, or a checkpoint can't be written.
    pub fn train(mut self) -> Result<Ended, TrainError> {
        self.stop.check()?;
        self.announce();
        let reason = match self.run() {
            Err(TrainError::Stopped(_)) => self.save_where_it_stands().map(|()| Reason::Stopped),
            result => result,
        };
        // A save in progress is always finished.
        let saved = self.keeper.finish();
        let ended = self.ended(reason?);
        saved?;
        if self.state.step > 0 && !self.state.divergence.has_learned() && ended.reason != Reason::Stopped {
            return Err(TrainError::NothingLearned { steps: self.state.step });
        }
        self.tell(&Event::Ended(ended.clone()));
        self.observers.finish()?;
        match ended.reason {
            Reason::Stopped => Err(self.stop.check().map_or_else(TrainError::from, |()| TrainError::StopWithoutSignal)),
            _ => Ok(ended),
        }
    }

    fn run(&mut self) -> Result<Reason, TrainError> {
        self.begin_phase()?;
        self.save_start()?;
        loop {
            if let Some(reason) = self.phase_is_over() {
                if matches!(reason, Reason::Steps | Reason::Time) || self.is_last_phase() {
                    return Ok(reason);
                }
                self.next_phase()?;
                continue;
            }
            let cut = self.train_epoch()?;
            let found = (cut.is_some() || self.validates_epoch()).then(|| self.validate()).transpose()?;
            self.conclude(found, cut)?;
            if let Some(reason) = cut {
                return Ok(reason);
            }
        }
    }

    fn config(&self) -> &TrainConfig {
        &self.phases[self.state.phase]
    }

    fn tell(&mut self, event: &Event) {
        self.observers.tell(event);
    }
}
