//! Decoded frames in memory, bounded in bytes. A frame is stored once for all windows that share it, and decoded once
//! if several threads need it at the same time.
//!
//! When it is full, the frame needed last is evicted first, and a new frame that is needed later than all others is not
//! kept at all: Belady's rule (<https://doi.org/10.1147/sj.52.0078>), which needs the future and has the fewest misses.
//! Here the future is known. Least-recently-used would be wrong twice: an unshuffled pass over more frames than fit finds
//! none of them again, and in a shuffled one it keeps frames whose windows have all been drawn. Among frames that are not
//! needed within the horizon the one used last is evicted first, which is best for a repeating pass.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::WindowError;
use super::flight::{Flight, Frame};
use super::lookahead::{Lookahead, UNKNOWN};
use super::sample::{Sample, Samples};
use super::source::FrameSource;
use crate::data::loader::{Place, Upcoming};
use crate::util::units;

/// How fast the view of the future grows: looking to the horizon at once would delay an epoch's first window.
const LOOK_PER_WINDOW: usize = 64;

/// What the cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CacheStats {
    /// Frames that were wanted and there, or on their way.
    pub(super) hits: u64,
    /// Frames that were decoded.
    pub(super) decodes: u64,
    /// Bytes held now.
    pub(super) bytes: usize,
    /// Bytes held at most.
    pub(super) peak_bytes: usize,
}

/// Decoded frames of a source.
pub(super) struct FrameCache<S: FrameSource> {
    source: Arc<S>,
    samples: Arc<Samples>,
    frame_bytes: usize,
    state: Mutex<State>,
}

struct State {
    slots: Vec<Slot>,
    /// The most frames that are held.
    capacity: usize,
    held: usize,
    /// The held frames by next use; kept only if not all frames fit.
    ranking: Option<Ranking>,
    stats: CacheStats,
}

#[derive(Default)]
enum Slot {
    #[default]
    Absent,
    InFlight(Arc<Flight>),
    Held(Frame),
}

/// When held frames are needed: the last one is evicted first.
struct Ranking {
    lookahead: Lookahead,
    /// (next use, last use, frame).
    held: BTreeSet<(u64, u64, usize)>,
    /// By frame.
    last_use: Vec<u64>,
}

/// A frame, or who will have it.
enum Found<'a, S: FrameSource> {
    Here(Frame),
    Ours(Landing<'a, S>),
    Theirs(Arc<Flight>),
}

impl<S: FrameSource> FrameCache<S> {
    pub(super) fn new(source: Arc<S>, samples: Arc<Samples>, cache_bytes: usize) -> Self {
        let frame_bytes = source.frame_bytes();
        let frames = samples.frames();
        let capacity = cache_bytes.checked_div(frame_bytes).unwrap_or(0);
        let ranking = (capacity > 0 && capacity < frames).then(|| Ranking::new(Arc::clone(&samples)));
        let slots = std::iter::repeat_with(Slot::default).take(frames).collect();
        let state = State { slots, capacity, held: 0, ranking, stats: CacheStats::default() };
        Self { source, samples, frame_bytes, state: Mutex::new(state) }
    }

    pub(super) fn stats(&self) -> CacheStats {
        let state = self.state();
        CacheStats { bytes: state.held * self.frame_bytes, ..state.stats }
    }

    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Records what is served next, and in which order.
    pub(super) fn start(&self, future: &Upcoming<'_>) {
        if let Some(ranking) = &mut self.state().ranking {
            ranking.start(future);
        }
    }

    /// The frames of the sample at a position.
    pub(super) fn window(&self, place: Place<'_>, sample: &Sample) -> Result<Vec<Frame>, WindowError<S::Error>> {
        let numbers = self.samples.frames_of(sample);
        let mut found: Vec<_> = self.look_up(place.count, numbers.clone()).into_iter().map(Some).collect();
        let mut frames = vec![Frame::default(); sample.length];
        // Ours first: a thread that waits for another must not be waited for itself.
        for theirs in [false, true] {
            for (index, slot) in found.iter_mut().enumerate() {
                let Some(found) = slot.take_if(|found| theirs || !matches!(found, Found::Theirs(_))) else { continue };
                if !place.is_wanted() {
                    return Err(WindowError::Unwanted);
                }
                frames[index] = self.resolve(found, numbers.start + index, sample.event, sample.start + index)?;
            }
        }
        Ok(frames)
    }

