//! What training iterates over: the samples of an epoch from a position on, loaded ahead by threads that end with it.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::config::LoaderConfig;
use super::epochs::Epochs;
use super::error::{LoaderError, StartError};
use super::order::{Order, Position};
use super::queue::{Died, Limits, Queue};
use super::source::{Place, SampleSource, Upcoming};

/// Samples of a source in the order of each epoch.
pub struct Loader<S: SampleSource> {
    source: Arc<S>,
    /// Absent if there are more samples than can be numbered.
    epochs: Option<Epochs>,
    config: LoaderConfig,
}

impl<S: SampleSource> Loader<S> {
    /// A loader for all samples of a source; nothing is read yet.
    pub fn new(source: Arc<S>, order: Order, config: LoaderConfig) -> Self {
        let epochs = u32::try_from(source.len()).ok().map(|samples| Epochs::over(samples, order));
        Self { source, epochs, config }
    }

    /// Uses a share of the samples, the same in every epoch: see [`Epochs::with_share`].
    #[must_use]
    pub fn with_share(self, fraction: f64, least: usize) -> Self {
        Self { epochs: self.epochs.map(|epochs| epochs.with_share(fraction, least)), ..self }
    }

    /// Draws groups of samples as often as is asked for: see [`Epochs::with_balance`]. It comes after [`Self::with_share`].
    #[must_use]
    pub fn with_balance(self, group: impl Fn(u32) -> usize, chance: impl Fn(usize, usize) -> f64) -> Self {
        Self { epochs: self.epochs.map(|epochs| epochs.with_balance(group, chance)), ..self }
    }

    /// Brings samples of similar size together: see [`Epochs::with_buckets`]. It comes last.
    #[must_use]
    pub fn with_buckets(self, batch: usize, batches: usize, size: impl Fn(u32) -> usize) -> Self {
        Self { epochs: self.epochs.map(|epochs| epochs.with_buckets(batch, batches, size)), ..self }
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &Arc<S> {
        &self.source
    }

    /// The samples of an epoch.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.epochs.as_ref().map_or(0, |epochs| epochs.samples() as usize)
    }

    /// The rest of an epoch: always the same from the same position, for any number of threads.
    ///
    /// # Errors
    /// If the position is past the end of the epoch, or no thread can be started.
    pub fn start(&self, position: Position) -> Result<Epoch<S>, StartError> {
        let epochs = self.epochs.as_ref().ok_or(StartError::TooMany { samples: self.source.len() })?;
        let base = base(position, epochs.samples())?;
        let indices = epochs.indices(position.epoch);
        let count = base + position.next as u64;
        self.source.upcoming(&Upcoming { position, count, indices: &indices, epochs });
        let route = Arc::new(Route {
            queue: self.queue(position.next, &indices),
            source: Arc::clone(&self.source),
            repeats: epochs.repeats(&indices),
            indices,
            epoch: position.epoch,
            base,
        });
        let mut started = Epoch { route, position, threads: Vec::new() };
        for number in 0..self.config.threads {
            let route = Arc::clone(&started.route);
            let thread = std::thread::Builder::new().name(format!("loader {number}"));
            started.threads.push(thread.spawn(move || route.queue.serve(|place| route.load(place)))?);
        }
        Ok(started)
    }

    fn queue(&self, next: usize, indices: &Arc<[u32]>) -> Queue<Loaded<S>> {
        let limits = Limits { samples: self.config.queue_windows, bytes: self.config.queue_bytes };
        let (source, order) = (Arc::clone(&self.source), Arc::clone(indices));
        Queue::new((next, indices.len()), limits, move |place| source.bytes(order[place] as usize))
    }
}

/// The number of samples before an epoch, if the position is one of this order.
fn base(Position { epoch, next }: Position, samples: u32) -> Result<u64, StartError> {
    let base = epoch.checked_mul(u64::from(samples)).filter(|base| base.checked_add(u64::from(samples)).is_some());
    let base = base.filter(|_| next <= samples as usize);
    base.ok_or(StartError::Position { epoch, next, samples })
}

