//! Text as ink: the font that is part of the program (containers have none), how wide a text will be, and which pixels it covers.
//! Letters keep the fractions of pixels between them, and all of a line share one baseline.

use std::borrow::Cow;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use super::plain::visible;

static BYTES: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");

/// `None` can't happen: a test reads the bytes.
static FONT: LazyLock<Option<FontRef<'static>>> = LazyLock::new(|| FontRef::try_from_slice(BYTES).ok());

/// The height of a capital letter as a share of the line's height, and the line's height as a share of the font size in CSS.
const CAPITAL: f32 = 0.626;
pub(super) const LINE_OF_SIZE: f64 = 1.164;

/// The width of a text in pixels, at this height of a line.
pub(super) fn width(text: &str, height: f64) -> f64 {
    let Some(font) = FONT.as_ref() else { return text.chars().count() as f64 * height };
    let text = legible(font, text);
    let font = font.as_scaled(height as f32);
    let mut width = 0.0;
    let mut before = None;
    for letter in text.chars() {
        let glyph = font.glyph_id(letter);
        width += before.map_or(0.0, |before| font.kern(before, glyph)) + font.h_advance(glyph);
        before = Some(glyph);
    }
    f64::from(width)
}

/// Calls `cover` with each pixel that a line of text covers, and how much of it: the text begins at `x`, and the middle of its
/// capital letters is at `y`.
pub(super) fn draw(text: &str, [x, y]: [f64; 2], height: f64, mut cover: impl FnMut(i64, i64, f64)) {
    let Some(font) = FONT.as_ref() else { return };
    let text = legible(font, text);
    let scaled = font.as_scaled(height as f32);
    // On a whole pixel, so that letters have sharp feet.
    let baseline = (y as f32 + CAPITAL * height as f32 / 2.0).round();
    let (mut place, mut before) = (x as f32, None);
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        place += before.map_or(0.0, |before| scaled.kern(before, id));
        before = Some(id);
        let glyph = id.with_scale_and_position(PxScale::from(height as f32), point(place, baseline));
        place += scaled.h_advance(id);
        if let Some(outline) = font.outline_glyph(glyph) {
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, share| {
                let at = [corner.x as i64 + i64::from(column), corner.y as i64 + i64::from(row)];
                cover(at[0], at[1], f64::from(share.clamp(0.0, 1.0)));
            });
        }
    }
}

/// Whether the font has a glyph for a character.
pub(super) fn has(letter: char) -> bool {
    FONT.as_ref().is_some_and(|font| is_there(font, letter))
}

fn is_there(font: &FontRef<'_>, letter: char) -> bool {
    // Glyph 0 is the empty box that stands for all that is missing.
    font.glyph_id(letter).0 != 0
}

/// The text, with the numbers of characters in place of those that the font lacks, as U+6F22: boxes would all look alike. Control
/// characters are written out.
fn legible<'a>(font: &FontRef<'_>, text: &'a str) -> Cow<'a, str> {
    let text = visible(text);
    if text.chars().all(|letter| is_there(font, letter)) {
        return text;
    }
    let mut shown = String::new();
    let mut is_number = false;
    for letter in text.chars() {
        let is_missing = !is_there(font, letter);
        if (is_missing || is_number) && !shown.is_empty() && !shown.ends_with(' ') && letter != ' ' {
            shown.push(' ');
        }
        match is_missing {
            true => shown += &format!("U+{:04X}", letter as u32),
            false => shown.push(letter),
        }
        is_number = is_missing;
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_font_lacks_is_named_by_its_number() {
        let font = FONT.as_ref().unwrap();
        let shown = |text: &str| legible(font, text).into_owned();
        assert_eq!(shown("a b\u{bf}|/"), "a b\u{bf}|/");
        assert_eq!(shown("\u{6f22}\u{5b57}"), "U+6F22 U+5B57");
        assert_eq!(shown("a\u{6f22}b \u{1f9a0}!"), "a U+6F22 b U+1F9A0 !");
        assert_eq!(shown("new\nline\t"), "new\\nline\\t");
        assert!(has('\u{bf}') && !has('\u{6f22}'));
        assert!(width("\u{6f22}", 15.0) > 3.0 * width("W", 15.0));
    }

    #[test]
    fn more_letters_and_larger_ones_are_wider() {
        assert_eq!(width("", 15.0), 0.0);
        assert!(width("iii", 15.0) < width("WWW", 15.0) && width("W", 15.0) < width("W", 30.0));
    }

    /// The rows that a text inks well, from its upper end to its lower one.
    fn rows(text: &str) -> [i64; 2] {
        let (mut top, mut bottom) = (i64::MAX, i64::MIN);
        draw(text, [10.0, 50.0], 20.0, |_, y, share| {
            if share > 0.4 {
                (top, bottom) = (top.min(y), bottom.max(y));
            }
        });
        [top, bottom]
    }

    #[test]
    fn letters_share_a_baseline_and_are_centred_on_their_line() {
        let [top, bottom] = rows("8");
        assert!((top + bottom - 100).abs() <= 2, "{top} {bottom}");
        assert_eq!([rows("0.")[1], rows(".")[1], rows("E")[1]], [bottom; 3], "a decimal point is at the foot");
        assert!(rows("p")[1] > bottom);
    }

    #[test]
    fn a_letter_is_as_far_from_the_next_as_its_width() {
        let reach = |text: &str| {
            let mut right = 0;
            draw(text, [0.0, 50.0], 14.0, |x, _, share| {
                if share > 0.3 {
                    right = right.max(x)
                }
            });
            right as f64
        };
        for text in ["0.08", "iiiiiiiiii", "1.0000000"] {
            let found = reach(text);
            assert!((found - width(text, 14.0)).abs() < 3.0, "{text}: {found} {}", width(text, 14.0));
        }
    }
}
