//! What classes are called where people read them. A label alone is not enough for a comma, for an O beside a 0, or for two
//! classes of one label: these are called by their folders.

/// Characters that look alike.
const ALIKE: [&str; 8] = ["0Oo", "1Il|i!¡", "5Ss", "2Zz", "9gq", "6b", "8B", "'`"];

/// What each class with this folder and this label is called, each name once.
#[must_use]
pub fn called(folders: &[String], labels: &[String]) -> Vec<String> {
    let is_clear = |label: &str| {
        let others = || labels.iter().filter(|other| *other != label);
        let is_mark = label.chars().all(|letter| letter.is_ascii_punctuation() || letter.is_whitespace());
        let is_once = labels.iter().filter(|other| *other == label).count() < 2;
        !is_mark && is_once && !others().any(|other| look_alike(label, other))
    };
    let name = |(folder, label): (&String, &String)| match is_clear(label) {
        true => label.clone(),
        false => spoken(folder, label),
    };
    folders.iter().zip(labels).map(name).collect()
}

/// Whether two labels are easily confused by readers: they differ in case alone, or are drawn nearly alike.
fn look_alike(one: &str, other: &str) -> bool {
    let is_of_one = |group: &&str| {
        let is_in = |label: &str| label.chars().count() == 1 && group.contains(label);
        is_in(one) && is_in(other)
    };
    one.to_lowercase() == other.to_lowercase() || ALIKE.iter().any(is_of_one)
}

/// "upper O", "digit 0", "comma ,".
fn spoken(folder: &str, label: &str) -> String {
    match folder.split_once('_') {
        Some((character, kind)) if character == label => format!("{kind} {character}"),
        _ if folder.trim().is_empty() => format!("\"{folder}\""),
        _ if folder == label || label.trim().is_empty() => folder.to_owned(),
        _ => format!("{folder} {label}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::class_names::ordered;
    use super::*;

    fn of(folders: &[&str]) -> Vec<String> {
        let classes = ordered(folders.iter().map(|folder| (*folder).to_owned()));
        let (folders, labels): (Vec<_>, Vec<_>) = classes.into_iter().map(|class| (class.folder, class.label)).unzip();
        called(&folders, &labels)
    }

    #[test]
    fn what_is_clear_is_short_and_what_looks_like_another_is_told_apart() {
        assert_eq!(of(&["A_upper", "B_upper", "7_digit"]), ["A", "B", "7"]);
        assert_eq!(of(&["A_upper", "a_lower", "O_upper", "0_digit"]), ["upper A", "upper O", "lower a", "digit 0"]);
        assert_eq!(of(&["A_upper", "comma", "iquestion"]), ["A", "comma ,", "¿"]);
        assert_eq!(of(&["l_lower", "pipe", "slash"]), ["lower l", "slash /", "pipe |"]);
        assert_eq!(of(&["猫", "犬", "a b", "  "]), ["\"  \"", "a b", "犬", "猫"]);
    }
}
