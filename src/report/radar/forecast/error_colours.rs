//! The colours of a forecast's error: red where it is too strong, blue where it is too weak, white where it is good.

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::radar::colours::{self, BAR_WIDTH, bar};

/// Where the colours change, in dB; below the first the forecast is good.
const STEPS_DB: [f32; 5] = [2.5, 5.0, 10.0, 20.0, 30.0];

/// From far too weak to far too strong: the diverging "RdBu" of ColorBrewer, with white in its middle.
const COLOURS: [Rgb; 11] = [
    [0x05, 0x30, 0x61],
    [0x21, 0x66, 0xAC],
    [0x43, 0x93, 0xC3],
    [0x92, 0xC5, 0xDE],
    [0xD1, 0xE5, 0xF0],
    [0xFF, 0xFF, 0xFF],
    [0xFD, 0xDB, 0xC7],
    [0xF4, 0xA5, 0x82],
    [0xD6, 0x60, 0x4D],
    [0xB2, 0x18, 0x2B],
    [0x67, 0x00, 0x1F],
];

/// The colour of an error at a pixel; missing is hatched as everywhere.
pub(in crate::report) fn colour(error_db: f32, x: usize, y: usize) -> Rgb {
    if error_db.is_nan() {
        return colours::colour(error_db, x, y);
    }
    let strength = STEPS_DB.iter().filter(|&&step| error_db.abs() >= step).count();
    COLOURS[if error_db < 0.0 { STEPS_DB.len() - strength } else { STEPS_DB.len() + strength }]
}

/// The error that must not vanish in a small picture.
pub(in crate::report) fn larger(one: f32, other: f32) -> f32 {
    if other.is_nan() || one.abs() > other.abs() { one } else { other }
}

/// How wide [`legend`] is in pixels.
pub(in crate::report) const LEGEND_WIDTH: usize = 96;

/// The colour bar, as tall as that of reflectivity.
pub(in crate::report) fn legend(canvas: &mut Canvas, [x, y]: [usize; 2], height: usize) {
    let (top, bar_height) = bar(y, height);
    let edge = |cell: usize| top + cell * bar_height / COLOURS.len();
    canvas.text("error, dB", [x, y + 9], 14, BLACK);
    for (cell, &colour) in COLOURS.iter().rev().enumerate() {
        canvas.fill([x, edge(cell)], [BAR_WIDTH, edge(cell + 1) - edge(cell)], colour);
    }
    canvas.frame([x, top], [BAR_WIDTH, bar_height], GREY);
    let upper = STEPS_DB.iter().rev().map(|step| format!("+{step}"));
    for (cell, label) in (1..).zip(upper.chain(STEPS_DB.iter().map(|step| format!("-{step}")))) {
        canvas.fill([x + BAR_WIDTH + 1, edge(cell).saturating_sub(1)], [4, 1], GREY);
        canvas.text(&label, [x + BAR_WIDTH + 9, edge(cell)], 13, BLACK);
    }
    for (index, (label, colour)) in [("too strong", COLOURS[8]), ("too weak", COLOURS[2])].into_iter().enumerate() {
        let top = top + bar_height + 16 + 22 * index;
        canvas.fill([x, top], [BAR_WIDTH, 14], colour);
        canvas.frame([x, top], [BAR_WIDTH, 14], GREY);
        canvas.text(label, [x + BAR_WIDTH + 8, top + 7], 13, BLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_strong_is_red_too_weak_is_blue_and_good_is_white() {
        assert_eq!([colour(0.0, 0, 0), colour(2.4, 0, 0), colour(-2.4, 0, 0)], [[255; 3]; 3]);
        assert_eq!([colour(2.5, 0, 0), colour(-2.5, 0, 0)], [COLOURS[6], COLOURS[4]]);
        assert_eq!([colour(90.0, 0, 0), colour(-90.0, 0, 0)], [COLOURS[10], COLOURS[0]]);
        assert_eq!(colour(f32::NAN, 3, 1), colours::colour(f32::NAN, 3, 1));
    }

    #[test]
    fn of_two_errors_the_larger_is_kept_whatever_its_sign() {
        assert_eq!(
            [larger(f32::NAN, 1.0), larger(-7.0, 3.0), larger(2.0, -5.0), larger(2.0, f32::NAN)],
            [1.0, -7.0, -5.0, 2.0]
        );
    }
}
