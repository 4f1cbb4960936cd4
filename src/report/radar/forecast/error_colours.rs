//! The colours of a forecast's error: red where it is too strong, blue where it is too weak, white where it is good.

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb};
use crate::report::radar::colours::{BAR_WIDTH, Scale, bar, missing};

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
pub(in crate::report) fn colour(scale: &Scale, error: f32, x: usize, y: usize) -> Rgb {
    if error.is_nan() {
        return missing(x, y);
    }
    let steps = scale.errors();
    let strength = steps.iter().filter(|&&step| error.abs() >= step).count();
    COLOURS[if error < 0.0 { steps.len() - strength } else { steps.len() + strength }]
}

/// From none to large: "Purples" of ColorBrewer, as a size is neither too strong nor too weak.
const SIZES: [Rgb; 6] = [
    [0xFF, 0xFF, 0xFF],
    [0xE2, 0xE0, 0xEE],
    [0xBC, 0xBD, 0xDC],
    [0x9E, 0x9A, 0xC8],
    [0x75, 0x6B, 0xB1],
    [0x4A, 0x14, 0x86],
];

/// The colour of an error's size at a pixel.
pub(in crate::report) fn size(scale: &Scale, error: f32, x: usize, y: usize) -> Rgb {
    if error.is_nan() {
        return missing(x, y);
    }
    SIZES[scale.errors().iter().filter(|&&step| error.abs() >= step).count()]
}

/// The error that must not vanish in a small picture.
pub(in crate::report) fn larger(one: f32, other: f32) -> f32 {
    if other.is_nan() || one.abs() > other.abs() { one } else { other }
}

/// How wide [`legend`] is in pixels.
pub(in crate::report) const LEGEND_WIDTH: usize = 96;

/// The colour bar, as tall as that of the values.
pub(in crate::report) fn legend(canvas: &mut Canvas, scale: &Scale, [x, y]: [usize; 2], height: usize) {
    let (top, bar_height) = bar(y, height);
    let edge = |cell: usize| top + cell * bar_height / COLOURS.len();
    let title = ["error", scale.unit_of_difference()].map(str::to_owned);
    canvas.text(title.join(", ").trim_end_matches(", "), [x, y + 9], 14, BLACK);
    let steps = scale.errors();
    for (cell, &colour) in COLOURS.iter().rev().enumerate() {
        canvas.fill([x, edge(cell)], [BAR_WIDTH, edge(cell + 1) - edge(cell)], colour);
    }
    canvas.frame([x, top], [BAR_WIDTH, bar_height], GREY);
    let upper = steps.iter().rev().map(|step| format!("+{step}"));
    for (cell, label) in (1..).zip(upper.chain(steps.iter().map(|step| format!("-{step}")))) {
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

/// The colour bar of sizes.
pub(in crate::report) fn legend_of_sizes(canvas: &mut Canvas, scale: &Scale, [x, y]: [usize; 2], height: usize) {
    let (top, bar_height) = bar(y, height);
    let edge = |cell: usize| top + cell * bar_height / SIZES.len();
    let title = ["size", scale.unit_of_difference()].map(str::to_owned);
    canvas.text(title.join(", ").trim_end_matches(", "), [x, y + 9], 14, BLACK);
    for (cell, &colour) in SIZES.iter().rev().enumerate() {
        canvas.fill([x, edge(cell)], [BAR_WIDTH, edge(cell + 1) - edge(cell)], colour);
    }
    canvas.frame([x, top], [BAR_WIDTH, bar_height], GREY);
    for (cell, step) in (1..).zip(scale.errors().iter().rev()) {
        canvas.fill([x + BAR_WIDTH + 1, edge(cell).saturating_sub(1)], [4, 1], GREY);
        canvas.text(&step.to_string(), [x + BAR_WIDTH + 9, edge(cell)], 13, BLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::radar::colours::dbz;

    #[test]
    fn too_strong_is_red_too_weak_is_blue_and_good_is_white() {
        let colour = |error| colour(&dbz(), error, 3, 1);
        assert_eq!([colour(0.0), colour(2.4), colour(-2.4)], [[255; 3]; 3]);
        assert_eq!([colour(2.5), colour(-2.5)], [COLOURS[6], COLOURS[4]]);
        assert_eq!([colour(90.0), colour(-90.0)], [COLOURS[10], COLOURS[0]]);
        assert_eq!(colour(f32::NAN), dbz().colour(f32::NAN, 3, 1));
    }

    #[test]
    fn of_two_errors_the_larger_is_kept_whatever_its_sign() {
        assert_eq!(
            [larger(f32::NAN, 1.0), larger(-7.0, 3.0), larger(2.0, -5.0), larger(2.0, f32::NAN)],
            [1.0, -7.0, -5.0, 2.0]
        );
    }
}
