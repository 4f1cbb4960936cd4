//! What can be requested: consecutive frames of an event, or the same part of each.

use std::collections::BTreeMap;
use std::ops::Range;

use thiserror::Error;

use crate::util::exit::Exit;

/// The most frames a loader can number; it keeps some 70 bytes for each.
const MOST_FRAMES: usize = 1 << 26;

/// Consecutive frames of an event, or the same part of each: a level of a volume, for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The event's number in the source.
    pub event: usize,
    /// The first frame.
    pub start: usize,
    /// The number of frames.
    pub length: usize,
    /// The bytes of each frame that are delivered.
    pub slice: Range<usize>,
}

impl Sample {
    /// The bytes that are delivered.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.length * self.slice.len()
    }
}

/// Samples that no source could serve: a bug in the caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SampleError {
    /// A sample requests nothing, or bytes that no frame has.
    #[error(
        "sample {number} asks for {length} frames, bytes {slice:?} of each, expected a part of {frame_bytes} bytes"
    )]
    Slice {
        /// The sample's place in the list.
        number: usize,
        /// Its frames.
        length: usize,
        /// The bytes of each.
        slice: Range<usize>,
        /// What a frame has.
        frame_bytes: usize,
    },
    /// Samples of different shapes don't fit in one batch.
    #[error("sample {number} has {got:?} (frames, bytes of each), expected {expected:?} as the first one")]
    Shape {
        /// The sample's place in the list.
        number: usize,
        /// Its shape.
        got: (usize, usize),
        /// The shape of the first sample.
        expected: (usize, usize),
    },
    /// More frames than can be numbered.
    #[error("the {frames} frames of these samples can't be numbered, expected at most {most}")]
    TooMany {
        /// How many there are.
        frames: usize,
        /// The limit.
        most: usize,
    },
}

impl SampleError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Bug
    }
}

crate::util::failures!("samples": SampleError);

/// All samples of a loader, checked, with a number for each frame that one of them uses.
pub(super) struct Samples {
    list: Vec<Sample>,
    /// The number of each event's frame 0.
    offsets: BTreeMap<usize, usize>,
    frames: usize,
}

impl Samples {
    pub(super) fn new(list: Vec<Sample>, frame_bytes: usize) -> Result<Self, SampleError> {
        list.iter().enumerate().try_for_each(|(number, sample)| check(number, sample, &list[0], frame_bytes))?;
        let mut ends = BTreeMap::new();
        for sample in &list {
            let end = ends.entry(sample.event).or_insert(0);
            *end = sample.start.saturating_add(sample.length).max(*end);
        }
        let mut frames: usize = 0;
        for end in ends.values_mut() {
            frames = frames.saturating_add(std::mem::replace(end, frames));
        }
        if frames > MOST_FRAMES {
            return Err(SampleError::TooMany { frames, most: MOST_FRAMES });
        }
        Ok(Self { list, offsets: ends, frames })
    }

    pub(super) fn get(&self, number: usize) -> &Sample {
        &self.list[number]
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// The highest number of a frame, plus one.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// The numbers of a sample's frames.
    pub(super) fn frames_of(&self, sample: &Sample) -> Range<usize> {
        let first = self.offsets.get(&sample.event).copied().unwrap_or(0) + sample.start;
        first..first + sample.length
    }
}

fn check(number: usize, sample: &Sample, first: &Sample, frame_bytes: usize) -> Result<(), SampleError> {
    let Sample { length, ref slice, .. } = *sample;
    if length == 0 || slice.is_empty() || slice.end > frame_bytes {
        return Err(SampleError::Slice { number, length, slice: slice.clone(), frame_bytes });
    }
    let shape = |sample: &Sample| (sample.length, sample.slice.len());
    if shape(sample) != shape(first) {
        return Err(SampleError::Shape { number, got: shape(sample), expected: shape(first) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(event: usize, start: usize, length: usize, slice: Range<usize>) -> Sample {
        Sample { event, start, length, slice }
    }

    #[test]
    fn frames_are_numbered_event_by_event_without_overlap() {
        let list = vec![sample(7, 0, 5, 0..4), sample(2, 3, 5, 4..8), sample(7, 4, 5, 0..4)];
        let samples = Samples::new(list, 8).unwrap();
        let frames = |number| samples.frames_of(samples.get(number));
        assert_eq!((frames(0), frames(1), frames(2)), (8..13, 3..8, 12..17));
        assert_eq!(samples.frames(), 17);
    }

    #[test]
    fn samples_that_no_source_could_serve_are_refused() {
        let refused = |list| Samples::new(list, 8).err().unwrap();
        for bad in [sample(0, 0, 0, 0..4), sample(0, 0, 5, 4..4), sample(0, 0, 5, 4..9)] {
            assert!(matches!(refused(vec![bad]), SampleError::Slice { number: 0, .. }));
        }
        let mixed = vec![sample(0, 0, 5, 0..4), sample(0, 0, 4, 0..4)];
        assert_eq!(refused(mixed), SampleError::Shape { number: 1, got: (4, 4), expected: (5, 4) });
        assert!(matches!(refused(vec![sample(0, usize::MAX, 5, 0..4)]), SampleError::TooMany { .. }));
        assert!(Samples::new(Vec::new(), 8).is_ok());
    }
}
