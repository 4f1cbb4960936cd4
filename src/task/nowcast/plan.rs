//! Turns the times of all frames into what trains, validates and tests, and a manifest that says why. Pure: the prepared
//! dataset is read elsewhere, the manifest is written elsewhere.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::{SplitConfig, WindowsConfig};
use super::event_name::in_time_order;
use super::split::{EventSpan, Side, Split, SplitError, Whole, split};
use super::windows::{EventWindows, Gap, Window, WindowsError, windows};
use crate::util::exit::Exit;

/// What the manifest says about how events were placed.
const RULE: &str = "events in time order; days that share an event stay together; the last days test, those before them \
                    validate, the rest trains; as many whole days as come nearest to the share of windows asked for, at \
                    least one where a share is above 0";

/// An event of the prepared dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct EventTimes {
    /// Its path below the dataset, or its name.
    pub path: String,
    /// When its frames were taken, in seconds since 1970, strictly ascending.
    pub times: Vec<f64>,
}

/// All windows with their sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The events in time order.
    pub events: Vec<PlannedEvent>,
    /// What went where, and why.
    pub manifest: WindowsManifest,
}

/// An event with its windows.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedEvent {
    /// Its number in the list that was given.
    pub index: usize,
    /// What it serves; `None` without windows.
    pub side: Option<Side>,
    /// In time order.
    pub windows: Vec<Window>,
}

impl Plan {
    /// The windows of a side in time order: the event's number in the list that was given, and the first frame.
    pub fn windows(&self, side: Side) -> impl Iterator<Item = (usize, Window)> {
        let events = self.events.iter().filter(move |event| event.side == Some(side));
        events.flat_map(|event| event.windows.iter().map(|&window| (event.index, window)))
    }
}

/// What went where, and why: the same events and configuration always give the same text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowsManifest {
    /// The version of this layout.
    pub format: u32,
    /// How events are placed.
    pub rule: String,
    /// What was never cut in two.
    pub whole: Whole,
    /// The windows asked for.
    pub windows: WindowsConfig,
    /// The shares asked for.
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
    /// What it serves; `null` without windows.
    pub side: Option<Side>,
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
    /// Its windows.
    pub windows: usize,
    /// The median of all its intervals.
    pub median_interval_seconds: Option<f64>,
    /// The intervals that no window crosses.
    pub gaps: Vec<Gap>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PlanError {
    /// An event's times can't be cut into windows.
    #[error("event {path}: {source}")]
    Windows {
        /// The event.
        path: String,
        /// The reason.
        source: WindowsError,
    },
    /// A time is invalid.
    #[error("event {path}: {seconds} s since 1970 is outside the years -9999 to 9999; run prepare again")]
    Time {
        /// The event.
        path: String,
        /// The time.
        seconds: f64,
    },
    /// The events can't be split.
    #[error(transparent)]
    Split(#[from] SplitError),
}

impl PlanError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Windows { source, .. } => source.exit(),
            Self::Time { .. } => Exit::DataRefused,
            Self::Split(error) => error.exit(),
        }
    }
}

/// Cuts all events into windows and gives each its side. The order of the list does not matter.
///
/// # Errors
/// If an event's times are invalid or the events can't be split.
pub fn plan(events: &[EventTimes], on_windows: &WindowsConfig, on_split: &SplitConfig) -> Result<Plan, PlanError> {
    let first = |event: usize| events[event].times.first().copied().unwrap_or(f64::INFINITY);
    let mut order: Vec<usize> = (0..events.len()).collect();
    order
        .sort_by(|&left, &right| in_time_order((first(left), &events[left].path), (first(right), &events[right].path)));

    let cut = order.iter().map(|&index| CutEvent::new(&events[index], on_windows)).collect::<Result<Vec<_>, _>>()?;
    let split = split(&cut.iter().map(CutEvent::span).collect::<Vec<_>>(), on_split)?;
    let manifest = manifest(&cut, &split, on_windows, on_split);
    let sides = order.into_iter().zip(split.sides).zip(cut);
    let planned =
        |((index, side), event): (_, CutEvent<'_>)| PlannedEvent { index, side, windows: event.found.windows };
    Ok(Plan { events: sides.map(planned).collect(), manifest })
}

/// An event on its way into the plan.
struct CutEvent<'a> {
    event: &'a EventTimes,
    found: EventWindows,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl<'a> CutEvent<'a> {
    fn new(event: &'a EventTimes, config: &WindowsConfig) -> Result<Self, PlanError> {
        let found =
            windows(&event.times, config).map_err(|source| PlanError::Windows { path: event.path.clone(), source })?;
        let timestamp = |time: Option<&f64>| time.map(|&seconds| timestamp(&event.path, seconds)).transpose();
        Ok(Self { event, found, first: timestamp(event.times.first())?, last: timestamp(event.times.last())? })
    }

    fn span(&self) -> EventSpan {
        let day = |time: Option<Timestamp>| time.map_or(Date::MIN, utc_day);
        EventSpan { first_day: day(self.first), last_day: day(self.last), windows: self.found.windows.len() }
    }

    fn days(&self) -> Vec<Date> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Vec::new() };
        let last = utc_day(last);
        std::iter::successors(Some(utc_day(first)), |day| day.tomorrow().ok().filter(|day| *day <= last)).collect()
    }
}

