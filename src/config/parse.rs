//! From YAML text to the tree of values with their places: the only file that uses a YAML parser. Stricter than YAML:
//! no repeated keys, one document, no anchors, no tags.

use std::ops::Range;

use serde_yaml::granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, StrInput};

use super::diagnostic::Diagnostic;
use super::scalar;
use super::text::Span;
use super::tree::{Entry, Node, Value};

/// Reads one YAML document out of `body[within]`, whose spans will name text number `text`; `None` if there is only
/// white space and comments. Mistakes that leave a tree are added to `found`.
///
/// # Errors
/// The mistake that made the rest unreadable.
pub fn parse(
    text: usize,
    body: &str,
    within: Range<usize>,
    found: &mut Vec<Diagnostic>,
) -> Result<Option<Node>, Box<Diagnostic>> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let source = &body[within.clone()];
    let events = Parser::new_from_str_with_options(source, options);
    Reader { text, source, offset: within.start, events, found }.document()
}

type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

struct Reader<'a> {
    text: usize,
    source: &'a str,
    offset: usize,
    events: Parser<'a, StrInput<'a>>,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn document(mut self) -> Result<Option<Node>> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let wrong = Diagnostic::at(&span, "a second document begins here");
                    return Err(wrong.help("remove the line `---`, or put what follows into a file of its own").into());
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, span)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span)> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                let range = self.byte(&span.start)..self.byte(&span.end);
                Ok((event, Span::new(self.text, range)))
            }
            Some(Err(error)) => Err(self.unreadable(&error).into()),
            None => Ok((Event::StreamEnd, Span::new(self.text, self.offset..self.offset))),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node> {
        self.refuse_extras(&event, &span);
        let value = match event {
            Event::Scalar(word, ScalarStyle::Plain, ..) => scalar::plain(&word),
            Event::Scalar(text, ..) => Value::Text(text.into_owned()),
            Event::SequenceStart(..) => self.list()?,
            Event::MappingStart(..) => self.map()?,
            // An alias is refused above; its value no longer matters.
            _ => Value::Null,
        };
        Ok(Node { value, span })
    }

    fn list(&mut self) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, key_span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Map(entries)),
                (Event::Scalar(key, ..), span) => (key.into_owned(), span),
                (_, span) => {
                    let wrong = Diagnostic::at(&span, "a key must be a word");
                    return Err(wrong.help("write `key: value`; put text with special characters into quotes").into());
                }
            };
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            match entries.iter().find(|entry| entry.key == key) {
                Some(first) => self.repeated(&key, &key_span, &first.key_span.clone()),
                None => entries.push(Entry { key, key_span, node }),
            }
        }
    }

    fn repeated(&mut self, key: &str, again: &Span, first: &Span) {
        let before = &self.source[..first.start - self.offset];
        let line = before.matches('\n').count() + 1;
        let wrong = Diagnostic::at(again, format!("the key {key:?} appears twice"));
        self.found.push(wrong.note(format!("it was first written on line {line}")).help("keep one of them"));
    }

    fn refuse_extras(&mut self, event: &Event<'_>, span: &Span) {
        if event.is_alias() || event.anchor_id().is_some() {
            let wrong = Diagnostic::at(&self.mark('&', span), "anchors (&name) and aliases (*name) are not supported");
            self.found.push(wrong.help("write the value out; put text that begins with & or * into quotes"));
        }
        if event.tag().is_some() {
            let wrong = Diagnostic::at(&self.mark('!', span), "tags (!name) are not supported");
            self.found.push(wrong.help("leave the tag out; put text that begins with ! into quotes"));
        }
    }

    /// The word with this sign before a value; the parser gives the place of the value, which may be lines below.
    fn mark(&self, sign: char, value: &Span) -> Span {
        let before = &self.source[..value.start - self.offset];
        let words = before.split_whitespace().rev().take(2);
        let word = words.into_iter().find(|word| word.starts_with(sign));
        let found = word.and_then(|word| Some((before.rfind(word)?, word.len())));
        found.map_or_else(
            || value.clone(),
            |(at, length)| Span::new(self.text, self.offset + at..self.offset + at + length),
        )
    }

    fn unreadable(&self, error: &ScanError) -> Diagnostic {
        let at = self.byte(error.marker());
        if let Some(quote) = open_quote(error.kind(), &self.source[..at - self.offset]) {
            let place = Span::new(self.text, self.offset + quote..self.offset + quote + 1);
            return Diagnostic::at(&place, "these quotes are never closed").help("close the quotes on the same line");
        }
        let wrong =
            Diagnostic::at(&Span::new(self.text, at..at + 1), format!("not readable as YAML: {}", error.info()));
        wrong.help(remedy(error.kind()))
    }

    /// A marker as a byte of the whole text.
    fn byte(&self, marker: &Marker) -> usize {
        let by_characters = || self.source.char_indices().nth(marker.index()).map(|(byte, _)| byte);
        let byte = marker.byte_offset().or_else(by_characters).unwrap_or(self.source.len());
        self.offset + byte.min(self.source.len())
    }
}

