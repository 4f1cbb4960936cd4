//! When the events happen and when the radar scans: days of two summers, intervals as the radar kept them, scans that are
//! missing.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rand::Rng;

use fragua_util::seed;

/// Enough for any experiment, few enough for the calendar.
pub(super) const MAX_EVENTS: usize = 10_000;
/// Eight days of scanning.
pub(super) const MAX_FRAMES: usize = 4_000;

/// One event: a folder of scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Which event of the dataset, from 0.
    pub(super) index: usize,
    /// The folder: the day, then the number of the event without leading zeros.
    pub(super) name: String,
    /// What the radar aims at between two scans.
    pub(super) interval_seconds: i64,
    /// When the scans were made, in seconds since 1970.
    pub(super) seconds: Vec<i64>,
}

impl Event {
    /// The time that the plan of the event counts from.
    pub(super) fn middle(&self) -> i64 {
        (self.seconds[0] + self.seconds[self.seconds.len() - 1]) / 2
    }

    /// From the first scan to the last.
    pub(super) fn duration_seconds(&self) -> i64 {
        self.seconds[self.seconds.len() - 1] - self.seconds[0]
    }
}

/// The scan intervals of a summer: 3:02 apart in 2013, 4:18 in 2014.
const SUMMERS: [(Date, i64); 2] = [(jiff::civil::date(2013, 1, 4), 182), (jiff::civil::date(2014, 1, 3), 258)];

/// All events in time order: the first half in one summer, the rest in the next. One in five shares the day of the one before
/// it; one in four misses some scans, near its beginning or its end, so that windows of 25 frames are left in one of 40.
pub(super) fn events(seed: u64, events: usize, frames: usize) -> Vec<Event> {
    let mut rng = seed::generator(seed, "synthetic calendar", 0, 0);
    let mut number = 0;
    let mut free_from = Timestamp::MIN;
    let mut planned: Vec<Event> = Vec::with_capacity(events);
    for index in 0..events {
        let half = events.div_ceil(2);
        let (summer, interval_seconds) = SUMMERS[index / half];
        let first_of_summer = index % half == 0;
        let shares_day = index % 5 == 3 && !first_of_summer;
        let earliest = if first_of_summer { utc(summer).max(free_from) } else { free_from };
        let wait = if shares_day { rng.random_range(40..90) } else { rng.random_range(26..110) * 60 };
        let start = earliest + SignedDuration::from_mins(wait);
        let start = if shares_day || frames > 300 { start } else { afternoon(start, rng.random_range(0..120)) };
        number = if shares_day { number + 1 } else { rng.random_range(1..13) };
        let event = Event {
            index,
            name: format!("{}{number}", start.strftime("%Y%m%d")),
            interval_seconds,
            seconds: scans(&mut rng, start.as_second(), interval_seconds, frames, index % 4 == 2),
        };
        free_from = start + SignedDuration::from_secs(event.duration_seconds());
        planned.push(event);
    }
    planned
}

pub(super) fn utc(date: Date) -> Timestamp {
    date.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

/// Storms over the plain break out after noon, local time: 15 UTC and later, still before midnight.
fn afternoon(day: Timestamp, minutes: i64) -> Timestamp {
    let date = day.to_zoned(jiff::tz::TimeZone::UTC).date();
    utc(date.saturating_add(1.day())) - SignedDuration::from_mins(9 * 60 - minutes)
}

fn scans(rng: &mut impl Rng, start: i64, interval: i64, frames: usize, with_gap: bool) -> Vec<i64> {
    let edge = (frames * 3 / 20).max(1);
    let early = rng.random_range(1..=edge);
    let gap_before = if rng.random_bool(0.5) { early } else { frames.saturating_sub(early) };
    let missed = rng.random_range(2..=6);
    let mut seconds = start;
    (0..frames)
        .map(|frame| {
            if frame > 0 {
                let skipped = if with_gap && frame == gap_before { missed } else { 0 };
                seconds += interval * (1 + skipped) + rng.random_range(-2..=2);
            }
            seconds
        })
        .collect()
}

/// The name that Mdv2NetCDF gives a scan.
pub(super) fn file_name(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("ncfdata{}.nc", time.strftime("%Y%m%d_%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_follow_one_another_and_one_in_five_shares_its_day() {
        let events = events(42, 12, 40);
        assert!(events.windows(2).all(|pair| pair[0].seconds[39] < pair[1].seconds[0]));
        let days: Vec<_> = events.iter().map(|event| &event.name[..8]).collect();
        assert_eq!(days[2], days[3]);
        assert!(days[..2].windows(2).all(|pair| pair[0] < pair[1]));
        let mut names: Vec<_> = events.iter().map(|event| &event.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 12);
    }

    #[test]
    fn names_carry_the_day_of_the_first_scan() {
        for event in events(7, 30, 40) {
            let first = file_name(event.seconds[0]);
            assert_eq!(&first[7..15], &event.name[..8], "{event:?}");
        }
    }

    #[test]
    fn the_interval_is_that_of_the_summer_and_every_fourth_event_has_a_gap() {
        for event in events(42, 8, 40) {
            let interval = if event.index < 4 { 182 } else { 258 };
            let steps: Vec<_> = event.seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let gaps = steps.iter().filter(|&&step| step > interval * 3 / 2).count();
            assert_eq!(gaps, usize::from(event.index % 4 == 2));
            assert_eq!(steps.iter().filter(|&&step| (step - interval).abs() <= 2).count(), 39 - gaps);
        }
    }

    #[test]
    fn a_gap_leaves_windows_of_25_frames_in_an_event_of_40() {
        for event in (0..20).flat_map(|seed| events(seed, 8, 40)) {
            let longest = event
                .seconds
                .windows(2)
                .map(|pair| pair[1] - pair[0] > event.interval_seconds * 3 / 2)
                .fold((1, 1), |(run, best), gap| if gap { (1, best) } else { (run + 1, best.max(run + 1)) })
                .1;
            assert!(longest >= 34, "{longest}");
        }
    }
}