    fn look_up(&self, position: u64, numbers: Range<usize>) -> Vec<Found<'_, S>> {
        let mut state = self.state();
        if let Some(ranking) = &mut state.ranking {
            ranking.pass(position, numbers.clone());
        }
        numbers.map(|number| self.look_up_one(&mut state, number)).collect()
    }

    fn look_up_one(&self, state: &mut State, number: usize) -> Found<'_, S> {
        let found = match &state.slots[number] {
            Slot::Held(frame) => Found::Here(Arc::clone(frame)),
            Slot::InFlight(flight) => Found::Theirs(Arc::clone(flight)),
            Slot::Absent => {
                let flight = Arc::new(Flight::default());
                state.slots[number] = Slot::InFlight(Arc::clone(&flight));
                return Found::Ours(Landing { cache: self, number, flight, frame: None });
            }
        };
        state.stats.hits += 1;
        found
    }

    fn resolve<'a>(
        &'a self,
        mut found: Found<'a, S>,
        number: usize,
        event: usize,
        frame: usize,
    ) -> Result<Frame, WindowError<S::Error>> {
        loop {
            match found {
                Found::Here(frame) => return Ok(frame),
                Found::Ours(landing) => {
                    let failed = |source| WindowError::Frame { event, frame, source };
                    let decoded = self.decode(event, frame).map_err(failed)?;
                    return Ok(landing.with(decoded));
                }
                Found::Theirs(flight) => match flight.wait() {
                    Some(frame) => return Ok(frame),
                    // The other thread failed or was stopped: this window's error must be its own.
                    None => found = self.look_up_one(&mut self.state(), number),
                },
            }
        }
    }

    fn decode(&self, event: usize, frame: usize) -> Result<Frame, S::Error> {
        let mut bytes: Frame = std::iter::repeat_n(0, self.frame_bytes).collect();
        self.source.read_frame(event, frame, Arc::make_mut(&mut bytes))?;
        Ok(bytes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: FrameSource> Drop for FrameCache<S> {
    fn drop(&mut self) {
        let CacheStats { hits, decodes, peak_bytes, .. } = self.stats();
        tracing::debug!(
            "frames: {decodes} decoded, {hits} found in memory, {} held at most",
            units::bytes(peak_bytes as u64)
        );
    }
}

/// Guarantees that a flight ends, even if decoding fails or panics.
struct Landing<'a, S: FrameSource> {
    cache: &'a FrameCache<S>,
    number: usize,
    flight: Arc<Flight>,
    frame: Option<Frame>,
}

impl<S: FrameSource> Landing<'_, S> {
    fn with(mut self, frame: Frame) -> Frame {
        self.frame = Some(Arc::clone(&frame));
        frame
    }
}

impl<S: FrameSource> Drop for Landing<'_, S> {
    fn drop(&mut self) {
        let frame = self.frame.take();
        let mut state = self.cache.state();
        state.slots[self.number] = Slot::Absent;
        if let Some(frame) = &frame {
            state.stats.decodes += 1;
            state.keep(self.number, frame);
            state.stats.peak_bytes = state.stats.peak_bytes.max(state.held * self.cache.frame_bytes);
        }
        drop(state);
        self.flight.land(frame);
    }
}

impl State {
    fn keep(&mut self, number: usize, frame: &Frame) {
        if self.held >= self.capacity {
            let Some(evicted) = self.ranking.as_mut().and_then(|ranking| ranking.make_room_for(number)) else { return };
            self.slots[evicted] = Slot::Absent;
            self.held -= 1;
        }
        if let Some(ranking) = &mut self.ranking {
            ranking.held.insert(ranking.rank(number));
        }
        self.slots[number] = Slot::Held(Arc::clone(frame));
        self.held += 1;
    }
}

