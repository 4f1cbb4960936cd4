//! What is written is read back, from the disk and from memory, by any number of threads.

use super::format::SHARD_HEADER;
use super::testing::*;
use super::*;
use crate::util::exit::Exit;

fn read(store: &RecordStore) -> Vec<Vec<u8>> {
    (0..store.len()).map(|number| store.read(number).unwrap().to_vec()).collect()
}

#[test]
fn what_was_written_is_read_back_from_the_disk_and_from_memory() {
    let (_folder, place) = store(1);
    for memory in [0, 70, 140, 1 << 20] {
        let store = RecordStore::open(&place).unwrap().kept_in_memory(memory);
        assert_eq!(read(&store), records(1), "{memory} bytes of memory");
        assert_eq!(
            (0..store.len()).map(|number| store.bytes(number)).collect::<Vec<_>>(),
            records(1).iter().map(Vec::len).collect::<Vec<_>>()
        );
        assert_eq!(store.facts::<serde_json::Value>().unwrap(), facts(1));
        store.verify().unwrap();
    }
}

#[test]
fn records_that_are_kept_in_memory_are_shared_and_not_copied() {
    let (_folder, place) = store(1);
    let store = RecordStore::open(&place).unwrap().kept_in_memory(1 << 20);
    assert_eq!(store.read(3).unwrap().as_ptr(), store.read(3).unwrap().as_ptr());
    let from_disk = RecordStore::open(&place).unwrap();
    assert_ne!(from_disk.read(3).unwrap().as_ptr(), store.read(3).unwrap().as_ptr());
}

#[test]
fn shards_are_cut_between_records_and_a_large_record_has_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("records");
    let mut writer = RecordWriter::create(&place).unwrap().with_shard_bytes(SHARD_HEADER as u64 + 10);
    for length in [4, 6, 1, 500, 2, 8] {
        writer.append(&vec![7; length]).unwrap();
    }
    assert_eq!(writer.len(), 6);
    writer.finish(&()).unwrap();
    let lengths: Vec<u64> =
        (0..4).map(|number| place.join(format!("{number:04}.shard")).metadata().unwrap().len() - 24).collect();
    assert_eq!(lengths, [10, 1, 500, 10]);
    assert_eq!(read(&RecordStore::open(&place).unwrap())[3], vec![7; 500]);
}

#[test]
fn a_store_without_records_and_records_without_bytes_are_stores() {
    let folder = tempfile::tempdir().unwrap();
    for empty in [0, 1, 3] {
        let place = folder.path().join(format!("{empty}"));
        let mut writer = RecordWriter::create(&place).unwrap();
        (0..empty).for_each(|number| assert_eq!(writer.append(&[]).unwrap(), number));
        writer.finish(&"nothing").unwrap();
        let store = RecordStore::open(&place).unwrap();
        assert_eq!((store.len(), store.is_empty()), (empty, empty == 0));
        assert_eq!(read(&store), vec![Vec::<u8>::new(); empty]);
    }
}

#[test]
fn the_same_records_give_the_same_bytes_and_fingerprint_and_others_do_not() {
    let ((_a, one), (_b, again), (_c, other)) = (store(1), store(1), store(2));
    for name in ["0000.shard", "0001.shard", "facts.json", "index.bin"] {
        assert_eq!(std::fs::read(one.join(name)).unwrap(), std::fs::read(again.join(name)).unwrap());
    }
    let fingerprint = |place| RecordStore::open(place).unwrap().fingerprint();
    assert_eq!(fingerprint(&one), fingerprint(&again));
    assert_ne!(fingerprint(&one), fingerprint(&other));
}

#[test]
fn the_layout_is_that_of_an_independent_program() {
    let (_folder, place) = store(1);
    let digest = |name: &str| crate::util::sha256::Digest::of(&std::fs::read(place.join(name)).unwrap()).to_string();
    // From tests/fixtures/records/make.py.
    assert_eq!(digest("0001.shard"), "d21fe0b2a73182c1c8a6872984c49e4f3c6cb67302144541d94c71e68da79529");
    assert_eq!(digest("index.bin"), "9018865f48444bade9cc4bc5311103bbcaf5518c595723123a27cb1bb02f7a1b");
}

#[test]
fn threads_read_the_same_records_together() {
    let (_folder, place) = store(1);
    for memory in [0, 1 << 20] {
        let store = RecordStore::open(&place).unwrap().kept_in_memory(memory);
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| (0..50).for_each(|_| assert_eq!(read(&store), records(1))))));
        });
    }
}

#[test]
fn a_new_version_takes_the_place_of_the_old_one_which_is_readable_until_then() {
    let (folder, place) = store(1);
    let old = RecordStore::open(&place).unwrap();
    let mut writer = RecordWriter::create(&place).unwrap();
    writer.append(b"new").unwrap();
    assert_eq!(version_of(&RecordStore::open(&place).unwrap()), Ok(1));
    writer.finish(&()).unwrap();
    assert_eq!(read(&RecordStore::open(&place).unwrap()), [b"new"]);
    assert_eq!(read(&old), records(1), "who has it open still reads the old one");
    assert_eq!(std::fs::read_dir(folder.path().join("prepared")).unwrap().count(), 1);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_and_what_a_killed_one_left_goes() {
    let (folder, place) = store(1);
    let above = folder.path().join("prepared");
    let mut writer = RecordWriter::create(&place).unwrap();
    writer.append(b"half").unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(&above).unwrap().count(), 1);
    std::mem::forget(RecordWriter::create(&place).unwrap());
    assert_eq!(std::fs::read_dir(&above).unwrap().count(), 2);
    recover(&above).unwrap();
    assert_eq!(std::fs::read_dir(&above).unwrap().count(), 1);
    assert_eq!(version_of(&RecordStore::open(&place).unwrap()), Ok(1));
}

#[test]
fn what_is_not_there_is_said_so() {
    let (folder, place) = store(1);
    let error = RecordStore::open(folder.path()).unwrap_err();
    assert!(error.to_string().starts_with("there is no prepared dataset at "), "{error}");
    assert_eq!(error.exit(), Exit::DataRefused);
    let error = RecordStore::open(&place).unwrap().read(9).unwrap_err();
    assert!(matches!(error, RecordError::Number { record: 9, records: 9, .. }), "{error}");
    let error = RecordStore::open(&place).unwrap().facts::<Vec<u8>>().unwrap_err();
    assert!(error.to_string().contains("facts.json can't be understood"), "{error}");
}
