//! Running what a task does so that memory that ran out is told from everything else. libtorch has no error of its own for
//! it, on no device: the text must do. Operators of `tch` panic where they can't return an error, so both are caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::error::TrainError;
use crate::train::task::TaskError;

/// What a task's work came to.
pub(super) enum Fault {
    /// There was not enough memory; what libtorch said.
    OutOfMemory(String),
    /// Anything else.
    Other(TrainError),
}

/// Texts of libtorch (CPU and CUDA allocator), cuBLAS and cuDNN.
const OUT_OF_MEMORY: [&str; 6] = [
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "std::bad_alloc",
];

/// Runs a piece of the task's work. Tensors it held are freed before this returns; a panic that is not about memory goes on.
pub(super) fn caught<R>(work: impl FnOnce() -> Result<R, TaskError>) -> Result<R, Fault> {
    // The buffers that the work writes to are cleared before they are used again.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => match &error {
            TaskError::Torch(torch) if is_out_of_memory(&torch.to_string()) => {
                Err(Fault::OutOfMemory(first_line(&torch.to_string())))
            }
            _ => Err(Fault::Other(error.into())),
        },
        Err(panic) => match panic_text(panic.as_ref()) {
            Some(text) if is_out_of_memory(text) => Err(Fault::OutOfMemory(first_line(text))),
            _ => resume_unwind(panic),
        },
    }
}

/// Runs a piece of the task's work that training can do without. Whatever goes wrong, a panic too, is told in words.
pub(super) fn attempted<R>(work: impl FnOnce() -> Result<R, TaskError>) -> Result<R, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| first_line(&error.to_string())),
        Err(panic) => Err(first_line(panic_text(panic.as_ref()).unwrap_or("it panicked"))),
    }
}

/// Whether libtorch says that memory ran out.
pub(super) fn is_out_of_memory(text: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|known| text.contains(known))
}

/// libtorch adds the stack of its own functions below.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn panic_text(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied())
}

impl<E: Into<TrainError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
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
        assert!(matches!(wrong, Err(Fault::Other(TrainError::Task(_)))));
    }

    #[test]
    #[should_panic(expected = "a mistake of the task")]
    fn another_panic_goes_on() {
        drop(caught::<()>(|| panic!("a mistake of the task")));
    }

    #[test]
    fn the_texts_of_a_gpu_are_known() {
        for text in [
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.72 GiB",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "CUDA error: out of memory",
        ] {
            assert!(is_out_of_memory(text));
        }
        assert!(!is_out_of_memory("CUDA error: an illegal memory access was encountered"));
    }
}
