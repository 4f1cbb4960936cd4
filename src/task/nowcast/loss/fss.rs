//! A fractions skill score (Roberts and Lean 2008) that has a gradient: P = sigmoid((f - threshold) / width) takes the place of
//! "more than the threshold is forecast", Y of "more was observed", and both are averaged over squares of s x s cells.
//!
//! The score of a whole set is 1 - sum (P_s - Y_s)^2 / (sum P_s^2 + sum Y_s^2). A good forecast has as many events as were
//! observed, so the denominator is 2 Q with Q = sum Y_s^2 of the training set: a constant, which makes a sum over samples of it.
//! Cells outside the frame and unknown ones have no event on either side, as in the score itself.

use tch::{Device, Kind, Tensor};

use super::cells::Cells;
use super::expected::{Expected, ExpectedError};
use super::{Loss, Scale};

/// The score at several thresholds and scales.
#[derive(Debug)]
pub(super) struct Fss {
    width: f64,
    /// For each threshold on the normalised scale, what to divide by at each scale.
    thresholds: Vec<(f64, Vec<f64>)>,
    squares: Vec<Squares>,
}

/// The mean over squares, as products of matrices like the Gaussian of SSIM: pooling with a stride of 1 takes seven times as
/// long on a CPU.
#[derive(Debug)]
struct Squares {
    rows_yy: Tensor,
    columns_xx: Tensor,
}

impl Squares {
    fn new(scale_px: usize, [rows, columns]: [i64; 2], device: Device) -> Self {
        let band = |length| band(scale_px as i64, length).to_device(device);
        Self { rows_yy: band(rows), columns_xx: band(columns) }
    }

    fn means(&self, images: &Tensor) -> Tensor {
        self.rows_yy.matmul(&images.matmul(&self.columns_xx))
    }
}

/// The symmetric matrix that takes the mean over a stretch of cells around each; those outside are 0.
fn band(scale_px: i64, length: i64) -> Tensor {
    let ones = Tensor::ones([length, length], (Kind::Float, Device::Cpu));
    let radius = scale_px / 2;
    ones.triu(-radius).tril(radius) / scale_px as f64
}

impl Fss {
    pub(super) fn new(
        (thresholds, scales_px): (&[f64], &[usize]),
        width: f64,
        expected: &Expected,
        (scale, frame, device): (Scale, [i64; 2], Device),
    ) -> Result<Self, ExpectedError> {
        let threshold = |&threshold: &f64| {
            let known = expected.of(threshold)?;
            let squares = scales_px.iter().map(|&scale_px| known.squares(scale_px)).collect::<Result<_, _>>()?;
            Ok((scale.value(threshold), squares))
        };
        Ok(Self {
            width: scale.difference(width),
            thresholds: thresholds.iter().map(threshold).collect::<Result<_, _>>()?,
            squares: scales_px.iter().map(|&scale_px| Squares::new(scale_px, frame, device)).collect(),
        })
    }
}

impl Loss for Fss {
    /// The mean over thresholds and scales of sum (P_s - Y_s)^2 / (2 Q).
    fn of_samples(&self, cells: &Cells<'_>) -> Tensor {
        let of = |(threshold, expected): &(f64, Vec<f64>)| {
            let apart = cells.soft_events(*threshold, self.width) - cells.events(*threshold);
            let apart = cells.known.map_or_else(|| apart.shallow_clone(), |known| &apart * known);
            let squares = self.squares.iter().zip(expected);
            let each = squares.map(|(squares, expected)| squares.means(&apart).square() / (2.0 * expected));
            each.reduce(|sum, next| sum + next)
        };
        let sum = self.thresholds.iter().filter_map(of).reduce(|sum, next| sum + next);
        let count = (self.thresholds.len() * self.squares.len()).max(1);
        sum.map_or_else(|| cells.mean(cells.target) * 0.0, |sum| cells.mean_of_all(&sum) / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_averaged_and_what_is_outside_is_nothing() {
        let mut image = vec![0.0_f32; 30];
        (image[0], image[14]) = (1.0, 9.0);
        let image = Tensor::from_slice(&image).view([1, 5, 6]);
        let means = Squares::new(3, [5, 6], Device::Cpu).means(&image);
        let at = |row, column| f64::from(means.double_value(&[0, row, column]) as f32);
        assert!((at(0, 0) - 1.0 / 9.0).abs() < 1e-6, "{}", at(0, 0));
        assert!((at(1, 1) - 10.0 / 9.0).abs() < 1e-6 && (at(3, 3) - 1.0).abs() < 1e-6);
        assert_eq!((at(4, 5), at(0, 4)), (0.0, 0.0));
        assert!(Squares::new(1, [5, 6], Device::Cpu).means(&image).equal(&image));
    }
}
