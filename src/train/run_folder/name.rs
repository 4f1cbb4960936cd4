//! The names of runs: `storms`, `storms-2`, `storms-3`. Pure.

/// The number of a run in the family of a name: `storms` is 1, `storms-2` is 2; none for other names.
#[must_use]
pub fn number(family: &str, name: &str) -> Option<u64> {
    match name.strip_prefix(family)? {
        "" => Some(1),
        rest => {
            let number: u64 = rest.strip_prefix('-')?.parse().ok()?;
            Some(number).filter(|number| *number >= 2 && numbered(family, *number) == name)
        }
    }
}

/// The name of a run by its number.
#[must_use]
pub fn numbered(family: &str, number: u64) -> String {
    if number <= 1 { family.to_owned() } else { format!("{family}-{number}") }
}

/// The name of the next new run: one past the highest number that is taken by anything.
#[must_use]
pub fn next<'a>(family: &str, taken: impl IntoIterator<Item = &'a str>) -> String {
    let highest = taken.into_iter().filter_map(|name| number(family, name)).max();
    numbered(family, highest.map_or(1, |number| number.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_continue_after_the_highest() {
        assert_eq!(next("storms", []), "storms");
        assert_eq!(next("storms", ["other", "storms"]), "storms-2");
        assert_eq!(next("storms", ["storms", "storms-10", "storms-9", "storms-x"]), "storms-11");
    }

    #[test]
    fn other_names_are_no_part_of_the_family() {
        let numbers = ["storms", "storms-2", "storms-02", "storms-1", "storms-", "storms-2-3", "stormsx", "st"];
        assert_eq!(numbers.map(|name| number("storms", name)), [Some(1), Some(2), None, None, None, None, None, None]);
    }
}
