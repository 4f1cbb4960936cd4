//! What a phase resets: optimizer, learning rate, average, patience. The weights carry over. The best of an earlier phase
//! is forgotten, because a phase may change the loss, and different losses can't be compared.

use std::ops::Range;
use std::sync::Arc;

use super::Engine;
use super::error::TrainError;
use crate::nn::parameters::Parameters;
use crate::train::config::TrainConfig;
use crate::train::ema::Ema;
use crate::train::events::{Event, Reason};
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use crate::train::task::Task;

/// What turns gradients into weights, with its tensors.
pub(super) struct Tools {
    pub(super) optimizer: Optimizer,
    /// The parts of the weights that decay.
    pub(super) decay: Vec<Range<usize>>,
    /// The learning rate.
    pub(super) schedule: Schedule,
    /// The running average of the weights.
    pub(super) average: Option<Ema>,
}

impl Tools {
    pub(super) fn new(config: &TrainConfig, parameters: &Parameters) -> Self {
        Self {
            optimizer: Optimizer::new(&config.optimizer, &parameters.values()),
            decay: parameters.decayed(),
            schedule: Schedule::new(config),
            average: config.ema_decay.map(|decay| Ema::new(decay, &parameters.values())),
        }
    }
}

impl<T: Task> Engine<T> {
    /// Informs the task of the current phase.
    pub(super) fn begin_phase(&mut self) -> Result<(), TrainError> {
        let (phase, phases) = (self.state.phase, self.phases.len());
        self.task.begin_phase(phase)?;
        // A phase may freeze a part of the model.
        self.tools.decay = self.task.parameters().decayed();
        self.tell(&Event::PhaseStarted { phase, phases });
        Ok(())
    }

    pub(super) fn next_phase(&mut self) -> Result<(), TrainError> {
        self.state = self.state.in_next_phase(&self.phases[self.state.phase + 1], self.task.atom());
        self.best = None;
        self.tools = Tools::new(self.config(), self.task.parameters());
        // What a diverged run rolls back to must not contain the optimizer of another phase.
        self.last_good = Arc::new(self.capture()?);
        self.begin_phase()
    }

    /// Why this phase is done, between two epochs.
    pub(super) fn phase_is_over(&self) -> Option<Reason> {
        let (config, state) = (self.config(), &self.state);
        if state.seen > 0 {
            // An epoch that was started is finished, or cut by a limit, with its validation.
            return None;
        }
        let is_out_of_patience = config.patience.is_some_and(|patience| state.stale_epochs >= patience as u64);
        let done = match state.phase_epoch >= config.epochs as u64 {
            true => Some(Reason::Epochs),
            false => is_out_of_patience.then_some(Reason::Patience),
        };
        // A run that has done everything when it reaches its limit is complete: a higher limit would change nothing.
        if self.is_last_phase() { done.or_else(|| self.limit()) } else { self.limit().or(done) }
    }

    pub(super) fn is_last_phase(&self) -> bool {
        self.state.phase + 1 == self.phases.len()
    }

    /// Runs something with the weights that are exported: the averaged ones if an average is kept.
    pub(super) fn with_averaged_weights<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, TrainError>,
    ) -> Result<R, TrainError> {
        self.swap_average();
        let result = work(self);
        // Whatever happened inside, training continues with its own weights.
        self.swap_average();
        result
    }

    fn swap_average(&mut self) {
        if let Some(average) = &mut self.tools.average {
            average.swap(&mut self.task.parameters().values().detach());
        }
    }
}