impl Ranking {
    fn new(samples: Arc<Samples>) -> Self {
        let last_use = vec![0; samples.frames()];
        Self { lookahead: Lookahead::new(samples), held: BTreeSet::new(), last_use }
    }

    fn rank(&self, frame: usize) -> (u64, u64, usize) {
        (self.lookahead.next_use(frame), self.last_use[frame], frame)
    }

    fn start(&mut self, future: &Upcoming<'_>) {
        if self.lookahead.continues_with(future) {
            return;
        }
        self.lookahead.restart(future);
        let held = std::mem::take(&mut self.held);
        self.held = held.into_iter().map(|(_, last, frame)| (UNKNOWN, last, frame)).collect();
    }

    /// A window is being served: its frames' next uses change.
    fn pass(&mut self, position: u64, frames: Range<usize>) {
        let before: Vec<_> = frames.clone().map(|frame| (self.rank(frame), frame)).collect();
        self.lookahead.pass(position, frames);
        for (rank, frame) in before {
            self.last_use[frame] = position;
            if self.held.remove(&rank) {
                self.held.insert(self.rank(frame));
            }
        }
        for _ in 0..LOOK_PER_WINDOW {
            if !self.look_further() {
                break;
            }
        }
    }

    fn look_further(&mut self) -> bool {
        let Some((position, frames)) = self.lookahead.look_further() else { return false };
        for frame in frames {
            // The first known use of a frame that was thought unwanted.
            if self.lookahead.next_use(frame) == position && self.held.remove(&(UNKNOWN, self.last_use[frame], frame)) {
                self.held.insert(self.rank(frame));
            }
        }
        true
    }

