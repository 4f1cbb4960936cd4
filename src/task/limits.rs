//! Numbers of a section that are outside of what makes sense.

use crate::util::problem::Problem;

/// A value outside 0 to `most`; one that is not a number is outside too.
pub(super) fn share(key: &str, value: f64, most: f64, remedy: &str) -> Option<Problem> {
    let outside = !(0.0..=most).contains(&value);
    outside.then(|| Problem::new(key, format!("expected a value from 0 to {most}, got {value}"), remedy))
}

/// A count outside 1 to `most`.
pub(super) fn count(key: &str, value: usize, most: usize, remedy: &str) -> Option<Problem> {
    let outside = !(1..=most).contains(&value);
    outside.then(|| Problem::new(key, format!("expected 1 to {most}, got {value}"), remedy))
}
