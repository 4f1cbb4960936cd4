//! Whole numbers on the command line, with a message of our own: the standard library only says "invalid digit".

use std::str::FromStr;

/// A whole number that is not negative.
///
/// # Errors
/// What was expected.
pub fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more, such as 2".to_owned())
}

/// A whole number of which 0 makes no sense. That is refused later, with the place where it is used.
///
/// # Errors
/// What was expected.
pub fn positive<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number, 1 or more, such as 40".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_taken() {
        assert_eq!(whole::<usize>("40"), Ok(40));
        for wrong in ["-1", "1.5", "", "many", "1e3", "99999999999999999999"] {
            assert!(whole::<usize>(wrong).unwrap_err().contains("0 or more"), "{wrong}");
            assert!(positive::<usize>(wrong).unwrap_err().contains("1 or more"), "{wrong}");
        }
    }
}
