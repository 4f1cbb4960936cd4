//! A mistake with the place where it was written, and how both are shown. The checks are elsewhere.

use super::text::{Excerpt, Span, Texts};

/// The longest piece of a line that is shown.
const SHOWN_CHARACTERS: usize = 110;

/// One mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Where it was written; `None` if it concerns the whole file.
    pub place: Option<Span>,
    /// What to know besides.
    pub note: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    /// Whether the line may hold a secret, so that only its place is shown.
    pub secret: bool,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn at(place: &Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), place: Some(place.clone()), note: None, help: None, secret: false }
    }

    /// The same mistake with what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same mistake with what to know besides.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The mistake as people see it: what, where, the line with the piece underlined, the remedy.
    #[must_use]
    pub fn render(&self, texts: &Texts) -> String {
        let mut out = format!("error: {}\n", printable(&self.message));
        let excerpt = self.place.as_ref().and_then(|place| texts.excerpt(place));
        let number = excerpt.as_ref().filter(|found| found.text.numbered).map(|found| found.number.to_string());
        let margin = " ".repeat(number.as_ref().map_or(1, String::len));
        if let Some(excerpt) = &excerpt {
            let lines = render_excerpt(excerpt, number.as_deref(), &margin);
            let shown = if self.secret { 1 } else { usize::MAX };
            lines.lines().take(shown).for_each(|line| out += &format!("{line}\n"));
        }
        for (label, text) in [("note", &self.note), ("help", &self.help)] {
            if let Some(text) = text {
                out += &format!("{margin} = {label}: {}\n", printable(text));
            }
        }
        out
    }
}

fn render_excerpt(excerpt: &Excerpt<'_>, number: Option<&str>, margin: &str) -> String {
    let place = match number {
        Some(number) => format!("{}:{number}:{}", excerpt.text.name, excerpt.column()),
        None => excerpt.text.name.clone(),
    };
    let (line, before, length) = shown(excerpt);
    let number = number.unwrap_or(" ");
    let indent = " ".repeat(before);
    let marks = "^".repeat(length.max(1));
    format!("{margin}--> {}\n{margin} |\n{number} | {line}\n{margin} | {indent}{marks}\n", printable(&place))
}

/// The line as it is shown, the characters before the mark, and the length of the mark: a long line is cut around the
/// mark, and tabs become spaces, since the width of a tab is the terminal's secret.
fn shown(excerpt: &Excerpt<'_>) -> (String, usize, usize) {
    let clean = |piece: &str| masked(&printable(&piece.replace('\t', "    ")));
    let before = clean(&excerpt.line[..excerpt.marked.start]);
    let marked = clean(&excerpt.line[excerpt.marked.clone()]);
    let after = clean(&excerpt.line[excerpt.marked.end..]);
    let length = |text: &str| text.chars().count();
    if length(&before) + length(&marked) + length(&after) <= SHOWN_CHARACTERS {
        return (format!("{before}{marked}{after}"), length(&before), length(&marked));
    }
    let kept_before = length(&before).min(SHOWN_CHARACTERS / 2);
    let lead = if kept_before < length(&before) { "..." } else { "" };
    let before: String = before.chars().skip(length(&before) - kept_before).collect();
    let room = SHOWN_CHARACTERS - kept_before;
    let rest = format!("{marked}{after}");
    let tail = if length(&rest) > room { "..." } else { "" };
    let rest: String = rest.chars().take(room).collect();
    (format!("{lead}{before}{rest}{tail}"), lead.len() + kept_before, length(&marked).min(room))
}

/// The text without the user names and passwords of addresses: messages end up in logs. It keeps its length.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + 3);
        out += before;
        let end = behind.find(['/', '?', '#', '"', '\'', ' ', '}', ',']).unwrap_or(behind.len());
        // The last one: a password may hold another.
        let secret = behind[..end].rfind('@').unwrap_or(0);
        out.extend(behind[..secret].chars().map(|_| '*'));
        rest = &behind[secret..];
    }
    out + rest
}

/// The text without control characters: a configuration must not be able to steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// The candidate that a word was most likely meant to be, if one is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let most = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;

    fn render(body: &str, bytes: std::ops::Range<usize>) -> String {
        let mut texts = Texts::default();
        texts.add(Text { name: "config.yaml".into(), body: body.into(), numbered: true });
        Diagnostic::at(&Span::new(0, bytes), "something is wrong").help("write it right").render(&texts)
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        let line = "href: https://ann:hun@ter2@h.org/a@b, other: http://h.org/c@d";
        let shown = render(line, 6..36);
        assert!(shown.contains("href: https://************@h.org/a@b, other: http://h.org/c@d"), "{shown}");
        assert!(!shown.contains("ter2") && !shown.contains("ann"), "{shown}");
    }

    #[test]
    fn a_mistake_shows_its_line_with_the_piece_underlined() {
        let expected = "\
error: something is wrong
 --> config.yaml:2:3
  |
2 |   epohcs: 50
  |   ^^^^^^
  = help: write it right
";
        assert_eq!(render("train:\n  epohcs: 50\n", 9..15), expected);
    }

    #[test]
    fn of_a_line_with_a_secret_only_the_place_is_shown() {
        let mut texts = Texts::default();
        texts.add(Text {
            name: "config.yaml".into(),
            body: "output:\n  mirror: s3://a:hunter2@b\n".into(),
            numbered: true,
        });
        let wrong = Diagnostic { secret: true, ..Diagnostic::at(&Span::new(0, 18..35), "something is wrong") };
        assert_eq!(wrong.render(&texts), "error: something is wrong\n --> config.yaml:2:11\n");
    }

    #[test]
    fn tabs_and_control_characters_do_not_disturb_the_underline() {
        let text = render("\t\u{1b}[31mred\n", 6..9);
        assert!(text.contains("1 |     \u{fffd}[31mred\n  |          ^^^\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_piece() {
        let body = format!("{}here{}", "a".repeat(300), "b".repeat(300));
        let text = render(&body, 300..304);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.len() < 130), "{text}");
        let (line, marks) = (lines[3], lines[4]);
        let at = marks.find('^').unwrap();
        assert_eq!(&line[at..at + marks.matches('^').count()], "here");
    }

    #[test]
    fn the_nearest_word_forgives_typing_but_does_not_guess() {
        let keys = ["epochs", "micro_batch", "patience"];
        assert_eq!(nearest("epohcs", keys), Some("epochs"));
        assert_eq!(nearest("Micro-Batch", keys), Some("micro_batch"));
        assert_eq!(nearest("learning_rate", keys), None);
    }
}
