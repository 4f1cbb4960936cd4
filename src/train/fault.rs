//! Running what a task does so that memory that ran out is told from everything else. Operators of `tch` panic if they can't
//! return an error, so both are caught. Which texts say that memory ran out is in `native::shortage`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::native::shortage::is_out_of_memory;
use crate::train::task::TaskError;

/// What a task's work came to.
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

/// Runs a piece of the task's work. Tensors it held are freed before this returns; a panic that is not about memory continues.
///
/// # Errors
/// What the work came to.
pub fn caught<R>(work: impl FnOnce() -> Result<R, TaskError>) -> Result<R, Fault> {
    // The buffers that the work writes to are cleared before they are used again.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => match &error {
            TaskError::Torch(torch) if is_out_of_memory(&torch.to_string()) => {
                Err(Fault::OutOfMemory(first_line(&torch.to_string())))
            }
            _ => Err(Fault::Other(error)),
        },
        Err(panic) => match panic_text(panic.as_ref()) {
            Some(text) if is_out_of_memory(text) => Err(Fault::OutOfMemory(first_line(text))),
            _ => resume_unwind(panic),
        },
    }
}

/// Runs a piece of work that training can do without. Whatever goes wrong, a panic too, is returned in words.
///
/// # Errors
/// What went wrong.
pub fn attempted<R, E: std::fmt::Display>(work: impl FnOnce() -> Result<R, E>) -> Result<R, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| first_line(&error.to_string())),
        Err(panic) => Err(first_line(panic_text(panic.as_ref()).unwrap_or("it panicked"))),
    }
}

/// libtorch adds the stack of its own functions below.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// What a panic says, if it says anything.
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn memory_that_runs_out_is_told_from_other_faults_whether_returned_or_panicked() {
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
    #[should_panic(expected = "a mistake of the task")]
    fn another_panic_continues() {
        drop(caught::<()>(|| panic!("a mistake of the task")));
    }
}
