//! What follows a convolution, in one pass over memory: batch norm, ReLU, maximum over windows, dropout. With a backward pass by
//! hand, for training in main memory and fp32; elsewhere the layers do the same one by one, with autograd.
//!
//! A small network spends most of its time on reading and writing images. Autograd writes one after each of these layers and reads
//! all of them again; here the convolution's output is read twice and a quarter of it is written.
//!
//! Values are channels last, `[b, y, x, c]`: all loops run over the channels of a pixel. The first layer, whose image has one
//! channel, is computed together with its convolution ([`Stem`]).
//!
//! Sums are taken image by image and then over images in their order, so that the result does not depend on the number of threads.

mod loops;
mod sides;
mod stem;
#[cfg(test)]
mod tests;

use tch::{Device, Kind, TchError, Tensor};

pub use sides::{Fused, Normed};
pub use stem::{Stem, Stemmed};

use super::norm::EPSILON;
use crate::native::flat::NotFlat;
use crate::nn::precision::Precision;

/// Whether these layers compute for such images: in main memory and fp32.
#[must_use]
pub fn fits(images: &Tensor, precision: Precision) -> bool {
    precision == Precision::Fp32 && images.device() == Device::Cpu && images.kind() == Kind::Float
}

/// Images `[b, c, y, x]` as a flat tensor of pixels; a copy only if they are not channels last already.
fn flat(images_bcyx: &Tensor) -> Result<Tensor, TchError> {
    images_bcyx.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_view([-1])
}

/// Room for images of this shape, flat and as `[b, c, y, x]` over the same memory.
fn room([images, rows, columns, channels]: [usize; 4]) -> Result<(Tensor, Tensor), TchError> {
    let shape = [images, rows, columns, channels].map(|side| side as i64);
    let pixels = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
    Ok((pixels.f_view([-1])?, pixels.f_permute([0, 3, 1, 2])?))
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    Vec::try_from(tensor.f_detach()?.f_contiguous()?.f_flatten(0, -1)?)
}

fn inverse_deviation(variance: &[f64]) -> Vec<f64> {
    variance.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect()
}

/// The factor and the summand of each channel by which a norm with this scale and bias replaces values.
fn affine([scale, bias]: &[Tensor; 2], mean: &[f64], inverse_deviation: &[f64]) -> Result<[Vec<f32>; 2], TchError> {
    let factor = numbers(scale)?.into_iter().zip(inverse_deviation).map(|(scale, by)| f64::from(scale) * by);
    let factor: Vec<f64> = factor.collect();
    let summand = numbers(bias)?.into_iter().zip(&factor).zip(mean);
    let summand = summand.map(|((bias, factor), mean)| (f64::from(bias) - mean * factor) as f32).collect();
    Ok([factor.into_iter().map(|factor| factor as f32).collect(), summand])
}

/// Adds to the gradient of a parameter, unless it is frozen.
fn add_gradient(parameter: &Tensor, gradient: &[f32]) -> Result<(), TchError> {
    if parameter.requires_grad() {
        let sum = parameter.f_grad()?;
        let added = Tensor::f_from_slice(gradient)?.f_view(sum.size().as_slice())?;
        drop({ sum }.f_add_(&added)?);
    }
    Ok(())
}

fn lent(error: NotFlat) -> TchError {
    TchError::Torch(error.to_string())
}
