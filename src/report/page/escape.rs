//! Text from any source, made harmless: it can neither open a tag nor leave an attribute.

use std::fmt::Write;

use crate::report::plain::is_steering;

/// The text for use between tags and inside of quoted attributes. Controls that HTML has no place for are replaced.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(letter),
            _ if letter.is_control() || is_steering(letter) => safe.push('\u{fffd}'),
            _ => safe.push(letter),
        }
    }
    safe
}

/// An identifier for links inside of the page.
pub(super) fn anchor(title: &str) -> String {
    let mut id = String::from("s");
    for letter in title.chars() {
        match letter {
            'a'..='z' | '0'..='9' => id.push(letter),
            'A'..='Z' => id.push(letter.to_ascii_lowercase()),
            ' ' => id.push('-'),
            _ => drop(write!(id, "_{:x}", letter as u32)),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<script>alert(\"1\" & '2')</script>\u{0}\r\u{202e}\n"),
            "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;\u{fffd}\u{fffd}\u{fffd}\n"
        );
        assert_eq!(escape("Grüße, 雷 ≥ 35 dBZ"), "Grüße, 雷 ≥ 35 dBZ");
    }

    #[test]
    fn an_anchor_is_a_word() {
        assert_eq!(anchor("What happened"), "swhat-happened");
        assert_eq!(anchor("a\"b"), "sa_22b");
        assert_ne!(anchor("ä"), anchor("ö"));
    }
}
