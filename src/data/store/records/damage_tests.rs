//! Damaged and hostile files: each gives a typed error, never a panic, and never allocates what it claims.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::format::*;
use super::testing::*;
use super::*;
use crate::util::exit::Exit;

/// What is wrong with the store, reading all of it record by record.
fn fault(place: &Path) -> Option<RecordError> {
    let store = match RecordStore::open(place) {
        Ok(store) => store,
        Err(error) => return Some(error),
    };
    (0..store.len()).find_map(|number| store.read(number).err())
}

fn files(place: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Changes the index and gives it the checksum that belongs to it.
fn forge(place: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let path = place.join(INDEX);
    let mut content = fs::read(&path).unwrap();
    content.truncate(content.len() - CHECKSUM);
    change(&mut content);
    let checksum = crc32fast::hash(&content);
    content.extend(checksum.to_le_bytes());
    fs::write(path, content).unwrap();
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (_folder, place) = store(1);
    assert_eq!(files(&place), ["0000.shard", "0001.shard", "0002.shard", "0003.shard", "facts.json", "index.bin"]);
    for name in files(&place) {
        let path = place.join(&name);
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut content = whole.clone();
            content[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &content).unwrap();
            let error = fault(&place).unwrap_or_else(|| panic!("bit {bit} of {name} is not missed"));
            assert_eq!(error.exit(), Exit::DataRefused, "bit {bit} of {name}: {error}");
            assert!(error.is_damage() && error.to_string().contains(&name), "bit {bit} of {name}: {error}");
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(fault(&place).is_none());
}

#[test]
fn a_damaged_record_is_named_with_shard_number_and_byte_and_the_others_are_read() {
    let (_folder, place) = store(1);
    let path = place.join("0001.shard");
    let mut content = fs::read(&path).unwrap();
    content[SHARD_HEADER] ^= 4;
    fs::write(&path, content).unwrap();
    for memory in [0, 1 << 20] {
        let store = RecordStore::open(&place).unwrap().kept_in_memory(memory);
        let failed: Vec<_> = (0..store.len()).filter_map(|number| store.read(number).err()).collect();
        assert_eq!(failed.len(), 1);
        let text = failed[0].to_string();
        assert!(
            text.contains("0001.shard is damaged: record ") && text.contains("from byte 24 on, has CRC-32"),
            "{text}"
        );
        assert!(store.verify().is_err());
    }
}

#[test]
fn a_file_that_is_cut_longer_or_missing_is_refused() {
    let (_folder, place) = store(1);
    for name in files(&place) {
        let path = place.join(&name);
        let whole = fs::read(&path).unwrap();
        let longer = [whole.as_slice(), &[0]].concat();
        for content in (0..whole.len()).map(|length| &whole[..length]).chain([longer.as_slice()]) {
            fs::write(&path, content).unwrap();
            let error = fault(&place).unwrap_or_else(|| panic!("{name} with {} bytes is taken", content.len()));
            assert!(error.is_damage(), "{name} with {} bytes: {error}", content.len());
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(fault(&place).map(|error| error.exit()), Some(Exit::DataRefused), "without {name}");
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_shard_that_is_cut_while_the_store_is_open_is_damage() {
    let (_folder, place) = store(1);
    let store = RecordStore::open(&place).unwrap();
    let path = place.join("0001.shard");
    fs::write(&path, &fs::read(&path).unwrap()[..SHARD_HEADER + 1]).unwrap();
    let failed: Vec<_> = (0..store.len()).filter_map(|number| store.read(number).err()).collect();
    assert!(!failed.is_empty() && failed.iter().all(RecordError::is_damage), "{failed:?}");
}

#[test]
fn shards_of_another_place_or_version_are_refused() {
    let (_folder, place) = store(1);
    let swapped = fs::read(place.join("0000.shard")).unwrap();
    let index = fs::read(place.join(INDEX)).unwrap();
    let mut header = swapped.clone();
    header[..SHARD_HEADER].copy_from_slice(&shard_header(1));
    fs::write(place.join("0000.shard"), header).unwrap();
    let text = fault(&place).unwrap().to_string();
    assert!(text.contains("0000.shard is damaged: its header is not that of shard 0"), "{text}");
    fs::write(place.join("0000.shard"), swapped).unwrap();

    let mut later = index;
    later[8] = 2;
    fs::write(place.join(INDEX), later).unwrap();
    let error = fault(&place).unwrap();
    assert!(matches!(error, RecordError::Version { got: 2, expected: 1, .. }), "{error}");
    assert!(error.to_string().contains("has format version 2, this program reads version 1"), "{error}");
}

#[test]
fn huge_counts_and_places_outside_are_refused_before_memory_is_taken() {
    let first_shard = INDEX_HEADER;
    let first_entry = |place: &Path| INDEX_HEADER + SHARD_ENTRY * (files(place).len() - 2);
    type Change = Box<dyn Fn(&Path, &mut Vec<u8>)>;
    let claims: [(&str, Change); 8] = [
        ("claims", Box::new(|_, index| index[16..24].fill(0xff))),
        ("claims", Box::new(|_, index| index[12..16].fill(0xff))),
        ("implies", Box::new(|_, index| index[16..24].copy_from_slice(&(MOST_RECORDS as u64).to_le_bytes()))),
        ("expected", Box::new(|_, index| index[24..32].fill(0xff))),
        ("are left", Box::new(move |_, index| index[first_shard..first_shard + 8].fill(0xff))),
        ("of shard 0", Box::new(move |_, index| index[first_shard + 8..first_shard + 16].fill(0xff))),
        ("of shard 0 on", Box::new(move |place, index| index[first_entry(place)..first_entry(place) + 8].fill(0xff))),
        (
            "of shard 0 on",
            Box::new(move |place, index| index[first_entry(place) + 8..first_entry(place) + 12].fill(0xff)),
        ),
    ];
    for (number, (reason, change)) in claims.into_iter().enumerate() {
        let (_folder, place) = store(1);
        forge(&place, |index| change(&place, index));
        let error = fault(&place).unwrap_or_else(|| panic!("claim {number} is believed"));
        assert!(error.is_damage() && error.to_string().contains(reason), "claim {number}: {error}");
    }
}

#[test]
fn a_shard_that_claims_the_size_of_a_sparse_file_gives_no_record() {
    let (_folder, place) = store(1);
    let huge = 1_u64 << 40;
    fs::OpenOptions::new().write(true).open(place.join("0000.shard")).unwrap().set_len(huge).unwrap();
    forge(&place, |index| index[INDEX_HEADER + 8..INDEX_HEADER + 16].copy_from_slice(&huge.to_le_bytes()));
    let text = fault(&place).unwrap().to_string();
    assert!(text.contains("the records of shard 0 end at byte"), "{text}");
}

proptest! {
    #[test]
    fn a_forged_index_never_panics_and_never_gives_other_bytes(
        changes in prop::collection::vec((0_usize..1000, any::<u8>()), 1..6)
    ) {
        let (_folder, place) = store(1);
        forge(&place, |index| changes.iter().for_each(|&(at, byte)| {
            let length = index.len();
            index[at % length] = byte;
        }));
        let Ok(store) = RecordStore::open(&place) else { return Ok(()) };
        for (number, written) in records(1).iter().enumerate().take(store.len()) {
            if let Ok(read) = store.read(number) {
                prop_assert_eq!(&read[..], &written[..]);
            }
        }
    }

    #[test]
    fn any_bytes_as_files_are_refused(
        index in prop::collection::vec(any::<u8>(), 0..300), shard in prop::collection::vec(any::<u8>(), 0..100)
    ) {
        let (_folder, place) = store(1);
        fs::write(place.join(INDEX), index).unwrap();
        prop_assert!(fault(&place).is_some());
        let (_folder, place) = store(1);
        fs::write(place.join("0000.shard"), shard).unwrap();
        prop_assert!(fault(&place).is_some());
    }
}
