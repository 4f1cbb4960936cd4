//! What a person sees of training: on a terminal a line that is kept up to date, otherwise a plain line every few seconds;
//! in both cases a line for everything that matters.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing::{info, warn};

use super::args::LogFormat;
use crate::train::events::{Event, Observer};
use crate::train::observe::console::{line, step_line};
use crate::train::run_folder::RunError;

/// How often a plain line about steps is written.
const INTERVAL: Duration = Duration::from_secs(5);

/// How often the terminal's line is brought up to date.
const FRAME: Duration = Duration::from_millis(100);

/// How training is shown.
#[derive(Clone)]
pub struct Console {
    bars: MultiProgress,
    /// Whether stderr is a terminal that text is written to.
    is_terminal: bool,
    /// Whether a bar shows the steps of an epoch.
    shows_steps: bool,
}

impl Console {
    /// A console on stderr.
    #[must_use]
    pub fn new(bars: &MultiProgress, format: LogFormat, shows_steps: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && format == LogFormat::Text;
        Self { bars: bars.clone(), is_terminal, shows_steps }
    }

    /// Somebody who listens to one attempt.
    #[must_use]
    pub fn observer(&self) -> Box<dyn Observer> {
        if self.is_terminal {
            Box::new(Live { console: self.clone(), bar: None, epochs: 0, drawn: None })
        } else {
            Box::new(Plain { last: None })
        }
    }
}

/// Tells an event that is worth a line of its own.
fn tell(event: &Event) {
    let Some(text) = line(event) else { return };
    match event {
        Event::Skipped { .. }
        | Event::RolledBack { .. }
        | Event::MicroBatchChanged { .. }
        | Event::WithoutGradient { .. } => {
            warn!("{text}");
        }
        _ => info!("{text}"),
    }
}

/// Plain lines, for logs.
struct Plain {
    last: Option<Instant>,
}

impl Observer for Plain {
    fn observe(&mut self, event: &Event) -> Result<(), RunError> {
        match event {
            Event::Stepped(step) => {
                // The first step is told at once: it is what one waits for.
                if self.last.is_none_or(|last| last.elapsed() >= INTERVAL) {
                    self.last = Some(Instant::now());
                    info!("{}", step_line(step, None));
                }
            }
            Event::Validated { done, of } => {
                if self.last.is_some_and(|last| last.elapsed() >= INTERVAL) {
                    self.last = Some(Instant::now());
                    info!("validating: {done} of {of}");
                }
            }
            other => {
                self.last = Some(Instant::now());
                tell(other);
            }
        }
        Ok(())
    }
}

/// A line at the bottom of the terminal.
struct Live {
    console: Console,
    bar: Option<ProgressBar>,
    epochs: u64,
    drawn: Option<Instant>,
}

impl Live {
    fn show(&mut self, position: usize, of: usize, text: String) {
        let due = position == of || self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        if !due {
            return;
        }
        self.drawn = Some(Instant::now());
        let bar = self.bar.get_or_insert_with(|| self.console.bar());
        bar.set_length(of as u64);
        bar.set_position(position as u64);
        bar.set_message(text);
    }

    fn clear(&mut self) {
        self.drawn = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Console {
    fn bar(&self) -> ProgressBar {
        let template = if self.shows_steps { "{bar:24} {human_pos}/{human_len}  {wide_msg}" } else { "{wide_msg}" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bars.add(ProgressBar::new(0).with_style(style))
    }
}

impl Observer for Live {
    fn observe(&mut self, event: &Event) -> Result<(), RunError> {
        match event {
            Event::Started(started) => {
                self.epochs = started.epochs;
                tell(event);
            }
            Event::Stepped(step) => self.show(step.seen, step.of, step_line(step, Some(self.epochs))),
            Event::Validated { done, of } => self.show(*done, *of, format!("validating {done} of {of}")),
            Event::EpochStarted { .. } | Event::ValidationStarted { .. } | Event::Saving { .. } => {}
            other => {
                self.clear();
                tell(other);
            }
        }
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}