/// Where the quotes were opened that were probably never closed: the last line above it with an odd number of them. The
/// parser itself only notices much further down, where it can't continue.
fn open_quote(kind: &ErrorKind, before: &str) -> Option<usize> {
    let suspected = matches!(
        kind,
        ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar
            | ErrorKind::InvalidTrailingDoubleQuotedScalar
            | ErrorKind::InvalidTrailingSingleQuotedScalar
    );
    let lines = before.split_inclusive('\n').scan(0, |start, line| {
        *start += line.len();
        Some((*start - line.len(), line))
    });
    let last_odd = |quote: char| {
        let odd = lines.clone().filter(|(_, line)| line.matches(quote).count() % 2 == 1).last();
        odd.and_then(|(start, line)| Some(start + line.rfind(quote)?))
    };
    suspected.then(|| last_odd('"').or_else(|| last_odd('\''))).flatten()
}

/// What to do about the syntax errors that people make.
fn remedy(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "indent with spaces, not with tabs",
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidFlowScalarIndent => "keys of one section begin in the same column",
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => "close the quotes",
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "close the quotes at the end of the value, and remove what follows"
        }
        ErrorKind::UnexpectedEofFlowSequence | ErrorKind::ExpectedFlowSequenceSeparator => {
            "separate the items with commas and close the list with `]`"
        }
        ErrorKind::UnexpectedEofFlowMapping | ErrorKind::ExpectedFlowMappingSeparator => {
            "separate the keys with commas and close them with `}`"
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::MismatchedFlowCollectionEnd { .. } => "close every bracket",
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidMappingValueWhitespace => {
            "write `key: value` on a line of its own; put text that contains `: ` into quotes"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "write `key: value`, with a colon and a space",
        // Not allowed in quotes either.
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => "remove this control character",
        ErrorKind::UnexpectedCharacter { .. } => "put the text into quotes",
        ErrorKind::RecursionLimitExceeded => "write fewer brackets within brackets, and close every bracket",
        ErrorKind::UnknownQuotedScalarEscape => r"write \\ for a backslash, or use single quotes",
        ErrorKind::UnknownAnchor => "aliases (*name) are not supported; put text that begins with * into quotes",
        _ => "check the brackets, the quotes and the indentation here and above",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<Node>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        match parse(0, body, 0..body.len(), &mut found) {
            Ok(node) => (node, found),
            Err(error) => (None, found.into_iter().chain([*error]).collect()),
        }
    }

    #[test]
    fn values_keep_their_places() {
        let body = "train:\n  epochs: 50 # a comment\nname: \"ñ: x\"\n";
        let (root, found) = read(body);
        assert_eq!(found, []);
        let root = root.unwrap();
        let piece = |path: &str| {
            let span = root.place(path);
            &body[span.start..span.end]
        };
        assert_eq!([piece("train.epochs"), piece("name"), piece("train")], ["50", "\"ñ: x\"", "train"]);
        assert_eq!(piece("train.patience"), "train", "what was not written is at the section that it belongs to");
    }

    #[test]
    fn a_piece_of_a_text_is_read_with_places_in_the_whole() {
        let body = "--set train.epochs=50";
        let node = parse(3, body, 19..21, &mut Vec::new()).unwrap().unwrap();
        assert_eq!((node.value, node.span), (Value::Integer(50), Span::new(3, 19..21)));
    }

    #[test]
    fn every_repeated_key_is_found() {
        let (_, found) = read("a: 1\nb: {c: 1, c: 2}\na: 2\n");
        let messages: Vec<&str> = found.iter().map(|wrong| wrong.message.as_str()).collect();
        assert_eq!(messages, ["the key \"c\" appears twice", "the key \"a\" appears twice"]);
        assert_eq!(found[1].note.as_deref(), Some("it was first written on line 1"));
    }

    #[test]
    fn what_yaml_offers_beyond_plain_values_is_refused() {
        for body in ["a: &x 1\nb: *x\n", "a: !!str 1\n", "a: 1\n---\nb: 2\n", "? [a]\n: 1\n"] {
            let (_, found) = read(body);
            assert!(!found.is_empty(), "{body:?}");
        }
    }

    #[test]
    fn the_place_of_an_anchor_or_a_tag_is_its_own() {
        for (body, word) in [
            ("data: &d\n  root: x\n", "&d"),
            ("a: !!str 1\n", "!!str"),
            ("a: &x !!str 1\n", "&x"),
            ("a: [1, &y 2]\n", "&y"),
        ] {
            let place = read(body).1[0].place.clone().unwrap();
            assert_eq!(&body[place.start..place.end], word, "{body:?}");
        }
    }

    #[test]
    fn text_that_is_no_yaml_is_refused_with_what_to_do() {
        for (body, help) in [
            ("name: \"a\u{1}b\"\n", "remove this control character"),
            ("name: @a\n", "put the text into quotes"),
            ("a: {b: [1}\n", "close"),
            (&"[".repeat(20_000), "close every bracket"),
        ] {
            let found = read(body).1.pop().unwrap().help.unwrap_or_default();
            assert!(found.contains(help), "{}: {found}", body.chars().take(20).collect::<String>());
        }
    }

    #[test]
    fn nothing_but_comments_is_nothing() {
        assert_eq!(read("# only a comment\n"), (None, Vec::new()));
        assert_eq!(read(""), (None, Vec::new()));
    }
}
