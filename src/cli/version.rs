//! The output of `--version`: the program, its commit, and libtorch. Whether a GPU can be used is checked by `fragua
//! doctor`, because that loads three gigabytes of libraries.

use std::sync::OnceLock;

use crate::native::versions::{LIBTORCH, PROGRAM, commit};

static LONG: OnceLock<String> = OnceLock::new();

/// The text after `fragua --version`.
pub fn long() -> &'static str {
    LONG.get_or_init(|| format!("{PROGRAM}\ncommit {}\nlibtorch {LIBTORCH}", commit().unwrap_or("unknown")))
}
