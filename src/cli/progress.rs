//! Progress of long work: bars on a terminal, otherwise a plain line every few seconds.

use std::fmt;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tracing::info;

use super::args::LogFormat;
use crate::util::progress::{Progress, Stage, Unit};
use crate::util::units;

/// How often a plain line is written.
const INTERVAL: Duration = Duration::from_secs(5);

/// The observer that fits the kind of stderr.
#[must_use]
pub fn observer(bars: &MultiProgress, format: LogFormat) -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() && format == LogFormat::Text {
        Box::new(Bars { bars: bars.clone(), current: Mutex::default() })
    } else {
        Box::new(Lines { work: Mutex::default() })
    }
}

/// No operation here leaves the value half-changed, so a panic elsewhere while the lock was held does no harm.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bar per stage.
struct Bars {
    bars: MultiProgress,
    current: Mutex<Option<ProgressBar>>,
}

impl Bars {
    fn with(&self, action: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = hold(&self.current).as_ref() {
            action(bar);
        }
    }
}

impl Progress for Bars {
    fn begin(&self, stage: Stage, total: Option<u64>, unit: Unit) {
        let bar = self.bars.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
        bar.set_style(style(unit));
        bar.set_prefix(stage.name());
        bar.enable_steady_tick(Duration::from_millis(250));
        if let Some(unfinished) = hold(&self.current).replace(bar) {
            unfinished.finish_and_clear();
        }
    }

    fn set_total(&self, total: u64) {
        self.with(|bar| bar.set_length(total));
    }

    fn advance(&self, amount: u64) {
        self.with(|bar| bar.inc(amount));
    }

    fn set_position(&self, position: u64) {
        self.with(|bar| {
            bar.set_position(position);
            // The rate covers only this session; including earlier work would make it far too high.
            bar.reset_eta();
        });
    }

    fn end(&self, summary: &str) {
        if let Some(bar) = hold(&self.current).take() {
            bar.finish_and_clear();
        }
        info!("{summary}");
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.with(ProgressBar::finish_and_clear);
    }
}

fn style(unit: Unit) -> ProgressStyle {
    let template = match unit {
        Unit::BYTES => "{prefix:>10} {wide_bar} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta}",
        _ => "{prefix:>10} {wide_bar} {human_pos}/{human_len}  {rate}  {eta}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // indicatif's own rate has four decimals, which flicker.
    style.with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
        // If the line can't be written, nobody is reading it.
        write!(out, "{:.0}/s", state.per_sec()).unwrap_or_default();
    })
}

/// Plain lines.
struct Lines {
    work: Mutex<Option<Work>>,
}

/// The progress of a stage.
struct Work {
    stage: Stage,
    unit: Unit,
    total: Option<u64>,
    position: u64,
    /// The position at the start of this session, for the rate.
    origin: u64,
    began: Instant,
    last_line: Instant,
}

impl Work {
    fn line(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = self.position.saturating_sub(self.origin) as f64 / seconds.max(1e-3);
        let mut line = format!("{}: {}", self.stage.name(), self.amount(self.position));
        if let Some(total) = self.total {
            let share = 100.0 * self.position as f64 / total.max(1) as f64;
            line = format!(
                "{}: {} of {} ({share:.0} %)",
                self.stage.name(),
                self.number(self.position),
                self.amount(total)
            );
        }
        line += &match self.unit {
            Unit::BYTES => format!(", {}/s", units::bytes(rate as u64)),
            _ => format!(", {rate:.0}/s"),
        };
        if let Some(left) = self.total.map(|total| total.saturating_sub(self.position)).filter(|_| rate > 0.0) {
            line += &format!(", {} left", units::duration(Duration::from_secs_f64((left as f64 / rate).min(1e8))));
        }
        line
    }

    /// The amount before "of": the noun is printed once, after the total.
    fn number(&self, amount: u64) -> String {
        match self.unit {
            Unit::BYTES => units::bytes(amount),
            _ => HumanCount(amount).to_string(),
        }
    }

    fn amount(&self, amount: u64) -> String {
        match self.unit {
            Unit::BYTES => units::bytes(amount),
            unit => unit.count(amount),
        }
    }
}

impl Lines {
    fn with(&self, action: impl FnOnce(&mut Work)) {
        let mut work = hold(&self.work);
        let Some(work) = work.as_mut() else { return };
        let before = work.position;
        action(work);
        // A wait for a server is reported separately; an unchanged count would only be repeated.
        if work.position != before && work.last_line.elapsed() >= INTERVAL {
            work.last_line = Instant::now();
            info!("{}", work.line());
        }
    }
}

impl Progress for Lines {
    fn begin(&self, stage: Stage, total: Option<u64>, unit: Unit) {
        let now = Instant::now();
        *hold(&self.work) = Some(Work { stage, unit, total, position: 0, origin: 0, began: now, last_line: now });
    }

    fn set_total(&self, total: u64) {
        self.with(|work| work.total = Some(total));
    }

    fn advance(&self, amount: u64) {
        self.with(|work| work.position += amount);
    }

    fn set_position(&self, position: u64) {
        self.with(|work| {
            work.position = position;
            work.origin = position;
            work.began = Instant::now();
        });
    }

    fn end(&self, summary: &str) {
        hold(&self.work).take();
        info!("{summary}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_amount_share_rate_and_time_left() {
        let now = Instant::now();
        let ago = now.checked_sub(Duration::from_secs(10)).unwrap();
        let work = Work {
            stage: Stage::Download,
            unit: Unit::BYTES,
            total: Some(4_000_000_000),
            position: 1_000_000_000,
            origin: 0,
            began: ago,
            last_line: now,
        };
        let line = work.line();
        assert!(line.starts_with("download: 1.0 GB of 4.0 GB (25 %), "), "{line}");
        assert!(line.ends_with("30 s left"), "{line}");
    }

    #[test]
    fn the_rate_is_of_this_session_only() {
        let began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let work = Work {
            stage: Stage::Prepare,
            unit: Unit { one: "frame", many: "frames" },
            total: None,
            position: 1100,
            origin: 1000,
            began,
            last_line: began,
        };
        assert_eq!(work.line(), "prepare: 1,100 frames, 10/s");
    }
}