fn timestamp(path: &str, seconds: f64) -> Result<Timestamp, PlanError> {
    let error = || PlanError::Time { path: path.to_owned(), seconds };
    // A cast would turn what is not a number into 1970.
    if !seconds.is_finite() {
        return Err(error());
    }
    Timestamp::from_millisecond((seconds * 1000.0).floor() as i64).map_err(|_| error())
}

fn utc_day(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

fn manifest(events: &[CutEvent<'_>], split: &Split, windows: &WindowsConfig, shares: &SplitConfig) -> WindowsManifest {
    let total = |side| total(events, &split.sides, side);
    let totals = Totals {
        train: total(Some(Side::Train)),
        val: total(Some(Side::Val)),
        test: total(Some(Side::Test)),
        unused: total(None),
    };
    let reasons =
        Reasons { totals: &totals, whole: split.whole, window: windows.input_frames + windows.target_frames, shares };
    let record = |(event, &side): (&CutEvent<'_>, &Option<Side>)| record(event, side, reasons.of(event, side));
    let records = events.iter().zip(&split.sides).map(record).collect();
    WindowsManifest {
        format: 1,
        rule: RULE.to_owned(),
        whole: split.whole,
        windows: windows.clone(),
        split: shares.clone(),
        warnings: split.warnings.iter().map(ToString::to_string).collect(),
        totals,
        events: records,
    }
}

fn total(events: &[CutEvent<'_>], sides: &[Option<Side>], side: Option<Side>) -> Total {
    let ours: Vec<_> = events.iter().zip(sides).filter(|(_, found)| **found == side).map(|(event, _)| event).collect();
    let all: usize = events.iter().map(|event| event.found.windows.len()).sum();
    let windows = ours.iter().map(|event| event.found.windows.len()).sum();
    Total {
        events: ours.len(),
        days: ours.iter().flat_map(|event| event.days()).collect::<BTreeSet<_>>().len(),
        frames: ours.iter().map(|event| event.event.times.len()).sum(),
        windows,
        share_of_windows: windows as f64 / all as f64,
    }
}

fn record(event: &CutEvent<'_>, side: Option<Side>, reason: String) -> PlacedEvent {
    PlacedEvent {
        path: event.event.path.clone(),
        side,
        reason,
        days: event.days(),
        first: event.first,
        last: event.last,
        frames: event.event.times.len(),
        windows: event.found.windows.len(),
        median_interval_seconds: event.found.median_interval_seconds,
        gaps: event.found.gaps.clone(),
    }
}

/// What all reasons refer to.
struct Reasons<'a> {
    totals: &'a Totals,
    whole: Whole,
    window: usize,
    shares: &'a SplitConfig,
}

impl Reasons<'_> {
    fn of(&self, event: &CutEvent<'_>, side: Option<Side>) -> String {
        let totals = self.totals;
        let before_test = if totals.test.events > 0 { " before the test" } else { "" };
        let (place, before, total, asked) = match side {
            None => return self.of_unused(event),
            Some(Side::Train) => ("first", "", &totals.train, 1.0 - self.shares.val_share - self.shares.test_share),
            Some(Side::Val) => ("last", before_test, &totals.val, self.shares.val_share),
            Some(Side::Test) => ("last", "", &totals.test, self.shares.test_share),
        };
        let place = match self.whole {
            Whole::Days => place_of("day", total.days, place),
            Whole::Events => place_of("event", total.events, place),
        };
        let (got, asked) = (100.0 * total.share_of_windows, 100.0 * asked);
        let midnight = if event.days().len() > 1 { "; it crosses midnight and ties its days together" } else { "" };
        format!("{place}{before}: {got:.1} % of all windows, {asked:.1} % asked for{midnight}")
    }

    fn of_unused(&self, event: &CutEvent<'_>) -> String {
        let longest = event.found.segments.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        format!("no window: the longest stretch without a gap has {longest} frames, a window has {}", self.window)
    }
}

/// "the last day", "one of the 3 last days".
fn place_of(noun: &str, number: usize, place: &str) -> String {
    if number == 1 { format!("the {place} {noun}") } else { format!("one of the {number} {place} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 December 2007, 00:00 UTC.
    const DECEMBER: f64 = 1_196_467_200.0;
    const DAY: f64 = 86_400.0;

    fn event(path: &str, first: f64, frames: usize) -> EventTimes {
        EventTimes { path: path.into(), times: (0..frames).map(|frame| first + 180.0 * frame as f64).collect() }
    }

    fn small() -> WindowsConfig {
        WindowsConfig { input_frames: 3, target_frames: 1, stride: 2, max_gap: 1.5 }
    }

    fn storms() -> Vec<EventTimes> {
        let mut broken = event("2007120110", DECEMBER + 10.0 * 3600.0, 12);
        broken.times[6..].iter_mut().for_each(|time| *time += 1200.0);
        vec![
            broken,
            event("2007113022", DECEMBER - 900.0, 10),
            event("200712016", DECEMBER + 3.0 * 3600.0, 10),
            event("2007112912", DECEMBER - DAY - 7200.0, 40),
            event("200712031", DECEMBER + 2.0 * DAY, 8),
            event("200712021", DECEMBER + DAY, 3),
        ]
    }

    #[test]
    fn the_manifest_says_what_went_where_and_why() {
        let plan = plan(&storms(), &small(), &SplitConfig { val_share: 0.2, test_share: 0.1 }).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&plan.manifest).unwrap());
    }

    #[test]
    fn the_manifest_does_not_depend_on_the_order_of_folders() {
        let config = SplitConfig { val_share: 0.2, test_share: 0.0 };
        let manifest = |events: &[EventTimes]| {
            let manifest = plan(events, &small(), &config).unwrap().manifest;
            let text = serde_json::to_string(&manifest).unwrap();
            assert_eq!(serde_json::from_str::<WindowsManifest>(&text).unwrap(), manifest);
            text
        };
        let mut events = storms();
        let expected = manifest(&events);
        for _ in 0..events.len() {
            events.rotate_left(1);
            assert_eq!(manifest(&events), expected);
        }
    }

    #[test]
    fn every_window_is_on_exactly_one_side_under_the_number_of_the_list() {
        let events = storms();
        let plan = plan(&events, &small(), &SplitConfig { val_share: 0.3, test_share: 0.2 }).unwrap();
        let mut all: Vec<_> = [Side::Train, Side::Val, Side::Test]
            .iter()
            .flat_map(|&side| plan.windows(side))
            .map(|(e, w)| (e, w.start))
            .collect();
        all.sort_unstable();
        let alone = |(index, event): (usize, &EventTimes)| {
            let found = windows(&event.times, &small()).unwrap().windows;
            found.into_iter().map(move |window| (index, window.start)).collect::<Vec<_>>()
        };
        assert_eq!(all, events.iter().enumerate().flat_map(alone).collect::<Vec<_>>());
    }

    #[test]
    fn a_refusal_names_the_event() {
        let events = [event("a", 0.0, 9), EventTimes { path: "b".into(), times: vec![5.0, 4.0] }];
        let error = plan(&events, &small(), &SplitConfig::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "event b: frame 1 is at 4 s and the one before it at 5 s, expected strictly ascending times; run prepare again"
        );
        let events = [EventTimes { path: "c".into(), times: vec![1.0e15] }];
        assert!(matches!(plan(&events, &small(), &SplitConfig::default()), Err(PlanError::Time { .. })));
    }
}
