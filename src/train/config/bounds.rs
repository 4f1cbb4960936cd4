//! The bounds that numbers of a configuration have: each check adds a problem at its key.

use crate::util::problem::Problem;

pub(super) fn positive(path: &str, value: f64, remedy: &str, found: &mut Vec<Problem>) {
    if value <= 0.0 {
        found.push(Problem::new(path, format!("must be above 0, got {value}"), remedy));
    }
}

pub(super) fn positive_or_off(path: &str, value: Option<f64>, found: &mut Vec<Problem>) {
    if let Some(value) = value {
        positive(path, value, "write a larger number, or null to switch it off", found);
    }
}

pub(super) fn not_negative(path: &str, value: f64, found: &mut Vec<Problem>) {
    if value < 0.0 {
        found.push(Problem::new(path, format!("must not be negative, got {value}"), "write 0 or more"));
    }
}

pub(super) fn below_one(path: &str, value: f64, remedy: &str, found: &mut Vec<Problem>) {
    if !(0.0..1.0).contains(&value) {
        found.push(Problem::new(path, format!("must be at least 0 and below 1, got {value}"), remedy));
    }
}

/// More epochs, steps or samples than any training has: beyond it, sums of them could overflow.
const MOST: u64 = 1_000_000_000_000;

pub(super) fn at_least_one(path: &str, value: u64, found: &mut Vec<Problem>) {
    if value == 0 {
        found.push(Problem::new(path, "must be at least 1, got 0", "write 1 or more"));
    }
    at_most(path, value, MOST, found);
}

/// A number that is not larger than any use has for it.
pub(super) fn at_most(path: &str, value: u64, most: u64, found: &mut Vec<Problem>) {
    if value > most {
        let message = format!("must be at most {most}, got {value}");
        found.push(Problem::new(path, message, "write a smaller number"));
    }
}

pub(super) fn at_least_one_or_off(path: &str, value: Option<u64>, found: &mut Vec<Problem>) {
    if value == Some(0) {
        found.push(Problem::new(path, "must be at least 1, got 0", "write 1 or more, or null to switch it off"));
    }
    at_most(path, value.unwrap_or(0), MOST, found);
}
