//! Windows over a long recording: which frames each has, and what they say one after another.

use std::ops::Range;

use serde::Serialize;

use crate::task::classes::predictions::Prediction;

/// The windows of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Windows {
    /// The frames of a window.
    pub frames: usize,
    /// The frames from the start of one to that of the next.
    pub hop: usize,
}

/// The frames that a prediction is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// The first frame, counted from 0.
    pub first_frame: usize,
    /// The last one.
    pub last_frame: usize,
    /// When the first one begins, if the file says how many frames a second has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<f64>,
    /// When the last one ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_seconds: Option<f64>,
}

/// A part of a recording in which all windows say the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// The recording.
    pub file: String,
    /// Where it is.
    #[serde(flatten)]
    pub span: Span,
    /// What the windows say.
    pub class: String,
    /// The mean of their probabilities.
    pub probability: f32,
    /// How many windows these are.
    pub windows: usize,
}

impl Windows {
    /// The frames of each window of a recording. The last one may have fewer, but at least half, and a recording that is shorter
    /// than that is one window.
    #[must_use]
    pub fn of(self, frames: usize) -> Vec<Range<usize>> {
        let Self { frames: window, hop } = self;
        let half = window.div_ceil(2);
        let starts = (0..frames).step_by(hop.max(1));
        // A window that ends where the one before it ends says nothing new.
        let mut end = 0;
        let mut windows: Vec<Range<usize>> = Vec::new();
        for start in starts {
            let window = start..(start + window).min(frames);
            if window.end > end && (window.len() >= half || windows.is_empty()) {
                end = window.end;
                windows.push(window);
            }
        }
        windows
    }
}

impl Span {
    /// The span of these frames, of which a second has so many.
    #[must_use]
    pub fn new(frames: &Range<usize>, fps: Option<f64>) -> Self {
        let seconds = |frame: usize| fps.map(|fps| frame as f64 / fps);
        Self {
            first_frame: frames.start,
            last_frame: frames.end.saturating_sub(1),
            start_seconds: seconds(frames.start),
            end_seconds: seconds(frames.end),
        }
    }

    fn frames(&self) -> Range<usize> {
        self.first_frame..self.last_frame + 1
    }

    fn fps(&self) -> Option<f64> {
        self.end_seconds.map(|end| (self.last_frame + 1) as f64 / end)
    }

    /// The frame in its middle, twice.
    fn middle(&self) -> usize {
        self.first_frame + self.last_frame + 1
    }
}

/// What windows say, in order: neighbours that say the same are one segment, and two segments meet midway between the middles of
/// their windows.
#[must_use]
pub fn segments(predictions: &[(Span, Prediction)]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut before: Option<&(Span, Prediction)> = None;
    for now in predictions {
        let (span, Prediction { file, class, probability, .. }) = now;
        let last = segments.last_mut();
        let joins = before.is_some_and(|(_, before)| before.file == *file && before.class == *class);
        match (last, before) {
            (Some(last), Some(_)) if joins => {
                last.span = Span::new(&(last.span.first_frame..span.last_frame + 1), span.fps());
                last.probability += probability;
                last.windows += 1;
            }
            (last, before) => {
                let mut frames = span.frames();
                if let (Some(last), Some((earlier, _))) = (last, before.filter(|(_, before)| before.file == *file)) {
                    let border = (earlier.middle() + span.middle()).div_ceil(4);
                    frames.start = border;
                    last.span = Span::new(&(last.span.first_frame..border), span.fps());
                }
                let (file, class) = (file.clone(), class.clone());
                let span = Span::new(&frames, span.fps());
                segments.push(Segment { file, span, class, probability: *probability, windows: 1 });
            }
        }
        before = Some(now);
    }
    segments.iter_mut().for_each(|segment| segment.probability /= segment.windows as f32);
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::classes::predictions::Names;

    fn of(frames: usize, [window, hop]: [usize; 2]) -> Vec<[usize; 2]> {
        Windows { frames: window, hop }.of(frames).into_iter().map(|window| [window.start, window.end]).collect()
    }

    #[test]
    fn windows_cover_a_recording_and_the_last_one_has_at_least_half() {
        assert_eq!(of(20, [8, 4]), [[0, 8], [4, 12], [8, 16], [12, 20]]);
        assert_eq!(of(22, [8, 4]), [[0, 8], [4, 12], [8, 16], [12, 20], [16, 22]]);
        assert_eq!(of(12, [8, 8]), [[0, 8], [8, 12]], "half of one");
        assert_eq!(of(11, [8, 8]), [[0, 8]], "less than half");
        assert_eq!(of(3, [8, 4]), [[0, 3]], "a short recording");
        assert_eq!(of(8, [8, 4]), [[0, 8]], "nothing new in the second half");
        assert_eq!(of(20, [4, 10]), [[0, 4], [10, 14]], "with gaps");
        assert_eq!(of(3, [1, 1]), [[0, 1], [1, 2], [2, 3]]);
    }

    #[test]
    fn windows_that_say_the_same_become_one_segment() {
        let classes = ["hola", "adiós"].map(str::to_owned);
        let names = Names { classes: &classes, labels: &classes };
        let windows = Windows { frames: 8, hop: 4 }.of(24);
        let said = [0.9_f32, 0.7, 0.2, 0.4, 0.1];
        let mut predictions: Vec<(Span, Prediction)> = windows
            .iter()
            .zip(said)
            .map(|(frames, hola)| {
                (Span::new(frames, Some(10.0)), Prediction::of("a".into(), &[hola, 1.0 - hola], 2, None, names))
            })
            .collect();
        predictions.push((Span::new(&(0..5), None), Prediction::of("b".into(), &[0.0, 1.0], 2, None, names)));
        let found = segments(&predictions);
        let plain: Vec<_> = found
            .iter()
            .map(|found| {
                (
                    found.file.as_str(),
                    found.class.as_str(),
                    found.span.first_frame,
                    found.span.last_frame,
                    found.windows,
                )
            })
            .collect();
        assert_eq!(plain, [("a", "hola", 0, 9, 2), ("a", "adiós", 10, 23, 3), ("b", "adiós", 0, 4, 1)]);
        assert!((found[0].probability - 0.8).abs() < 1e-6, "{}", found[0].probability);
        assert_eq!((found[1].span.start_seconds, found[1].span.end_seconds), (Some(1.0), Some(2.4)));
        assert_eq!(found[2].span.start_seconds, None);
    }
}
