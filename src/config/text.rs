//! The texts that a configuration was written in (the file, environment variables, flags) and places in them. Not their
//! meaning: that is `parse`.

use std::ops::Range;

/// One text that keys and values were written in.
#[derive(Clone, Debug)]
pub struct Text {
    /// What people call it: the file's path, "environment", "command line".
    pub name: String,
    /// The text itself.
    pub body: String,
    /// Whether line numbers help to find a place in it.
    pub numbered: bool,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The number of the text in [`Texts`].
    pub text: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// A piece of a text by its bytes.
    #[must_use]
    pub fn new(text: usize, bytes: Range<usize>) -> Self {
        Self { text, start: bytes.start, end: bytes.end }
    }
}

/// All texts of one configuration; spans refer to them by number, the file first.
#[derive(Clone, Debug, Default)]
pub struct Texts(Vec<Text>);

impl Texts {
    /// Adds a text; its number is the result.
    pub fn add(&mut self, text: Text) -> usize {
        self.0.push(text);
        self.0.len() - 1
    }

    /// The line that a span begins in, and where in it.
    #[must_use]
    pub fn excerpt(&self, span: &Span) -> Option<Excerpt<'_>> {
        let text = self.0.get(span.text)?;
        let start = floor_boundary(&text.body, span.start);
        let line_start = text.body[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text.body[start..].find('\n').map_or(text.body.len(), |length| start + length);
        let line = text.body[line_start..line_end].trim_end_matches('\r');
        let line_end = line_start + line.len();
        let start = start.min(line_end);
        let end = floor_boundary(&text.body, span.end).clamp(start, line_end);
        Some(Excerpt {
            text,
            number: text.body[..line_start].matches('\n').count() + 1,
            line,
            marked: start - line_start..end - line_start,
        })
    }
}

/// One line of a text with a marked piece.
#[derive(Debug)]
pub struct Excerpt<'a> {
    /// The text.
    pub text: &'a Text,
    /// The line's number, from 1.
    pub number: usize,
    /// The line without its end.
    pub line: &'a str,
    /// The marked bytes of the line.
    pub marked: Range<usize>,
}

impl Excerpt<'_> {
    /// The column of the marked piece in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.line[..self.marked.start].chars().count() + 1
    }
}

/// The nearest character boundary at or before a byte.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&byte| text.is_char_boundary(byte)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Texts {
        let mut texts = Texts::default();
        texts.add(Text { name: "config.yaml".into(), body: body.into(), numbered: true });
        texts
    }

    #[test]
    fn a_place_is_its_line_and_its_column_in_characters() {
        let texts = texts("a: 1\r\nñandú: 2\r\n");
        let excerpt = texts.excerpt(&Span::new(0, 14..15)).unwrap();
        assert_eq!((excerpt.number, excerpt.column(), excerpt.line), (2, 7, "ñandú: 2"));
    }

    #[test]
    fn a_place_past_the_end_or_inside_a_character_is_moved_into_the_text() {
        let texts = texts("ñ");
        for start in 0..5 {
            let excerpt = texts.excerpt(&Span::new(0, start..start + 7)).unwrap();
            assert_eq!(excerpt.number, 1);
        }
    }
}
