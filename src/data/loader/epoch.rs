//! What training iterates over: the windows of an epoch from a position on, loaded ahead by threads that end with it.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::cache::{CacheStats, Failure, FrameCache};
use super::config::LoaderConfig;
use super::error::{LoaderError, StartError};
use super::order::{Order, Position};
use super::queue::{Died, Queue};
use super::sample::{Sample, SampleError, Samples};
use super::source::FrameSource;
use super::waits::Waits;
use super::window::LoadedWindow;

/// Samples of a source in the order of each epoch. Its cache outlives the epochs.
pub struct Loader<S: FrameSource> {
    shared: Arc<Shared<S>>,
    order: Order,
    config: LoaderConfig,
}

struct Shared<S: FrameSource> {
    samples: Arc<Samples>,
    cache: FrameCache<S>,
}

impl<S: FrameSource> Loader<S> {
    /// A loader for these samples; nothing is read yet.
    ///
    /// # Errors
    /// Where a sample is empty, lies outside a frame, or has another shape than the first one.
    pub fn new(source: Arc<S>, samples: Vec<Sample>, order: Order, config: LoaderConfig) -> Result<Self, SampleError> {
        let samples = Arc::new(Samples::new(samples, source.frame_bytes())?);
        let cache = FrameCache::new(source, Arc::clone(&samples), order, config.cache_bytes);
        Ok(Self { shared: Arc::new(Shared { samples, cache }), order, config })
    }

    /// The samples of an epoch.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.shared.samples.count() as usize
    }

    /// What the cache did so far.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.shared.cache.stats()
    }

    /// The rest of an epoch: always the same from the same position, whatever the number of threads. One epoch at a time
    /// makes the best use of the cache.
    ///
    /// # Errors
    /// Where the position lies behind the epoch's end, or no thread can be started.
    pub fn start(&self, position: Position) -> Result<Epoch<S>, StartError> {
        let Position { epoch, next } = position;
        let samples = self.shared.samples.count();
        let base = epoch.checked_mul(u64::from(samples)).filter(|base| base.checked_add(u64::from(samples)).is_some());
        let base = base.filter(|_| next <= samples as usize);
        let base = base.ok_or(StartError::Position { epoch, next, samples })?;
        let numbers = self.order.epoch(epoch, samples);
        self.shared.cache.start(base + next as u64, epoch, &numbers);
        let frame_bytes = self.shared.cache.frame_bytes();
        let window_bytes = if samples == 0 { 1 } else { self.shared.samples.get(0).length * frame_bytes };
        let most = self.config.queue_windows.min(self.config.queue_bytes / window_bytes.max(1));
        let route = Arc::new(Route {
            shared: Arc::clone(&self.shared),
            numbers,
            base,
            queue: Queue::new(next, samples as usize, most),
        });
        let mut started = Epoch { route, position, threads: Vec::new(), waits: Waits::start() };
        for number in 0..self.config.threads {
            let route = Arc::clone(&started.route);
            let thread = std::thread::Builder::new().name(format!("loader {number}"));
            started.threads.push(thread.spawn(move || route.queue.serve(|place| route.load(place)))?);
        }
        Ok(started)
    }
}

type Loaded<S> = Result<LoadedWindow, LoaderError<<S as FrameSource>::Error>>;

/// What the threads of an epoch share with its consumer.
struct Route<S: FrameSource> {
    shared: Arc<Shared<S>>,
    numbers: Arc<[u32]>,
    /// The position of the epoch's first sample, counted through all epochs.
    base: u64,
    queue: Queue<Loaded<S>>,
}

impl<S: FrameSource> Route<S> {
    /// `None` when nobody wants it any more.
    fn load(&self, place: usize) -> Option<Loaded<S>> {
        let number = self.numbers[place];
        let sample = self.shared.samples.get(number);
        match self.shared.cache.window(self.base + place as u64, sample, || self.queue.wanted()) {
            Ok(frames) => Some(Ok(LoadedWindow::new(number as usize, sample.clone(), frames))),
            Err(Failure::Frame { frame, source }) => {
                Some(Err(LoaderError::Frame { event: sample.event, frame, source }))
            }
            Err(Failure::Stopped) => None,
        }
    }
}

/// The rest of an epoch, in order. Dropping it ends its threads after the frame they are at.
///
/// After an error it goes on with the next window; whether to is the consumer's decision.
pub struct Epoch<S: FrameSource> {
    route: Arc<Route<S>>,
    position: Position,
    threads: Vec<JoinHandle<()>>,
    waits: Waits,
}

