//! For tests that need something that not every machine has: if it is missing, they report that they are left out. If
//! `CI` is set, they fail, so that no test is left out unnoticed.

use std::env;
use std::io::Write;
use std::path::PathBuf;

/// Reports that a test, or a part of one, is left out because something is missing.
///
/// # Panics
/// If `CI` is set.
pub fn left_out(what: &str, remedy: &str) {
    assert!(env::var_os("CI").is_none(), "{what}: {remedy}. If CI is set, no test may be left out");
    drop(writeln!(std::io::stderr(), "left out: {what}: {remedy}"));
}

/// The file that an environment variable names, for data that is not part of the repository. `none` leaves the test out,
/// on every machine.
///
/// # Panics
/// If the variable names no file, or if `CI` is set and it names nothing.
#[must_use]
pub fn file_named_by(variable: &str, what: &str) -> Option<PathBuf> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        left_out(what, &format!("set {variable} to its path, or to none"));
        return None;
    };
    let path = Some(PathBuf::from(path)).filter(|path| path.as_os_str() != "none");
    assert!(path.as_ref().is_none_or(|path| path.is_file()), "{variable}: {path:?} is no file");
    path
}
