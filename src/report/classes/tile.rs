//! A small gray image on a sheet: magnified by a whole number, framed.

use super::sheet::Shown;
use crate::report::canvas::{Canvas, GREY, Rgb};

/// The frame of a mistake.
const WRONG: Rgb = [178, 34, 34];

/// How often a pixel is repeated so that an image of this size is at least so large.
pub(super) fn zoom([rows, columns]: [usize; 2], least: usize) -> usize {
    least.div_ceil(rows.max(columns).max(1)).max(1)
}

/// Draws an image of a sheet.
pub(super) fn draw(canvas: &mut Canvas, image: &Shown, at: [usize; 2], zoom: usize) {
    draw_framed(canvas, &image.levels, image.size, (at, zoom), if image.is_wrong { WRONG } else { GREY });
}

/// Draws gray levels, rows from the top, at a place and with a magnification.
pub(super) fn draw_framed(
    canvas: &mut Canvas,
    levels: &[u8],
    [rows, columns]: [usize; 2],
    (at, zoom): ([usize; 2], usize),
    frame: Rgb,
) {
    for (place, level) in levels.iter().take(rows * columns).enumerate() {
        let (row, column) = (place / columns, place % columns);
        canvas.fill([at[0] + column * zoom, at[1] + row * zoom], [zoom, zoom], [*level; 3]);
    }
    canvas.frame(at, [columns * zoom, rows * zoom], frame);
}
