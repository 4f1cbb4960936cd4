//! Training as shown to people: on a terminal a line that is updated in place, otherwise a plain line every few
//! seconds; in both cases a line for every important event.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing::{info, warn};

use super::args::LogFormat;
use crate::train::events::{Event, Heard, Observer};
use crate::train::observe::console::Lines;
use crate::train::observe::epochs::WIDTH;
use crate::train::run_folder::RunError;

/// How often a plain line about steps is written.
const INTERVAL: Duration = Duration::from_secs(5);

/// How often the line on the terminal is updated.
const FRAME: Duration = Duration::from_millis(100);

/// How training is shown.
#[derive(Clone)]
pub struct Console {
    bars: MultiProgress,
    /// Whether stderr is a terminal and log lines are text.
    is_terminal: bool,
    /// Whether lines are for programs.
    is_json: bool,
    /// Whether a bar shows the steps of an epoch.
    shows_steps: bool,
}

impl Console {
    /// A console on stderr.
    #[must_use]
    pub fn new(bars: &MultiProgress, format: LogFormat, shows_steps: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && format == LogFormat::Text;
        Self { bars: bars.clone(), is_terminal, is_json: format == LogFormat::Json, shows_steps }
    }

    /// The observer for one attempt.
    #[must_use]
    pub fn observer(&self) -> Box<dyn Observer> {
        if self.is_terminal {
            Box::new(Live { console: self.clone(), bar: None, drawn: None, lines: Lines::table(width()) })
        } else {
            let lines = if self.is_json { Lines::named() } else { Lines::table(WIDTH) };
            Box::new(Plain { lines, throttle: Throttle::default() })
        }
    }
}

/// The width of the terminal in columns.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok().map(|size| usize::from(size.ws_col));
    size.filter(|columns| *columns > 0).unwrap_or(WIDTH)
}

/// Prints the line of an event, if it has one.
fn tell(event: &Event, line: Option<String>) {
    let Some(text) = line else { return };
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

/// When plain lines are written. Pure.
#[derive(Default)]
struct Throttle {
    /// When a line was written.
    last: Option<Instant>,
    has_stepped: bool,
}

impl Throttle {
    /// Whether an event that has a line gets it now. Events that print nothing do not count, however many there are.
    fn tells(&mut self, event: &Event, has_line: bool, now: Instant) -> bool {
        let is_due = self.last.is_none_or(|last| now.saturating_duration_since(last) >= INTERVAL);
        let tells = match event {
            // The first step is reported at once, because people wait for it.
            Event::Stepped(_) => !std::mem::replace(&mut self.has_stepped, true) || is_due,
            Event::Validated { .. } => is_due,
            _ => has_line,
        };
        if tells {
            self.last = Some(now);
        }
        tells
    }
}

/// Plain lines, for logs.
struct Plain {
    throttle: Throttle,
    lines: Lines,
}

impl Observer for Plain {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        let line = self.lines.line(event);
        if self.throttle.tells(event, line.is_some(), Instant::now()) {
            match event {
                Event::Validated { done, of } => info!("validating: {done} of {of}"),
                other => tell(other, line),
            }
        }
        Ok(Heard::Ignored)
    }
}

/// A line at the bottom of the terminal.
struct Live {
    console: Console,
    bar: Option<ProgressBar>,
    drawn: Option<Instant>,
    lines: Lines,
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
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::Stepped(step) => self.show(step.seen, step.of, self.lines.step(step)),
            Event::Validated { done, of } => self.show(*done, *of, format!("validating {done} of {of}")),
            Event::EpochStarted { .. } | Event::ValidationStarted { .. } | Event::Saving { .. } => {}
            other => {
                self.clear();
                tell(other, self.lines.line(other));
            }
        }
        Ok(Heard::Ignored)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::events::{Cost, Started, Stepped};

    fn started() -> Event {
        Event::Started(Started { epochs: 4, best_by: vec!["loss".into()], ..Started::default() })
    }

    fn stepped() -> Event {
        let (parts, cost) = (Vec::new(), Cost::default());
        Event::Stepped(Stepped {
            epoch: 0,
            step: 1,
            seen: 1,
            of: 9,
            parts,
            lr: 0.1,
            gradient_norm: 1.0,
            micro_batch: 1,
            cost,
        })
    }

    #[test]
    fn the_first_step_is_reported_at_once_and_later_ones_every_few_seconds() {
        let (mut throttle, began) = (Throttle::default(), Instant::now());
        let mut tells = |event: &Event, seconds| {
            throttle.tells(event, Lines::default().line(event).is_some(), began + Duration::from_secs(seconds))
        };
        assert!(tells(&started(), 0));
        let validated = Event::Validated { done: 1, of: 2 };
        assert!(!tells(&validated, 1));
        assert_eq!([1, 2, 5, 6, 10].map(|seconds| tells(&stepped(), seconds)), [true, false, false, true, false]);
        assert!(tells(&validated, 11) && !tells(&stepped(), 12) && tells(&stepped(), 16));
    }

    #[test]
    fn what_happens_silently_holds_no_line_back() {
        let (mut throttle, began) = (Throttle::default(), Instant::now());
        let told = (0..20).filter(|second| {
            let now = began + Duration::from_secs(*second);
            let silent = [Event::Saving { epoch: 0, step: 1 }, Event::EpochStarted { epoch: 0, seen: 0 }];
            assert!(silent.iter().all(|event| !throttle.tells(event, Lines::default().line(event).is_some(), now)));
            throttle.tells(&stepped(), true, now)
        });
        assert_eq!(told.collect::<Vec<_>>(), [0, 5, 10, 15]);
    }
}
