//! What is said about a plan: what went where, and why. The same events and configuration always give the same text.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::config::{SplitConfig, WindowsConfig};
use super::plan::CutEvent;
use super::split::{Side, Split, Whole, asked};
use super::windows::Gap;
use crate::data::split::Shares;

/// What the manifest says about how events were placed.
const RULE: &str = "events in time order; days that share an event stay together; the last days test, those before them \
                    validate, the rest trains; as many whole days as come nearest to the share of windows asked for, at \
                    least one where a share is above 0";

/// The same if events are cut.
const RULE_IN_TIME: &str = "every event is cut in time: its first windows train, its last ones validate and test, with a gap of \
                            one window between; an event too short for a cut trains";

/// What went where, and why: the same events and configuration always give the same text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowsManifest {
    /// The version of this layout.
    pub format: u32,
    /// How events are placed.
    pub rule: String,
    /// What was never cut in two.
    pub whole: Whole,
    /// The requested windows.
    pub windows: WindowsConfig,
    /// The requested shares.
    pub split: SplitConfig,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The sums of each side.
    pub totals: Totals,
    /// In time order.
    pub events: Vec<PlacedEvent>,
}

/// The sums of each side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Training.
    pub train: Total,
    /// Validation.
    pub val: Total,
    /// Test.
    pub test: Total,
    /// Events without windows.
    pub unused: Total,
}

impl Totals {
    fn windows(&self) -> usize {
        [&self.train, &self.val, &self.test].iter().map(|total| total.windows).sum()
    }
}

/// The sums of one side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// Its events.
    pub events: usize,
    /// The UTC days they cover.
    pub days: usize,
    /// Their frames.
    pub frames: usize,
    /// Their windows.
    pub windows: usize,
    /// Their share of all windows.
    pub share_of_windows: f64,
}

/// One event in the manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlacedEvent {
    /// Its path below the dataset, or its name.
    pub path: String,
    /// What it serves; `null` without windows, or if it is cut.
    pub side: Option<Side>,
    /// What its parts serve, if it is cut in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Why.
    pub reason: String,
    /// The UTC days from its first to its last frame.
    pub days: Vec<Date>,
    /// The time of its first frame.
    pub first: Option<Timestamp>,
    /// The time of its last frame.
    pub last: Option<Timestamp>,
    /// Its frames.
    pub frames: usize,
    /// Its windows that serve something.
    pub windows: usize,
    /// The median of all its intervals.
    pub median_interval_seconds: Option<f64>,
    /// The intervals that no window crosses.
    pub gaps: Vec<Gap>,
}

/// A part of an event that is cut in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it serves.
    pub side: Side,
    /// The number of its first frame in the event.
    pub first_frame: usize,
    /// Its frames.
    pub frames: usize,
    /// Its windows.
    pub windows: usize,
}

