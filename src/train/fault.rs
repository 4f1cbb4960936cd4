//! Runs a task's work and distinguishes out-of-memory from every other failure. Operators of `tch` panic if they can't
//! return an error, so both are caught. `native::shortage` has the messages that mean out of memory.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::native::said::{self, brief};
use crate::native::shortage::is_out_of_memory;
use crate::train::micro_batch::MicroBatchSize;
use crate::train::task::TaskError;

/// The outcome of a task's work.
#[derive(Debug)]
pub enum Fault<E = TaskError> {
    /// There was not enough memory; what the library said.
    OutOfMemory(String),
    /// Anything else.
    Other(E),
}

impl<E> Fault<E> {
    /// The same with another error.
    pub fn with<F>(self, other: impl FnOnce(E) -> F) -> Fault<F> {
        match self {
            Self::OutOfMemory(text) => Fault::OutOfMemory(text),
            Self::Other(error) => Fault::Other(other(error)),
        }
    }
}

/// Runs a piece of the task's work. Tensors it held are freed before this returns; a panic not about memory propagates.
///
/// # Errors
/// The outcome of the work.
pub fn caught<R>(work: impl FnOnce() -> Result<R, TaskError>) -> Result<R, Fault> {
    // The buffers that the work writes to are cleared before they are used again.
    match catch_unwind(AssertUnwindSafe(|| Catching::run(work))) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => match &error {
            TaskError::Torch(torch) if is_out_of_memory(&torch.to_string()) => {
                Err(Fault::OutOfMemory(said::error(torch)))
            }
            _ => Err(Fault::Other(error)),
        },
        Err(panic) => match panic_text(panic.as_ref()) {
            Some(text) if is_out_of_memory(text) => Err(Fault::OutOfMemory(brief(text))),
            _ => resume_unwind(panic),
        },
    }
}

thread_local! {
    /// How many calls of [`caught`] this thread is in.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
}

/// As long as it lives, this thread handles memory that runs out.
struct Catching;

impl Catching {
    fn run<R>(work: impl FnOnce() -> R) -> R {
        CATCHING.with(|calls| calls.set(calls.get() + 1));
        let _catching = Self;
        work()
    }
}

impl Drop for Catching {
    fn drop(&mut self) {
        CATCHING.with(|calls| calls.set(calls.get() - 1));
    }
}

/// Whether a panic of this thread with this message means that memory ran out and is handled: nobody needs to read about it.
#[must_use]
pub fn is_handled(message: &str) -> bool {
    CATCHING.with(Cell::get) > 0 && is_out_of_memory(message)
}

/// Does the work for so many items in pieces, in order. When memory runs out, the piece is repeated in halves.
///
/// # Errors
/// If memory runs out with the fewest items, or the work fails otherwise.
pub fn in_pieces(
    items: usize,
    size: &mut MicroBatchSize,
    mut work: impl FnMut(Range<usize>) -> Result<(), TaskError>,
) -> Result<(), TaskError> {
    let mut done = 0;
    while done < items {
        let piece = done..items.min(done + size.get());
        match caught(|| work(piece.clone())) {
            Ok(()) => done = piece.end,
            Err(Fault::Other(error)) => return Err(error),
            Err(Fault::OutOfMemory(text)) => {
                let from = size.get();
                let to = size.out_of_memory().map_err(|error| TaskError::no_memory(error, &text))?;
                tracing::warn!("memory ran out: {to} at once instead of {from}");
            }
        }
    }
    Ok(())
}

/// Runs work that training can do without. Any failure, a panic included, is returned as text.
///
/// # Errors
/// What went wrong.
pub fn attempted<R, E: std::fmt::Display>(work: impl FnOnce() -> Result<R, E>) -> Result<R, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| brief(&error.to_string())),
        Err(panic) => Err(brief(panic_text(panic.as_ref()).unwrap_or("it panicked"))),
    }
}

/// The message of a panic, if it has one.
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn a_panic_is_handled_only_while_it_would_be_caught_and_only_if_memory_ran_out() {
        let memory = "CUDA out of memory. Tried to allocate 2.00 GiB";
        assert!(!is_handled(memory));
        let inside = caught(|| Ok((is_handled(memory), is_handled("index out of bounds")))).unwrap();
        assert_eq!(inside, (true, false));
        assert!(matches!(caught::<()>(|| panic!("{memory}")), Err(Fault::OutOfMemory(_))));
        assert!(!is_handled(memory), "the unwinding has ended it");
    }

    #[test]
    fn memory_that_runs_out_is_recognised_whether_returned_or_panicked() {
        let huge = [1_i64 << 46];
        let returned = caught(|| Ok(Tensor::f_zeros(huge, (Kind::Float, Device::Cpu))?));
        let panicked = caught(|| Ok(Tensor::zeros(huge, (Kind::Float, Device::Cpu))));
        for fault in [returned, panicked] {
            assert!(matches!(fault, Err(Fault::OutOfMemory(text)) if text.contains("allocate memory")));
        }
        let wrong = caught(|| Ok(Tensor::from_slice(&[1.0]).f_reshape([2])?));
        assert!(matches!(wrong, Err(Fault::Other(TaskError::Torch(_)))));
    }

    #[test]
    fn pieces_that_are_too_large_are_done_again_in_halves_and_each_item_once() {
        let no_memory = || tch::TchError::Torch("could not create a primitive".into()).into();
        let fits = |most: usize, fewest| {
            let (mut size, mut done) = (MicroBatchSize::new(8, fewest), Vec::new());
            let result = in_pieces(11, &mut size, |piece| {
                if piece.len() > most {
                    return Err(no_memory());
                }
                done.push(piece);
                Ok(())
            });
            (result, done)
        };
        let (result, done) = fits(3, 1);
        result.unwrap();
        assert_eq!(done, [0..2, 2..4, 4..6, 6..8, 8..10, 10..11]);
        let (result, done) = fits(3, 4);
        let error = result.unwrap_err();
        assert_eq!((error.exit(), done.len()), (crate::util::exit::Exit::OutOfMemory, 0));
        assert!(error.to_string().ends_with("could not create a primitive"), "{error}");
    }

    #[test]
    #[should_panic(expected = "a mistake of the task")]
    fn another_panic_continues() {
        drop(caught::<()>(|| panic!("a mistake of the task")));
    }
}
