//! Sliding windows over the frames of one event, which never cross a gap. Pure: times in, starts out.
//!
//! The *median interval* is that of all intervals between consecutive frames of the event, gaps included; with an even
//! number of intervals it is the mean of the two middle ones. An interval **longer** than `max_gap` times the median is a
//! gap. Gaps cut the event into segments; windows start at each segment's first frame and then every `stride` frames.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::WindowsConfig;
use crate::util::exit::Exit;

/// Consecutive frames of an event: `input_frames` that the model sees, then `target_frames` that it predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The number of its first frame in the event.
    pub start: usize,
}

/// An interval that no window crosses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The frame before the gap; the one after it is `after_frame + 1`.
    pub after_frame: usize,
    /// How long it is.
    pub interval_seconds: f64,
    /// The event's median interval, which it is compared with.
    pub median_seconds: f64,
}

/// The windows of one event, and the gaps that prevented more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventWindows {
    /// In time order.
    pub windows: Vec<Window>,
    /// In time order.
    pub gaps: Vec<Gap>,
    /// The stretches of frames without a gap; one that is shorter than a window has none.
    pub segments: Vec<Range<usize>>,
    /// `None` for fewer than two frames.
    pub median_interval_seconds: Option<f64>,
}

/// Why an event has no windows at all, not even zero.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum WindowsError {
    /// Two frames are not in order.
    #[error(
        "frame {frame} is at {time} s and the one before it at {before} s, expected strictly ascending times; \
         run prepare again"
    )]
    NotAscending {
        /// The later frame.
        frame: usize,
        /// The time of the frame before it, in seconds since 1970.
        before: f64,
        /// Its own time, in seconds since 1970.
        time: f64,
    },
    /// The configuration describes no window.
    #[error(
        "windows of {input_frames} + {target_frames} frames with stride {stride} and max_gap {max_gap}, expected at least \
         1 + 1 frames, stride 1 and max_gap 1; correct task.nowcast.windows"
    )]
    NoWindow {
        /// As configured.
        input_frames: usize,
        /// As configured.
        target_frames: usize,
        /// As configured.
        stride: usize,
        /// As configured.
        max_gap: f64,
    },
}

impl WindowsError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotAscending { .. } => Exit::DataRefused,
            Self::NoWindow { .. } => Exit::Configuration,
        }
    }
}

/// All windows of an event whose frames were taken at these times, in seconds.
///
/// # Errors
/// If the times do not strictly ascend, or the configuration describes no window.
pub fn windows(times: &[f64], config: &WindowsConfig) -> Result<EventWindows, WindowsError> {
    check(config)?;
    let intervals = intervals(times)?;
    let median_interval_seconds = median(&intervals);
    let gaps = gaps(&intervals, median_interval_seconds, config.max_gap);
    let segments = segments(times.len(), &gaps);
    let length = config.input_frames + config.target_frames;
    let windows = segments.iter().flat_map(|segment| starts(segment, length, config.stride)).collect();
    Ok(EventWindows { windows, gaps, segments, median_interval_seconds })
}

fn check(config: &WindowsConfig) -> Result<(), WindowsError> {
    let &WindowsConfig { input_frames, target_frames, stride, max_gap } = config;
    if input_frames == 0 || target_frames == 0 || stride == 0 || max_gap.is_nan() || max_gap < 1.0 {
        return Err(WindowsError::NoWindow { input_frames, target_frames, stride, max_gap });
    }
    Ok(())
}

fn intervals(times: &[f64]) -> Result<Vec<f64>, WindowsError> {
    let interval = |(index, pair): (usize, &[f64])| {
        let (before, time) = (pair[0], pair[1]);
        // Written so that NaN is refused as well.
        if time - before > 0.0 {
            Ok(time - before)
        } else {
            Err(WindowsError::NotAscending { frame: index + 1, before, time })
        }
    };
    times.windows(2).enumerate().map(interval).collect()
}

fn median(intervals: &[f64]) -> Option<f64> {
    let mut sorted = intervals.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let odd = sorted.len() % 2 == 1;
    Some(if odd { upper } else { f64::midpoint(sorted[sorted.len() / 2 - 1], upper) })
}

fn gaps(intervals: &[f64], median: Option<f64>, max_gap: f64) -> Vec<Gap> {
    let Some(median_seconds) = median else { return Vec::new() };
    let long = |&(_, &interval): &(usize, &f64)| interval > max_gap * median_seconds;
    let gap = |(after_frame, &interval_seconds)| Gap { after_frame, interval_seconds, median_seconds };
    intervals.iter().enumerate().filter(long).map(gap).collect()
}

fn segments(frames: usize, gaps: &[Gap]) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(gaps.iter().map(|gap| gap.after_frame + 1));
    let ends = gaps.iter().map(|gap| gap.after_frame + 1).chain(std::iter::once(frames));
    starts.zip(ends).map(|(start, end)| start..end).filter(|segment| !segment.is_empty()).collect()
}

