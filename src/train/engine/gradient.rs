//! The gradient of a group, one micro-batch after the other. When memory runs out, the group is repeated from its first
//! sample with half the size; a partially accumulated gradient is never used.

use tch::Tensor;

use super::Engine;
use super::epoch::Group;
use super::error::TrainError;
use super::evaluation::smaller;
use crate::data::loader::Position;
use crate::train::events::Event;
use crate::train::fault::{Fault, caught};
use crate::train::grouping::micro_batches;
use crate::train::task::Task;

impl<T: Task> Engine<T> {
    /// The total weight of the samples.
    pub(super) fn weight(&self, samples: &[T::Sample]) -> f64 {
        samples.iter().map(|sample| self.task.weight(sample)).sum()
    }

    /// Fills the flat gradient with `scale` times that of the group's summed loss; returns the sums of the loss parts, still
    /// on the device. The model's running statistics are updated once for the group.
    pub(super) fn gradient(&mut self, group: &Group<T::Sample>, scale: f64) -> Result<Tensor, TrainError> {
        self.task.parameters().keep_buffers();
        loop {
            let fault = match self.accumulate(group, scale) {
                Ok(sums) => return Ok(sums),
                Err(fault) => fault,
            };
            // Also before a stop is saved: the group is repeated from its first sample.
            self.task.parameters().restore_buffers();
            match fault {
                Fault::OutOfMemory(text) => self.shrink(text)?,
                Fault::Other(error) => return Err(error),
            }
        }
    }

    fn accumulate(&mut self, group: &Group<T::Sample>, scale: f64) -> Result<Tensor, Fault<TrainError>> {
        self.task.parameters().zero_gradients();
        let size = self.state.micro_batch.get();
        let mut sums: Option<Tensor> = None;
        for places in micro_batches(group.samples.len(), size, self.task.atom()) {
            self.stop.check().map_err(|stopped| Fault::Other(stopped.into()))?;
            let place = Position { next: group.position.next + places.start, ..group.position };
            let samples = &group.samples[places];
            let parts = caught(|| {
                let batch = self.task.collate(samples, Some(place))?;
                self.task.step(&batch, scale)
            });
            let parts = parts.map_err(|fault| fault.with(TrainError::from))?;
            sums = Some(match sums {
                None => parts,
                Some(sums) => sums.f_add(&parts).map_err(|error| Fault::Other(error.into()))?,
            });
        }
        sums.ok_or(Fault::Other(TrainError::NoSamples))
    }

    /// Half as many samples at once from now on.
    fn shrink(&mut self, text: String) -> Result<(), TrainError> {
        let state_bytes = self.state_bytes();
        let (from, to) = smaller(&mut self.state.micro_batch, text, state_bytes)?;
        self.tell_micro_batch(from, to);
        Ok(())
    }

    pub(super) fn tell_micro_batch(&mut self, from: usize, to: usize) {
        let statistics = self.task.depends_on_micro_batch();
        self.tell(&Event::MicroBatchChanged { from, to, statistics });
    }
}
