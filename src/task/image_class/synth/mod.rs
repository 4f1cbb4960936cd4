//! Synthetic characters that look like handwriting. An image is a pure function of (seed, character, number), so any number of
//! threads writes the same files.
//!
//! ```text
//! skeleton  the way of a pen through a character of the font
//! hand      how a person follows that way: slant, rounded corners, wobble, pressure, ink
//! ```

mod hand;
mod skeleton;

use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use self::hand::Hand;
pub use self::skeleton::Stroke;
use super::class_names::folder;
use super::prepare::{IMAGES, threads};
use crate::data::prepare::work::on_threads;
use crate::data::synthetic::Characters;
use crate::report::glyph;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all};
use crate::util::progress::Stage;
use crate::util::seed;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// The height of the font that strokes are taken from, pixels.
const FONT: usize = 96;

/// The farthest that a stroke is from the middle of its character, in heights of a capital letter.
const MOST: f32 = 0.6;

/// How much is kept of the distance between the middle of a character and that of a capital letter.
const KEPT: f32 = 0.5;

/// Writes a folder of images for each character below `into`.
///
/// # Errors
/// If a character has no folder or no ink, a file can't be written, or a signal comes.
pub fn write(characters: &Characters, into: &Path, around: &Surroundings<'_>) -> Result<(), WriteError> {
    let Characters { ref alphabet, per_class, size, seed } = *characters;
    let all: Vec<char> = alphabet.chars().collect();
    around.progress.begin(Stage::Synthesise, Some((all.len() * per_class) as u64), IMAGES);
    on_threads(threads(), &all, around.stop, |&character, _: &mut ()| {
        let folder = folder(character).ok_or(WriteError::Character(character))?;
        let ink = strokes(character).ok_or(WriteError::Character(character))?;
        write_class(into, &folder, &Images::new(character, &ink, size, per_class, seed))?;
        around.progress.advance(per_class as u64);
        Ok::<_, WriteError>(())
    })?;
    around.progress.end(&format!("made {}", IMAGES.count((all.len() * per_class) as u64)));
    Ok(())
}

/// Writes one image after another: `<into>/<folder>/<number>.png`.
///
/// # Errors
/// If a file can't be written.
pub fn write_class(into: &Path, folder: &str, images: &Images<'_>) -> Result<(), WriteError> {
    let folder = into.join(folder);
    create_dir_all(&folder)?;
    for number in 0..images.count {
        let path = folder.join(format!("{number:05}.png"));
        let side = images.size as u32;
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::NoFilter);
        encoder.write_image(&images.draw(number), side, side, ExtendedColorType::L8)?;
        std::fs::write(&path, bytes).map_err(FsError::at("write", &path))?;
    }
    Ok(())
}

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// The picture could not be encoded.
    #[error("a synthetic image can't be encoded: {0}")]
    Image(#[from] image::ImageError),
    /// There is no such character.
    #[error("there is no character {0:?} to draw; write letters, digits and common symbols into `alphabet`")]
    Character(char),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl WriteError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Image(_) => Exit::Bug,
            Self::Character(_) => Exit::Configuration,
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("synthetic data": WriteError);

/// The images of one character.
pub struct Images<'a> {
    character: char,
    strokes: &'a [Stroke],
    size: usize,
    count: usize,
    seed: u64,
}

/// The way of the pen that writes a character, in heights of a capital letter from the middle of the image; none if the font
/// lacks it.
#[must_use]
pub fn strokes(character: char) -> Option<Vec<Stroke>> {
    let ink = glyph::ink(character, FONT)?;
    let capital = glyph::ink('H', FONT)?.rows as f32;
    let mut strokes = skeleton::of(&ink);
    let span = |axis: usize| {
        let at = || strokes.iter().flatten().map(|point| point[axis]);
        [at().fold(f32::INFINITY, f32::min), at().fold(f32::NEG_INFINITY, f32::max)]
    };
    let [columns, rows] = [span(0), span(1)];
    let half = |[from, to]: [f32; 2]| (to - from) / 2.0 / capital;
    let scale = (MOST / half(columns).max(half(rows))).min(1.0) / capital;
    let middle = |[from, to]: [f32; 2]| (from + to) / 2.0;
    // A comma stays below, an apostrophe above, but not so far that it leaves the image.
    let offset = KEPT * (middle(rows) + ink.top as f32);
    for [x, y] in strokes.iter_mut().flatten() {
        (*x, *y) = ((*x - middle(columns)) * scale, (*y - middle(rows) + offset) * scale);
    }
    Some(strokes)
}

impl<'a> Images<'a> {
    /// So many images of a character, of so many rows and columns.
    #[must_use]
    pub fn new(character: char, strokes: &'a [Stroke], size: usize, count: usize, seed: u64) -> Self {
        Self { character, strokes, size, count, seed }
    }

    /// The levels of an image: bright strokes on a dark ground.
    #[must_use]
    pub fn draw(&self, number: usize) -> Vec<u8> {
        let mut generator = seed::generator(self.seed, &format!("character {}", self.character), 0, number as u64);
        Hand::of(&mut generator).write(self.strokes, self.size, &mut generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_function_of_seed_character_and_number() {
        let strokes = ['A', 'B'].map(|letter| strokes(letter).unwrap());
        let draw = |letter, ink, seed, number| Images::new(letter, ink, 28, 9, seed).draw(number);
        let first = draw('A', &strokes[0], 1, 0);
        assert_eq!(first, draw('A', &strokes[0], 1, 0));
        for other in [draw('A', &strokes[0], 2, 0), draw('A', &strokes[0], 1, 1), draw('B', &strokes[1], 1, 0)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn strokes_are_bright_inside_and_the_border_is_dark() {
        let ink = strokes('H').unwrap();
        for number in 0..20 {
            let image = Images::new('H', &ink, 28, 20, 42).draw(number);
            assert!(image.iter().filter(|&&level| level > 128).count() > 30, "image {number} has hardly any ink");
            let border = (0..28).map(|column| u32::from(image[column]));
            assert!(border.sum::<u32>() / 28 < 60, "image {number} runs over its border");
        }
    }

    #[test]
    fn all_94_characters_are_written_and_differ() {
        let letters = ('A'..='Z').chain('a'..='z').chain('0'..='9');
        let all: Vec<char> = letters.chain("!@#$%&*()-_+=[]{};:'\",.<>/?|~`¡¿".chars()).collect();
        let images: Vec<Vec<u8>> = all
            .iter()
            .map(|&character| {
                assert!(folder(character).is_some(), "{character}");
                let strokes = strokes(character).unwrap();
                let image = Images::new(character, &strokes, 28, 1, 42).draw(0);
                assert!(image.iter().filter(|&&level| level > 100).count() >= 3, "{character} has hardly any ink");
                image
            })
            .collect();
        assert_eq!(all.len(), 94);
        assert!((1..94).all(|place| !images[..place].contains(&images[place])));
    }

    #[test]
    fn files_are_the_same_every_time() {
        let (ink, folder) = (strokes('7').unwrap(), tempfile::tempdir().unwrap());
        let images = Images::new('7', &ink, 28, 3, 42);
        for into in ["one", "other"] {
            write_class(&folder.path().join(into), "7_digit", &images).unwrap();
        }
        let read = |into: &str| std::fs::read(folder.path().join(into).join("7_digit/00002.png")).unwrap();
        assert_eq!(read("one"), read("other"));
    }
}
