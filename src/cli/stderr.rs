//! How `--log-format json` changes stderr: every line is an object, including those of panics, libtorch and the C library.

use std::fs::File;
use std::io::Write;
use std::panic::PanicHookInfo;

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::error;

use super::args::LogFormat;
use crate::native::relay::Relay;
use crate::train::fault::is_handled;

/// Stderr in the form that the command needs, until the process ends.
#[derive(Debug, Default)]
pub(super) struct Stderr(Option<Relay>);

impl Stderr {
    /// Takes over stderr if its lines have to be objects. Must be called before libtorch does anything.
    #[must_use]
    pub(super) fn take(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self(None),
            // Without a second process the lines of libraries stay as they are: that does not prevent training.
            LogFormat::Json => Self(Relay::start(foreign).ok()),
        }
    }

    /// The destination of log lines.
    pub(super) fn past(&self) -> Option<File> {
        self.0.as_ref().and_then(|relay| relay.past().ok())
    }
}

/// A line written by other code.
fn foreign(line: &str) -> String {
    let mut object = object("WARN", line);
    object["source"] = "stderr".into();
    object.to_string()
}

fn object(level: &str, message: &str) -> Value {
    json!({"timestamp": format!("{:.6}", Timestamp::now()), "level": level, "message": message})
}

/// Writes a line before logging has started. If it can't be written, only the exit code is left to report it.
pub(super) fn tell(message: &str) {
    drop(writeln!(std::io::stderr(), "{}", object("ERROR", message.trim())));
}

/// Turns a panic, in any thread, into a log line instead of text.
pub(super) fn log_panics() {
    std::panic::set_hook(Box::new(log_panic));
}

/// Leaves out panics that are handled: smaller micro-batches are reported, and that is all.
pub(super) fn leave_out_handled_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(is_handled) {
            usual(panic);
        }
    }));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("an unknown reason");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let backtrace = std::backtrace::Backtrace::capture();
    match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => error!(thread, place, %backtrace, "panic: {message}"),
        _ => error!(thread, place, "panic: {message}"),
    }
}

/// Whether a command line that can't be parsed asks for JSON.
pub(super) fn is_json(mut arguments: impl Iterator<Item = String>) -> bool {
    let mut json = false;
    while let Some(argument) = arguments.next() {
        json = match argument.as_str() {
            "--log-format" => arguments.next().is_some_and(|format| format == "json"),
            "--log-format=json" => true,
            _ => json,
        };
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_line_becomes_an_object_like_those_of_the_log() {
        let line: Value = serde_json::from_str(&foreign("[W Context.cpp:1] \"odd\"")).unwrap();
        assert_eq!((&line["level"], &line["source"]), (&"WARN".into(), &"stderr".into()));
        assert_eq!(line["message"], "[W Context.cpp:1] \"odd\"");
        assert!(line["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{line}");
    }

    #[test]
    fn the_format_is_found_in_a_command_line_that_makes_no_sense() {
        let is_json = |line: &str| is_json(line.split(' ').map(str::to_owned));
        for line in ["trian --log-format json", "--log-format=json --nonsense", "a --log-format text --log-format json"]
        {
            assert!(is_json(line), "{line}");
        }
        for line in ["train", "--log-format", "--log-format text json", "json"] {
            assert!(!is_json(line), "{line}");
        }
    }
}
