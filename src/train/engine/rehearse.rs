//! A rehearsal: one micro-batch forward and backward and one of validation, without side effects, to estimate the cost of
//! training before it starts.

use std::time::{Duration, Instant};

use super::Engine;
use super::begin::Feeds;
use super::epoch::Group;
use super::error::TrainError;
use super::evaluation::{Evaluated, Evaluation};
use super::meter::memory_bytes;
use super::state::Sums;
use crate::data::loader::Position;
use crate::train::events::{Event, Named};
use crate::train::task::{Depth, Task};

/// The result of a rehearsal.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// The loss and its parts.
    pub parts: Vec<Named>,
    /// The time of one step of the optimizer.
    pub step: Duration,
    /// The time of one epoch with its validations.
    pub epoch: Duration,
    /// The time until all epochs are done, if nothing ends training early.
    pub total: Duration,
    /// Bytes of memory that the process uses.
    pub memory_bytes: u64,
    /// Bytes of weights, gradients, optimizer and average.
    pub state_bytes: u64,
    /// Samples that go through the model at once; fewer than configured if memory ran out.
    pub micro_batch: usize,
    /// Parameters that no gradient reaches.
    pub without_gradient: Vec<String>,
}

impl<T: Task> Engine<T> {
    /// Rehearses the next step. Weights and state are unchanged; the gradient is cleared.
    ///
    /// # Errors
    /// If samples can't be read, or memory runs out with a single sample.
    pub fn rehearse(&mut self) -> Result<Rehearsal, TrainError> {
        let phase = self.state.phase;
        self.task.begin_phase(phase)?;
        let group = self.first_group()?;
        let scale = 1.0 / self.weight(&group.samples);
        // The first one warms up: allocator, kernels, caches.
        drop(self.gradient(&group, scale)?);
        self.task.parameters().restore_buffers();
        let began = Instant::now();
        let sums = self.gradient(&group, scale)?;
        let parts = self.in_order(self.reads.numbers(&sums)?);
        let step = began.elapsed().mul_f64(self.grouping().samples_of(0).len() as f64 / group.samples.len() as f64);
        let memory_bytes = memory_bytes();
        // What learns only after some steps can't be told from what never does.
        let unused = if self.task.learns_at() == 1 { self.task.parameters().unused() } else { Vec::new() };
        let without_gradient = unused.into_iter().map(str::to_owned).collect();
        self.task.parameters().zero_gradients();
        self.task.parameters().restore_buffers();
        let validations = self.rehearse_validation()?.mul_f64(self.validations_per_epoch());
        let epoch = step.mul_f64(self.steps_per_epoch()) + validations;
        let mut total = Sums::default();
        total.add(1.0 / scale, &parts);
        Ok(Rehearsal {
            parts: total.means(self.task.parts()),
            step,
            epoch,
            total: epoch.mul_f64(self.epochs_left()),
            memory_bytes,
            state_bytes: self.state_bytes(),
            micro_batch: self.state.micro_batch.get(),
            without_gradient,
        })
    }

    /// Its components, for another engine.
    pub fn into_parts(self) -> (T, Feeds<T::Sample>) {
        (self.task, self.feeds)
    }

    fn first_group(&self) -> Result<Group<T::Sample>, TrainError> {
        let position = Position { next: 0, ..self.state.position() };
        let stream = self.feeds.train.start(position)?;
        let samples = stream
            .take(self.grouping().samples_of(0).len().min(self.state.micro_batch.get()))
            .collect::<Result<_, _>>()?;
        Ok(Group { samples, position })
    }

    fn rehearse_validation(&mut self) -> Result<Duration, TrainError> {
        let of = self.val_samples();
        let samples: Vec<_> = self.open_validation()?.take(self.state.micro_batch.get()).collect::<Result<_, _>>()?;
        if samples.is_empty() {
            return Ok(Duration::ZERO);
        }
        let (mut scores, state_bytes, share) =
            (self.task.scores(Depth::Validation), self.state_bytes(), of as f64 / samples.len() as f64);
        let statistics = self.task.depends_on_micro_batch();
        let Self { task, state, reads, stop, observers, .. } = self;
        let mut evaluation = Evaluation { task, size: &mut state.micro_batch, reads, stop, state_bytes };
        let mut told = |evaluated: Evaluated<'_, T::Sample>| {
            if let Evaluated::Smaller { from, to } = evaluated {
                observers.tell(&Event::MicroBatchChanged { from, to, statistics });
            }
        };
        // The first one warms up: a task may keep what each later validation needs again.
        evaluation.run(samples.iter().cloned().map(Ok), &mut scores, &mut told)?;
        let began = Instant::now();
        evaluation.run(samples.into_iter().map(Ok), &mut scores, &mut told)?;
        Ok(began.elapsed().mul_f64(share))
    }

    fn steps_per_epoch(&self) -> f64 {
        self.grouping().steps() as f64
    }

    fn epochs_left(&self) -> f64 {
        let later = self.phases.iter().skip(self.state.phase + 1).map(|phase| phase.epochs as f64).sum::<f64>();
        let here = (self.config().epochs as f64 - self.state.phase_epoch as f64).max(0.0);
        let epochs = here + later;
        match self.config().max_steps {
            Some(most) => epochs.min(most.saturating_sub(self.state.step) as f64 / self.steps_per_epoch()),
            None => epochs,
        }
    }

    /// Bytes of weights, gradients, optimizer and average, which are always in memory.
    pub(super) fn state_bytes(&self) -> u64 {
        let parameters = self.task.parameters().count() as u64;
        let moments: usize = self.tools.optimizer.state().iter().map(|(_, moment)| moment.numel()).sum();
        let average = self.tools.average.as_ref().map_or(0, |_| parameters);
        4 * (2 * parameters + moments as u64 + average)
    }
}
