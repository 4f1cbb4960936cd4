//! A row of small images for each class, with its name and what is known of it: what a class looks like, at a glance.

use super::tile::draw_framed;
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY};
use crate::report::text_width::{fitted, shortened};

/// The side of a shown image, about.
pub const SIDE: usize = 56;

const NAMES: usize = 150;
const TITLE: usize = 18;
const NAME: usize = 17;
const TEXT: usize = 12;
const MARGIN: usize = 16;
const GAP: usize = 6;

/// A class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub about: String,
    /// Gray levels of its images, rows from the top.
    pub images: Vec<Vec<u8>>,
}

/// The rows as a PNG file; all images have this many rows and columns.
///
/// # Errors
/// If it can't be encoded.
pub fn png(title: &str, [rows, columns]: [usize; 2], lines: &[Line]) -> Result<Vec<u8>, PictureError> {
    let zoom = (SIDE / rows.max(columns).max(1)).max(1);
    let [height, width] = [rows * zoom, columns * zoom];
    let most = lines.iter().map(|line| line.images.len()).max().unwrap_or(0).max(4);
    let (top, step) = (2 * MARGIN + TITLE, height.max(2 * NAME) + GAP);
    let mut canvas =
        Canvas::new(2 * MARGIN + NAMES + most * (width + GAP) - GAP, top + lines.len() * step + MARGIN - GAP);
    canvas.text(&shortened(title, canvas.width - 2 * MARGIN, TITLE), [MARGIN, MARGIN + TITLE / 2], TITLE, BLACK);
    for (place, line) in lines.iter().enumerate() {
        let y = top + place * step;
        let (name, size) = fitted(&line.name, NAMES - 8, [NAME, TEXT]);
        canvas.text(&name, [MARGIN, y + step / 2 - 11], size, BLACK);
        canvas.text(&shortened(&line.about, NAMES - 8, TEXT), [MARGIN, y + step / 2 + 8], TEXT, GREY);
        for (number, levels) in line.images.iter().enumerate() {
            let at = [MARGIN + NAMES + number * (width + GAP), y];
            draw_framed(&mut canvas, levels, [rows, columns], (at, zoom), GREY);
        }
    }
    Ok(canvas.png()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_grows_with_its_classes_and_their_images() {
        let line =
            |images: usize| Line { name: "¿".into(), about: "3 images".into(), images: vec![vec![200; 64]; images] };
        let size = |lines: &[Line]| {
            let png = png("Images", [8, 8], lines).unwrap();
            [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
        };
        let (one, wide, tall) = (size(&[line(1)]), size(&[line(9)]), size(&[line(1), line(0)]));
        assert!(one[0] < wide[0] && one[1] == wide[1] && one[1] < tall[1] && one[0] == tall[0]);
        assert!(size(&[])[1] < one[1], "without classes it is a title");
    }
}
