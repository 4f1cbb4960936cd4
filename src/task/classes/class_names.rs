//! The names of classes and their order, which is the order of the model's outputs. Not which samples they have.
//!
//! Folders that follow the naming of character datasets (`A_upper`, `a_lower`, `0_digit`, `plus`) are ordered A-Z, a-z,
//! 0-9, then the 32 symbols in a fixed order; all other sets of folders by name, byte by byte.

use std::borrow::Cow;

/// The folders of symbols, in the order of their classes, with what they show.
const SYMBOLS: [(&str, char); 32] = [
    ("exclamation", '!'),
    ("at", '@'),
    ("hash", '#'),
    ("dollar", '$'),
    ("percent", '%'),
    ("ampersand", '&'),
    ("asterisk", '*'),
    ("lparen", '('),
    ("rparen", ')'),
    ("minus", '-'),
    ("underscore", '_'),
    ("plus", '+'),
    ("equals", '='),
    ("lbracket", '['),
    ("rbracket", ']'),
    ("lbrace", '{'),
    ("rbrace", '}'),
    ("semicolon", ';'),
    ("colon", ':'),
    ("quote", '\''),
    ("dquote", '"'),
    ("comma", ','),
    ("period", '.'),
    ("less", '<'),
    ("greater", '>'),
    ("slash", '/'),
    ("question", '?'),
    ("pipe", '|'),
    ("tilde", '~'),
    ("backtick", '`'),
    ("iexclamation", '¡'),
    ("iquestion", '¿'),
];

/// A class: its folder, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The name of its folder, which identifies it.
    pub folder: String,
    /// The character, or the folder's name if it follows no naming.
    pub label: String,
}

/// The classes of these folders, in the order of the model's outputs.
#[must_use]
pub fn ordered(folders: impl IntoIterator<Item = String>) -> Vec<Class> {
    let mut folders: Vec<String> = folders.into_iter().map(|folder| canonical(&folder).into_owned()).collect();
    folders.sort_unstable();
    folders.dedup();
    if folders.iter().all(|folder| character(folder).is_some()) {
        folders.sort_by_key(|folder| character(folder).map(|(rank, _)| rank));
    }
    labelled(folders)
}

/// Classes in an order that is given.
#[must_use]
pub fn labelled(folders: Vec<String>) -> Vec<Class> {
    let characters: Option<Vec<char>> =
        folders.iter().map(|folder| character(folder).map(|(_, character)| character)).collect();
    match characters {
        Some(characters) => {
            let named = folders.into_iter().zip(characters);
            named.map(|(folder, character)| Class { folder, label: character.to_string() }).collect()
        }
        None => folders.into_iter().map(|folder| Class { label: folder.clone(), folder }).collect(),
    }
}

/// The name of a class whichever way its folder writes a letter: `a_upper` is `A_upper`. Other names are as they are.
#[must_use]
pub fn canonical(name: &str) -> Cow<'_, str> {
    character(name).and_then(|(_, character)| folder(character)).map_or(Cow::Borrowed(name), Cow::Owned)
}

/// The folder of a character; none for one that has no name.
#[must_use]
pub fn folder(character: char) -> Option<String> {
    match character {
        'A'..='Z' => Some(format!("{character}_upper")),
        'a'..='z' => Some(format!("{character}_lower")),
        '0'..='9' => Some(format!("{character}_digit")),
        _ => SYMBOLS.iter().find(|(_, symbol)| *symbol == character).map(|(name, _)| (*name).to_owned()),
    }
}

/// The rank of a folder among characters, and its character; none if it follows another naming.
#[must_use]
pub fn character(folder: &str) -> Option<(u32, char)> {
    if let Some(rank) = SYMBOLS.iter().position(|(name, _)| *name == folder) {
        return Some((62 + rank as u32, SYMBOLS[rank].1));
    }
    let (name, kind) = folder.split_once('_')?;
    let mut letters = name.chars();
    let (letter, None) = (letters.next()?, letters.next()) else { return None };
    match kind {
        "upper" if letter.is_ascii_alphabetic() => {
            let letter = letter.to_ascii_uppercase();
            Some((letter as u32 - 'A' as u32, letter))
        }
        "lower" if letter.is_ascii_alphabetic() => {
            let letter = letter.to_ascii_lowercase();
            Some((26 + letter as u32 - 'a' as u32, letter))
        }
        "digit" => Some((52 + letter.to_digit(10)?, letter)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(folders: &[&str]) -> String {
        ordered(folders.iter().map(|&folder| folder.to_owned())).into_iter().map(|class| class.label).collect()
    }

    #[test]
    fn characters_are_ordered_letters_digits_symbols() {
        assert_eq!(labels(&["0_digit", "a_lower", "plus", "B_upper", "a_upper", "exclamation"]), "ABa0!+");
    }

    #[test]
    fn a_letter_in_either_case_is_the_same_class() {
        assert_eq!(ordered(["a_upper", "A_upper", "B_lower", "cat"].map(str::to_owned)).len(), 3);
        assert_eq!(
            ["a_upper", "Z_lower", "7_digit", "plus", "cat", "a_Upper"].map(canonical),
            ["A_upper", "z_lower", "7_digit", "plus", "cat", "a_Upper"]
        );
    }

    #[test]
    fn a_given_order_is_kept() {
        let classes = labelled(["0_digit", "A_upper"].map(str::to_owned).to_vec());
        assert_eq!(classes.iter().map(|class| class.label.as_str()).collect::<String>(), "0A");
        assert_eq!(labelled(vec!["0_digit".into(), "cat".into()])[0].label, "0_digit");
    }

    #[test]
    fn the_folder_of_a_character_is_its_class() {
        for character in "AZaz09!¿".chars() {
            assert_eq!(labels(&[&folder(character).unwrap()]), character.to_string());
        }
        assert_eq!(folder('ß'), None);
    }

    #[test]
    fn other_folders_are_ordered_by_their_bytes() {
        assert_eq!(labels(&["cat", "Zebra", "a_lower", "ant"]), "Zebraa_lowerantcat");
    }

    #[test]
    fn all_94_classes_have_a_place_of_their_own() {
        let letters = ('a'..='z').flat_map(|letter| [format!("{letter}_lower"), format!("{letter}_upper")]);
        let digits = ('0'..='9').map(|digit| format!("{digit}_digit"));
        let symbols = SYMBOLS.iter().map(|(name, _)| (*name).to_owned());
        let classes = ordered(letters.chain(digits).chain(symbols));
        let all: String = classes.iter().map(|class| class.label.as_str()).collect();
        assert_eq!(classes.len(), 94);
        assert!(all.starts_with("ABC") && all.contains("Zab") && all.contains("z01") && all.ends_with("`¡¿"), "{all}");
    }
}
