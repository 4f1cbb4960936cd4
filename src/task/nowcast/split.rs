//! Which events train, validate and test: whole days on one side, the last days test, those before them validate. Pure:
//! it handles days and numbers of windows, not files.
//!
//! - An event covers the UTC days from its first to its last frame. Days that share an event stay together: they are one
//!   *unit*, so that a storm that crosses midnight is never on two sides.
//! - A share is a share of windows; [`in_order`] finds the number of units that comes nearest to it.
//! - With one unit there is no whole day to spare: it is split by its events in time order, with a warning. One event
//!   alone is cut in time (`split_in_time`), with a warning too; `by: time` asks for that.
//! - An event without windows takes no part, and ties no days together.
//! - An event below a folder `val` or `test` is on that side, whatever its day. Then the shares divide the other events, and that
//!   of such a side counts as 0.

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::{SplitBy, SplitConfig};
pub use crate::data::split::Side;
use crate::data::split::{Shares, in_order, linked};
use crate::util::exit::Exit;
use crate::util::units;

/// What the rule needs to know about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSpan {
    /// The UTC day of its first frame.
    pub first_day: Date,
    /// The UTC day of its last frame.
    pub last_day: Date,
    /// How many windows it has.
    pub windows: usize,
    /// The side that its folder names.
    pub asked: Option<Side>,
}

impl EventSpan {
    /// The side that it is on, whatever the shares are.
    fn fixed(&self) -> Option<Side> {
        self.asked.filter(|_| self.windows > 0)
    }
}

/// The side that one of the folders above an event names.
#[must_use]
pub fn asked(path: &str) -> Option<Side> {
    let (above, _) = path.trim_end_matches('/').rsplit_once('/')?;
    above.split('/').find_map(|folder| [Side::Val, Side::Test].into_iter().find(|side| folder == side.name()))
}

/// What is never cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whole {
    /// Days, and days that share an event.
    Days,
    /// Events, because all of them cover the same days.
    Events,
    /// Windows: events are cut in time.
    Windows,
}

/// The decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// For each event its side; `None` for one without windows. If windows are what stays whole, the events are still to be
    /// cut.
    pub sides: Vec<Option<Side>>,
    /// What stayed whole.
    pub whole: Whole,
    /// The shares of the events that no folder gives a side.
    pub shares: Shares,
    /// What the user should know about it.
    pub warnings: Vec<SplitWarning>,
}

/// A split that is not as requested, but the best that these events allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitWarning {
    /// Training and validation share a day.
    SharedDay,
    /// There is no unit left for the test.
    NoTest(Whole),
    /// There is only one event, so it is cut in time.
    OneEvent,
}

impl fmt::Display for SplitWarning {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedDay => to.write_str(
                "all events lie on the same days, so they are split by event in time order: validation sees the weather of \
                 training and looks better than it is; add events of other days",
            ),
            Self::NoTest(Whole::Days) => to.write_str("two days serve training and validation; none is left for the test"),
            Self::NoTest(Whole::Events | Whole::Windows) => {
                to.write_str("two events serve training and validation; none is left for the test")
            }
            Self::OneEvent => to.write_str(
                "only one event has windows, so it is cut in time, with a gap of one window between the sides (split.by: time): \
                 validation sees the weather of training and looks better than it is; add events of other days",
            ),
        }
    }
}

/// Why there is no split.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SplitError {
    /// The shares leave nothing for training.
    #[error(
        "val_share {val_share} and test_share {test_share}, expected shares from 0 with a sum below 1; correct \
         task.nowcast.split"
    )]
    Shares {
        /// As configured.
        val_share: f64,
        /// As configured.
        test_share: f64,
    },
    /// No event has a window.
    #[error("no event has a window ({} looked at): none has enough frames without a gap for input_frames + target_frames; \
         add longer events, or ask for fewer frames in task.nowcast.windows",
        units::count(*events as u64, "event"))]
    NoWindows {
        /// The events considered.
        events: usize,
    },
    /// All events are below folders of other sides.
    #[error(
        "all events with windows are below folders named val or test, and none is left for training; move some out of them, or \
         rename the folders"
    )]
    NoTraining,
    /// No event is long enough to be cut in time.
    #[error(
        "no event is long enough to be cut in time: that takes {least} frames without a gap, a window for each side and one \
         between, and the longest stretch has {longest}; add events, ask for fewer frames in task.nowcast.windows, or set \
         task.nowcast.split.val_share and test_share to 0"
    )]
    TooShort {
        /// The frames that a cut takes.
        least: usize,
        /// The longest stretch of frames without a gap.
        longest: usize,
    },
}

