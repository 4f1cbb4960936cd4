//! The colours of a forecast's error: red where it is too strong, blue where it is too weak, white where it is good.

use crate::report::canvas::{Canvas, Rgb};
use crate::report::radar::colours::{Bar, Named, Scale, missing};

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

/// From none to large: "Purples" of ColorBrewer, because a size is neither too strong nor too weak.
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
pub(in crate::report) fn legend(canvas: &mut Canvas, scale: &Scale, place: [usize; 2], height: usize) {
    let steps = scale.errors();
    let weak = steps.iter().rev().map(|step| format!("-{step}"));
    let labels = weak.chain(steps.iter().map(|step| format!("+{step}")));
    let ticks: Vec<_> = (1_u8..).map(f32::from).zip(labels).collect();
    let samples: [Named<'_>; 2] = [("too strong", &|_, _| COLOURS[8]), ("too weak", &|_, _| COLOURS[2])];
    let title = title("error", scale);
    Bar { title: &title, colours: &COLOURS, ticks: &ticks, samples: &samples }.draw(canvas, place, height);
}

/// The colour bar of sizes.
pub(in crate::report) fn legend_of_sizes(canvas: &mut Canvas, scale: &Scale, place: [usize; 2], height: usize) {
    let labels = scale.errors().into_iter().map(|step| step.to_string());
    let ticks: Vec<_> = (1_u8..).map(f32::from).zip(labels).collect();
    let title = title("size", scale);
    Bar { title: &title, colours: &SIZES, ticks: &ticks, samples: &[] }.draw(canvas, place, height);
}

/// What a bar shows, with its unit if there is one.
fn title(name: &str, scale: &Scale) -> String {
    [name, scale.unit_of_difference()].join(", ").trim_end_matches(", ").to_owned()
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
