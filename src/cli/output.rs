//! Results on stdout, and the one kind of error that has its own layout.

use std::io::{self, Write};

use serde::Serialize;

use crate::config::ConfigError;
use crate::task::Shown;

/// Writes text as a result. If the reader has gone, as `head` does, the command ends as if all had been read, with its
/// normal exit code.
///
/// # Errors
/// If writing fails for another reason, such as a full disk.
pub fn text(text: &str) -> io::Result<()> {
    heard(write(&mut io::stdout().lock(), text))
}

fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The outcome of writing to a reader that may leave at any time.
///
/// # Errors
/// Any other error.
pub fn heard(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes bytes as a result, as they are.
///
/// # Errors
/// If they can't be written.
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    heard(out.write_all(bytes).and_then(|()| out.flush()))
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