impl SplitError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Shares { .. } => Exit::Configuration,
            Self::NoWindows { .. } | Self::NoTraining | Self::TooShort { .. } => Exit::DataRefused,
        }
    }
}

/// Splits events that are given in time order.
///
/// # Errors
/// If the shares are invalid, or no event has a window.
pub fn split(events: &[EventSpan], config: &SplitConfig) -> Result<Split, SplitError> {
    let mut shares = check(config)?;
    if events.iter().all(|event| event.windows == 0) {
        return Err(SplitError::NoWindows { events: events.len() });
    }
    let mut sides: Vec<Option<Side>> = events.iter().map(EventSpan::fixed).collect();
    let is_free = |event: &usize| events[*event].windows > 0 && events[*event].asked.is_none();
    let used: Vec<usize> = (0..events.len()).filter(is_free).collect();
    if used.is_empty() {
        return Err(SplitError::NoTraining);
    }
    if sides.contains(&Some(Side::Val)) {
        shares.val = 0.0;
    }
    if sides.contains(&Some(Side::Test)) {
        shares.test = 0.0;
    }
    let mut warnings = Vec::new();
    let mut whole = Whole::Days;
    let mut units = linked_days(events, &used);
    let divides = shares.val > 0.0 || shares.test > 0.0;
    if divides && (config.by == SplitBy::Time || used.len() == 1) {
        let warnings = if config.by == SplitBy::Time { Vec::new() } else { vec![SplitWarning::OneEvent] };
        used.iter().for_each(|&event| sides[event] = Some(Side::Train));
        return Ok(Split { sides, whole: Whole::Windows, shares, warnings });
    }
    if units.len() == 1 && divides {
        (whole, units) = (Whole::Events, (0..used.len()).map(|event| event..event + 1).collect());
        warnings.push(SplitWarning::SharedDay);
    }
    let sizes: Vec<usize> =
        units.iter().map(|unit| used[unit.clone()].iter().map(|&event| events[event].windows).sum()).collect();
    let placed = in_order(&sizes, shares);
    if shares.test > 0.0 && !placed.contains(&Side::Test) {
        warnings.push(SplitWarning::NoTest(whole));
    }
    for (unit, side) in units.into_iter().zip(placed) {
        used[unit].iter().for_each(|&event| sides[event] = Some(side));
    }
    Ok(Split { sides, whole, shares, warnings })
}

fn check(config: &SplitConfig) -> Result<Shares, SplitError> {
    let &SplitConfig { val_share, test_share, .. } = config;
    let shares = config.shares();
    if shares.leave_some() { Ok(shares) } else { Err(SplitError::Shares { val_share, test_share }) }
}

impl SplitConfig {
    /// The shares of the sides.
    #[must_use]
    pub fn shares(&self) -> Shares {
        Shares { val: self.val_share, test: self.test_share }
    }
}

