//! Loss and scores over samples, without training: for whoever wants to know how good weights are. The engine's own
//! validation is in `validate`, as it is a part of what a run remembers.

use super::error::TrainError;
use super::fault::{Fault, caught};
use super::meter::memory_bytes;
use super::state::Sums;
use crate::data::loader::Position;
use crate::train::events::Named;
use crate::train::feed::Feed;
use crate::train::micro_batch::MicroBatchSize;
use crate::train::task::Task;
use crate::util::stop::Stop;

/// Evaluates all samples, so many at once or fewer where memory runs out, and adds to the scores. `told` hears how many are
/// done. Returns the averages of the loss and its parts.
///
/// # Errors
/// Where a signal came, samples can't be read, libtorch refuses, or memory runs out with a single sample.
pub fn evaluate<T: Task>(
    task: &mut T,
    feed: &dyn Feed<Sample = T::Sample>,
    micro_batch: usize,
    scores: &mut T::Scores,
    stop: &Stop,
    told: &mut dyn FnMut(usize),
) -> Result<Vec<Named>, TrainError> {
    let mut size = MicroBatchSize::new(micro_batch);
    let mut sums = Sums::default();
    let mut stream = feed.start(Position::default())?;
    let (mut waiting, mut done) = (Vec::new(), 0);
    loop {
        stop.check()?;
        while waiting.len() < size.get() {
            match stream.next() {
                Some(sample) => waiting.push(sample?),
                None => break,
            }
        }
        if waiting.is_empty() {
            return Ok(sums.means(task.parts()));
        }
        let batch = &waiting[..size.get().min(waiting.len())];
        let evaluated = caught(|| {
            let collated = task.collate(batch, None)?;
            Ok(Vec::<f64>::try_from(task.evaluate(&collated, scores)?.f_to_kind(tch::Kind::Double)?)?)
        });
        match evaluated {
            Ok(parts) => {
                sums.add(batch.iter().map(|sample| task.weight(sample)).sum(), &parts);
                done += batch.len();
                waiting.drain(..batch.len());
                told(done);
            }
            Err(Fault::OutOfMemory(text)) => {
                let (held_bytes, state_bytes) = (memory_bytes(), 0);
                let smaller = size.out_of_memory();
                smaller.map_err(|source| TrainError::OutOfMemory { text, held_bytes, state_bytes, source })?;
            }
            Err(Fault::Other(error)) => return Err(error),
        }
    }
}
