//! A window as it is delivered: bytes until the last moment.

use super::flight::Frame;
use super::sample::Sample;

/// A window as the cache holds it: its frames are shared, not copied.
#[derive(Clone, Debug)]
pub struct LoadedWindow {
    /// The sample's number in the list that the loader was given.
    pub number: usize,
    /// What was requested.
    pub sample: Sample,
    /// How often the epoch had the same sample before.
    pub repeat: u32,
    frames: Vec<Frame>,
}

impl LoadedWindow {
    pub(super) fn new(number: usize, sample: Sample, repeat: u32, frames: Vec<Frame>) -> Self {
        Self { number, sample, repeat, frames }
    }

    /// The sample's part of each frame, in order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.frames.iter().map(|frame| &frame[self.sample.slice.clone()])
    }

    /// Copies `[frames, slice]` behind what the buffer holds.
    pub fn append_to(&self, buffer: &mut Vec<u8>) {
        buffer.reserve(self.sample.bytes());
        self.frames().for_each(|frame| buffer.extend_from_slice(frame));
    }

    /// Copies `[frames, slice]` into a buffer of that size.
    ///
    /// # Panics
    /// If the buffer has another size than [`Sample::bytes`].
    pub fn copy_into(&self, buffer: &mut [u8]) {
        assert_eq!(buffer.len(), self.sample.bytes(), "the buffer must have the size of the sample");
        for (frame, place) in self.frames().zip(buffer.chunks_exact_mut(self.sample.slice.len())) {
            place.copy_from_slice(frame);
        }
    }
}