/// The used events, grouped if they share a day.
fn linked_days(events: &[EventSpan], used: &[usize]) -> Vec<Range<usize>> {
    let spans: Vec<_> = used.iter().map(|&event| (events[event].first_day, events[event].last_day)).collect();
    linked(&spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Test, Train, Val};
    use proptest::prelude::*;

    fn day(number: i32) -> Date {
        Date::constant(2007, 11, 1).saturating_add(jiff::Span::new().days(number))
    }

    fn event(first: i32, last: i32, windows: usize) -> EventSpan {
        EventSpan { first_day: day(first), last_day: day(last), windows, asked: None }
    }

    fn shares(val_share: f64, test_share: f64) -> SplitConfig {
        SplitConfig { by: SplitBy::Event, val_share, test_share }
    }

    fn sides(events: &[EventSpan], config: &SplitConfig) -> Vec<Side> {
        split(events, config).unwrap().sides.into_iter().map(Option::unwrap).collect()
    }

    #[test]
    fn the_last_days_test_and_those_before_them_validate() {
        let events: Vec<_> = (0..10).map(|number| event(number, number, 10)).collect();
        let expected = [[Train; 7].as_slice(), &[Val; 2], &[Test; 1]].concat();
        assert_eq!(sides(&events, &shares(0.2, 0.1)), expected);
        assert_eq!(sides(&events, &shares(0.0, 0.0)), [Train; 10]);
    }

    #[test]
    fn the_events_of_a_day_stay_together() {
        let events = [event(0, 0, 10), event(1, 1, 3), event(2, 2, 3), event(2, 2, 3)];
        assert_eq!(sides(&events, &shares(0.2, 0.0)), [Train, Train, Val, Val]);
    }

    #[test]
    fn an_event_across_midnight_ties_its_days_together() {
        let events = [event(0, 0, 5), event(1, 2, 1), event(2, 2, 1), event(2, 3, 1), event(3, 3, 1)];
        assert_eq!(sides(&events, &shares(0.1, 0.0)), [Train, Val, Val, Val, Val]);
    }

    #[test]
    fn a_share_above_0_gets_a_day_and_training_keeps_one() {
        let events = [event(0, 0, 1), event(1, 1, 1000)];
        assert_eq!(sides(&events, &shares(0.01, 0.0)), [Train, Val]);
        assert_eq!(sides(&events, &shares(0.98, 0.0)), [Train, Val]);
        let three = [event(0, 0, 1), event(1, 1, 1), event(2, 2, 1)];
        assert_eq!(sides(&three, &shares(0.01, 0.01)), [Train, Val, Test]);
    }

    #[test]
    fn two_days_go_to_training_and_validation_before_the_test() {
        let found = split(&[event(0, 0, 5), event(1, 1, 5)], &shares(0.2, 0.2)).unwrap();
        assert_eq!(found.sides, [Some(Train), Some(Val)]);
        assert_eq!(found.warnings, [SplitWarning::NoTest(Whole::Days)]);
    }

    #[test]
    fn a_single_day_is_split_by_event_with_a_warning() {
        let found = split(&[event(0, 0, 8), event(0, 0, 0), event(0, 0, 2)], &shares(0.2, 0.0)).unwrap();
        assert_eq!(found.sides, [Some(Train), None, Some(Val)]);
        assert_eq!((found.whole, found.warnings), (Whole::Events, vec![SplitWarning::SharedDay]));
    }

    #[test]
    fn a_single_event_trains_alone_or_is_refused() {
        let found = split(&[event(0, 1, 9)], &shares(0.2, 0.0)).unwrap();
        assert_eq!((found.whole, found.warnings), (Whole::Windows, vec![SplitWarning::OneEvent]));
        let asked = SplitConfig { by: SplitBy::Time, ..shares(0.2, 0.0) };
        let found = split(&[event(0, 1, 9), event(3, 4, 9)], &asked).unwrap();
        assert_eq!((found.whole, found.warnings), (Whole::Windows, Vec::new()));
        assert_eq!(sides(&[event(0, 1, 9)], &shares(0.0, 0.0)), [Train]);
    }

    #[test]
    fn a_folder_named_after_a_side_decides_and_the_shares_divide_the_rest() {
        let paths = ["a/200711011", "test/200711012", "x/test/y/200711013", "val", "val/200711014", "tests/200711015"];
        assert_eq!(paths.map(asked), [None, Some(Test), Some(Test), None, Some(Val), None]);
        let on = |side, event: EventSpan| EventSpan { asked: Some(side), ..event };
        let events: Vec<_> = (0..10).map(|number| event(number, number, 10)).collect();
        let given = [on(Test, event(3, 3, 50)), on(Test, event(20, 20, 0))];
        let found = split(&[&events[..], &given].concat(), &shares(0.2, 0.5)).unwrap();
        let expected = [&[Some(Train); 8][..], &[Some(Val); 2], &[Some(Test), None]].concat();
        assert_eq!((found.sides, found.shares, found.warnings), (expected, Shares { val: 0.2, test: 0.0 }, vec![]));
        let both = split(&[event(0, 0, 9), on(Val, event(0, 0, 9)), given[0]], &shares(0.2, 0.2)).unwrap();
        assert_eq!((both.sides, both.whole), (vec![Some(Train), Some(Val), Some(Test)], Whole::Days));
        let alone = split(&[event(0, 0, 9), given[0]], &shares(0.2, 0.2)).unwrap();
        assert_eq!((alone.sides, alone.whole), (vec![Some(Train), Some(Test)], Whole::Windows));
        let error = split(&given, &shares(0.2, 0.0)).unwrap_err();
        assert_eq!((error.exit(), error), (Exit::DataRefused, SplitError::NoTraining));
    }

    #[test]
    fn no_windows_and_senseless_shares_are_refused() {
        assert_eq!(split(&[event(0, 0, 0)], &shares(0.2, 0.0)), Err(SplitError::NoWindows { events: 1 }));
        for (val, test) in [(-0.1, 0.0), (0.5, 0.5), (f64::NAN, 0.0), (0.0, 1.5)] {
            let error = split(&[event(0, 0, 1)], &shares(val, test)).unwrap_err();
            assert_eq!(error.exit(), Exit::Configuration, "{val} {test}");
        }
    }

    fn any_events() -> impl Strategy<Value = Vec<EventSpan>> {
        // Days since the event before, days to its own end, windows.
        let event_after = (0_i32..3, prop_oneof![4 => Just(0_i32), 1 => 1..3_i32], 0_usize..40);
        prop::collection::vec(event_after, 1..40).prop_map(|events| {
            let mut first = 0;
            let place = |(after, length, windows)| {
                first += after;
                event(first, first + length, windows)
            };
            events.into_iter().map(place).collect()
        })
    }

    proptest! {
        #[test]
        fn no_day_is_on_two_sides_and_time_only_goes_forward(
            events in any_events(), val in 0.0..0.5_f64, test in 0.0..0.4_f64
        ) {
            let Ok(found) = split(&events, &shares(val, test)) else { return Ok(()) };
            let placed: Vec<_> = events.iter().zip(&found.sides).filter_map(|(event, &side)| Some((event, side?))).collect();
            prop_assert_eq!(placed.len(), events.iter().filter(|event| event.windows > 0).count());
            prop_assert!(placed.is_sorted_by_key(|&(_, side)| side as u8));
            if found.whole == Whole::Days {
                for (left, left_side) in &placed {
                    for (right, right_side) in &placed {
                        let shared = left.first_day <= right.last_day && right.first_day <= left.last_day;
                        prop_assert!(!shared || left_side == right_side);
                    }
                }
            }
        }

        #[test]
        fn shares_are_within_one_unit_of_the_request(
            events in any_events(), val in 0.0..0.5_f64, test in 0.0..0.4_f64
        ) {
            let Ok(found) = split(&events, &shares(val, test)) else { return Ok(()) };
            let used: Vec<usize> = (0..events.len()).filter(|&event| events[event].windows > 0).collect();
            let units = match found.whole {
                Whole::Days => linked_days(&events, &used),
                Whole::Events | Whole::Windows => (0..used.len()).map(|event| event..event + 1).collect(),
            };
            prop_assume!(units.len() > 2);
            let largest = units.into_iter()
                .map(|unit| used[unit].iter().map(|&event| events[event].windows).sum::<usize>()).max().unwrap() as f64;
            let total: usize = events.iter().map(|event| event.windows).sum();
            for (side, share) in [(Val, val), (Test, test)] {
                let got: usize = events.iter().zip(&found.sides)
                    .filter(|(_, found)| **found == Some(side)).map(|(event, _)| event.windows).sum();
                let distance = (got as f64 - share * total as f64).abs();
                prop_assert!(distance <= largest, "{:?}: {} of {}, asked for {}", side, got, total, share);
            }
        }
    }
}
