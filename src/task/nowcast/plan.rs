//! Turns the times of all frames into what trains, validates and tests. What is said about it is in `manifest`. Pure: the
//! prepared dataset is read elsewhere, the manifest is written elsewhere.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use thiserror::Error;

use super::config::{SplitConfig, WindowsConfig};
use super::event_name::in_time_order;
use super::manifest::manifest;
pub use super::manifest::{Part, PlacedEvent, Total, Totals, WindowsManifest};
use super::split::{EventSpan, Side, Split, SplitError, Whole, asked, split};
use super::split_in_time::{in_time, least_frames};
use super::windows::{EventWindows, Window, WindowsError, windows};
use crate::util::exit::Exit;

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
    /// In time order, each with its sides.
    pub windows: Vec<(Window, Side)>,
}

impl Plan {
    /// The windows of a side in time order: the event's number in the list that was given, and the first frame.
    pub fn windows(&self, side: Side) -> impl Iterator<Item = (usize, Window)> {
        let of_side = move |event: &PlannedEvent| {
            let windows: Vec<Window> =
                event.windows.iter().filter(|(_, found)| *found == side).map(|(window, _)| *window).collect();
            let index = event.index;
            windows.into_iter().map(move |window| (index, window))
        };
        self.events.iter().flat_map(of_side)
    }
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
    let order = in_order_of_time(events);
    let mut cut =
        order.iter().map(|&index| CutEvent::new(&events[index], on_windows)).collect::<Result<Vec<_>, _>>()?;
    let split = split(&cut.iter().map(CutEvent::span).collect::<Vec<_>>(), on_split)?;
    place(&mut cut, &split, on_windows)?;
    Ok(planned(&order, cut, &split, on_windows, on_split))
}

/// The same for commands that only look: events that can't be split are on no side, and a warning says why.
///
/// # Errors
/// If an event's times are invalid.
pub fn plan_anyway(
    events: &[EventTimes],
    on_windows: &WindowsConfig,
    on_split: &SplitConfig,
) -> Result<Plan, PlanError> {
    let why = match plan(events, on_windows, on_split) {
        Err(PlanError::Split(why)) => why,
        planned => return planned,
    };
    let order = in_order_of_time(events);
    let cut = order.iter().map(|&index| CutEvent::new(&events[index], on_windows)).collect::<Result<Vec<_>, _>>()?;
    let (sides, shares) = (vec![None; events.len()], on_split.shares());
    let split = Split { sides, whole: Whole::Days, shares, warnings: Vec::new() };
    let mut plan = planned(&order, cut, &split, on_windows, on_split);
    plan.manifest.warnings.push(why.to_string());
    Ok(plan)
}

fn in_order_of_time(events: &[EventTimes]) -> Vec<usize> {
    let first = |event: usize| events[event].times.first().copied().unwrap_or(f64::INFINITY);
    let mut order: Vec<usize> = (0..events.len()).collect();
    order
        .sort_by(|&left, &right| in_time_order((first(left), &events[left].path), (first(right), &events[right].path)));
    order
}

/// Gives every window its side.
fn place(events: &mut [CutEvent<'_>], split: &Split, on_windows: &WindowsConfig) -> Result<(), SplitError> {
    for (event, side) in events.iter_mut().zip(&split.sides) {
        event.sides = vec![*side; event.found.windows.len()];
    }
    if split.whole != Whole::Windows {
        return Ok(());
    }
    let (length, shares) = (on_windows.input_frames + on_windows.target_frames, split.shares);
    let mut any = false;
    for event in events.iter_mut().filter(|event| asked(&event.event.path).is_none()) {
        let starts: Vec<usize> = event.found.windows.iter().map(|window| window.start).collect();
        if let Some(sides) = in_time(&starts, length, shares) {
            event.sides = sides;
            any = true;
        }
    }
    let longest = events.iter().flat_map(|event| &event.found.segments).map(ExactSizeIterator::len).max().unwrap_or(0);
    if any { Ok(()) } else { Err(SplitError::TooShort { least: least_frames(length, shares), longest }) }
}

fn planned(
    order: &[usize],
    cut: Vec<CutEvent<'_>>,
    split: &Split,
    on_windows: &WindowsConfig,
    on_split: &SplitConfig,
) -> Plan {
    let manifest = manifest(&cut, split, on_windows, on_split);
    let windows = |event: CutEvent<'_>| -> Vec<(Window, Side)> {
        event.found.windows.into_iter().zip(event.sides).filter_map(|(window, side)| Some((window, side?))).collect()
    };
    let events = order.iter().zip(cut);
    Plan { events: events.map(|(&index, event)| PlannedEvent { index, windows: windows(event) }).collect(), manifest }
}

/// An event on its way into the plan.
pub(super) struct CutEvent<'a> {
    pub(super) event: &'a EventTimes,
    pub(super) found: EventWindows,
    /// What each of its windows serves.
    pub(super) sides: Vec<Option<Side>>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

impl<'a> CutEvent<'a> {
    fn new(event: &'a EventTimes, config: &WindowsConfig) -> Result<Self, PlanError> {
        let found =
            windows(&event.times, config).map_err(|source| PlanError::Windows { path: event.path.clone(), source })?;
        let timestamp = |time: Option<&f64>| time.map(|&seconds| timestamp(&event.path, seconds)).transpose();
        Ok(Self {
            event,
            found,
            sides: Vec::new(),
            first: timestamp(event.times.first())?,
            last: timestamp(event.times.last())?,
        })
    }

    fn span(&self) -> EventSpan {
        let day = |time: Option<Timestamp>| time.map_or(Date::MIN, utc_day);
        EventSpan {
            first_day: day(self.first),
            last_day: day(self.last),
            windows: self.found.windows.len(),
            asked: asked(&self.event.path),
        }
    }