    /// Removes the frame needed last, unless that is the new one.
    fn make_room_for(&mut self, frame: usize) -> Option<usize> {
        let last = self.held.last().copied()?;
        (last > self.rank(frame)).then(|| {
            self.held.remove(&last);
            last.2
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Counted, FRAME_BYTES, loader, samples};
    use super::*;
    use crate::data::loader::{LoaderConfig, Order, Position};

    fn config(threads: usize, cache_frames: usize) -> LoaderConfig {
        // A spare part of a frame does not count as one.
        let cache_bytes = cache_frames * FRAME_BYTES + FRAME_BYTES / 2;
        LoaderConfig { threads, queue_windows: 4, queue_bytes: 1 << 20, cache_bytes }
    }

    /// Loads some epochs; the statistics at the end.
    fn run(samples: &[Sample], shuffle: bool, epochs: u64, config: LoaderConfig) -> CacheStats {
        let loader = loader(&Arc::default(), samples.to_vec(), shuffle, config);
        for epoch in 0..epochs {
            for window in loader.start(Position { epoch, next: 0 }).unwrap() {
                window.unwrap();
                assert!(loader.source().cache.stats().bytes <= loader.source().cache.stats().peak_bytes);
            }
        }
        loader.source().cache.stats()
    }

    /// The frames of all windows of some epochs, by number.
    fn accesses(list: &[Sample], shuffle: bool, epochs: u64) -> Vec<Range<usize>> {
        let samples = Samples::new(list.to_vec(), FRAME_BYTES).unwrap();
        let order = Order { seed: 42, shuffle };
        let epoch = |epoch| order.epoch(epoch, samples.count() as u32).to_vec();
        (0..epochs).flat_map(epoch).map(|number| samples.frames_of(samples.get(number as usize))).collect()
    }

    /// How often a cache that forgets the least recently used frame decodes.
    fn decodes_of_lru(accesses: &[Range<usize>], capacity: usize) -> u64 {
        let (mut held, mut decodes) = (Vec::<usize>::new(), 0);
        for frame in accesses.iter().cloned().flatten() {
            match held.iter().position(|&other| other == frame) {
                Some(place) => drop(held.remove(place)),
                None => decodes += 1,
            }
            held.push(frame);
            if held.len() > capacity {
                held.remove(0);
            }
        }
        decodes
    }

    /// How often any cache must decode: the whole future is searched before each decision.
    fn fewest_decodes(accesses: &[Range<usize>], capacity: usize) -> u64 {
        let next_use = |frame: usize, after: usize| {
            accesses[after..].iter().position(|window| window.contains(&frame)).unwrap_or(usize::MAX)
        };
        let (mut held, mut decodes) = (BTreeSet::<usize>::new(), 0);
        for (place, window) in accesses.iter().enumerate() {
            for frame in window.clone().filter(|frame| !held.contains(frame)).collect::<Vec<_>>() {
                decodes += 1;
                held.insert(frame);
                if held.len() > capacity {
                    // What this window still has to look up was found at its start.
                    let last = held.iter().copied().max_by_key(|&frame| next_use(frame, place + 1)).unwrap();
                    held.remove(&last);
                }
            }
        }
        decodes
    }

    #[test]
    fn each_frame_is_decoded_once_when_all_fit_however_many_threads_want_it() {
        for threads in [0, 1, 8] {
            let source = Arc::new(Counted::default());
            let loader = loader(&source, samples(6), true, config(threads, 114));
            for epoch in 0..3 {
                loader.start(Position { epoch, next: 0 }).unwrap().for_each(|window| drop(window.unwrap()));
            }
            let decodes = source.decodes.lock().unwrap();
            assert_eq!(decodes.len(), 114);
            assert!(decodes.values().all(|&count| count == 1), "{threads} threads");
            let stats = loader.source().cache.stats();
            assert_eq!((stats.decodes, stats.hits, stats.bytes), (114, 3 * 48 * 5 - 114, 114 * FRAME_BYTES));
        }
    }

    #[test]
    fn the_cache_never_holds_more_than_its_bytes() {
        for threads in [0, 1, 5] {
            for frames in [0, 1, 3, 20, 60] {
                for shuffle in [false, true] {
                    let stats = run(&samples(5), shuffle, 2, config(threads, frames));
                    assert_eq!(stats.peak_bytes, frames * FRAME_BYTES, "{threads} threads, {frames} frames");
                }
            }
        }
    }

    #[test]
    fn a_full_cache_decodes_as_seldom_as_any_cache_could() {
        let list = samples(5);
        for shuffle in [false, true] {
            for capacity in [2, 10, 40, 80] {
                let fewest = fewest_decodes(&accesses(&list, shuffle, 6), capacity);
                let ours = run(&list, shuffle, 6, config(0, capacity)).decodes;
                // Ours already keeps frames for an epoch that this comparison does not include.
                assert!(
                    (fewest..=fewest + 2).contains(&ours),
                    "{capacity} frames, shuffle {shuffle}: {ours} decodes, {fewest} are possible"
                );
            }
        }
    }

    #[test]
    fn half_the_frames_in_memory_save_far_more_than_forgetting_the_least_recently_used() {
        let list = samples(20);
        for (shuffle, most) in [(false, 0.62), (true, 0.5)] {
            let all = accesses(&list, shuffle, 5);
            let lru = decodes_of_lru(&all, 190);
            let ours = run(&list, shuffle, 5, config(0, 190)).decodes;
            assert!((ours as f64) < most * lru as f64, "shuffle {shuffle}: {ours} decodes, {lru} by LRU");
        }
    }
    #[test]
    fn a_pass_that_is_longer_than_the_horizon_finds_the_frames_of_the_pass_before() {
        let sample = |start| Sample { event: 0, start, length: 1, slice: 0..FRAME_BYTES };
        let list: Vec<_> = (0..20_000).map(sample).collect();
        let stats = run(&list, false, 3, config(0, 10_000));
        assert_eq!(stats.decodes, 20_000 + 2 * 10_000);
    }
}
