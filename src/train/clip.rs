//! The gradient norm and gradient clipping, as in `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`. The norm stays on
//! the device, so that the caller can read it together with other numbers.

use tch::{Device, Kind, TchError, Tensor};
use thiserror::Error;

use crate::native::flat::{self, NotFlat};
use crate::native::wide::{self, Loop};

/// A norm that can't be computed.
#[derive(Debug, Error)]
pub enum NormError {
    /// The gradients in main memory are not a flat fp32 tensor.
    #[error(transparent)]
    NotFlat(#[from] NotFlat),
    /// libtorch returned an error.
    #[error(transparent)]
    Torch(#[from] TchError),
}

/// The Euclidean norm of flat gradients, one number on their device. It is summed in double precision: squares of fp32 numbers
/// don't overflow there, so that the norm is finite exactly if every number is.
///
/// # Errors
/// If gradients in main memory are not a flat fp32 tensor, or libtorch returns an error.
pub fn norm(gradients: &Tensor) -> Result<Tensor, NormError> {
    if gradients.device() == Device::Cpu {
        return Ok(Tensor::f_from_slice(&[
            flat::read(gradients, |numbers| wide::widest(SumOfSquares(numbers)))?.sqrt()
        ])?);
    }
    Ok(norm_by_kernel(gradients)?)
}

fn norm_by_kernel(gradients: &Tensor) -> Result<Tensor, TchError> {
    tch::no_grad(|| gradients.f_linalg_norm(2.0, None::<&[i64]>, false, Kind::Double)?.f_reshape([1]))
}

/// Clips gradients whose norm is above `max_norm`. Gradients that are not finite are left unchanged, for the caller to
/// discard.
///
/// # Errors
/// If libtorch returns an error.
pub fn shorten(gradients: &mut Tensor, norm: f64, max_norm: Option<f64>) -> Result<(), TchError> {
    // The small number is torch's; it keeps the factor finite if all gradients are 0.
    let factor = max_norm.map_or(1.0, |max_norm| max_norm / (norm + 1e-6));
    if norm.is_finite() && factor < 1.0 {
        tch::no_grad(|| gradients.f_mul_scalar_(factor).map(drop))?;
    }
    Ok(())
}

/// Sets every number that is larger than `most`, with either sign, to it. `norm` is that of the gradients: if it is not finite,
/// they are left unchanged, for the caller to discard.
///
/// # Errors
/// If libtorch returns an error.
pub fn bound(gradients: &mut Tensor, norm: f64, most: Option<f64>) -> Result<(), TchError> {
    match most.filter(|most| norm.is_finite() && norm > *most) {
        Some(most) => tch::no_grad(|| gradients.f_clamp_(-most, most).map(drop)),
        None => Ok(()),
    }
}

/// Always in the same order; libtorch's order depends on the number of threads.
struct SumOfSquares<'a>(&'a [f32]);

impl Loop for SumOfSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0_f64; 16];
        let blocks = self.0.chunks_exact(lanes.len());
        let rest = blocks.remainder();
        for block in blocks.chain([rest]) {
            for (lane, number) in lanes.iter_mut().zip(block) {
                *lane += f64::from(*number) * f64::from(*number);
            }
        }
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn fixture(name: &str) -> String {
        format!("{}/tests/fixtures/optimizer/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    fn read(name: &str) -> HashMap<String, Tensor> {
        tch::set_num_threads(1);
        Tensor::read_safetensors(fixture(name)).unwrap().into_iter().collect()
    }

    fn read_norm(gradients: &Tensor) -> f64 {
        norm(gradients).unwrap().double_value(&[0])
    }

    /// The norm before clipping.
    fn clip(gradients: &mut Tensor, max_norm: Option<f64>) -> f64 {
        let norm = read_norm(gradients);
        shorten(gradients, norm, max_norm).unwrap();
        norm
    }

    #[test]
    fn gradients_are_shortened_as_torch_shortens_them() {
        let gradient = read("optimizers.safetensors")["gradients"].get(0);
        let expected: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap();
        for (limit, clipped) in read("clipped.safetensors") {
            let mut gradients = gradient.copy();
            let found = clip(&mut gradients, Some(limit.parse().unwrap()));
            let norm = expected["norms"][&limit].as_f64().unwrap();
            assert!((found / norm - 1.0).abs() < 1e-6, "{limit}: {found}, expected {norm}");
            let worst = ((gradients - &clipped) / clipped.abs().clamp_min(1e-12)).abs().max().double_value(&[]);
            assert!(worst < 1e-6, "{limit}: {worst:e}");
        }
    }

    #[test]
    fn every_number_is_bounded_as_torch_bounds_it() {
        let gradient = read("optimizers.safetensors")["gradients"].get(0);
        for (limit, expected) in read("clipped_values.safetensors") {
            let mut gradients = gradient.copy();
            let norm = read_norm(&gradients);
            bound(&mut gradients, norm, Some(limit.parse().unwrap())).unwrap();
            assert!(gradients.equal(&expected) && !gradients.equal(&gradient), "{limit}");
            let mut broken = Tensor::from_slice(&[f32::INFINITY, 9.0]);
            bound(&mut broken, f64::INFINITY, Some(1.0)).unwrap();
            assert_eq!(Vec::<f32>::try_from(broken).unwrap(), [f32::INFINITY, 9.0], "no step is made with it");
        }
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_anywhere_and_nothing_is_changed() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 15, 16, 36] {
                let mut numbers = [1.0_f32; 37];
                numbers[at] = wrong;
                let mut gradients = Tensor::from_slice(&numbers);
                assert!(!clip(&mut gradients, Some(1.0)).is_finite(), "{wrong} at {at}");
                let after = Vec::<f32>::try_from(gradients).unwrap();
                assert!(after.iter().zip(numbers).all(|(after, before)| after.to_bits() == before.to_bits()));
            }
        }
    }

    #[test]
    fn the_largest_finite_gradients_are_finite() {
        let mut gradients = Tensor::from_slice(&[f32::MAX; 100]);
        let found = clip(&mut gradients, None);
        assert!((found / (f64::from(f32::MAX) * 10.0) - 1.0).abs() < 1e-12, "{found}");
        let by_kernel = norm_by_kernel(&gradients).unwrap();
        assert_eq!((by_kernel.size(), by_kernel.kind()), (vec![1], Kind::Double));
        assert!((by_kernel.double_value(&[0]) / found - 1.0).abs() < 1e-12);
    }

    #[test]
    fn gradients_of_zero_and_short_ones_stay() {
        let mut zeros = Tensor::from_slice(&[0.0_f32; 5]);
        assert_eq!(clip(&mut zeros, Some(1.0)), 0.0);
        let mut short = Tensor::from_slice(&[0.3_f32, 0.4]);
        clip(&mut short, Some(1.0));
        assert_eq!(Vec::<f32>::try_from(short).unwrap(), [0.3, 0.4]);
    }
}
