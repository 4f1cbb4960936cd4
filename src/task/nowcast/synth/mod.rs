//! Synthetic sequences as the configuration asks for them: storms, or digits that move. How they are made is up to
//! `fragua-radar`; where digits come from is decided here.

mod idx;

use std::path::Path;

use fragua_radar::synth;
pub use fragua_radar::synth::SynthError;
use fragua_radar::synth::digits;
pub use fragua_radar::synth::digits::VARIABLE as DIGITS;
use rand::Rng;

use self::idx::Digits;
pub use self::idx::IdxError;
use crate::data::synthetic::{MovingDigits, Storms};
use crate::report::handwriting::{Images, Stroke, strokes};
use crate::util::failure::Failed;
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

/// Writes moving digits below a folder, as [`digits::write`] does: those of a file, or drawn ones.
///
/// # Errors
/// If the file can't be used; see [`digits::write`].
pub fn write_digits(moving: &MovingDigits, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed> {
    let &MovingDigits { events, frames, grid, digits, ref idx, seed } = moving;
    let from = idx.as_ref().map_or_else(|| "drawn".to_owned(), |path| path.display().to_string());
    let config = digits::MovingDigits { events, frames, grid, digits, from, seed };
    let write = |draw: digits::Draw<'_>| digits::write(&config, draw, into, around.stop, around.progress).map(drop);
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
