//! Damaged files in every format: cut anywhere, a bit flipped anywhere, a page of zeros. None may panic, hang, or - where
//! the format has checksums - give other numbers than the sound file.

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

/// A sound file, and a place for damaged copies. Each copy has a new name, as HDF5 could serve cached data for an old one.
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
        let step = (end / 300).max(1);
        for len in (0..end).rev().step_by(step).chain(end - 5..end).chain(0..9) {
            let error = patient.outcome(&patient.sound[..len]).err().unwrap_or_else(|| panic!("{name} cut to {len}"));
            if len > 200 {
                assert!(
                    matches!(error, VolumeError::Cut { has, .. } if has == len as u64),
                    "{name} cut to {len}: {error}"
                );
            }
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
            let at = random.random_range(patient.stored.choose(&mut random).unwrap().clone());
            let damaged = patient.flipped(at, random.random_range(0..8));
            match patient.outcome(&damaged) {
                Ok(content) => assert_eq!(content, patient.content, "{name}: byte {at}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 290, "{name}: {refused} of 300 refused");
    }
}

#[test]
fn a_page_of_zeros_in_protected_data_never_gives_other_numbers() {
    for name in PROTECTED {
        let patient = Patient::new(name);
        for stored in &patient.stored {
            let mut damaged = patient.sound.clone();
            damaged[stored.clone()].fill(0);
            assert!(patient.outcome(&damaged).is_err(), "{name}");
        }
    }
}

#[test]
fn flipped_bits_anywhere_never_panic_and_seldom_pass() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for name in CLASSIC.iter().chain(&UNPROTECTED).chain(&PROTECTED) {
        let patient = Patient::new(name);
        let mut silent = vec![];
        for _ in 0..400 {
            let at = random.random_range(0..patient.sound.len());
            if !patient.is_safe(&patient.flipped(at, random.random_range(0..8))) {
                silent.push(at);
            }
        }
        eprintln!("{name} {} silent {silent:?} stored {:?}", patient.sound.len(), patient.stored);
    }
}
