//! What the tests of this layer share: the values of an independent program, and how far from them is too far.

use std::collections::HashMap;
use std::path::PathBuf;

use tch::{Kind, Tensor};

/// A file beside `tests/fixtures/nn/make.py`.
pub fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/nn", name].iter().collect()
}

/// The tensors of such a file.
pub fn tensors(name: &str) -> HashMap<String, Tensor> {
    super::weights::read(&fixture(name)).unwrap().into_iter().collect()
}

/// The distance of two tensors as a share of the length of the second.
pub fn relative_error(got: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(got.size(), expected.size());
    let (got, expected) = (got.detach().to_kind(Kind::Double), expected.to_kind(Kind::Double));
    ((got - &expected).norm() / expected.norm()).double_value(&[])
}
