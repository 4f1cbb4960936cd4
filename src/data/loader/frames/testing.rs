//! A source in memory that counts requests, and fails or panics if a test wants it to.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use thiserror::Error;

use super::{FrameSource, Frames, Sample};
use crate::data::loader::{Loader, LoaderConfig, Order};
use crate::util::exit::Exit;

pub(in crate::data::loader) const FRAME_BYTES: usize = 8;

#[derive(Default)]
pub(in crate::data::loader) struct Counted {
    pub(in crate::data::loader) decodes: Mutex<HashMap<(usize, usize), usize>>,
    pub(in crate::data::loader) broken: HashSet<(usize, usize)>,
    pub(in crate::data::loader) panics: bool,
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("damaged")]
pub(in crate::data::loader) struct Damaged;

impl Damaged {
    fn exit(&self) -> Exit {
        Exit::DataRefused
    }
}

crate::util::failures!("test data": Damaged);

/// What a frame holds: event, frame, then a byte for each place.
pub(in crate::data::loader) fn bytes_of(event: usize, frame: usize) -> [u8; FRAME_BYTES] {
    let mut bytes: [u8; FRAME_BYTES] = std::array::from_fn(|place| place as u8);
    (bytes[0], bytes[1]) = (event as u8, frame as u8);
    bytes
}

impl FrameSource for Counted {
    type Error = Damaged;

    fn frame_bytes(&self) -> usize {
        FRAME_BYTES
    }

    fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), Damaged> {
        assert!(!self.panics, "a mistake of this source");
        *self.decodes.lock().unwrap().entry((event, frame)).or_insert(0) += 1;
        // Gives other threads the chance to request the same frame.
        std::thread::yield_now();
        if self.broken.contains(&(event, frame)) {
            return Err(Damaged);
        }
        into.copy_from_slice(&bytes_of(event, frame));
        Ok(())
    }
}

/// Windows of 5 frames, every 2, over events of 20 frames: all of each frame.
pub(in crate::data::loader) fn samples(events: usize) -> Vec<Sample> {
    let starts = (0..=15).step_by(2);
    let sample = |event| starts.clone().map(move |start| Sample { event, start, length: 5, slice: 0..FRAME_BYTES });
    (0..events).flat_map(sample).collect()
}

pub(in crate::data::loader) fn loader(
    source: &Arc<Counted>,
    samples: Vec<Sample>,
    shuffle: bool,
    config: LoaderConfig,
) -> Loader<Frames<Counted>> {
    Loader::of_frames(Arc::clone(source), samples, Order { seed: 42, shuffle }, config).unwrap()
}
