//! When each frame will be wanted next, as far as is known: the order of samples is a function of the seed, so the future
//! needs no guess. It looks a fixed number of samples ahead, into the next epoch too.

use std::collections::VecDeque;
use std::sync::Arc;

use super::sample::Samples;
use crate::data::loader::{Epochs, Upcoming};

/// Samples looked ahead. More costs memory; an epoch that is longer loses little, see [`super::cache`].
const HORIZON: u64 = 1 << 14;

/// The next use of a frame that is not wanted within the horizon.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// The uses of each frame, as positions that count on through all epochs.
pub(super) struct Lookahead {
    samples: Arc<Samples>,
    /// The order of all epochs, once it is known.
    epochs: Option<Epochs>,
    /// The order of one of them.
    epoch: Option<(u64, Arc<[u32]>)>,
    uses: Vec<Uses>,
    /// Uses in an older one are forgotten, so a restart costs nothing, for any number of frames.
    generation: u32,
    from: u64,
    to: u64,
}

#[derive(Clone, Default)]
struct Uses {
    generation: u32,
    positions: VecDeque<u64>,
}

impl Lookahead {
    pub(super) fn new(samples: Arc<Samples>) -> Self {
        let uses = vec![Uses::default(); samples.frames()];
        Self { samples, epochs: None, epoch: None, uses, generation: 0, from: 0, to: 0 }
    }

    /// When a frame is needed next.
    pub(super) fn next_use(&self, frame: usize) -> u64 {
        let uses = &self.uses[frame];
        let known = uses.positions.front().filter(|_| uses.generation == self.generation);
        known.copied().unwrap_or(UNKNOWN)
    }

    /// Whether this future has been read already.
    pub(super) fn continues_with(&self, future: &Upcoming<'_>) -> bool {
        future.count == self.from && self.to > self.from && self.epochs.as_ref() == Some(future.epochs)
    }

    /// Forgets the known order: a new one follows.
    pub(super) fn restart(&mut self, future: &Upcoming<'_>) {
        self.generation = self.generation.wrapping_add(1);
        self.epochs = Some(future.epochs.clone());
        self.epoch = Some((future.position.epoch, Arc::clone(future.indices)));
        (self.from, self.to) = (future.count, future.count);
    }

    /// The sample at this position is being served: its frames' next uses come after it.
    pub(super) fn pass(&mut self, position: u64, frames: std::ops::Range<usize>) {
        self.from = self.from.max(position + 1);
        self.to = self.to.max(self.from);
        for uses in &mut self.uses[frames] {
            while uses.positions.front().is_some_and(|&next| next <= position) {
                uses.positions.pop_front();
            }
        }
    }

    /// Looks one sample further unless the horizon is reached; gives its position and frames.
    pub(super) fn look_further(&mut self) -> Option<(u64, std::ops::Range<usize>)> {
        let epochs = self.epochs.as_ref().filter(|_| self.to < self.from.saturating_add(HORIZON))?;
        let position = self.to;
        self.to += 1;
        let count = u64::from(epochs.samples());
        let epoch = position / count;
        if self.epoch.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.epoch = Some((epoch, epochs.indices(epoch)));
        }
        let index = self.epoch.as_ref().map_or(0, |(_, indices)| indices[(position % count) as usize]);
        let frames = self.samples.frames_of(self.samples.get(index as usize));
        for uses in &mut self.uses[frames.clone()] {
            if uses.generation != self.generation {
                uses.positions.clear();
                uses.generation = self.generation;
            }
            uses.positions.push_back(position);
        }
        Some((position, frames))
    }
}