type Loaded<S> = Result<<S as SampleSource>::Sample, LoaderError<<S as SampleSource>::Error>>;

/// What the threads of an epoch share with its consumer.
struct Route<S: SampleSource> {
    source: Arc<S>,
    indices: Arc<[u32]>,
    /// How often the sample of a place came before in the epoch, if any comes more than once.
    repeats: Option<Vec<u32>>,
    epoch: u64,
    /// The samples of all epochs before this one.
    base: u64,
    queue: Queue<Loaded<S>>,
}

impl<S: SampleSource> Route<S> {
    fn load(&self, place: usize) -> Loaded<S> {
        let position = Position { epoch: self.epoch, next: place };
        let repeat = self.repeats.as_ref().map_or(0, |repeats| repeats[place]);
        let at = Place::new(position, self.base + place as u64, self.queue.wanted()).again(repeat);
        self.source.load(at, self.indices[place] as usize).map_err(LoaderError::Sample)
    }
}

/// The rest of an epoch, in order. Dropping it ends its threads; a source can cut short the sample they are at.
///
/// After an error it continues with the next sample; whether to is the consumer's decision.
pub struct Epoch<S: SampleSource> {
    route: Arc<Route<S>>,
    position: Position,
    threads: Vec<JoinHandle<()>>,
}

impl<S: SampleSource> Epoch<S> {
    /// The position of the next sample, which a checkpoint saves after the last step.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    fn take_next(&self) -> Loaded<S> {
        if self.threads.is_empty() {
            return self.route.load(self.position.next);
        }
        self.route.queue.take().unwrap_or_else(|Died| Err(LoaderError::ThreadDied))
    }
}

impl<S: SampleSource> Iterator for Epoch<S> {
    type Item = Loaded<S>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position.next >= self.route.indices.len() {
            return None;
        }
        let loaded = self.take_next();
        self.position.next += 1;
        Some(loaded)
    }
}

impl<S: SampleSource> Drop for Epoch<S> {
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
    use super::*;
    use crate::data::loader::frames::testing::{Counted, FRAME_BYTES, bytes_of, loader, samples};
    use crate::data::loader::{Frames, LoadedWindow, Sample};
    use crate::util::exit::Exit;

    fn config(threads: usize, cache_frames: usize) -> LoaderConfig {
        LoaderConfig { threads, queue_windows: 4, queue_bytes: 1 << 20, cache_bytes: cache_frames * FRAME_BYTES }
    }

    fn at(epoch: u64, next: usize) -> Position {
        Position { epoch, next }
    }

    fn numbers(loader: &Loader<Frames<Counted>>, position: Position) -> Vec<usize> {
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
        let mut batch = Vec::new();
        let mut epoch = loader.start(at(0, 0)).unwrap();
        let numbers: Vec<usize> = epoch.by_ref().take(5).map(|window| append(window.unwrap(), &mut batch)).collect();
        assert_eq!(numbers, [0, 1]);
        assert_eq!(batch, expected.concat());
        assert!(epoch.take(5).next().is_none());
    }

    fn append(window: LoadedWindow, batch: &mut Vec<u8>) -> usize {
        window.append_to(batch);
        window.number
    }

    #[test]
    fn a_damaged_frame_fails_exactly_the_windows_that_hold_it_in_order() {
        for threads in [0, 1, 3] {
            for cache_frames in [0, 1000] {
                let source = Arc::new(Counted { broken: [(1, 4)].into(), ..Counted::default() });
                let list = samples(3);
                let loader = loader(&source, list.clone(), true, config(threads, cache_frames));
                let order = loader.epochs.as_ref().unwrap().indices(0);
                let results: Vec<_> = loader.start(at(0, 0)).unwrap().collect();
                assert_eq!(results.len(), 24);
                for (&number, result) in order.iter().zip(results) {
                    let sample = &list[number as usize];
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
            // Joined: nothing else holds the route, and decoding has stopped.
            assert_eq!(Arc::strong_count(&loader.source), 1);
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
}
