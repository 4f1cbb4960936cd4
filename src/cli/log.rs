//! Log lines on stderr: "warning: ..." for people, one JSON object a line for programs.
//!
//! Lines and progress bars share the terminal: a line is written above the bars, never through them.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::args::LogFormat;
use super::stderr::{self, Stderr};

/// Starts logging, for the life of the process.
pub fn start(format: LogFormat, verbose: bool, bars: &MultiProgress, stderr: &Stderr) {
    let default = if verbose { "fragua=debug,warn" } else { "fragua=info,warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // A line that can't be written is not a reason to exit: a closed terminal, a reader that has gone, a full disk.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false);
    let started = match format {
        LogFormat::Json => {
            stderr::log_panics();
            let objects = builder.json().flatten_event(true).with_target(false);
            match stderr.past().map(Arc::new) {
                Some(file) => objects.with_writer(file).try_init(),
                None => objects.with_writer(io::stderr).try_init(),
            }
        }
        LogFormat::Text => {
            let builder = builder.with_writer(AboveBars(bars.clone()));
            let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.event_format(Line { colour }).try_init()
        }
    };
    stderr::leave_out_handled_panics();
    // A second call, as in tests, keeps the first logger.
    drop(started);
}

/// A line for people: the level only if it matters, then the message.
struct Line {
    colour: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (label, colour) = match *event.metadata().level() {
            Level::ERROR => ("error: ", "\x1b[1;31m"),
            Level::WARN => ("warning: ", "\x1b[1;33m"),
            Level::INFO => ("", ""),
            _ => ("debug: ", "\x1b[2m"),
        };
        match self.colour && !colour.is_empty() {
            true => write!(out, "{colour}{label}\x1b[0m")?,
            false => out.write_str(label)?,
        }
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// Writes to stderr while the bars are hidden.
#[derive(Clone)]
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A closed terminal can't be cleared, and the bars would panic: from then on there are no bars.
        if self.0.clear().is_err() {
            self.0.set_draw_target(ProgressDrawTarget::hidden());
        }
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