fn starts(segment: &Range<usize>, length: usize, stride: usize) -> impl Iterator<Item = Window> + use<> {
    let past_last = (segment.end + 1).saturating_sub(length);
    (segment.start..past_last).step_by(stride).map(|start| Window { start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(input_frames: usize, target_frames: usize, stride: usize) -> WindowsConfig {
        WindowsConfig { input_frames, target_frames, stride, max_gap: 1.5 }
    }

    fn starts_of(times: &[f64], config: &WindowsConfig) -> Vec<usize> {
        windows(times, config).unwrap().windows.iter().map(|window| window.start).collect()
    }

    fn every_three_minutes(frames: usize) -> Vec<f64> {
        (0..frames).map(|frame| frame as f64 * 182.0).collect()
    }

    #[test]
    fn windows_start_every_stride_frames_while_they_fit() {
        assert_eq!(starts_of(&every_three_minutes(40), &config(18, 7, 5)), [0, 5, 10, 15]);
        assert_eq!(starts_of(&every_three_minutes(25), &config(18, 7, 5)), [0]);
        assert!(starts_of(&every_three_minutes(24), &config(18, 7, 5)).is_empty());
        assert!(starts_of(&[], &config(18, 7, 5)).is_empty());
        assert!(starts_of(&[7.0], &config(18, 7, 5)).is_empty());
    }

    #[test]
    fn windows_start_again_after_a_gap_and_none_crosses_it() {
        let mut times = every_three_minutes(12);
        times[5..].iter_mut().for_each(|time| *time += 600.0);
        let found = windows(&times, &config(2, 1, 2)).unwrap();
        assert_eq!(found.gaps, [Gap { after_frame: 4, interval_seconds: 782.0, median_seconds: 182.0 }]);
        assert_eq!(found.segments, [0..5, 5..12]);
        assert_eq!(starts_of(&times, &config(2, 1, 2)), [0, 2, 5, 7, 9]);
    }

    #[test]
    fn an_interval_of_exactly_the_limit_is_no_gap() {
        let times = [0.0, 100.0, 200.0, 350.0, 450.0];
        assert!(windows(&times, &config(1, 1, 1)).unwrap().gaps.is_empty());
        let times = [0.0, 100.0, 200.0, 350.5, 450.5];
        assert_eq!(windows(&times, &config(1, 1, 1)).unwrap().gaps.len(), 1);
    }

    #[test]
    fn the_median_of_an_even_number_of_intervals_is_the_mean_of_the_middle_two() {
        let found = windows(&[0.0, 100.0, 210.0, 330.0, 1330.0], &config(1, 1, 1)).unwrap();
        assert_eq!(found.median_interval_seconds, Some(115.0));
        assert_eq!(windows(&[0.0], &config(1, 1, 1)).unwrap().median_interval_seconds, None);
    }

    #[test]
    fn times_that_do_not_ascend_are_refused_with_their_place() {
        let error = windows(&[0.0, 10.0, 10.0], &config(1, 1, 1)).unwrap_err();
        assert_eq!(error, WindowsError::NotAscending { frame: 2, before: 10.0, time: 10.0 });
        assert!(windows(&[0.0, f64::NAN], &config(1, 1, 1)).is_err());
    }

    #[test]
    fn a_configuration_without_a_window_is_refused() {
        for (input, target, stride, max_gap) in [(0, 1, 1, 1.5), (1, 0, 1, 1.5), (1, 1, 0, 1.5), (1, 1, 1, f64::NAN)] {
            let config = WindowsConfig { input_frames: input, target_frames: target, stride, max_gap };
            assert_eq!(windows(&[0.0], &config).unwrap_err().exit(), Exit::Configuration);
        }
    }

    proptest! {
        #[test]
        fn windows_cross_no_gap_and_with_stride_1_every_possible_one_is_found_once(
            intervals in prop::collection::vec(prop_oneof![4 => 150.0..250.0_f64, 1 => 250.0..9000.0_f64], 0..80),
            input in 1_usize..6, target in 1_usize..4, stride in 1_usize..7,
        ) {
            let mut times = vec![1.0e9];
            for interval in &intervals { times.push(times[times.len() - 1] + interval); }
            let length = input + target;
            let actual: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let limit = windows(&times, &config(1, 1, 1)).unwrap().median_interval_seconds.unwrap_or(0.0) * 1.5;
            let fits = |start: usize| start + length <= times.len()
                && actual[start..start + length - 1].iter().all(|&interval| interval <= limit);

            let all: Vec<usize> = (0..times.len()).filter(|&start| fits(start)).collect();
            prop_assert_eq!(starts_of(&times, &config(input, target, 1)), all);

            let found = windows(&times, &config(input, target, stride)).unwrap();
            prop_assert!(found.windows.iter().all(|window| fits(window.start)));
            let covered: Vec<usize> = found.segments.iter().cloned().flatten().collect();
            prop_assert_eq!(covered, (0..times.len()).collect::<Vec<_>>());
            let expected: usize = found.segments.iter()
                .map(|segment| (segment.len() + 1).saturating_sub(length).div_ceil(stride)).sum();
            prop_assert_eq!(found.windows.len(), expected);
        }
    }
}
