//! A line as the path of an SVG: broken where a value is missing, a dot where one is isolated.

use std::fmt::Write;

/// The width and the height of the coordinates that charts are drawn in; they are stretched to the available space.
pub(super) const WIDTH: f64 = 1000.0;
pub(super) const HEIGHT: f64 = 400.0;

/// A point, in shares of width and height from the lower left corner; `None` if there is no value.
pub(super) type Point = Option<[f64; 2]>;

/// The `d` of a path; empty if there is no point.
pub(super) fn path(points: &[Point]) -> String {
    let mut path = String::new();
    let is_there = |at: usize| points.get(at).is_some_and(Option::is_some);
    for (at, point) in points.iter().enumerate() {
        let Some([x, y]) = *point else { continue };
        let begins = at == 0 || !is_there(at - 1);
        let (x, y) = (x * WIDTH, (1.0 - y) * HEIGHT);
        // Writing to a string can't fail.
        write!(path, "{}{} {}", if begins { "M" } else { "L" }, brief(x), brief(y)).unwrap_or_default();
        if begins && !is_there(at + 1) {
            // A line of no length with round ends.
            path.push_str("h0");
        }
    }
    path
}

/// A coordinate with a decimal, if it needs one.
pub(super) fn brief(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Minus zero is zero.
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_where_a_value_is_missing_and_a_lonely_one_is_a_dot() {
        let points = [Some([0.0, 0.0]), Some([0.5, 1.0]), None, Some([0.75, 0.5]), None, Some([1.0, 0.33333])];
        assert_eq!(path(&points), "M0 400L500 0M750 200h0M1000 266.7h0");
        assert_eq!(path(&[None, None]), "");
        assert_eq!(path(&[Some([0.5, 0.5])]), "M500 200h0");
        assert_eq!(path(&[]), "");
    }
}
