//! Numbers for people: bytes, rates, durations.

use std::time::Duration;

/// 1234567 as "1.2 MB" (powers of ten, three significant digits at the most).
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 99.95);
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// A duration as "0.4 s", "12 s", "3 min 05 s", "2 h 07 min".
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A count with its noun: "1 file", "3,000 files".
#[must_use]
pub fn count(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// The first of these, and how many more there are: "a, b and 3 more".
#[must_use]
pub fn listed<T: AsRef<str>>(items: &[T], most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(most).map(AsRef::as_ref).collect();
    match items.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), number(more as u64)),
    }
}

/// 3000 as "3,000".
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with so many decimals, or none if it counts something: 0.7667, 18. Shares of 0 and 1 keep theirs.
#[must_use]
pub fn decimals(value: f64, digits: usize) -> String {
    let counts = value.fract() == 0.0 && (2.0..1e9).contains(&value.abs());
    if counts { format!("{value:.0}") } else { format!("{value:.digits$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_no_decimals_and_shares_keep_theirs() {
        let shown = [0.766_66, 1.0, 0.0, 18.0, -3.0, 2.5].map(|value| decimals(value, 4));
        assert_eq!(shown, ["0.7667", "1.0000", "0.0000", "18", "-3", "2.5000"]);
    }

    #[test]
    fn bytes_read_well_at_every_size() {
        let texts: Vec<String> = [0, 999, 1000, 1_234_567, 99_960_000, 6_500_000_000].map(bytes).into();
        assert_eq!(texts, ["0 B", "999 B", "1.0 KB", "1.2 MB", "100 MB", "6.5 GB"]);
    }

    #[test]
    fn a_long_list_is_cut_and_counted() {
        assert_eq!(
            (listed(&["a", "b"], 2), listed(&["a", "b", "c"], 2)),
            ("a, b".to_owned(), "a, b and 1 more".to_owned())
        );
        assert_eq!(listed::<&str>(&[], 2), "");
    }

    #[test]
    fn durations_read_well_at_every_length() {
        let texts: Vec<String> = [0.42, 12.0, 185.0, 7620.0].map(|s| duration(Duration::from_secs_f64(s))).into();
        assert_eq!(texts, ["0.4 s", "12 s", "3 min 05 s", "2 h 07 min"]);
    }

    #[test]
    fn counts_take_separators_and_the_right_noun() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(3_000, "file"), "3,000 files");
        assert_eq!(count(1_234_567, "frame"), "1,234,567 frames");
    }
}
