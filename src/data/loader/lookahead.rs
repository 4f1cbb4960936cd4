//! When each frame will be wanted next, as far as is known: the order of samples is a function of the seed, so the future
//! needs no guess. It looks a fixed number of samples ahead, into the next epoch too.

use std::collections::VecDeque;
use std::sync::Arc;

use super::order::Order;
use super::sample::Samples;

/// Samples looked ahead. More costs memory; an epoch that is longer loses little, see [`super::cache`].
const HORIZON: u64 = 1 << 14;

/// The next use of a frame that is not wanted within the horizon.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// The uses of each frame, as positions that count on through all epochs.
pub(super) struct Lookahead {
    order: Order,
    samples: Arc<Samples>,
    epoch: Option<(u64, Arc<[u32]>)>,
    uses: Vec<Uses>,
    /// Uses of an older one are forgotten: that costs nothing at a restart, however many frames there are.
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
    pub(super) fn new(order: Order, samples: Arc<Samples>) -> Self {
        let uses = vec![Uses::default(); samples.frames()];
        Self { order, samples, epoch: None, uses, generation: 0, from: 0, to: 0 }
    }

    /// When a frame is wanted next.
    pub(super) fn next_use(&self, frame: usize) -> u64 {
        let uses = &self.uses[frame];
        let known = uses.positions.front().filter(|_| uses.generation == self.generation);
        known.copied().unwrap_or(UNKNOWN)
    }

    /// Whether the future from this position on is what was looked at already.
    pub(super) fn continues_at(&self, position: u64) -> bool {
        position == self.from && self.to > self.from
    }

    /// Forgets the future: another position comes next, in an epoch of this order.
    pub(super) fn restart(&mut self, position: u64, epoch: u64, numbers: Arc<[u32]>) {
        self.generation = self.generation.wrapping_add(1);
        self.epoch = Some((epoch, numbers));
        (self.from, self.to) = (position, position);
    }

    /// The sample at this position is being served: its frames' next uses lie behind it.
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
        if self.to >= self.from.saturating_add(HORIZON) {
            return None;
        }
        let position = self.to;
        self.to += 1;
        let count = self.samples.count();
        let epoch = position / u64::from(count);
        if self.epoch.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.epoch = Some((epoch, self.order.epoch(epoch, count)));
        }
        let number = self.epoch.as_ref().map_or(0, |(_, numbers)| numbers[(position % u64::from(count)) as usize]);
        let frames = self.samples.frames_of(self.samples.get(number));
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