    /// How many of its windows serve something.
    pub(super) fn placed(&self) -> usize {
        self.sides.iter().flatten().count()
    }

    /// The stretches of windows that serve one side.
    pub(super) fn parts(&self, length: usize) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (window, side) in self.found.windows.iter().zip(&self.sides) {
            let Some(side) = *side else { continue };
            match parts.last_mut() {
                Some(part) if part.side == side => {
                    part.frames = window.start + length - part.first_frame;
                    part.windows += 1;
                }
                _ => parts.push(Part { side, first_frame: window.start, frames: length, windows: 1 }),
            }
        }
        parts
    }

    /// The UTC days from its first to its last frame.
    pub(super) fn days(&self) -> Vec<Date> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Vec::new() };
        let last = utc_day(last);
        std::iter::successors(Some(utc_day(first)), |day| day.tomorrow().ok().filter(|day| *day <= last)).collect()
    }
}

fn timestamp(path: &str, seconds: f64) -> Result<Timestamp, PlanError> {
    let error = || PlanError::Time { path: path.to_owned(), seconds };
    // A cast would turn NaN into 1970.
    if !seconds.is_finite() {
        return Err(error());
    }
    Timestamp::from_millisecond((seconds * 1000.0).floor() as i64).map_err(|_| error())
}

fn utc_day(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use crate::task::nowcast::config::SplitBy;

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
        let plan =
            plan(&storms(), &small(), &SplitConfig { by: SplitBy::Event, val_share: 0.2, test_share: 0.1 }).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&plan.manifest).unwrap());
    }

    #[test]
    fn the_manifest_does_not_depend_on_the_order_of_folders() {
        let config = SplitConfig { by: SplitBy::Event, val_share: 0.2, test_share: 0.0 };
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
    fn the_manifest_says_which_events_a_folder_places_and_the_shares_are_of_the_others() {
        let mut events: Vec<_> =
            (0..10).map(|day| event(&format!("d{day}"), DECEMBER + DAY * f64::from(day), 10)).collect();
        events.extend((0..30).map(|number| event(&format!("test/e{number:02}"), DECEMBER, 10)));
        let config = SplitConfig { by: SplitBy::Event, val_share: 0.2, test_share: 0.0 };
        let manifest = plan(&events, &small(), &config).unwrap().manifest;
        assert_eq!(manifest.warnings, Vec::<String>::new());
        let totals = &manifest.totals;
        assert_eq!([&totals.train, &totals.val, &totals.test].map(|total| total.events), [8, 2, 30]);
        let reason = |path: &str| &manifest.events.iter().find(|event| event.path == path).unwrap().reason;
        assert_eq!(reason("test/e07"), "it is below a folder named test");
        assert_eq!(reason("d9"), "one of the 2 last days: 20.0 % of other windows, 20.0 % asked for");
        let in_time = SplitConfig { by: SplitBy::Time, val_share: 0.2, test_share: 0.2 };
        let long = [event("a", DECEMBER, 40), event("test/b", DECEMBER, 40)];
        let plan = plan(&long, &small(), &in_time).unwrap();
        assert_eq!(plan.manifest.totals.test.windows, 19, "an event that a folder places is not cut");
    }

    #[test]
    fn every_window_is_on_exactly_one_side_under_the_number_of_the_list() {
        let events = storms();
        let plan =
            plan(&events, &small(), &SplitConfig { by: SplitBy::Event, val_share: 0.3, test_share: 0.2 }).unwrap();
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
    fn a_single_event_is_cut_in_time_and_no_frame_is_on_two_sides() {
        let one = [event("a", DECEMBER, 40)];
        let config = SplitConfig { by: SplitBy::Event, val_share: 0.3, test_share: 0.0 };
        let plan = plan(&one, &WindowsConfig { stride: 1, ..small() }, &config).unwrap();
        let frames = |side| -> BTreeSet<usize> {
            plan.windows(side).flat_map(|(_, window)| window.start..window.start + 4).collect()
        };
        let (train, val) = (frames(Side::Train), frames(Side::Val));
        assert_eq!(val.first().unwrap() - train.last().unwrap() - 1, 4, "a gap of one window");
        assert_eq!((train.first(), val.last()), (Some(&0), Some(&39)));
        let placed = &plan.manifest.events[0];
        assert_eq!(
            (placed.side, placed.parts.len(), placed.windows),
            (None, 2, plan.manifest.totals.train.windows + plan.manifest.totals.val.windows)
        );
        assert!(plan.manifest.warnings[0].starts_with("only one event has windows"), "{:?}", plan.manifest.warnings);
        let text = serde_json::to_string(&plan.manifest).unwrap();
        assert_eq!(serde_json::from_str::<WindowsManifest>(&text).unwrap(), plan.manifest);
    }

    #[test]
    fn events_that_can_t_be_split_serve_nothing_for_who_only_looks() {
        let short = [event("a", DECEMBER, 9), event("b", DECEMBER + DAY, 3)];
        let config = SplitConfig { by: SplitBy::Event, val_share: 0.3, test_share: 0.0 };
        let error = plan(&short, &small(), &config).unwrap_err();
        assert!(
            error.to_string().contains("takes 12 frames") && error.to_string().contains("longest stretch has 9"),
            "{error}"
        );
        let looked_at = plan_anyway(&short, &small(), &config).unwrap();
        assert_eq!(looked_at.manifest.totals.unused.events, 2);
        assert_eq!(looked_at.manifest.warnings, [error.to_string()]);
        assert_eq!(looked_at.windows(Side::Train).count(), 0);
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
