//! How wide a text will be, for layouts in which nothing may overlap.

use plotters::style::{IntoFont, TextStyle};

use super::canvas::{Canvas, Rgb};
use super::font;

/// The width in pixels; that of wide letters if the font can't say.
pub(super) fn text_width(text: &str, size: usize) -> usize {
    font::register();
    let style = TextStyle::from((font::FAMILY, size as f64).into_font());
    style
        .font
        .layout_box(text)
        .map_or(text.chars().count() * size, |((left, _), (right, _))| left.abs_diff(right) as usize + 1)
}

/// A line of text whose middle, in both directions, is at the place.
pub(super) fn centred(canvas: &mut Canvas, text: &str, [x, y]: [usize; 2], size: usize, colour: Rgb) {
    canvas.text(text, [x.saturating_sub(text_width(text, size) / 2), y], size, colour);
}

/// The text, or its beginning if it does not fit.
pub(super) fn shortened(text: &str, most: usize, size: usize) -> String {
    if text_width(text, size) <= most {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.len() > 1 && text_width(&letters.iter().chain(&['…']).collect::<String>(), size) > most {
        letters.pop();
    }
    letters.iter().chain(&['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_letters_and_larger_ones_are_wider() {
        assert_eq!(text_width("", 15), 1);
        assert!(text_width("iii", 15) < text_width("WWW", 15));
        assert!(text_width("W", 15) < text_width("W", 30));
    }
}
