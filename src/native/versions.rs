//! What the program is built from: its commit and the libtorch that it is linked to, for `--version` and the record of a run.
//! Nothing here calls into libtorch.

use std::sync::OnceLock;

/// The libtorch that the program was built against, as in `2.4.1`. Another one at run time is not supported: its C++ interface
/// differs from version to version.
pub const LIBTORCH: &str = env!("FRAGUA_LIBTORCH_VERSION");

/// The version of the program.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");

static COMMIT: OnceLock<&'static str> = OnceLock::new();

/// Says which commit the program is built from. `main` passes it: if this crate knew it, every commit would compile the
/// whole library again.
pub fn set_commit(commit: Option<&'static str>) {
    if let Some(commit) = commit {
        COMMIT.get_or_init(|| commit);
    }
}

/// The commit, with `-dirty` where files were changed; `None` if the program was built without a repository.
#[must_use]
pub fn commit() -> Option<&'static str> {
    COMMIT.get().copied()
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
        let parts: Vec<u32> = LIBTORCH.split('.').map(|part| part.parse().unwrap()).collect();
        assert_eq!((parts.len(), parts[0]), (3, 2), "{parts:?}");
    }
}