impl<S: FrameSource> Epoch<S> {
    /// Where the next window stands: what a checkpoint saves after the last step.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// How long the consumer has waited for windows.
    #[must_use]
    pub fn waits(&self) -> Waits {
        self.waits.until_now()
    }

    /// Fills a batch `[windows, frames, slice]` with the next windows and gives their numbers in the list of samples; fewer
    /// at the epoch's end, and none after it. The batch takes the size of what it holds.
    ///
    /// # Errors
    /// Where one of the windows can't be delivered; those before it in this batch are lost.
    pub fn fill(&mut self, windows: usize, batch: &mut Vec<u8>) -> Result<Vec<usize>, LoaderError<S::Error>> {
        batch.clear();
        let mut numbers = Vec::with_capacity(windows);
        for window in self.take(windows) {
            let window = window?;
            window.append_to(batch);
            numbers.push(window.number);
        }
        Ok(numbers)
    }

    fn take_next(&mut self) -> Option<Loaded<S>> {
        if self.threads.is_empty() {
            return self.waits.measure(|| self.route.load(self.position.next));
        }
        if let Some(loaded) = self.route.queue.try_take() {
            return Some(loaded);
        }
        let loaded = self.waits.measure(|| self.route.queue.take());
        Some(loaded.unwrap_or_else(|Died| Err(LoaderError::ThreadDied)))
    }
}

impl<S: FrameSource> Iterator for Epoch<S> {
    type Item = Loaded<S>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position.next >= self.route.numbers.len() {
            return None;
        }
        let loaded = self.take_next()?;
        self.position.next += 1;
        Some(loaded)
    }
}

impl<S: FrameSource> Drop for Epoch<S> {
    fn drop(&mut self) {
        self.route.queue.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::warn!("a loader thread ended with a panic");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Counted, FRAME_BYTES, bytes_of, loader, samples};
    use super::*;
    use crate::util::exit::Exit;

    fn config(threads: usize, cache_frames: usize) -> LoaderConfig {
        LoaderConfig { threads, queue_windows: 4, queue_bytes: 1 << 20, cache_bytes: cache_frames * FRAME_BYTES }
    }

    fn at(epoch: u64, next: usize) -> Position {
        Position { epoch, next }
    }

    fn numbers(loader: &Loader<Counted>, position: Position) -> Vec<usize> {
        loader.start(position).unwrap().map(|window| window.unwrap().number).collect()
    }

    #[test]
    fn an_epoch_is_the_same_for_every_number_of_threads_and_size_of_cache() {
        let source = Arc::new(Counted::default());
        let expected = numbers(&loader(&source, samples(6), true, config(0, 1000)), at(3, 0));
        assert_eq!(expected.len(), 48);
        for threads in [0, 1, 2, 7] {
            for cache_frames in [0, 1, 30, 1000] {
                let loader = loader(&source, samples(6), true, config(threads, cache_frames));
                assert_eq!(numbers(&loader, at(3, 0)), expected, "{threads} threads, {cache_frames} frames");
            }
        }
    }

    #[test]
    fn every_position_gives_exactly_the_rest_of_its_epoch() {
        let loader = loader(&Arc::default(), samples(3), true, config(2, 20));
        let all = numbers(&loader, at(1, 0));
        for next in 0..=all.len() {
            assert_eq!(numbers(&loader, at(1, next)), all[next..]);
        }
    }

    #[test]
    fn the_position_counts_what_was_delivered_and_not_what_was_loaded_ahead() {
        let loader = loader(&Arc::default(), samples(3), true, config(2, 100));
        let all = numbers(&loader, at(5, 0));
        let mut epoch = loader.start(at(5, 2)).unwrap();
        epoch.by_ref().take(7).for_each(drop);
        let saved: Position = serde_json::from_str(&serde_json::to_string(&epoch.position()).unwrap()).unwrap();
        assert_eq!(saved, at(5, 9));
        drop(epoch);
        assert_eq!(numbers(&loader, saved), all[9..]);
    }

