//! Damaged files in every format: cut anywhere, a bit flipped anywhere, a page of zeros. None may panic, hang, or - if
//! the format has checksums - give other numbers than the intact file.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const CLASSIC: [&str; 3] = ["lrose_cdf1.nc", "lrose_cdf2.nc", "lrose_cdf5.nc"];
const UNPROTECTED: [&str; 2] = ["lrose_nc4_contiguous.nc", "lrose_nc4_chunked.nc"];
const PROTECTED: [&str; 4] =
    ["lrose_nc4_zlib.nc", "lrose_nc4_classic_model.nc", "lrose_nc4_fletcher32.nc", "lrose_nc4_zlib_fletcher32.nc"];

/// All that a caller learns from a file.
#[derive(Debug, PartialEq)]
struct Content {
    grid: Grid,
    times: Vec<f64>,
    packing: Packing,
    values: Vec<f64>,
}

fn content(path: &Path) -> Result<Content, VolumeError> {
    let file = VolumeFile::open(path, "DBZ")?;
    let mut raw = RawVolume::new();
    let mut values = Vec::new();
    for frame in 0..file.times().len() {
        file.read(frame, &mut raw)?;
        values.extend(raw.values.to_f64());
    }
    Ok(Content { grid: file.grid.clone(), times: file.times.clone(), packing: file.packing.clone(), values })
}

/// An intact file, and a place for damaged copies. Each copy has a new name, as HDF5 could serve cached data for an old one.
struct Patient {
    sound: Vec<u8>,
    content: Content,
    stored: Vec<std::ops::Range<usize>>,
    folder: tempfile::TempDir,
    copies: std::cell::Cell<usize>,
}

impl Patient {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume").join(name);
        let file = VolumeFile::open(&path, "DBZ").unwrap();
        let span = |begin: u64, size: u64| begin as usize..(begin + size) as usize;
        let stored = match &file.store {
            Store::Flat(flat) => vec![span(flat.place.begin, file.plan.len() as u64)],
            Store::Chunked(chunked) => chunked.chunks.iter().map(|chunk| span(chunk.address, chunk.size)).collect(),
            Store::Unwritten(_) | Store::Library => vec![],
        };
        let (sound, content) = (std::fs::read(&path).unwrap(), content(&path).unwrap());
        Self { sound, content, stored, folder: tempfile::tempdir().unwrap(), copies: std::cell::Cell::new(0) }
    }

    fn outcome(&self, damaged: &[u8]) -> Result<Content, VolumeError> {
        self.copies.set(self.copies.get() + 1);
        let path: PathBuf = self.folder.path().join(format!("copy{}.nc", self.copies.get()));
        std::fs::write(&path, damaged).unwrap();
        let outcome = content(&path);
        std::fs::remove_file(&path).unwrap();
        if let Err(error) = &outcome {
            let text = error.to_string();
            assert!(text.contains(&*path.to_string_lossy()), "{text} does not name the file");
        }
        outcome
    }

    /// Whether the damage was found, or did no harm.
    fn is_safe(&self, damaged: &[u8]) -> bool {
        self.outcome(damaged).map_or(true, |content| content == self.content)
    }

    fn flipped(&self, at: usize, bit: u32) -> Vec<u8> {
        let mut damaged = self.sound.clone();
        damaged[at] ^= 1 << bit;
        damaged
    }
}

#[test]
fn a_cut_file_is_always_refused() {
    for name in CLASSIC.iter().chain(&UNPROTECTED).chain(&PROTECTED) {
        let patient = Patient::new(name);
        let last = patient.stored.iter().map(|stored| stored.end).max().unwrap();
        // The padding behind the last variable of a classic file holds nothing.
        let end = if CLASSIC.contains(name) { last } else { patient.sound.len() };
        // Inside a classic header, a cut can also look like a count that the file has no room for.
        let told = if CLASSIC.contains(name) { patient.stored[0].start } else { 100 };
        let step = (end / 300).max(1);
        for len in (0..end).rev().step_by(step).chain(end - 5..end).chain(0..9) {
            let error = patient.outcome(&patient.sound[..len]).err().unwrap_or_else(|| panic!("{name} cut to {len}"));
            let cut = matches!(error, VolumeError::Cut { has, .. } if has == len as u64);
            assert!(cut || len < told, "{name} cut to {len}: {error}");
        }
    }
}

