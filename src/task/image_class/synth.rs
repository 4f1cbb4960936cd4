//! Synthetic characters: those of a font, written by an unsteady hand. An image is a pure function of (seed, character,
//! number), so any number of threads writes the same files.
//!
//! Each image has a slant, a rotation, a size and a place of its own, strokes of their own weight that wobble, and grain.

use std::f32::consts::TAU;
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::class_names::folder;
use super::prepare::IMAGES;
use crate::data::prepare::work::on_threads;
use crate::data::synthetic::Characters;
use crate::report::glyph::{self, Ink};
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all};
use crate::util::progress::Stage;
use crate::util::seed;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// The height of the font that strokes are taken from, pixels.
const FONT: usize = 96;

/// Samples along each side of a pixel.
const FINE: usize = 3;

/// What one image looks like.
struct Hand {
    /// From the image to the character: columns, then rows, both in 0 to 1 from the middle.
    map: [[f32; 2]; 2],
    shift: [f32; 2],
    /// Two waves for each direction: amplitude, frequencies, phase.
    waves: [[[f32; 4]; 2]; 2],
    /// Where ink begins, and how dark it is.
    threshold: f32,
    darkness: f32,
    grain: f32,
}

impl Hand {
    fn draw(generator: &mut ChaCha8Rng) -> Self {
        let mut within = |low: f32, high: f32| low + (high - low) * generator.random::<f32>();
        let (turn, slant) = (within(-0.22, 0.22), within(-0.35, 0.25));
        let (wide, tall) = (within(0.52, 0.8), within(0.62, 0.84));
        let (cos, sin) = (turn.cos(), turn.sin());
        let mut wave = |most: f32| [within(0.3, 1.0) * most, within(-1.6, 1.6), within(-1.6, 1.6), within(0.0, TAU)];
        let waves = [[wave(0.05), wave(0.03)], [wave(0.05), wave(0.03)]];
        Self {
            map: [[cos / wide, (sin + slant) / wide], [-sin / tall, cos / tall]],
            shift: [within(-0.07, 0.07), within(-0.07, 0.07)],
            waves,
            threshold: within(0.22, 0.6),
            darkness: within(0.75, 1.0),
            grain: within(2.0, 10.0),
        }
    }

    /// Where on the character a place of the image lies; both from -0.5 to 0.5 from the middle.
    fn onto_character(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let wobble = |waves: &[[f32; 4]; 2]| -> f32 {
            let wave = |&[amplitude, along, across, phase]: &[f32; 4]| {
                amplitude * (TAU * (along * x + across * y) + phase).sin()
            };
            waves.iter().map(wave).sum()
        };
        let (x, y) = (x - self.shift[0] + wobble(&self.waves[0]), y - self.shift[1] + wobble(&self.waves[1]));
        self.map.map(|[of_x, of_y]| of_x * x + of_y * y)
    }
}

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

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
    ink: &'a Ink,
    size: usize,
    count: usize,
    seed: u64,
}

/// The strokes of a character, softened so that their weight can be chosen; none if the font lacks it.
#[must_use]
pub fn strokes(character: char) -> Option<Ink> {
    let ink = glyph::ink(character, FONT)?;
    Some(softened(&ink))
}

impl<'a> Images<'a> {
    /// So many images of a character, of so many rows and columns.
    #[must_use]
    pub fn new(character: char, ink: &'a Ink, size: usize, count: usize, seed: u64) -> Self {
        Self { character, ink, size, count, seed }
    }

    /// The levels of an image: bright strokes on a dark ground.
    #[must_use]
    pub fn draw(&self, number: usize) -> Vec<u8> {
        let mut generator = seed::generator(self.seed, &format!("character {}", self.character), 0, number as u64);
        let hand = Hand::draw(&mut generator);
        let pixels = (0..self.size * self.size).map(|place| {
            let ink = self.pixel(&hand, place / self.size, place % self.size);
            let grain = (generator.random::<f32>() - 0.5) * 2.0 * hand.grain;
            (255.0 * hand.darkness * ink + grain * (0.25 + ink)).round().clamp(0.0, 255.0) as u8
        });
        pixels.collect()
    }

    fn pixel(&self, hand: &Hand, row: usize, column: usize) -> f32 {
        let mut sum = 0.0;
        for fine in 0..FINE * FINE {
            let at =
                |cell: usize, part: usize| (cell as f32 + (part as f32 + 0.5) / FINE as f32) / self.size as f32 - 0.5;
            let place = hand.onto_character([at(column, fine % FINE), at(row, fine / FINE)]);
            let soft = self.ink_at(place);
            // A soft edge a few pixels wide.
            sum += ((soft - hand.threshold) * 6.0 + 0.5).clamp(0.0, 1.0);
        }
        sum / (FINE * FINE) as f32
    }

    /// The ink at a place of the character, which is centred and keeps its proportions.
    fn ink_at(&self, [x, y]: [f32; 2]) -> f32 {
        let height = (self.ink.rows.max(self.ink.columns)) as f32;
        let column = (x * height + self.ink.columns as f32 / 2.0).floor();
        let row = (y * height + self.ink.rows as f32 / 2.0).floor();
        let inside = column >= 0.0 && row >= 0.0 && column < self.ink.columns as f32 && row < self.ink.rows as f32;
        if inside { f32::from(self.ink.levels[row as usize * self.ink.columns + column as usize]) / 255.0 } else { 0.0 }
    }
}

/// Ink with soft edges: the mean over a square, twice, with room around it.
fn softened(ink: &Ink) -> Ink {
    let radius = FONT / 24;
    let room = 2 * radius;
    let (rows, columns) = (ink.rows + 2 * room, ink.columns + 2 * room);
    let mut levels = vec![0; rows * columns];
    for (row, line) in ink.levels.chunks_exact(ink.columns).enumerate() {
        levels[(row + room) * columns + room..][..ink.columns].copy_from_slice(line);
    }
    for _ in 0..2 {
        levels = mean_of_squares(&levels, [rows, columns], radius);
    }
    Ink { rows, columns, levels }
}

fn mean_of_squares(levels: &[u8], [rows, columns]: [usize; 2], radius: usize) -> Vec<u8> {
    let around = |at: usize, most: usize| at.saturating_sub(radius)..(at + radius + 1).min(most);
    let mean = |place: usize| {
        let (row, column) = (place / columns, place % columns);
        let square =
            around(row, rows).flat_map(|row| around(column, columns).map(move |column| row * columns + column));
        let sum: u32 = square.map(|place| u32::from(levels[place])).sum();
        (sum / ((2 * radius + 1) * (2 * radius + 1)) as u32) as u8
    };
    (0..rows * columns).map(mean).collect()
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
