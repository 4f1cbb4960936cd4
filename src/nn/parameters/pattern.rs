//! Names of parameters by pattern: `*` matches any text, including none; all else matches itself.

/// Whether a name fits a pattern.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let Some((between, tail)) = rest.rsplit_once('*') else { return left.ends_with(rest) };
    // The leftmost place of each piece leaves the most for those that follow.
    for piece in between.split('*') {
        match left.split_once(piece) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_matches_anything() {
        for (pattern, name) in [
            ("head.bias", "head.bias"),
            ("layers.0.*", "layers.0.conv.weight"),
            ("*.bias", "layers.0.conv.bias"),
            ("layers.*.norm.*", "layers.12.norm.bias"),
            ("*", ""),
            ("a*", "a"),
            ("*a*b*", "xxaxbx"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn all_other_characters_are_literal() {
        for (pattern, name) in [
            ("layers.0.*", "layers.10.conv.weight"),
            ("head", "head.bias"),
            ("head.*", "head"),
            ("*.bias", "bias"),
            ("ab*b", "ab"),
            ("a*ba*ba", "aba"),
            ("", "a"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    /// The definition, slow and plain.
    fn fits_by_definition(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|skipped| fits_by_definition(rest, &name[skipped..])),
            Some((first, rest)) => {
                name.split_first().is_some_and(|(n, names)| n == first && fits_by_definition(rest, names))
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_the_definition(pattern in "[ab*]{0,7}", name in "[ab]{0,8}") {
            prop_assert_eq!(fits(&pattern, &name), fits_by_definition(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
