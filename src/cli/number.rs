//! Whole numbers on the command line, with a message of our own: the standard library only says "invalid digit".

use std::str::FromStr;

/// A whole number that is not negative.
///
/// # Errors
/// What was expected.
pub fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more, such as 40".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_taken() {
        assert_eq!(whole::<usize>("40"), Ok(40));
        for wrong in ["-1", "1.5", "", "many", "1e3", "99999999999999999999"] {
            assert!(whole::<usize>(wrong).unwrap_err().contains("such as 40"), "{wrong}");
        }
    }
}
