//! The names of classes and their order, which is the order of the model's outputs. Not which images they have.
//!
//! Folders that follow the naming of character datasets (`A_upper`, `a_lower`, `0_digit`, `plus`) are ordered A-Z, a-z,
//! 0-9, then the 32 symbols in a fixed order; all other sets of folders by name, byte by byte.

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
pub fn ordered(mut folders: Vec<String>) -> Vec<Class> {
    folders.sort_unstable();
    folders.dedup();
    let known: Option<Vec<(u32, char)>> = folders.iter().map(|folder| character(folder)).collect();
    match known {
        Some(known) => {
            let mut keyed: Vec<_> = known.into_iter().zip(folders).collect();
            keyed.sort_by(|(one, first), (other, second)| one.0.cmp(&other.0).then_with(|| first.cmp(second)));
            keyed.into_iter().map(|((_, label), folder)| Class { folder, label: label.to_string() }).collect()
        }
        None => folders.into_iter().map(|folder| Class { label: folder.clone(), folder }).collect(),
    }
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
        ordered(folders.iter().map(|&folder| folder.to_owned()).collect())
            .into_iter()
            .map(|class| class.label)
            .collect()
    }

    #[test]
    fn characters_are_ordered_letters_digits_symbols() {
        assert_eq!(labels(&["0_digit", "a_lower", "plus", "B_upper", "a_upper", "exclamation"]), "ABa0!+");
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
        let classes = ordered(letters.chain(digits).chain(symbols).collect());
        let all: String = classes.iter().map(|class| class.label.as_str()).collect();
        assert_eq!(classes.len(), 94);
        assert!(all.starts_with("ABC") && all.contains("Zab") && all.contains("z01") && all.ends_with("`¡¿"), "{all}");
    }
}
