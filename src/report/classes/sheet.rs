//! Small gray images in rows, each with a caption of up to two lines.

use super::tile::{draw, zoom};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};
use crate::report::text_width::{centred, shortened};

/// Images of a row.
const COLUMNS: usize = 10;

const TITLE: usize = 18;
const MARGIN: usize = 16;
const GAP: usize = 10;
const TEXT: usize = 13;
const LINE: usize = 17;

/// The side of a shown image, at least.
const SHOWN: usize = 84;

/// An image of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its gray levels, rows from the top.
    pub levels: Vec<u8>,
    /// Its rows and columns.
    pub size: [usize; 2],
    /// The text below it.
    pub caption: [String; 2],
    /// Whether it is framed as a mistake.
    pub is_wrong: bool,
}

/// The sheet as a PNG file; all images have the size of the first.
///
/// # Errors
/// If it can't be encoded.
pub fn png(title: &str, images: &[Shown]) -> Result<Vec<u8>, PictureError> {
    let [rows, columns] = images.first().map_or([1, 1], |image| image.size);
    let zoom = zoom([rows, columns], SHOWN);
    let [height, width] = [rows * zoom, columns * zoom];
    let captions = images.iter().map(|image| image.caption.iter().filter(|line| !line.is_empty()).count());
    let captioned = captions.max().filter(|lines| *lines > 0).map_or(0, |lines| lines * LINE + 4);
    let step = [width.max(SHOWN) + GAP, height + GAP + captioned];
    let lines = images.len().div_ceil(COLUMNS).max(1);
    let top = 2 * MARGIN + TITLE;
    let mut canvas = Canvas::new(2 * MARGIN + COLUMNS * step[0] - GAP, top + lines * step[1] + MARGIN - GAP);
    let title = shortened(title, canvas.width - 2 * MARGIN, TITLE);
    canvas.text(&title, [MARGIN, MARGIN + TITLE / 2], TITLE, BLACK);
    for (place, image) in images.iter().enumerate().filter(|(_, image)| image.size == [rows, columns]) {
        let at = [MARGIN + place % COLUMNS * step[0] + (step[0] - GAP - width) / 2, top + place / COLUMNS * step[1]];
        draw(&mut canvas, image, at, zoom);
        let middle = at[0] + width / 2;
        for (line, text) in image.caption.iter().enumerate() {
            let text = shortened(text, step[0] - 4, TEXT);
            centred(&mut canvas, &text, [middle, at[1] + height + 10 + line * LINE], TEXT, [BLACK, GREY][line]);
        }
    }
    Ok(canvas.small_png()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_grows_with_its_images_and_an_empty_one_is_a_title() {
        let image =
            Shown { levels: vec![9; 784], size: [28, 28], caption: ["A".into(), "99 %".into()], is_wrong: true };
        let height = |count: usize| {
            let png = png("Errors", &vec![image.clone(); count]).unwrap();
            u32::from_be_bytes(png[20..24].try_into().unwrap())
        };
        assert!(height(0) <= height(1) && height(10) == height(1) && height(11) > height(10));
    }
}
