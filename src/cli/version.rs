//! What `--version` says: the program and libtorch. Whether a GPU can be used is for `fragua doctor`: to know it, three
//! gigabytes of libraries have to be opened.

/// The text behind `fragua --version`.
pub const LONG: &str = concat!(env!("CARGO_PKG_VERSION"), "\nlibtorch ", env!("FRAGUA_LIBTORCH_VERSION"));