#[test]
fn flipped_bits_in_protected_data_never_give_other_numbers() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    for name in PROTECTED {
        let patient = Patient::new(name);
        let mut refused = 0;
        for _ in 0..300 {
            let stored = patient.stored.choose(&mut random).unwrap().clone();
            let at = random.random_range(stored);
            let damaged = patient.flipped(at, random.random_range(0..8));
            match patient.outcome(&damaged) {
                Ok(content) => assert_eq!(content, patient.content, "{name}: byte {at}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 290, "{name}: {refused} of 300 refused");
    }
}

/// Fletcher's checksum of zeros is zero, so if it is the only filter, a chunk of zeros can't be distinguished from
/// data.
#[test]
fn zeroed_chunks_never_give_other_numbers() {
    for name in PROTECTED {
        let patient = Patient::new(name);
        for stored in &patient.stored {
            let mut damaged = patient.sound.clone();
            let spared = if name == "lrose_nc4_fletcher32.nc" { 6 } else { 0 };
            damaged[stored.start..stored.end - spared].fill(0);
            assert!(patient.outcome(&damaged).is_err(), "{name}");
        }
    }
}

/// What has no checksum may change silently: uncompressed numbers, and text and numbers in a classic header. All else is
/// found, and nothing panics or hangs.
#[test]
fn flipped_bits_anywhere_are_found_if_the_format_allows() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for (names, most_silent) in [(&CLASSIC[..], 100), (&UNPROTECTED[..], 4), (&PROTECTED[..], 3)] {
        for name in names {
            let patient = Patient::new(name);
            let flips = (0..400).map(|_| (random.random_range(0..patient.sound.len()), random.random_range(0..8)));
            let silent = flips.filter(|&(at, bit)| !patient.is_safe(&patient.flipped(at, bit))).count();
            assert!(silent <= most_silent, "{name}: {silent} of 400 changed the content");
        }
    }
}

/// Dimensions, types, sizes and places of a classic header are all checked against each other.
#[test]
fn flipped_bits_in_the_structure_of_a_classic_header_are_found() {
    for (name, records, dimensions) in [("lrose_cdf1.nc", 4..8, 8..96), ("lrose_cdf2.nc", 4..8, 8..96)] {
        let patient = Patient::new(name);
        for (at, bit) in dimensions.flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            if let Ok(content) = patient.outcome(&patient.flipped(at, bit)) {
                assert_eq!(content.values, patient.content.values, "{name}: bit {bit} of byte {at}");
                assert_eq!(content.grid.shape(), patient.content.grid.shape(), "{name}: bit {bit} of byte {at}");
            }
        }
        for at in records {
            assert!(patient.is_safe(&patient.flipped(at, 0)), "{name}");
        }
    }
    // A record more or fewer than the file has room for.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume/prediction.nc");
    let (sound, folder) = (std::fs::read(path).unwrap(), tempfile::tempdir().unwrap());
    for (records, found) in [([0, 0, 0, 3], true), ([0, 0, 0, 2], false), ([0, 0, 0, 4], false), ([255; 4], true)] {
        let copy = folder.path().join(format!("{}.nc", records[3]));
        let mut damaged = sound.clone();
        damaged[4..8].copy_from_slice(&records);
        std::fs::write(&copy, damaged).unwrap();
        assert_eq!(VolumeFile::open(&copy, "DBZ").is_ok_and(|file| file.times().len() == 3), found, "{records:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a header contains, opening ends with a file or an error.
    #[test]
    fn random_bytes_in_a_classic_header_never_panic(
        version in prop::sample::select(vec![1_u8, 2, 5]),
        at in 4_usize..1500,
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(255), Just(127), any::<u8>()], 1..24),
    ) {
        let name = CLASSIC[match version { 1 => 0, 2 => 1, _ => 2 }];
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume").join(name);
        let mut damaged = std::fs::read(path).unwrap();
        damaged[at..at + bytes.len()].copy_from_slice(&bytes);
        let copy = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(copy.path(), damaged).unwrap();
        let _outcome = content(copy.path());
    }
}
