//! The colours of reflectivity as weather services show them: steps of 5 dBZ, blues for drizzle, greens for rain, yellow from
//! 35, red from 50, magenta from 60. Weak echo is lavender; "nothing there" and "not seen" are two different things.

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb, WHITE};

/// Where the first colour begins.
pub const MIN_DBZ: f32 = -30.0;
/// Where the last colour ends; stronger echo keeps it.
pub const MAX_DBZ: f32 = 70.0;
/// How wide a colour is.
pub const STEP_DBZ: f32 = 5.0;
/// Below this the radar saw that there is no echo: prepared data begins at -29.
pub const NO_ECHO_DBZ: f32 = -28.5;

/// From [`MIN_DBZ`] to [`MAX_DBZ`], one for each [`STEP_DBZ`].
pub const COLOURS: [[u8; 3]; 20] = [
    [0xEC, 0xE9, 0xF3], // -30
    [0xDF, 0xDB, 0xEB],
    [0xD1, 0xCC, 0xE2], // -20
    [0xC2, 0xBD, 0xD8],
    [0xB0, 0xAE, 0xCE], // -10
    [0x9F, 0xA4, 0xC8],
    [0x8F, 0xB3, 0xD6], // 0
    [0x5A, 0xD2, 0xEA],
    [0x2A, 0x9F, 0xF2], // 10
    [0x12, 0x5C, 0xE0],
    [0x00, 0xCC, 0x22], // 20
    [0x00, 0x9C, 0x18],
    [0x00, 0x6E, 0x12], // 30
    [0xFF, 0xF0, 0x00],
    [0xE9, 0xB9, 0x00], // 40
    [0xFF, 0x8A, 0x00],
    [0xF2, 0x12, 0x00], // 50
    [0xB8, 0x00, 0x00],
    [0xF2, 0x00, 0xF2], // 60
    [0x96, 0x4E, 0xC6],
];

pub(super) const NO_ECHO: Rgb = WHITE;
pub(super) const MISSING: Rgb = [0xED; 3];
pub(super) const MISSING_LINE: Rgb = [0xC8; 3];

/// The colour of a reflectivity at a pixel of a picture; `NaN` is missing and hatched, which is why the place matters.
#[must_use]
pub fn colour(dbz: f32, x: usize, y: usize) -> [u8; 3] {
    if dbz.is_nan() {
        if (x + y).is_multiple_of(8) { MISSING_LINE } else { MISSING }
    } else if dbz < NO_ECHO_DBZ {
        NO_ECHO
    } else {
        let step = ((dbz - MIN_DBZ) / STEP_DBZ).floor().max(0.0) as usize;
        COLOURS[step.min(COLOURS.len() - 1)]
    }
}

/// How wide [`legend`] is in pixels.
pub(super) const LEGEND_WIDTH: usize = 84;
/// How tall it must at least be for its labels.
pub(super) const LEGEND_MIN_HEIGHT: usize = 230;

/// How wide the bar itself is.
pub(super) const BAR_WIDTH: usize = 20;

/// The top and the height of the colour bar in a legend that begins at `y`: other bars are beside it.
pub(super) fn bar(y: usize, height: usize) -> (usize, usize) {
    let step = (height.saturating_sub(26 + 58) / COLOURS.len()).clamp(7, 26);
    (y + 26, step * COLOURS.len())
}

/// The colour bar with its labels, and the two colours that are not reflectivity.
pub(super) fn legend(canvas: &mut Canvas, [x, y]: [usize; 2], height: usize) {
    let (bar_top, bar_height) = bar(y, height);
    let step = bar_height / COLOURS.len();
    canvas.text("dBZ", [x, y + 9], 14, BLACK);
    for (index, &colour) in COLOURS.iter().rev().enumerate() {
        canvas.fill([x, bar_top + index * step], [BAR_WIDTH, step], colour);
    }
    canvas.frame([x, bar_top], [BAR_WIDTH, bar_height], GREY);
    for tick in (0..=COLOURS.len()).step_by(2) {
        let dbz = MAX_DBZ - tick as f32 * STEP_DBZ;
        let tick_y = bar_top + tick * step;
        canvas.fill([x + BAR_WIDTH + 1, tick_y.saturating_sub(1)], [4, 1], GREY);
        canvas.text(&format!("{dbz}"), [x + 29, tick_y], 13, BLACK);
    }
    for (index, (label, dbz)) in [("no echo", MIN_DBZ), ("missing", f32::NAN)].into_iter().enumerate() {
        let top = bar_top + bar_height + 16 + 22 * index;
        for row in top..top + 14 {
            for column in x..x + BAR_WIDTH {
                canvas.set(column, row, colour(dbz, column, row));
            }
        }
        canvas.frame([x, top], [BAR_WIDTH, 14], GREY);
        canvas.text(label, [x + 28, top + 7], 13, BLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_at_multiples_of_five() {
        assert_eq!(colour(35.0, 0, 0), [0xFF, 0xF0, 0x00]);
        assert_eq!(colour(34.9, 0, 0), [0x00, 0x6E, 0x12]);
        assert_eq!(colour(99.0, 0, 0), COLOURS[19]);
    }

    #[test]
    fn missing_no_echo_and_weak_echo_differ() {
        let (missing, line) = (colour(f32::NAN, 1, 0), colour(f32::NAN, 4, 4));
        let (nothing, weak) = (colour(-29.0, 1, 0), colour(-28.0, 1, 0));
        assert_ne!(missing, line);
        assert_ne!(nothing, weak);
        assert!(!COLOURS.contains(&missing) && !COLOURS.contains(&nothing));
        assert_ne!(missing, nothing);
    }
}