    #[test]
    fn a_window_holds_its_part_of_the_right_frames() {
        let list = vec![
            Sample { event: 1, start: 3, length: 2, slice: 0..4 },
            Sample { event: 0, start: 0, length: 2, slice: 4..8 },
        ];
        let loader = loader(&Arc::default(), list, false, config(1, 100));
        let windows: Vec<_> = loader.start(at(0, 0)).unwrap().map(Result::unwrap).collect();
        let expected = [[&bytes_of(1, 3)[..4], &bytes_of(1, 4)[..4]].concat(), vec![4, 5, 6, 7, 4, 5, 6, 7]];
        for (window, expected) in windows.iter().zip(&expected) {
            let mut buffer = vec![0; window.sample.bytes()];
            window.copy_into(&mut buffer);
            assert_eq!(&buffer, expected);
        }
        let mut batch = vec![9; 3];
        let mut epoch = loader.start(at(0, 0)).unwrap();
        assert_eq!(epoch.fill(5, &mut batch).unwrap(), [0, 1]);
        assert_eq!(batch, expected.concat());
        assert!(epoch.fill(5, &mut batch).unwrap().is_empty());
        assert!(batch.is_empty());
    }

    #[test]
    fn a_damaged_frame_fails_exactly_the_windows_that_hold_it_in_order() {
        for threads in [0, 1, 3] {
            for cache_frames in [0, 1000] {
                let source = Arc::new(Counted { broken: [(1, 4)].into(), ..Counted::default() });
                let loader = loader(&source, samples(3), true, config(threads, cache_frames));
                let order = loader.order.epoch(0, 24);
                let results: Vec<_> = loader.start(at(0, 0)).unwrap().collect();
                assert_eq!(results.len(), 24);
                for (&number, result) in order.iter().zip(results) {
                    let sample = loader.shared.samples.get(number);
                    let damaged = sample.event == 1 && (sample.start..sample.start + 5).contains(&4);
                    match result {
                        Ok(window) => assert!(!damaged && window.number == number as usize),
                        Err(error) => {
                            assert!(damaged);
                            assert_eq!(error.exit(), Exit::DataRefused);
                            assert_eq!(error.to_string(), "frame 4 of event 1: damaged");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_thread_that_panics_is_an_error_and_no_endless_wait() {
        let source = Arc::new(Counted { panics: true, ..Counted::default() });
        let loader = loader(&source, samples(2), true, config(2, 100));
        let error = loader.start(at(0, 0)).unwrap().next().unwrap().unwrap_err();
        assert_eq!(error.exit(), Exit::Bug);
    }

    #[test]
    fn an_epoch_that_is_dropped_takes_its_threads_with_it_and_loads_no_more_than_its_queue() {
        for taken in 0..6 {
            let source = Arc::new(Counted::default());
            let loader = loader(&source, samples(30), true, config(3, 0));
            let mut epoch = loader.start(at(0, 0)).unwrap();
            epoch.by_ref().take(taken).for_each(drop);
            drop(epoch);
            // Joined: nobody else holds the route, and nothing is decoded any more.
            assert_eq!(Arc::strong_count(&loader.shared), 1);
            let decoded: usize = source.decodes.lock().unwrap().values().sum();
            assert!(decoded <= (taken + 4) * 5, "{decoded} frames for {taken} windows and a queue of 4");
        }
    }

    #[test]
    fn bytes_limit_the_queue_to_one_window_at_the_least() {
        let source = Arc::new(Counted::default());
        let loader = loader(&source, samples(3), false, LoaderConfig { queue_bytes: 1, ..config(1, 0) });
        let mut epoch = loader.start(at(0, 0)).unwrap();
        epoch.next();
        drop(epoch);
        assert!(source.decodes.lock().unwrap().values().sum::<usize>() <= 10);
    }

    #[test]
    fn positions_of_another_dataset_are_refused() {
        let loader = loader(&Arc::default(), samples(1), true, config(1, 0));
        for position in [at(0, 9), at(u64::MAX / 2, 0)] {
            assert_eq!(loader.start(position).err().unwrap().exit(), Exit::Configuration);
        }
        assert!(loader.start(at(0, 8)).unwrap().next().is_none());
    }

    #[test]
    fn an_empty_list_is_an_empty_epoch() {
        let loader = loader(&Arc::default(), Vec::new(), true, config(1, 10));
        assert!(loader.start(at(0, 0)).unwrap().next().is_none());
    }

    #[test]
    fn the_share_of_waiting_is_all_of_it_without_threads_and_never_more() {
        let loader = loader(&Arc::default(), samples(9), true, config(0, 0));
        let mut epoch = loader.start(at(0, 0)).unwrap();
        assert_eq!(epoch.waits().waited, std::time::Duration::ZERO);
        epoch.by_ref().for_each(drop);
        let waits = epoch.waits();
        assert!(waits.share() > 0.0 && waits.share() <= 1.0 && waits.waited <= waits.elapsed);
    }
}
