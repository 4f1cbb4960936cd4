//! Which part of the plane a strip shows: all of its points, but not the few that a detector put far away.

/// A square of the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    middle: [f64; 2],
    side: f64,
}

/// Of so many points of a hundred at each end, those that are far away are left out.
const TAIL: f64 = 0.02;

/// A point is far away if it is farther from the others than this share of what these span.
const FAR: f64 = 0.5;

/// The share of the square that is free at each edge.
const MARGIN: f64 = 0.06;

impl Default for View {
    fn default() -> Self {
        Self { middle: [0.5; 2], side: 1.0 }
    }
}

impl View {
    /// The square around these points.
    #[must_use]
    pub fn around(points: &[[f64; 2]]) -> Self {
        let spans = [0, 1].map(|axis| span(points.iter().map(|point| point[axis]).filter(|at| at.is_finite())));
        let [Some(across), Some(down)] = spans else { return Self::default() };
        let longest = [across, down].map(|[low, high]| high - low).into_iter().fold(0.0, f64::max);
        let side = if longest > 0.0 { longest / (1.0 - 2.0 * MARGIN) } else { 1.0 };
        Self { middle: [across, down].map(|[low, high]| f64::midpoint(low, high)), side }
    }

    /// Where a point is in a square of so many pixels.
    #[must_use]
    pub(super) fn at(&self, point: [f64; 2], pixels: usize) -> [f64; 2] {
        [0, 1].map(|axis| ((point[axis] - self.middle[axis]) / self.side + 0.5) * pixels as f64 - 0.5)
    }
}

/// From the lowest to the highest value that is not far from the others.
fn span(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let cut = (TAIL * values.len() as f64) as usize;
    let [low, high] = [values[cut], values[last - cut]];
    let far = FAR * (high - low);
    let near = || values.iter().copied().filter(|value| (low - far..=high + far).contains(value));
    Some([near().fold(low, f64::min), near().fold(high, f64::max)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_holds_what_moves_and_ignores_the_few_points_far_away() {
        let mut points: Vec<[f64; 2]> =
            (0..100).map(|place| [f64::from(place) / 100.0, 0.4 + f64::from(place % 10) / 100.0]).collect();
        let usual = View::around(&points);
        assert!((usual.middle[0] - 0.495).abs() < 1e-9 && (usual.side - 0.99 / 0.88).abs() < 1e-9, "{usual:?}");
        points.push([40.0, -17.0]);
        let with_outlier = View::around(&points);
        assert!((with_outlier.side - usual.side).abs() < 0.05, "{with_outlier:?}");
        points.push([1.3, 0.4]);
        assert!(View::around(&points).side > 1.4, "a hand that is raised once stays inside");
    }

    #[test]
    fn a_view_of_nothing_and_of_a_single_place_is_a_square() {
        assert_eq!(View::around(&[]), View::default());
        assert_eq!(View::around(&[[f64::NAN, 0.0]]), View::default());
        let alone = View::around(&[[3.0, 4.0]]);
        assert_eq!(alone.at([3.0, 4.0], 101), [50.0, 50.0]);
    }
}
