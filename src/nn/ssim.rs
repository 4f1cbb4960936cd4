//! The structural similarity of images (Wang et al. 2004), by the convention of torchmetrics: a Gaussian window of 11 x 11
//! with sigma 1.5, K1 0.01, K2 0.03, a data range of 1, images continued by reflection, variances never below 0, a value for
//! every cell. Other packages crop the border or take another window, and their numbers are not these.

use tch::{Device, Kind, Tensor};

const SIGMA: f64 = 1.5;
/// Cells of the window on each side of its centre.
const RADIUS: i64 = 5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// The similarity of images of one size.
///
/// The Gaussian factors into rows and columns, and each factor, with the reflection at the border, is a matrix. Products
/// with matrices are fp32 on every GPU, where convolutions may be done in TF32: variances are small differences of large
/// numbers and don't survive that.
#[derive(Debug)]
pub struct Ssim {
    rows_yy: Tensor,
    columns_xx: Tensor,
}

impl Ssim {
    /// For images of this size.
    #[must_use]
    pub fn new([rows, columns]: [i64; 2], device: Device) -> Self {
        Self { rows_yy: blur(rows).to_device(device), columns_xx: blur(columns).tr().contiguous().to_device(device) }
    }

    /// The similarity at every cell, for images `[..., y, x]` in 0 to 1. Computed in fp32.
    pub fn image(&self, one: &Tensor, other: &Tensor) -> Tensor {
        let (one, other) = (one.to_kind(Kind::Float), other.to_kind(Kind::Float));
        // Two calls: if the second image is data, nothing of its own is kept for a gradient.
        let means = self.means(&[&one, &(&one * &one), &(&one * &other)]);
        let other_means = self.means(&[&other, &(&other * &other)]);
        let [mean, square, product] = [0, 1, 2].map(|index| means.get(index));
        let [other_mean, other_square] = [0, 1].map(|index| other_means.get(index));
        let (mean_squared, other_mean_squared, mean_product) =
            (mean.square(), other_mean.square(), &mean * &other_mean);
        let variances = (square - &mean_squared).clamp_min(0.0) + (other_square - &other_mean_squared).clamp_min(0.0);
        let covariance = product - &mean_product;
        let above = (mean_product * 2.0 + C1) * (covariance * 2.0 + C2);
        let below = (mean_squared + other_mean_squared + C1) * (variances + C2);
        above / below
    }

    /// The Gaussian mean around each cell, of images stacked along a new first axis.
    fn means(&self, images: &[&Tensor]) -> Tensor {
        let stacked = Tensor::stack(images, 0);
        self.rows_yy.matmul(&stacked.matmul(&self.columns_xx))
    }
}

/// The matrix that takes the Gaussian mean along an axis of this length.
fn blur(length: i64) -> Tensor {
    let weight = |offset: i64| (-0.5 * (offset as f64 / SIGMA).powi(2)).exp();
    let sum: f64 = (-RADIUS..=RADIUS).map(weight).sum();
    let size = length.unsigned_abs() as usize;
    let mut matrix = vec![0.0_f64; size * size];
    for at in 0..length {
        for offset in -RADIUS..=RADIUS {
            let from = reflected(at + offset, length);
            matrix[(at * length + from).unsigned_abs() as usize] += weight(offset) / sum;
        }
    }
    Tensor::from_slice(&matrix).to_kind(Kind::Float).view([length, length])
}

/// The cell used for one outside: mirrored at the first and the last, which are not repeated.
fn reflected(at: i64, length: i64) -> i64 {
    let period = (2 * (length - 1)).max(1);
    let at = at.rem_euclid(period);
    at.min(period - at).min(length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::{fixture, tensors};

    #[test]
    fn the_mean_over_the_image_is_that_of_torchmetrics() {
        tch::set_num_threads(1);
        let text = std::fs::read_to_string(fixture("loss.json")).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = expected["torchmetrics_ssim"].as_f64().unwrap();
        let images = tensors("loss.safetensors");
        let got = Ssim::new([17, 15], Device::Cpu).image(&images["prediction"], &images["target"]);
        let got = got.mean(Kind::Double).double_value(&[]);
        assert!((got - expected).abs() < 1e-6, "got {got}, expected {expected}");
    }

    #[test]
    fn an_image_is_similar_to_itself_and_nothing_is_more_similar() {
        let images = tensors("loss.safetensors");
        let ssim = Ssim::new([17, 15], Device::Cpu);
        let itself = ssim.image(&images["target"], &images["target"]);
        assert!((itself - 1.0).abs().max().double_value(&[]) < 1e-5);
        assert!(ssim.image(&images["prediction"], &images["target"]).max().double_value(&[]) < 1.0);
    }

    #[test]
    fn a_border_is_a_mirror() {
        assert_eq!((-5..0).map(|at| reflected(at, 8)).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
        assert_eq!((8..13).map(|at| reflected(at, 8)).collect::<Vec<_>>(), [6, 5, 4, 3, 2]);
        assert_eq!((-5..6).map(|at| reflected(at, 1)).collect::<Vec<_>>(), [0; 11]);
        assert_eq!((-5..7).map(|at| reflected(at, 2)).collect::<Vec<_>>(), [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn every_row_of_the_blur_is_a_mean() {
        for length in [1, 2, 5, 6, 30] {
            let sums: Vec<f32> = blur(length).sum_dim_intlist(1, false, Kind::Float).try_into().unwrap();
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{length}: {sums:?}");
        }
    }
}
