//! What was taken for what, with images: a row for each pair of classes, in two columns.

use super::sheet::Shown;
use super::tile::{draw, zoom};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};
use crate::report::text_width::{fitted, shortened};

/// A pair of classes that were confused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// What was taken for what, and how often, in three lines.
    pub lines: [String; 3],
    /// Some of the images.
    pub images: Vec<Shown>,
}

// Twice as fine as the screen, so that letters and images are sharp.
const SHOWN: usize = 84;
const GAP: usize = 10;
const MARGIN: usize = 32;
const TITLE: usize = 34;
const TEXT: [usize; 3] = [30, 26, 22];
/// That of a long text.
const SMALL: usize = 22;
const LINE: usize = 32;
const LABEL: usize = 330;
const COLUMNS: usize = 2;

/// The pairs as a PNG file, each with at most so many images.
///
/// # Errors
/// If it can't be encoded.
pub fn png(title: &str, pairs: &[Pair], most: usize) -> Result<Vec<u8>, PictureError> {
    let size = pairs.iter().find_map(|pair| pair.images.first()).map_or([1, 1], |image| image.size);
    let zoom = zoom(size, SHOWN);
    let [height, width] = size.map(|side| side * zoom);
    let most = pairs.iter().map(|pair| pair.images.len()).max().unwrap_or(0).min(most);
    let column = LABEL + most.max(2) * (width + GAP) + MARGIN;
    let (lines, top) = (pairs.len().div_ceil(COLUMNS), 2 * MARGIN + TITLE);
    let step = height.max(SHOWN) + 2 * GAP;
    let mut canvas = Canvas::new(MARGIN + COLUMNS * column, top + lines.max(1) * step + MARGIN - GAP);
    let title = shortened(title, canvas.width - 2 * MARGIN, TITLE);
    canvas.text(&title, [MARGIN, MARGIN + TITLE / 2], TITLE, BLACK);
    for (place, pair) in pairs.iter().enumerate() {
        // Down the first column, then down the second.
        let at = [MARGIN + place / lines * column, top + place % lines * step];
        let middle = at[1] + height / 2;
        for (line, text) in pair.lines.iter().enumerate() {
            let y = (middle + LINE * line).saturating_sub(LINE);
            let (text, size) = fitted(text, LABEL - 16, [TEXT[line], SMALL]);
            canvas.text(&text, [at[0], y], size, [BLACK, BLACK, GREY][line]);
        }
        for (number, image) in pair.images.iter().filter(|image| image.size == size).take(most).enumerate() {
            draw(&mut canvas, image, [at[0] + LABEL + number * (width + GAP), at[1]], zoom);
        }
    }
    Ok(canvas.coarse_png()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_in_two_columns_and_none_is_a_title() {
        let image = Shown { levels: vec![200; 784], size: [28, 28], ..Shown::default() };
        let lines = ["lower l", "taken for digit 1", "12 of 40"].map(str::to_owned);
        let pair = Pair { lines, images: vec![image; 9] };
        let size = |count: usize| {
            let png = png("Confused", &vec![pair.clone(); count], 8).unwrap();
            [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
        };
        assert!(size(3)[1] > size(2)[1] && size(4) == size(3) && size(1) == size(2) && size(0)[1] < 300);
        assert!(size(20)[0] < 2400, "{:?}", size(20));
    }
}
