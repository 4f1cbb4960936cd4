//! How `--log-format json` changes stderr: every line is an object, including those of panics, libtorch and the C library.

use std::fs::File;
use std::io::Write;
use std::panic::PanicHookInfo;

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::error;

use super::args::LogFormat;
use crate::native::relay::Relay;
use crate::native::said::{brief, is_of_libtorch};
use crate::native::shortage::{is_out_of_memory, lacks_threads};
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

/// Leaves out panics that are handled (smaller micro-batches are reported, and that is all) or explained at the end, and
/// the stack trace of libtorch from the others.
pub(super) fn leave_out_handled_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        let is_of_main = std::thread::current().name() == Some("main");
        if is_handled(text) {
            return;
        }
        match words(text, is_of_main) {
            _ if std::env::var_os("RUST_BACKTRACE").is_some() => usual(panic),
            Words::None => {}
            Words::Brief(line) => {
                let place = panic.location().map(ToString::to_string).unwrap_or_default();
                error!("panic at {place}: {line}");
            }
            Words::All => usual(panic),
        }
    }));
}

/// What is said of a panic when it happens.
#[derive(Debug, PartialEq, Eq)]
enum Words {
    None,
    Brief(String),
    All,
}

/// The main thread explains a lack of memory or threads when the command has ended.
fn words(text: &str, is_of_main: bool) -> Words {
    let line = brief(text);
    match () {
        () if is_of_main && (is_out_of_memory(text) || lacks_threads(text)) => Words::None,
        () if line != text && is_of_libtorch(text) => Words::Brief(line),
        () => Words::All,
    }
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
    fn a_panic_of_libtorch_is_one_line_and_a_lack_of_memory_is_explained_only_once() {
        let panic =
            |text: &str| format!("called `Result::unwrap()` on an `Err` value: Torch(\"{text}\\nException raised\")");
        let memory = panic("could not create a primitive");
        assert_eq!(words(&memory, true), Words::None);
        assert_eq!(words(&memory, false), Words::Brief("could not create a primitive".into()));
        assert_eq!(words(&panic("shape '[2]' is invalid"), true), Words::Brief("shape '[2]' is invalid".into()));
        assert_eq!(words("index out of bounds\nof this program", true), Words::All);
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
