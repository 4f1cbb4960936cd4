//! Numbers, times and lists for people.

use crate::report::chart::brief;

/// A number with three significant digits, or a dash.
pub(super) fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "–".to_owned(), brief)
}

/// A number for a table of epochs, with the digits by which epochs differ.
pub(super) fn precise(value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        None => "–".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) if (1e-3..1e6).contains(&value.abs()) => format!("{value:.5}"),
        Some(value) => format!("{value:.4e}"),
    }
}

/// A time to the minute.
pub(super) fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Names as a list in a sentence.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn what_is_undefined_is_a_dash() {
        assert_eq!([Some(0.5), Some(f64::NAN), None].map(number), ["0.500", "–", "–"]);
        assert_eq!([Some(0.5), Some(0.0), Some(1e-5), None].map(precise), ["0.50000", "0", "1.0000e-5", "–"]);
    }
}
