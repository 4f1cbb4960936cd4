//! The source of samples: the only thing the loader needs from a dataset. A sample may have any shape and size.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::epochs::Epochs;
use super::order::Position;
use crate::util::failure::Failure;

/// A list of samples, each of which can be loaded by its index.
///
/// Augmentation on the CPU belongs in [`Self::load`]. It draws its random numbers from [`crate::util::seed::generator`]
/// with the run's seed, its own purpose, the epoch of the place, and the index: a sample then looks the same in an
/// epoch for every batch size, number of threads and position that a run was resumed at. The place within the epoch
/// must not matter: it changes with the order.
pub trait SampleSource: Send + Sync + 'static {
    /// What is delivered: plain values, never tensors.
    type Sample: Send + 'static;

    /// What can go wrong with a sample.
    type Error: Failure;

    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that a sample holds while it waits in the queue.
    fn bytes(&self, index: usize) -> usize;

    /// Loads a sample. Several threads call it at once; the same sample in the same epoch is always the same.
    ///
    /// # Errors
    /// If it can't be read or is damaged. A source may also give up with any error once [`Place::is_wanted`] is false:
    /// nobody sees it.
    fn load(&self, place: Place<'_>, index: usize) -> Result<Self::Sample, Self::Error>;

    /// An epoch is started: what will be requested is known from now on. A source that keeps samples in memory can use it;
    /// what is delivered must not depend on it.
    fn upcoming(&self, _future: &Upcoming<'_>) {}
}

/// The position of a sample in the order.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its epoch, and its place in that.
    pub position: Position,
    /// The samples before it since the start of the first epoch.
    pub count: u64,
    /// How often the epoch had the same sample before: it is to be changed in another way each time.
    pub repeat: u32,
    wanted: &'a AtomicBool,
}

impl<'a> Place<'a> {
    pub(super) fn new(position: Position, count: u64, wanted: &'a AtomicBool) -> Self {
        Self { position, count, repeat: 0, wanted }
    }

    /// The same place of a sample that the epoch had so often before.
    #[must_use]
    pub fn again(self, repeat: u32) -> Self {
        Self { repeat, ..self }
    }

    /// Whether the sample is still wanted: false once the epoch is dropped. Only worth asking in the middle of long work.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }
}

impl Place<'static> {
    /// A place in an epoch, to load a sample without a loader.
    #[must_use]
    pub fn in_epoch(epoch: u64) -> Self {
        static WANTED: AtomicBool = AtomicBool::new(true);
        Self { position: Position { epoch, next: 0 }, count: 0, repeat: 0, wanted: &WANTED }
    }
}

