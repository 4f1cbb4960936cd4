//! What `--version` says: the program, libtorch, and whether CUDA can be used.

use std::sync::LazyLock;

use crate::native;

static LONG: LazyLock<String> = LazyLock::new(|| format!("{}\n{}", env!("CARGO_PKG_VERSION"), native::versions()));

/// The text behind `fragua --version`.
#[must_use]
pub fn long() -> &'static str {
    &LONG
}
