//! One frame measured by the convention of OpenSTL (`openstl/core/metrics.py`), which the table of its benchmark has:
//!
//! - MSE and MAE are summed over channels and cells, of the forecast as it is.
//! - SSIM and PSNR are of the forecast limited to 0 to 1.
//! - SSIM is that of scikit-image 0.19 without a data range, which for floating point is 2 (from -1 to 1): uniform windows of
//!   7 x 7 that lie inside of the frame, the covariance of a sample, the mean over channels.
//! - PSNR is `-10 log10` of the mean square of all channels.
//!
//! A cell that is missing is 0 on both sides; OpenSTL knows none.

use super::{PER_DIFFERENCE, PER_SIMILARITY, rounded};
use crate::metric::forecast::frames::FrameSums;

/// Rows and columns of a window.
const WINDOW: usize = 7;
const DATA_RANGE: f64 = 2.0;
const C1: f64 = (0.01 * DATA_RANGE) * (0.01 * DATA_RANGE);
const C2: f64 = (0.03 * DATA_RANGE) * (0.03 * DATA_RANGE);

/// Measures the channels of one time: forecast and observation of each.
pub(super) fn measure(channels: &[(Vec<f32>, &[f32])], columns: usize) -> FrameSums {
    let [mut absolute, mut squares, mut limited_squares, mut similarity] = [0.0; 4];
    let mut cells = 0;
    for (forecast, observed) in channels {
        let limited: Vec<f32> = forecast.iter().map(|value| value.clamp(0.0, 1.0)).collect();
        for ((&value, &limited), &observed) in forecast.iter().zip(&limited).zip(*observed) {
            let difference = f64::from(value) - f64::from(observed);
            absolute += difference.abs();
            squares += difference * difference;
            limited_squares += (f64::from(limited) - f64::from(observed)).powi(2);
        }
        similarity += similarity_of(&limited, observed, columns);
        cells += forecast.len();
    }
    let mean_square = limited_squares / cells as f64;
    let is_exact = mean_square <= 0.0;
    FrameSums {
        frames: 1,
        absolute: rounded(absolute, PER_DIFFERENCE),
        squares: rounded(squares, PER_DIFFERENCE),
        similarity: rounded(similarity / channels.len() as f64, PER_SIMILARITY),
        ratio: if is_exact { 0.0 } else { rounded(-10.0 * mean_square.log10(), PER_DIFFERENCE) },
        exact: u64::from(is_exact),
    }
}

/// The mean similarity of all windows.
fn similarity_of(one: &[f32], other: &[f32], columns: usize) -> f64 {
    let rows = one.len() / columns;
    let (down, across) = (rows + 1 - WINDOW.min(rows), columns + 1 - WINDOW.min(columns));
    let mut lines = vec![[0.0; 5]; columns];
    let mut sum = 0.0;
    for top in 0..down {
        for (column, line) in lines.iter_mut().enumerate() {
            let cells = (top..(top + WINDOW).min(rows)).map(|row| row * columns + column);
            *line = added(cells.map(|cell| moments(f64::from(one[cell]), f64::from(other[cell]))));
        }
        let window = |left: usize| added(lines[left..(left + WINDOW).min(columns)].iter().copied());
        sum += (0..across).map(|left| similarity(window(left))).sum::<f64>();
    }
    sum / (down * across) as f64
}

fn moments(x: f64, y: f64) -> [f64; 5] {
    [x, y, x * x, y * y, x * y]
}

fn added(all: impl Iterator<Item = [f64; 5]>) -> [f64; 5] {
    all.fold([0.0; 5], |sum, next| std::array::from_fn(|place| sum[place] + next[place]))
}

/// From the sums over a window.
fn similarity(sums: [f64; 5]) -> f64 {
    const CELLS: f64 = (WINDOW * WINDOW) as f64;
    const OF_SAMPLE: f64 = CELLS / (CELLS - 1.0);
    let [x, y, xx, yy, xy] = sums.map(|sum| sum / CELLS);
    let covariance = |product: f64, one: f64, other: f64| OF_SAMPLE * (product - one * other);
    let above = (2.0 * x * y + C1) * (2.0 * covariance(xy, x, y) + C2);
    let below = (x * x + y * y + C1) * (covariance(xx, x, x) + covariance(yy, y, y) + C2);
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_exact_has_no_error_and_no_ratio() {
        let observed: Vec<f32> = (0..11 * 13).map(|cell| (cell * 37 % 101) as f32 / 100.0).collect();
        let sums = measure(&[(observed.clone(), &observed)], 13);
        assert_eq!(sums, FrameSums { frames: 1, similarity: 1.0, exact: 1, ..FrameSums::default() });
    }

    #[test]
    fn errors_are_of_the_forecast_as_it_is_and_the_rest_of_what_is_within_the_scale() {
        let observed = vec![1.0_f32; 12 * 12];
        let sums = measure(&[(vec![1.5; 144], &observed), (vec![0.5; 144], &observed)], 12);
        assert_eq!((sums.absolute, sums.squares), (144.0, 72.0));
        let expected = -10.0 * 0.125_f64.log10();
        assert!((sums.ratio - expected).abs() < 1e-6, "{} {expected}", sums.ratio);
    }
}
