//! The version of libtorch: a line for `--version` and for the record of a run. Nothing here calls into it.

/// The libtorch that the program was built against, as in `2.4.1`. Another one at run time is not supported: its C++ interface
/// differs from version to version.
pub const LIBTORCH: &str = env!("FRAGUA_LIBTORCH_VERSION");

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
        let parts: Vec<u32> = LIBTORCH.split('.').map(|part| part.parse().unwrap()).collect();
        assert_eq!((parts.len(), parts[0]), (3, 2), "{parts:?}");
    }
}
