//! Which frames of an event a forecast is made from. Pure: times in, a stretch of frames out.

use std::ops::Range;

use thiserror::Error;

use crate::task::nowcast::config::WindowsConfig;
use crate::task::nowcast::prepare::plan::time_text;
use crate::task::nowcast::windows::windows;

/// The frames that a forecast is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Their numbers in the event; the last one is the newest that the forecast may use.
    pub frames: Range<usize>,
    /// The median interval between them.
    pub interval_seconds: f64,
}

/// Frames that make no input.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SelectError {
    /// There are too few.
    #[error("it has {got} usable frames, the model needs {needs}; give it more of them")]
    TooFew {
        /// How many there are.
        got: usize,
        /// How many the model takes.
        needs: usize,
    },
    /// There are too few up to a time.
    #[error(
        "it has {got} usable frames up to {until}, the model needs {needs}; give it earlier ones, or ask for a later time"
    )]
    TooEarly {
        /// How many there are.
        got: usize,
        /// How many the model takes.
        needs: usize,
        /// The newest of them.
        until: String,
    },
    /// There are too few since the last gap.
    #[error(
        "it has {got} frames after a gap of {minutes:.1} min before {since} (its frames come every {usual:.1} min), the \
         model needs {needs} without a gap; ask for a time before the gap, or wait for more frames"
    )]
    Gap {
        /// Frames after the gap.
        got: usize,
        /// How many the model takes.
        needs: usize,
        /// How long the gap is.
        minutes: f64,
        /// The first frame after it.
        since: String,
        /// The median interval.
        usual: f64,
    },
    /// Invalid times.
    #[error("the time between its frames is unknown: {0}")]
    Interval(String),
}

/// The newest frames of an event, at a time or at its end. They never cross a gap; a gap is as in training: an interval
/// of more than `max_gap` times the median of all that the forecast may use.
///
/// # Errors
/// If there are too few frames, or too few since the last gap.
pub fn select(times: &[f64], until: Option<f64>, config: &WindowsConfig) -> Result<Selection, SelectError> {
    let needs = config.input_frames;
    let end = until.map_or(times.len(), |until| times.partition_point(|&time| time <= until));
    let known = &times[..end];
    if known.len() < needs {
        return Err(match (end < times.len(), known.last()) {
            (true, Some(&last)) => SelectError::TooEarly { got: known.len(), needs, until: time_text(last) },
            _ => SelectError::TooFew { got: known.len(), needs },
        });
    }
    let cut = windows(known, config).map_err(|error| SelectError::Interval(error.to_string()))?;
    let segment = cut.segments.last().cloned().unwrap_or(0..0);
    if let Some(gap) = cut.gaps.last().filter(|_| segment.len() < needs) {
        return Err(SelectError::Gap {
            got: segment.len(),
            needs,
            minutes: gap.interval_seconds / 60.0,
            since: time_text(known[segment.start]),
            usual: gap.median_seconds / 60.0,
        });
    }
    let frames = end - needs..end;
    let used = windows(&known[frames.clone()], config).ok().and_then(|used| used.median_interval_seconds);
    let one_frame = || SelectError::Interval("there is only one; give it a second one".to_owned());
    let interval_seconds = used.or(cut.median_interval_seconds).ok_or_else(one_frame)?;
    Ok(Selection { frames, interval_seconds })
}

/// Whether an event has a frame at a time, or one shortly before it without a gap between.
#[must_use]
pub fn covers(times: &[f64], at: f64, config: &WindowsConfig) -> bool {
    let known = &times[..times.partition_point(|&time| time <= at)];
    let median = windows(known, config).ok().and_then(|cut| cut.median_interval_seconds);
    match (known.last(), median) {
        (Some(last), Some(median)) => at - last <= config.max_gap * median,
        (Some(&last), None) => at == last,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 January 2013, 18:20:00 UTC.
    const BEGIN: f64 = 1_357_410_000.0;

    fn config(input_frames: usize) -> WindowsConfig {
        WindowsConfig { input_frames, ..WindowsConfig::default() }
    }

    fn every_three_minutes(frames: usize) -> Vec<f64> {
        (0..frames).map(|frame| BEGIN + 182.0 * frame as f64).collect()
    }

    #[test]
    fn the_last_frames_are_taken_and_no_target_is_needed() {
        let selection = |frames| select(&every_three_minutes(frames), None, &config(18));
        assert_eq!(selection(18).unwrap(), Selection { frames: 0..18, interval_seconds: 182.0 });
        assert_eq!(selection(40).unwrap().frames, 22..40);
        let error = selection(12).unwrap_err();
        assert_eq!(error.to_string(), "it has 12 usable frames, the model needs 18; give it more of them");
    }

    #[test]
    fn at_a_time_the_newest_frame_at_or_before_it_is_the_last() {
        let times = every_three_minutes(10);
        let end = |until| select(&times, Some(until), &config(3)).unwrap().frames.end;
        assert_eq!((end(times[5]), end(times[5] + 100.0), end(times[6] - 0.5)), (6, 6, 6));
        let error = select(&times, Some(times[1]), &config(3)).unwrap_err();
        assert!(error.to_string().starts_with("it has 2 usable frames up to 2013-01-05 18:23:02 UTC"), "{error}");
    }

    #[test]
    fn frames_before_a_gap_are_not_taken() {
        let mut times = every_three_minutes(12);
        times[8..].iter_mut().for_each(|time| *time += 900.0);
        assert_eq!(select(&times, None, &config(4)).unwrap().frames, 8..12);
        let error = select(&times, None, &config(5)).unwrap_err();
        let text =
            "it has 4 frames after a gap of 18.0 min before 2013-01-05 18:59:16 UTC (its frames come every 3.0 min)";
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(select(&times, Some(times[7]), &config(5)).unwrap().frames, 3..8);
    }

    #[test]
    fn the_interval_is_that_of_the_frames_used() {
        let mut times: Vec<f64> = (0..30).map(|frame| BEGIN + 182.0 * f64::from(frame)).collect();
        let last = times[29];
        times.extend((1..=4).map(|frame| last + 258.0 * f64::from(frame)));
        assert_eq!(select(&times, None, &config(4)).unwrap().interval_seconds, 258.0);
        assert_eq!(select(&times[..2], None, &config(1)).unwrap().interval_seconds, 182.0);
        assert!(matches!(select(&times[..1], None, &config(1)), Err(SelectError::Interval(_))));
    }

    #[test]
    fn an_event_covers_a_time_until_the_next_frame_would_be_late() {
        let times = every_three_minutes(5);
        let covered = |at| covers(&times, at, &config(3));
        assert!(covered(times[4]) && covered(times[4] + 270.0) && covered(times[1] + 1.0));
        assert!(!covered(times[4] + 280.0) && !covered(times[0] - 1.0));
    }
}
