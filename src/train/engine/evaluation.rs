//! Loss and scores over samples, without training: shared by validation, its rehearsal and the command `evaluate`. What a
//! run records of a validation is in `validate`.

use super::error::TrainError;
use super::meter::memory_bytes;
use super::read::Reads;
use super::state::Sums;
use crate::data::loader::Position;
use crate::train::events::Named;
use crate::train::fault::{Fault, caught};
use crate::train::feed::Feed;
use crate::train::micro_batch::MicroBatchSize;
use crate::train::task::{Task, TaskError};
use crate::util::stop::Stop;

/// Evaluates all samples, at most this many at once, fewer if memory runs out, and adds to the scores. `told` receives
/// the number of finished ones. Returns the averages of the loss and its parts.
///
/// # Errors
/// If a signal arrived, samples can't be read, libtorch fails, or memory runs out with a single sample.
pub fn evaluate<T: Task>(
    task: &mut T,
    feed: &dyn Feed<Sample = T::Sample>,
    micro_batch: usize,
    scores: &mut T::Scores,
    stop: &Stop,
    told: &mut dyn FnMut(usize),
) -> Result<Vec<Named>, TrainError> {
    let samples = feed.start(Position::default())?.map(|sample| sample.map_err(TrainError::from));
    // Weights and gradients.
    let state_bytes = 8 * task.parameters().count() as u64;
    let (mut size, reads, mut done) = (MicroBatchSize::new(micro_batch, 1), Reads::default(), 0);
    let mut evaluation = Evaluation { task: &mut *task, size: &mut size, reads: &reads, stop, state_bytes };
    let sums = evaluation.run(samples, scores, &mut |evaluated| match evaluated {
        Evaluated::Samples(samples) => {
            done += samples.len();
            told(done);
        }
        Evaluated::Smaller { from, to } => {
            tracing::warn!("memory ran out: evaluating {to} at once instead of {from}");
        }
    })?;
    Ok(sums.means(task.parts()))
}

/// What an evaluation needs beside its samples.
pub(super) struct Evaluation<'a, T: Task> {
    pub(super) task: &'a mut T,
    /// How many samples go through the model at once.
    pub(super) size: &'a mut MicroBatchSize,
    pub(super) reads: &'a Reads,
    pub(super) stop: &'a Stop,
    /// Bytes in use regardless of the number of samples.
    pub(super) state_bytes: u64,
}

/// An event during an evaluation.
pub(super) enum Evaluated<'a, S> {
    /// These samples are done.
    Samples(&'a [S]),
    /// Memory ran out: fewer samples at once from now on.
    Smaller { from: usize, to: usize },
}

impl<T: Task> Evaluation<'_, T> {
    /// Evaluates all samples in their order, and adds to the scores.
    pub(super) fn run(
        &mut self,
        mut samples: impl Iterator<Item = Result<T::Sample, TrainError>>,
        scores: &mut T::Scores,
        told: &mut dyn FnMut(Evaluated<'_, T::Sample>),
    ) -> Result<Sums, TrainError> {
        let (mut sums, mut waiting) = (Sums::default(), Vec::new());
        loop {
            self.stop.check()?;
            let missing = self.size.get().saturating_sub(waiting.len());
            for sample in samples.by_ref().take(missing) {
                waiting.push(sample?);
            }
            if waiting.is_empty() {
                return Ok(sums);
            }
            let batch = &waiting[..self.size.get().min(waiting.len())];
            match caught(|| self.parts(batch, scores)) {
                Ok(parts) => {
                    sums.add(batch.iter().map(|sample| self.task.weight(sample)).sum(), &parts);
                    told(Evaluated::Samples(batch));
                    waiting.drain(..batch.len());
                }
                Err(Fault::OutOfMemory(text)) => {
                    let (from, to) = smaller(self.size, text, self.state_bytes)?;
                    told(Evaluated::Smaller { from, to });
                }
                Err(Fault::Other(error)) => return Err(error.into()),
            }
        }
    }

    fn parts(&mut self, samples: &[T::Sample], scores: &mut T::Scores) -> Result<Vec<Option<f64>>, TaskError> {
        let batch = self.task.collate(samples, None)?;
        let parts = self.reads.numbers(&self.task.evaluate(&batch, scores)?)?;
        Ok(parts.into_iter().map(Some).collect())
    }
}

/// Half as many samples at once from now on: the previous number, and the new one.
pub(super) fn smaller(size: &mut MicroBatchSize, text: String, state_bytes: u64) -> Result<(usize, usize), TrainError> {
    let (from, held_bytes) = (size.get(), memory_bytes());
    let to = size.out_of_memory();
    Ok((from, to.map_err(|source| TrainError::OutOfMemory { text, held_bytes, state_bytes, source })?))
}
