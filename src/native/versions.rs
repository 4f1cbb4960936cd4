//! Which libtorch the program stands on, and whether it finds a GPU: a line for `--version` and for the record of a run.

use std::fmt;

use super::cuda::{self, NoCuda};

/// The numerical libraries below the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The libtorch that the program was built against, as in `2.4.1`. Another one at run time is not supported: its
    /// C++ interface differs from version to version.
    pub libtorch: &'static str,
    /// How many GPUs it can compute on, or why none.
    pub cuda: Result<usize, NoCuda>,
}

/// Asks libtorch.
#[must_use]
pub fn versions() -> Versions {
    Versions { libtorch: env!("FRAGUA_LIBTORCH_VERSION"), cuda: cuda::devices() }
}

impl fmt::Display for Versions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "libtorch {}, ", self.libtorch)?;
        match &self.cuda {
            Ok(1) => write!(formatter, "CUDA with 1 GPU"),
            Ok(count) => write!(formatter, "CUDA with {count} GPUs"),
            Err(reason) => write!(formatter, "no CUDA: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    #[test]
    fn the_linked_libtorch_computes() {
        let left = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).reshape([2, 2]);
        let right = Tensor::from_slice(&[5.0_f32, 6.0, 7.0, 8.0]).reshape([2, 2]);
        let product: Vec<f32> = left.matmul(&right).flatten(0, 1).try_into().unwrap();
        assert_eq!(product, [19.0, 22.0, 43.0, 50.0]);
    }

    #[test]
    fn the_version_is_three_numbers_of_libtorch_2() {
        let parts: Vec<u32> = versions().libtorch.split('.').map(|part| part.parse().unwrap()).collect();
        assert_eq!((parts.len(), parts[0]), (3, 2), "{parts:?}");
    }

    #[test]
    fn a_machine_without_cuda_says_why() {
        let shown = |cuda| Versions { libtorch: "2.4.1", cuda }.to_string();
        assert_eq!(shown(Err(NoCuda::NoDevice)), "libtorch 2.4.1, no CUDA: it finds no usable GPU or no driver");
        assert_eq!(shown(Ok(1)), "libtorch 2.4.1, CUDA with 1 GPU");
        assert_eq!(shown(Ok(8)), "libtorch 2.4.1, CUDA with 8 GPUs");
    }
}
