//! The names of windows, and the times of their frames.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::data::loader::Sample;
use crate::task::nowcast::config::Levels;
use crate::task::nowcast::plan::EventTimes;

const MINUTE: f64 = 60.0;

/// The events of a dataset, and what a window shows of their levels.
#[derive(Debug)]
pub(super) struct Names {
    events: Vec<EventTimes>,
    levels: Levels,
    /// Bytes of a level.
    level: usize,
    input_frames: usize,
}

impl Names {
    pub(super) fn new(events: Vec<EventTimes>, levels: Levels, level: usize, input_frames: usize) -> Self {
        Self { events, levels, level: level.max(1), input_frames }
    }

    /// The paths of the events, by their numbers.
    pub(super) fn events(&self) -> Vec<String> {
        self.events.iter().map(|event| event.path.clone()).collect()
    }

    /// Whether the window is within an event.
    pub(super) fn know(&self, sample: &Sample) -> bool {
        self.events.get(sample.event).is_some_and(|event| sample.start + sample.length <= event.times.len())
    }

    /// All that is needed to find a window: its event, its levels, its first and its last frame.
    pub(super) fn of_window(&self, sample: &Sample) -> String {
        let path = self.events.get(sample.event).map_or_else(|| format!("event {}", sample.event), |e| e.path.clone());
        let end = sample.start + sample.length - 1;
        let [first, last] = [sample.start, end].map(|frame| self.time(sample.event, frame, "%Y-%m-%d %H:%M:%S"));
        format!("{path}, {}, frames {} to {end}, {first} to {last} UTC", self.level(sample), sample.start)
    }

    /// The name of a forecast: when it was made, of what. No two windows of a dataset share one.
    pub(super) fn of_forecast(&self, sample: &Sample) -> String {
        let now = self.now(sample);
        let minute = |frame| self.time(sample.event, frame, "%Y-%m-%d %H:%M UTC");
        let beside = [now.checked_sub(1), Some(now + 1)];
        let alone = beside.into_iter().flatten().all(|frame| minute(frame) != minute(now));
        let frame = if alone { String::new() } else { format!(" frame {now}") };
        format!("{}{frame} {} {}", minute(now), self.event(sample.event), self.level(sample))
    }

    /// Minutes from the last frame that the model sees to each frame of the window.
    pub(super) fn minutes(&self, sample: &Sample) -> Vec<f32> {
        let seconds = |frame| self.seconds(sample.event, frame).unwrap_or(f64::NAN);
        let now = seconds(self.now(sample));
        let frames = sample.start..sample.start + sample.length;
        frames.map(|frame| ((seconds(frame) - now) / MINUTE) as f32).collect()
    }

    /// The last frame that the model sees.
    fn now(&self, sample: &Sample) -> usize {
        (sample.start + self.input_frames).saturating_sub(1)
    }

    fn seconds(&self, event: usize, frame: usize) -> Option<f64> {
        self.events.get(event)?.times.get(frame).copied()
    }

    fn time(&self, event: usize, frame: usize, format: &str) -> String {
        let seconds = self.seconds(event, frame).filter(|seconds| seconds.is_finite());
        // Rounded down: the minute that a clock would show.
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds.floor() as i64).ok());
        time.map_or_else(|| "unknown time".to_owned(), |time| time.strftime(format).to_string())
    }

    /// The folder's name, or the whole path if another folder has the same name.
    fn event(&self, number: usize) -> String {
        let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let mut count: HashMap<String, usize> = HashMap::new();
        self.events.iter().for_each(|event| *count.entry(last(&event.path)).or_default() += 1);
        let Some(event) = self.events.get(number) else { return format!("event {number}") };
        let name = last(&event.path);
        if count[&name] == 1 { name } else { event.path.clone() }
    }

    fn level(&self, sample: &Sample) -> String {
        match &self.levels {
            Levels::Each => format!("level {}", sample.slice.start / self.level),
            Levels::Composite => "column maximum".to_owned(),
            Levels::Channels(levels) => {
                let levels: Vec<String> = levels.iter().map(usize::to_string).collect();
                format!("levels {}", levels.join("+"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 12 May 2011, 12:00:30 UTC.
    const NOON: f64 = 1_305_201_630.0;

    fn names(paths: &[&str], interval: f64, levels: Levels) -> Names {
        let times: Vec<f64> = (0..6).map(|frame| NOON + interval * f64::from(frame)).collect();
        let event = |path: &&str| EventTimes { path: (*path).to_owned(), times: times.clone() };
        Names::new(paths.iter().map(event).collect(), levels, 20, 2)
    }

    fn sample(event: usize, start: usize, level: usize) -> Sample {
        Sample { event, start, length: 5, slice: level * 20..(level + 1) * 20 }
    }

    #[test]
    fn a_window_is_found_by_its_name() {
        let names = names(&["may/20110512"], 180.0, Levels::Each);
        assert_eq!(
            names.of_window(&sample(0, 1, 3)),
            "may/20110512, level 3, frames 1 to 5, 2011-05-12 12:03:30 to 2011-05-12 12:15:30 UTC"
        );
        assert!(names.of_window(&sample(4, 9, 0)).starts_with("event 4, level 0, frames 9 to 13, unknown time"));
    }

    #[test]
    fn a_forecast_is_called_by_the_time_at_which_it_was_made() {
        let levels = [Levels::Each, Levels::Composite, Levels::Channels(vec![0, 4])];
        let name = |levels| names(&["may/20110512", "other"], 180.0, levels).of_forecast(&sample(0, 0, 2));
        assert_eq!(
            levels.map(name),
            [
                "2011-05-12 12:03 UTC 20110512 level 2",
                "2011-05-12 12:03 UTC 20110512 column maximum",
                "2011-05-12 12:03 UTC 20110512 levels 0+4"
            ]
        );
    }

    #[test]
    fn no_two_windows_share_a_name() {
        for interval in [0.25, 20.0, 59.0, 180.0] {
            let names = names(&["a/storm", "b/storm", "c/other"], interval, Levels::Each);
            let all = (0..3).flat_map(|event| (0..2).flat_map(move |start| [0, 1].map(|level| (event, start, level))));
            let all: Vec<String> =
                all.map(|(event, start, level)| names.of_forecast(&sample(event, start, level))).collect();
            let unique: std::collections::HashSet<&String> = all.iter().collect();
            assert_eq!(unique.len(), all.len(), "{all:#?}");
        }
    }

    #[test]
    fn minutes_are_counted_from_the_last_frame_that_is_seen() {
        let mut names = names(&["a"], 180.0, Levels::Each);
        names.events[0].times[4] += 30.0;
        assert_eq!(names.minutes(&sample(0, 1, 0)), [-3.0, 0.0, 3.0, 6.5, 9.0]);
    }
}
