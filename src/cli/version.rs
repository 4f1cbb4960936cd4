//! What `--version` says: the program, its commit, and libtorch. Whether a GPU can be used is for `fragua doctor`: to know it,
//! three gigabytes of libraries have to be opened.

use std::sync::OnceLock;

use crate::native::versions::{LIBTORCH, PROGRAM, commit};

static LONG: OnceLock<String> = OnceLock::new();

/// The text behind `fragua --version`.
pub fn long() -> &'static str {
    LONG.get_or_init(|| format!("{PROGRAM}\ncommit {}\nlibtorch {LIBTORCH}", commit().unwrap_or("unknown")))
}
