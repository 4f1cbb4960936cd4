//! Results on stdout, and the one kind of error that has its own layout.

use std::io::{self, Write};

use serde::Serialize;

use crate::config::ConfigError;
use crate::task::Shown;

/// Writes text as a result.
///
/// # Errors
/// If it can't be written: a closed pipe, a full disk.
pub fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes bytes as a result, as they are.
///
/// # Errors
/// If they can't be written.
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes a value as JSON.
///
/// # Errors
/// If it can't be written.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    text(&serde_json::to_string_pretty(value)?)
}

/// Writes a result that has both forms.
///
/// # Errors
/// If it can't be written.
pub fn shown(shown: &Shown, as_json: bool) -> io::Result<()> {
    text(if as_json { &shown.json } else { &shown.text })
}

/// Writes the mistakes in a configuration, with excerpts and carets.
pub fn mistakes(error: &ConfigError) {
    // If stderr can't be written either, only the exit code is left to report it.
    drop(write!(io::stderr().lock(), "{error}"));
}
