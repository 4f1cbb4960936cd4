//! Characters that look like handwriting. An image is a pure function of (seed, character, number), so any number of threads
//! draws the same ones.
//!
//! ```text
//! skeleton  the way of a pen through a character of the font
//! hand      how a person follows that way: slant, rounded corners, wobble, pressure, ink
//! ```

mod hand;
mod skeleton;

use self::hand::Hand;
pub use self::skeleton::Stroke;
use super::glyph;
use crate::util::seed;

/// The height of the font that strokes are taken from, pixels.
const FONT: usize = 96;

/// The farthest that a stroke is from the middle of its character, in heights of a capital letter.
const MOST: f32 = 0.6;

/// How much is kept of the distance between the middle of a character and that of a capital letter.
const KEPT: f32 = 0.5;

/// The images of one character.
pub struct Images<'a> {
    character: char,
    strokes: &'a [Stroke],
    /// Rows and columns.
    pub size: usize,
    /// How many.
    pub count: usize,
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
}
