//! Records of a store as a source of samples: bytes of any length, checked each time they are read.
//!
//! A task that decodes or augments in the loader's threads wraps this source in its own: its `load` asks this one for
//! the bytes and draws from (seed, purpose, epoch, index), all of which a [`Record`] and the task know.

use std::sync::Arc;

use bytes::Bytes;

use super::source::{Place, SampleSource};
use crate::data::store::records::{RecordError, RecordStore};

/// Some records of a store, in a given order: those of one side of a split.
#[derive(Clone, Debug)]
pub struct Records {
    store: Arc<RecordStore>,
    numbers: Arc<[usize]>,
}

/// A record as it is delivered. Clones share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its index in the list that the source was given.
    pub index: usize,
    /// Its number in the store.
    pub number: usize,
    /// The epoch that it is delivered in.
    pub epoch: u64,
    /// Its content.
    pub bytes: Bytes,
}

impl Records {
    /// These records of a store.
    #[must_use]
    pub fn new(store: Arc<RecordStore>, numbers: impl Into<Arc<[usize]>>) -> Self {
        Self { store, numbers: numbers.into() }
    }
}

impl SampleSource for Records {
    type Sample = Record;
    type Error = RecordError;

    fn len(&self) -> usize {
        self.numbers.len()
    }

    fn bytes(&self, index: usize) -> usize {
        self.store.bytes(self.numbers[index])
    }

    fn load(&self, place: Place<'_>, index: usize) -> Result<Record, RecordError> {
        let number = self.numbers[index];
        Ok(Record { index, number, epoch: place.position.epoch, bytes: self.store.read(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::loader::{Loader, LoaderConfig, Order, Position};
    use crate::data::store::records::RecordWriter;
    use crate::util::exit::Exit;

    fn content(number: usize) -> Vec<u8> {
        vec![number as u8; 1 + number * 13 % 40]
    }

    fn store(folder: &std::path::Path) -> RecordStore {
        let mut writer = RecordWriter::create(&folder.join("records")).unwrap().with_shard_bytes(200);
        (0..60).for_each(|number| assert_eq!(writer.append(&content(number)).unwrap(), number));
        writer.finish(&["A", "B"]).unwrap();
        RecordStore::open(&folder.join("records")).unwrap()
    }

    #[test]
    fn records_of_a_side_are_delivered_once_each_whatever_the_threads_and_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        drop(store(folder.path()));
        let odd: Vec<usize> = (0..60).filter(|number| number % 2 == 1).collect();
        let deliver = |threads, memory, next| {
            let store = RecordStore::open(&folder.path().join("records")).unwrap().kept_in_memory(memory);
            let config = LoaderConfig { threads, queue_windows: 5, queue_bytes: 90, cache_bytes: memory };
            let source = Arc::new(Records::new(Arc::new(store), odd.clone()));
            let loader = Loader::new(source, Order { seed: 3, shuffle: true }, config);
            let epoch = loader.start(Position { epoch: 2, next }).unwrap();
            epoch.map(Result::unwrap).collect::<Vec<_>>()
        };
        let expected = deliver(0, 0, 0);
        let mut numbers: Vec<usize> = expected.iter().map(|record| record.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, odd);
        for record in &expected {
            assert_eq!((record.number, record.epoch), (odd[record.index], 2));
            assert_eq!(record.bytes, content(record.number));
        }
        for (threads, memory) in [(0, 1 << 20), (1, 300), (4, 0), (4, 1 << 20)] {
            assert_eq!(deliver(threads, memory, 0), expected, "{threads} threads, {memory} bytes");
            assert_eq!(deliver(threads, memory, 11), expected[11..], "{threads} threads, {memory} bytes");
        }
    }

    #[test]
    fn a_damaged_record_fails_its_sample_with_the_code_for_data() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let path = folder.path().join("records/0000.shard");
        let mut shard = std::fs::read(&path).unwrap();
        *shard.last_mut().unwrap() ^= 1;
        std::fs::write(&path, shard).unwrap();
        let source = Arc::new(Records::new(Arc::new(store), (0..60).collect::<Vec<_>>()));
        let loader = Loader::new(source, Order { seed: 3, shuffle: false }, LoaderConfig::default());
        let failed: Vec<_> = loader.start(Position::default()).unwrap().filter_map(Result::err).collect();
        assert_eq!(failed.iter().map(|error| error.exit()).collect::<Vec<_>>(), [Exit::DataRefused]);
        assert!(failed[0].to_string().contains("0000.shard is damaged: record "), "{}", failed[0]);
    }
}
