//! The command line: turns arguments into a call of the worker, and the result into text and an exit code.
//!
//! Results go to stdout, everything else to stderr.

mod apart;
mod args;
mod commands;
mod compare;
mod completions;
mod console;
mod doctor;
mod evaluate;
mod export;
mod health;
mod log;
mod man;
mod modelled;
mod number;
mod output;
mod predict;
mod progress;
mod question;
mod runs;
mod stderr;
mod train;
mod version;
mod watch;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use indicatif::MultiProgress;
use thiserror::Error;
use tracing::{error, info};

pub use self::args::{Arguments, LogFormat};
use self::console::Console;
use self::stderr::Stderr;
use crate::config::{self, ConfigError};
use crate::native::said::brief;
use crate::native::shortage::{is_out_of_memory, lacks_threads};
use crate::train::fault::panic_text;
use crate::util::exit::Exit;
use crate::util::progress::Progress;
use crate::util::stop::Stop;
use crate::worker::WorkError;

/// The destination of messages, for the life of the process.
pub struct Messages {
    bars: MultiProgress,
    /// Never read; dropping it ends the relay.
    _stderr: Stderr,
}

impl Messages {
    /// Takes over stderr and starts logging. Must be called before libtorch does anything.
    #[must_use]
    pub fn start(format: LogFormat, verbose: bool) -> Self {
        Self::on(Stderr::take(format), format, verbose)
    }

    fn on(stderr: Stderr, format: LogFormat, verbose: bool) -> Self {
        let bars = MultiProgress::new();
        log::start(format, verbose, &bars, &stderr);
        Self { bars, _stderr: stderr }
    }
}

/// What the command line provides to a command.
struct Session {
    stop: Stop,
    progress: Box<dyn Progress>,
    console: Console,
}

/// A command that failed.
#[derive(Debug, Error)]
enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Work(#[from] WorkError),
    /// Two evaluations that can't be compared.
    #[error("{0} is undefined in one of the evaluations, so it can't decide which is better; choose another --metric")]
    Undecided(String),
    /// The disk of the output is full, or failed.
    #[error("could not write the result: {0}")]
    Output(#[from] io::Error),
    /// No thread, or no memory for one, to wait for signals.
    #[error(
        "no thread can be started to wait for signals ({0}); end other programs, or raise the limits of processes and memory"
    )]
    NoThread(#[source] io::Error),
    #[error("{0}")]
    Usage(String),
    /// The evaluation is worse than its baseline.
    #[error("{0}")]
    Degraded(String),
    /// The result has been printed; only the exit code is left.
    #[error("already reported")]
    Told(Exit),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(error) => error.exit(),
            Self::Work(error) => error.exit(),
            Self::Output(_) => Exit::DiskIo,
            Self::Undecided(_) => Exit::DataRefused,
            Self::NoThread(_) => Exit::TryAgain,
            Self::Usage(_) => Exit::Usage,
            Self::Degraded(_) => Exit::Degraded,
            Self::Told(exit) => *exit,
        }
    }
}

/// Parses the command line. Nothing here calls into libtorch.
///
/// # Errors
/// The exit code if there is nothing to run: help, version or the mistake was printed.
pub fn parse() -> Result<Arguments, Exit> {
    Arguments::try_parse().map_err(|error| explain(&with_key(error)))
}

/// An unknown flag that has the name of a key, such as `--lr`, gets the way to set that key.
fn with_key(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return error };
    let key = flag.trim_start_matches('-').split('=').next().and_then(config::key_named);
    if let Some(key) = key.filter(|_| error.kind() == ErrorKind::UnknownArgument) {
        let tip = StyledStr::from(format!("write --set {key}=VALUE to set this key of the configuration"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// Runs a command and reports the result; returns how the process ends.
#[must_use]
pub fn run(arguments: Arguments, messages: &Messages) -> Exit {
    let bars = &messages.bars;
    let progress = progress::observer(bars, arguments.log_format);
    let console = Console::new(bars, arguments.log_format, arguments.verbose);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let session = Session { stop: Stop::on_signals().map_err(CommandError::NoThread)?, progress, console };
        commands::run(arguments.command, &session)
    }));
    match result {
        Ok(Ok(())) => Exit::Done,
        Ok(Err(failure)) => tell(&failure, arguments.log_format),
        Err(panic) => panicked(panic_text(panic.as_ref()).unwrap_or_default()),
    }
}

/// A panic is a bug, unless its message says that memory ran out: libtorch operators panic in that case.
fn panicked(text: &str) -> Exit {
    if is_out_of_memory(text) {
        let first = brief(text);
        error!(
            "out of memory; lower train.micro_batch, make the samples or the model smaller, or use a device with more memory ({first})"
        );
        return Exit::OutOfMemory;
    }
    if lacks_threads(text) {
        error!(
            "the system gives this process no more threads: end other programs, or raise the limits of memory and processes"
        );
        return Exit::TryAgain;
    }
    error!("this is a bug in fragua; please report it with the lines above and the command");
    Exit::Bug
}

/// Help and version are results; everything else that clap reports is a usage error.
fn explain(error: &clap::Error) -> Exit {
    if error.use_stderr() && stderr::is_json(std::env::args_os().map(|word| word.to_string_lossy().into_owned())) {
        stderr::tell(&error.render().to_string());
        return Exit::Usage;
    }
    let printed = output::heard(error.print());
    match (error.use_stderr(), printed) {
        (false, Ok(())) => Exit::Done,
        (false, Err(error)) => {
            let error = CommandError::from(error);
            // Logging has not started yet. If this can't be written either, only the exit code is left to report it.
            drop(writeln!(io::stderr(), "error: {error}"));
            error.exit()
        }
        (true, _) => Exit::Usage,
    }
}

fn tell(failure: &CommandError, format: LogFormat) -> Exit {
    let exit = failure.exit();
    match failure {
        CommandError::Told(_) => {}
        // A stop that the user requested is not an error.
        _ if exit.is_by_signal() => info!("{failure}"),
        CommandError::Config(error) if format == LogFormat::Text => output::mistakes(error),
        _ => error!("{failure}"),
    }
    exit
}
