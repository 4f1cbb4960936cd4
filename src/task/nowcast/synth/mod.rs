//! Synthetic sequences as the configuration asks for them: storms, or digits that move. How they are made is up to
//! `fragua-radar`; where digits come from, and sequences to test on, is decided here.

mod idx;
mod sequences;

use std::path::{Path, PathBuf};

use fragua_radar::synth;
pub use fragua_radar::synth::SynthError;
pub use fragua_radar::synth::digits::VARIABLE as DIGITS;
use fragua_radar::synth::digits::{self, Given, MAX_FRAMES};
use rand::Rng;

use self::idx::Digits;
pub use self::idx::IdxError;
pub use self::sequences::SequencesError;
use self::sequences::{Sequences, download, is_address};
use crate::data::split::Side;
use crate::data::synthetic::{MovingDigits, Storms};
use crate::report::handwriting::{Images, Stroke, strokes};
use crate::util::failure::Failed;
use crate::util::fs::remove_tree;
use crate::util::seed;
use crate::util::surroundings::Surroundings;

/// Writes storms below a folder, as [`synth::write`] does.
///
/// # Errors
/// See [`synth::write`].
pub fn write(storms: &Storms, into: &Path, around: &Surroundings<'_>) -> Result<(), SynthError> {
    let Storms { events, frames, grid, levels, seed } = *storms;
    let storms = synth::Storms { events, frames, grid, levels, seed };
    synth::write(&storms, into, around.stop, around.progress).map(drop)
}

/// Writes moving digits below a folder, as [`digits::write`] does: those of a file, or drawn ones; beside them the sequences
/// that the test is to have.
///
/// # Errors
/// If a file can't be used; see [`digits::write`].
pub fn write_digits(moving: &MovingDigits, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed> {
    let Some(test) = &moving.test else { return write_with(moving, None, into, around) };
    // Beside the folder, so that the next start continues a download that was interrupted.
    let place = beside(into);
    let path = if is_address(test) { download(test, &place, around)? } else { PathBuf::from(test) };
    let sequences = Sequences::open(&path, moving.grid)?;
    let levels = |sequence: usize| sequences.levels(sequence);
    let (events, frames) = (sequences.count(), sequences.frames());
    let given = Given { folder: Side::Test.name(), from: test, events, frames, levels: &levels };
    write_with(moving, Some(&given), into, around)?;
    Ok(remove_tree(&place)?)
}

/// A hidden folder beside another one.
fn beside(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{}.download", name.trim_start_matches('.')))
}

fn write_with(
    moving: &MovingDigits,
    given: Option<&Given<'_>>,
    into: &Path,
    around: &Surroundings<'_>,
) -> Result<(), Failed> {
    let &MovingDigits { events, frames, grid, digits, ref idx, seed, .. } = moving;
    let from = idx.as_ref().map_or_else(|| "drawn".to_owned(), |path| path.display().to_string());
    let config = digits::MovingDigits { events, frames, grid, digits, from, seed };
    let write =
        |draw: digits::Draw<'_>| digits::write(&config, draw, given, into, around.stop, around.progress).map(drop);
    match idx {
        Some(path) => {
            let images = Digits::read(path)?;
            Ok(write(&|sequence, number| {
                images.image(chooser(seed, sequence, number).random_range(0..images.count())).to_vec()
            })?)
        }
        None => {
            let pens: Vec<(char, Vec<Stroke>)> =
                ('0'..='9').filter_map(|digit| Some((digit, strokes(digit)?))).collect();
            Ok(write(&|sequence, number| {
                let (digit, pen) = &pens[chooser(seed, sequence, number).random_range(0..pens.len())];
                let place = sequence as usize * digits + number as usize;
                Images::new(*digit, pen, digits::SIDE, events * digits, seed).draw(place)
            })?)
        }
    }
}

/// Which digit of a sequence it is.
fn chooser(seed: u64, sequence: u64, number: u64) -> impl Rng {
    seed::generator(seed, "which digit", sequence, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::progress::Silent;
    use crate::util::stop::Stop;

    fn first(moving: &MovingDigits) -> Vec<u8> {
        let (folder, stop) = (tempfile::tempdir().unwrap(), Stop::default());
        write_digits(moving, folder.path(), &Surroundings { stop: &stop, progress: &Silent }).unwrap();
        std::fs::read(folder.path().join("200001011/ncfdata20000101_000000.nc")).unwrap()
    }

    #[test]
    fn the_same_seed_draws_the_same_digits_and_a_file_of_digits_gives_others() {
        let drawn = MovingDigits { events: 2, frames: 4, ..MovingDigits::default() };
        let bytes = first(&drawn);
        assert!(bytes == first(&drawn) && bytes != first(&MovingDigits { seed: 7, ..drawn.clone() }));
        let file = tempfile::NamedTempFile::new().unwrap();
        let header = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28];
        std::fs::write(file.path(), [&header[..], &[255; 784]].concat()).unwrap();
        let blocks = first(&MovingDigits { idx: Some(file.path().to_owned()), ..drawn });
        let bright = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == 127).count();
        assert!(bright(&blocks) >= 4 * 784 && bright(&bytes) < 4 * 784, "{} {}", bright(&blocks), bright(&bytes));
    }
}
