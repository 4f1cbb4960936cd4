//! The norm of the gradients, whether all of them are finite, and their shortening: as `torch.nn.utils.clip_grad_norm_`,
//! except that gradients which are not finite are left as they are, for the caller to throw away.

use tch::{Device, Kind, Tensor};

use crate::native::flat::{self, NotFlat};

/// What was found out about the gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clipped {
    /// Their Euclidean norm before they were shortened.
    pub norm: f64,
    /// Whether none of them is infinite or not a number.
    pub finite: bool,
}

/// Shortens gradients that are longer than `max_norm`.
///
/// # Errors
/// [`NotFlat`] where the gradients in main memory are no flat fp32 tensor.
pub fn clip(gradients: &mut Tensor, max_norm: Option<f64>) -> Result<Clipped, NotFlat> {
    let norm = norm(gradients)?;
    let finite = norm.is_finite();
    // The small number is torch's; it keeps the factor finite where all gradients are 0.
    let factor = max_norm.map_or(1.0, |max_norm| max_norm / (norm + 1e-6));
    if finite && factor < 1.0 {
        tch::no_grad(|| *gradients *= factor);
    }
    Ok(Clipped { norm, finite })
}

/// The Euclidean norm, summed in double precision: squares of fp32 numbers don't overflow there, so that the norm is
/// finite exactly where every number is.
fn norm(numbers: &Tensor) -> Result<f64, NotFlat> {
    if numbers.device() == Device::Cpu {
        return Ok(flat::read(numbers, sum_of_squares)?.sqrt());
    }
    Ok(norm_by_kernel(numbers))
}

fn norm_by_kernel(numbers: &Tensor) -> f64 {
    tch::no_grad(|| numbers.linalg_norm(2.0, None::<&[i64]>, false, Kind::Double)).double_value(&[])
}

/// Always in the same order, which that of libtorch is not: it depends on the number of threads.
fn sum_of_squares(numbers: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    for block in numbers.chunks(lanes.len()) {
        for (lane, number) in lanes.iter_mut().zip(block) {
            *lane += f64::from(*number) * f64::from(*number);
        }
    }
    lanes.iter().sum()
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

    #[test]
    fn gradients_are_shortened_as_torch_shortens_them() {
        let gradient = read("optimizers.safetensors")["gradients"].get(0);
        let expected: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap();
        for (limit, clipped) in read("clipped.safetensors") {
            let mut gradients = gradient.copy();
            let found = clip(&mut gradients, Some(limit.parse().unwrap())).unwrap();
            let norm = expected["norms"][&limit].as_f64().unwrap();
            assert!(found.finite && (found.norm / norm - 1.0).abs() < 1e-6, "{limit}: {found:?}, expected {norm}");
            let worst = ((gradients - &clipped) / clipped.abs().clamp_min(1e-12)).abs().max().double_value(&[]);
            assert!(worst < 1e-6, "{limit}: {worst:e}");
        }
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_anywhere_and_nothing_is_changed() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 15, 16, 36] {
                let mut numbers = [1.0_f32; 37];
                numbers[at] = wrong;
                let mut gradients = Tensor::from_slice(&numbers);
                assert!(!clip(&mut gradients, Some(1.0)).unwrap().finite, "{wrong} at {at}");
                let after = Vec::<f32>::try_from(gradients).unwrap();
                assert!(after.iter().zip(numbers).all(|(after, before)| after.to_bits() == before.to_bits()));
            }
        }
    }

    #[test]
    fn the_largest_finite_gradients_are_finite() {
        let mut gradients = Tensor::from_slice(&[f32::MAX; 100]);
        let found = clip(&mut gradients, None).unwrap();
        assert!(found.finite && (found.norm / (f64::from(f32::MAX) * 10.0) - 1.0).abs() < 1e-12, "{found:?}");
        assert!((norm_by_kernel(&gradients) / found.norm - 1.0).abs() < 1e-12);
    }

    #[test]
    fn gradients_of_zero_and_short_ones_stay() {
        let mut zeros = Tensor::from_slice(&[0.0_f32; 5]);
        assert_eq!(clip(&mut zeros, Some(1.0)).unwrap(), Clipped { norm: 0.0, finite: true });
        let mut short = Tensor::from_slice(&[0.3_f32, 0.4]);
        clip(&mut short, Some(1.0)).unwrap();
        assert_eq!(Vec::<f32>::try_from(short).unwrap(), [0.3, 0.4]);
    }
}
