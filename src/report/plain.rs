//! Text from any source, such as the names of folders, made visible: a control character can neither move the cursor of a
//! terminal nor hide in a picture.

use std::borrow::Cow;

/// The text with its control characters written as in source code, a line break as `\n`; characters that turn the direction of
/// the text after them too.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match is_hidden(letter) {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown.into()
}

fn is_hidden(letter: char) -> bool {
    letter.is_control() || is_steering(letter)
}

/// Invisible characters that change the direction of the text that follows.
pub(super) fn is_steering(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out_and_all_others_stay() {
        assert_eq!(visible("a\tb\nc\u{1b}[31m\u{202e}"), "a\\tb\\nc\\u{1b}[31m\\u{202e}");
        assert!(matches!(visible("caf\u{e9} 猫 e\u{301}\\n"), Cow::Borrowed("caf\u{e9} 猫 e\u{301}\\n")));
    }
}
