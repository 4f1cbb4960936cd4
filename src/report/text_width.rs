//! Texts that must fit: how wide they will be on a canvas, in the middle of a place, cut to a width, broken into lines.

use super::canvas::{Canvas, Rgb};
use super::font;

/// The width in whole pixels.
pub(super) fn text_width(text: &str, size: usize) -> usize {
    font::width(text, size as f64).ceil() as usize + 1
}

/// A line of text whose middle, in both directions, is at the place.
pub(super) fn centred(canvas: &mut Canvas, text: &str, [x, y]: [usize; 2], size: usize, colour: Rgb) {
    canvas.text(text, [x.saturating_sub(text_width(text, size) / 2), y], size, colour);
}

/// The text, or its beginning if it does not fit.
pub(super) fn shortened(text: &str, most: usize, size: usize) -> String {
    cut(text, |text| text_width(text, size) <= most)
}

/// The text, or its longest beginning that fits.
pub(super) fn cut(text: &str, fits: impl Fn(&str) -> bool) -> String {
    if fits(text) {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.len() > 1 && !fits(&letters.iter().chain(&['…']).collect::<String>()) {
        letters.pop();
    }
    letters.iter().chain(&['…']).collect()
}

/// The text, or its longest beginning and end that fit: names often differ at their ends.
pub(super) fn cut_in_middle(text: &str, fits: impl Fn(&str) -> bool) -> String {
    if fits(text) {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let of = |kept: usize| -> String {
        let end = &letters[letters.len() - kept / 2..];
        letters[..kept - kept / 2].iter().chain(&['…']).chain(end).collect()
    };
    let (mut fitting, mut too_many) = (0, letters.len());
    while too_many - fitting > 1 {
        let middle = usize::midpoint(fitting, too_many);
        match fits(&of(middle)) {
            true => fitting = middle,
            false => too_many = middle,
        }
    }
    of(fitting)
}

/// A name with its size: the first of these sizes at which it fits, or without its middle at the last one.
pub(super) fn fitted(name: &str, most: usize, sizes: [usize; 2]) -> (String, usize) {
    match text_width(name, sizes[0]) <= most {
        true => (name.to_owned(), sizes[0]),
        false => (cut_in_middle(name, |text| text_width(text, sizes[1]) <= most), sizes[1]),
    }
}

/// The text in lines that fit, broken between words; a word that does not fit is cut.
pub(super) fn lines(text: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let longer = lines.last().map(|line| format!("{line} {word}")).filter(|line| fits(line));
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(cut(word, &fits)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_or_broken_to_fit() {
        assert_eq!(shortened("persistence", 1000, 15), "persistence");
        let short = shortened("persistence", 40, 15);
        assert!(short.ends_with('…') && text_width(&short, 15) <= 40, "{short}");
        let fits = |text: &str| text.chars().count() <= 9;
        assert_eq!(lines("one two three  incomprehensible", fits), ["one two", "three", "incompre…"]);
        assert!(lines("", fits).is_empty());
    }

    #[test]
    fn a_long_name_is_written_small_and_a_very_long_one_loses_its_middle() {
        let fitted = |name: &str| fitted(name, 142, [17, 12]);
        assert_eq!(fitted("A"), ("A".to_owned(), 17));
        assert_eq!(fitted("Balinese_character19"), ("Balinese_character19".to_owned(), 12));
        let (name, size) = fitted("Early_Aramaic_character_of_the_north_05");
        assert!(name.starts_with("Early") && name.contains('…') && name.ends_with("05") && size == 12, "{name}");
        assert!(text_width(&name, 12) <= 142 && text_width(&name, 12) > 130, "{name}");
        assert_eq!(cut_in_middle("abcdefg", |text| text.chars().count() <= 4), "ab…g");
        assert_eq!(cut_in_middle("ab", |_| false), "…");
    }
}
