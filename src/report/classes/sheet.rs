//! Small gray images in rows, each with a caption of up to three lines; groups of them are apart from each other.

use super::tile::{draw, zoom};
use crate::report::PictureError;
use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::text_width::{centred, cut_in_middle, shortened, text_width};

/// The width of a row, about, and the most images that are in rows of this width: more are in a square.
const WIDTH: usize = 960;
const IN_ROWS: usize = 100;

const TITLE: usize = 18;
const MARGIN: usize = 16;
const GAP: usize = 10;
/// The size of captions, and if they are long.
const TEXT: [usize; 2] = [13, 11];
const LINE: usize = 17;
/// No caption is wider.
const LONGEST: usize = 150;
const RULE: Rgb = [176; 3];

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
    pub caption: [String; 3],
    /// Whether it is framed as a mistake.
    pub is_wrong: bool,
    /// A line is between images of different groups.
    pub group: usize,
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
    let widest = |size: usize| {
        images.iter().flat_map(|image| &image.caption).map(|line| text_width(line, size)).max().unwrap_or(0)
    };
    let size = if widest(TEXT[0]) <= width.max(SHOWN) { TEXT[0] } else { TEXT[1] };
    let room = widest(size).min(LONGEST).max(width).max(SHOWN);
    let step = [room + GAP, height + GAP + captioned];
    let across = across(images.len(), step);
    let places = places(images, across);
    let lines = places.last().map_or(1, |[_, row]| row + 1);
    let top = 2 * MARGIN + TITLE;
    let mut canvas = Canvas::new(2 * MARGIN + across * step[0] - GAP, top + lines * step[1] + MARGIN - GAP);
    let title = shortened(title, canvas.width - 2 * MARGIN, TITLE);
    canvas.text(&title, [MARGIN, MARGIN + TITLE / 2], TITLE, BLACK);
    for (number, (image, [column, row])) in images.iter().zip(places).enumerate() {
        let corner = [MARGIN + column * step[0], top + row * step[1]];
        if number > 0 && images[number - 1].group != image.group {
            match column {
                0 => canvas.fill([MARGIN, corner[1] - GAP / 2], [across * step[0] - GAP, 1], RULE),
                _ => canvas.fill([corner[0] - GAP / 2, corner[1]], [1, step[1] - GAP], RULE),
            }
        }
        if image.size != [rows, columns] {
            continue;
        }
        let at = [corner[0] + (room - width) / 2, corner[1]];
        draw(&mut canvas, image, at, zoom);
        let middle = at[0] + width / 2;
        for (line, text) in image.caption.iter().enumerate() {
            let text = cut_in_middle(text, |text| text_width(text, size) <= room);
            centred(&mut canvas, &text, [middle, at[1] + height + 10 + line * LINE], size, [BLACK, GREY, GREY][line]);
        }
    }
    Ok(canvas.coarse_png()?)
}

/// Images of a row: as many as fit, or so many that hundreds of them are about a square.
fn across(images: usize, step: [usize; 2]) -> usize {
    let fitting = (WIDTH / step[0]).max(4);
    match images > IN_ROWS {
        true => fitting.max((images * step[1]).div_ceil(step[0]).isqrt()),
        false => fitting,
    }
}

/// The column and the row of each image. A group begins a row if it would not fit into what is left of one.
fn places(images: &[Shown], across: usize) -> Vec<[usize; 2]> {
    let (mut places, [mut column, mut row]) = (Vec::with_capacity(images.len()), [0, 0]);
    for group in images.chunk_by(|one, other| one.group == other.group) {
        if column > 0 && column + group.len() > across {
            [column, row] = [0, row + 1];
        }
        for _ in group {
            if column == across {
                [column, row] = [0, row + 1];
            }
            places.push([column, row]);
            column += 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_grows_with_its_images_and_an_empty_one_is_a_title() {
        let image = Shown {
            levels: vec![9; 784],
            size: [28, 28],
            caption: ["A".into(), "99 %".into(), String::new()],
            is_wrong: true,
            ..Shown::default()
        };
        let height = |count: usize| {
            let png = png("Errors", &vec![image.clone(); count]).unwrap();
            u32::from_be_bytes(png[20..24].try_into().unwrap())
        };
        assert!(height(0) <= height(1) && height(10) == height(1) && height(11) > height(10));
    }

    #[test]
    fn a_group_is_not_torn_apart_and_hundreds_of_images_are_no_strip() {
        let shown = |groups: &[usize]| -> Vec<Shown> {
            let images = groups.iter().enumerate();
            images.flat_map(|(group, count)| vec![Shown { group, ..Shown::default() }; *count]).collect()
        };
        let rows: Vec<usize> = places(&shown(&[2, 2, 3, 5, 1]), 4).iter().map(|[_, row]| *row).collect();
        assert_eq!(rows, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
        let image = Shown { levels: vec![9; 784], size: [28, 28], ..Shown::default() };
        let png = png("Means", &vec![image; 505]).unwrap();
        let [width, height] = [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()));
        assert!(width < 2 * height && height < 2 * width, "{width} {height}");
    }
}