/// The manifest for events whose windows have their sides.
pub(super) fn manifest(
    events: &[CutEvent<'_>],
    split: &Split,
    windows: &WindowsConfig,
    requested: &SplitConfig,
) -> WindowsManifest {
    let length = windows.input_frames + windows.target_frames;
    let total = |side| total(events, side, length);
    let totals = Totals {
        train: total(Some(Side::Train)),
        val: total(Some(Side::Val)),
        test: total(Some(Side::Test)),
        unused: total(None),
    };
    let reasons = Reasons::new(&totals, split, length);
    let records = events.iter().map(|event| record(event, &reasons)).collect();
    let unmet = reasons.unmet();
    WindowsManifest {
        format: 1,
        rule: if split.whole == Whole::Windows { RULE_IN_TIME } else { RULE }.to_owned(),
        whole: split.whole,
        windows: windows.clone(),
        split: requested.clone(),
        warnings: split.warnings.iter().map(ToString::to_string).chain(unmet).collect(),
        totals,
        events: records,
    }
}

/// The sums of a side, or of the events that serve nothing.
fn total(events: &[CutEvent<'_>], side: Option<Side>, length: usize) -> Total {
    let all: usize = events.iter().map(CutEvent::placed).sum();
    let mut total = Total::default();
    let mut days = BTreeSet::new();
    for event in events {
        let parts = event.parts(length);
        let ours: Vec<&Part> = parts.iter().filter(|part| Some(part.side) == side).collect();
        if ours.is_empty() && (side.is_some() || !parts.is_empty()) {
            continue;
        }
        total.events += 1;
        days.extend(event.days());
        total.windows += ours.iter().map(|part| part.windows).sum::<usize>();
        let is_whole = parts.len() <= 1;
        total.frames += if is_whole { event.event.times.len() } else { ours.iter().map(|part| part.frames).sum() };
    }
    Total { days: days.len(), share_of_windows: total.windows as f64 / all.max(1) as f64, ..total }
}

fn record(event: &CutEvent<'_>, reasons: &Reasons<'_>) -> PlacedEvent {
    let parts = event.parts(reasons.window);
    let side = if parts.len() == 1 { Some(parts[0].side) } else { None };
    let is_cut = parts.len() > 1;
    PlacedEvent {
        path: event.event.path.clone(),
        side,
        reason: if is_cut { reasons.of_cut(&parts) } else { reasons.of(event, side) },
        parts: if is_cut { parts } else { Vec::new() },
        days: event.days(),
        first: event.first,
        last: event.last,
        frames: event.event.times.len(),
        windows: event.placed(),
        median_interval_seconds: event.found.median_interval_seconds,
        gaps: event.found.gaps.clone(),
    }
}

/// By how much a share may differ from the requested one without a warning.
const NEAR: f64 = 0.05;

/// What all reasons refer to.
struct Reasons<'a> {
    totals: &'a Totals,
    whole: Whole,
    window: usize,
    shares: Shares,
    /// The windows that the shares divide.
    windows: usize,
}

impl<'a> Reasons<'a> {
    fn new(totals: &'a Totals, split: &Split, window: usize) -> Self {
        let Split { whole, shares, .. } = *split;
        let divided = |total: &Total, share: f64| if share > 0.0 { total.windows } else { 0 };
        let windows = totals.train.windows + divided(&totals.val, shares.val) + divided(&totals.test, shares.test);
        Self { totals, whole, window, shares, windows }
    }

    /// The share of a side, in per cent of the windows that are divided.
    fn reached(&self, total: &Total) -> f64 {
        100.0 * total.windows as f64 / self.windows.max(1) as f64
    }

    /// The shares that differ much from the requested ones, with the actual values.
    fn unmet(&self) -> Vec<String> {
        let Self { totals, shares, .. } = self;
        let sides = [("validation", &totals.val, shares.val), ("test", &totals.test, shares.test)];
        let unmet = sides.into_iter().filter(|(_, total, asked)| {
            // An empty test side has its own warning.
            *asked > 0.0 && total.windows > 0 && (self.reached(total) - 100.0 * asked).abs() > 100.0 * NEAR + 1e-7
        });
        let why = match self.whole {
            Whole::Days => "whole days stay on one side",
            Whole::Events => "whole events stay on one side",
            Whole::Windows => "a gap of one window is left out between the sides",
        };
        let text = |(name, total, asked): (&str, &Total, f64)| {
            let (got, train) = (self.reached(total), self.reached(&totals.train));
            format!(
                "the {name} has {got:.1} % of the windows instead of {:.1} % because {why}; {train:.1} % train",
                100.0 * asked
            )
        };
        unmet.map(text).collect()
    }

    fn of(&self, event: &CutEvent<'_>, side: Option<Side>) -> String {
        let (totals, shares) = (self.totals, self.shares);
        let before_test = if totals.test.events > 0 && shares.test > 0.0 { " before the test" } else { "" };
        let (place, before, total, asked) = match side {
            None => return self.of_unused(event),
            Some(side) if asked(&event.event.path) == Some(side) => {
                return format!("it is below a folder named {}", side.name());
            }
            Some(Side::Train) => ("first", "", &totals.train, 1.0 - shares.val - shares.test),
            Some(Side::Val) => ("last", before_test, &totals.val, shares.val),
            Some(Side::Test) => ("last", "", &totals.test, shares.test),
        };
        let place = match self.whole {
            Whole::Days => place_of("day", total.days, place),
            Whole::Events | Whole::Windows => place_of("event", total.events, place),
        };
        let (got, asked) = (self.reached(total), 100.0 * asked);
        let of = if self.windows < totals.windows() { "other" } else { "all" };
        let midnight = if event.days().len() > 1 { "; it crosses midnight and ties its days together" } else { "" };
        format!("{place}{before}: {got:.1} % of {of} windows, {asked:.1} % asked for{midnight}")
    }

    fn of_cut(&self, parts: &[Part]) -> String {
        let part = |part: &Part| {
            let side = part.side.name();
            format!("frames {} to {} {side}", part.first_frame, part.first_frame + part.frames - 1)
        };
        let parts: Vec<String> = parts.iter().map(part).collect();
        format!("cut in time, with {} frames or more between: {}", self.window, parts.join(", "))
    }

    fn of_unused(&self, event: &CutEvent<'_>) -> String {
        let longest = event.found.segments.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        match event.found.windows.len() {
            0 => format!(
                "no window: the longest stretch without a gap has {longest} frames, a window has {}",
                self.window
            ),
            _ => "the events can't be split".to_owned(),
        }
    }
}

/// "the last day", "one of the 3 last days".
fn place_of(noun: &str, number: usize, place: &str) -> String {
    if number == 1 { format!("the {place} {noun}") } else { format!("one of the {number} {place} {noun}s") }
}