/// What a loader will ask for next.
#[derive(Clone, Copy, Debug)]
pub struct Upcoming<'a> {
    /// The place of the next sample.
    pub position: Position,
    /// The samples before it since the start of the first epoch.
    pub count: u64,
    /// The indices of this epoch's samples in order, from its beginning.
    pub indices: &'a Arc<[u32]>,
    /// The order of every epoch.
    pub epochs: &'a Epochs,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::Rng;

    use super::*;
    use crate::data::loader::{Loader, LoaderConfig, Order};
    use crate::util::exit::Exit;
    use crate::util::seed;

    /// Sequences of 1 to 9 bytes, each with some of them changed by chance in every epoch.
    struct Sequences;

    #[derive(Debug, PartialEq, Eq, thiserror::Error)]
    #[error("sequence {0} is damaged")]
    struct Damaged(usize);

    impl Damaged {
        fn exit(&self) -> Exit {
            Exit::DataRefused
        }
    }

    crate::util::failures!("test data": Damaged);

    impl SampleSource for Sequences {
        type Sample = (usize, Vec<u8>);
        type Error = Damaged;

        fn len(&self) -> usize {
            50
        }

        fn bytes(&self, index: usize) -> usize {
            1 + index % 9
        }

        fn load(&self, place: Place<'_>, index: usize) -> Result<(usize, Vec<u8>), Damaged> {
            if index == 13 {
                return Err(Damaged(index));
            }
            let mut random = seed::generator(7, "noise", place.position.epoch, index as u64);
            Ok((index, (0..self.bytes(index)).map(|_| random.random()).collect()))
        }
    }

    /// What is delivered from a position on.
    fn delivered(config: LoaderConfig, position: Position) -> Vec<Result<(usize, Vec<u8>), String>> {
        let loader = Loader::new(Arc::new(Sequences), Order { seed: 42, shuffle: true }, config);
        loader.start(position).unwrap().map(|sample| sample.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn a_sample_is_augmented_alike_whatever_the_batch_the_threads_the_queue_and_the_position_of_a_resume() {
        let at = |epoch, next| Position { epoch, next };
        let quiet = LoaderConfig { threads: 0, ..LoaderConfig::default() };
        let expected = delivered(quiet, at(3, 0));
        assert_eq!(expected.len(), 50);
        for (threads, queue_windows, queue_bytes) in [(0, 1, 1), (1, 1, 1), (2, 3, 20), (5, 16, 7), (3, 100, 1 << 20)] {
            let config = LoaderConfig { threads, queue_windows, queue_bytes, cache_bytes: 0 };
            for next in [0, 1, 17, 50] {
                assert_eq!(delivered(config.clone(), at(3, next)), expected[next..], "{config:?} from {next}");
            }
            let loader = Loader::new(Arc::new(Sequences), Order { seed: 42, shuffle: true }, config);
            for batch in [1, 4, 32] {
                let mut epoch = loader.start(at(3, 0)).unwrap();
                let batches = std::iter::from_fn(|| Some(epoch.by_ref().take(batch).collect::<Vec<_>>()));
                let all: Vec<_> = batches.take_while(|batch| !batch.is_empty()).flatten().collect();
                assert!(all.into_iter().map(|sample| sample.map_err(|error| error.to_string())).eq(expected.clone()));
            }
        }
    }

    #[test]
    fn another_order_does_not_change_how_a_sample_is_augmented_and_another_epoch_does() {
        let of = |shuffle, epoch| -> HashMap<usize, Vec<u8>> {
            let loader = Loader::new(Arc::new(Sequences), Order { seed: 1, shuffle }, LoaderConfig::default());
            loader.start(Position { epoch, next: 0 }).unwrap().flatten().collect()
        };
        assert_eq!(of(true, 2), of(false, 2));
        assert_eq!(of(true, 2)[&20], Sequences.load(Place::in_epoch(2), 20).unwrap().1);
        assert_ne!(of(true, 2), of(true, 3));
    }

    #[test]
    fn a_damaged_sample_is_an_error_in_its_place_and_the_next_one_follows() {
        let config = LoaderConfig { threads: 2, ..LoaderConfig::default() };
        let all = delivered(config, Position { epoch: 0, next: 0 });
        let failed: Vec<_> = all.iter().filter_map(|sample| sample.as_ref().err()).map(String::as_str).collect();
        assert_eq!((all.len(), failed), (50, vec!["sequence 13 is damaged"]));
    }

    #[test]
    fn a_share_is_delivered_under_the_indices_of_the_whole_list_and_augmented_alike() {
        let loader = || Loader::new(Arc::new(Sequences), Order { seed: 9, shuffle: true }, LoaderConfig::default());
        let of = |loader: Loader<Sequences>| -> HashMap<usize, Vec<u8>> {
            loader.start(Position::default()).unwrap().flatten().collect()
        };
        let tenth = loader().with_share(0.1, 1);
        assert_eq!(tenth.samples(), 5);
        assert!(tenth.start(Position { epoch: 0, next: 6 }).is_err());
        let (tenth, whole) = (of(tenth), of(loader()));
        assert!(tenth.iter().all(|(index, bytes)| whole[index] == *bytes));
    }
}
