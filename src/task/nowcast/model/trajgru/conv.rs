//! A convolution of a trajectory GRU, and the function that follows most of them.

use tch::Tensor;

use crate::nn::parameters::{Init, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;

/// The slope of the leaky ReLU below zero.
pub(super) const SLOPE: f64 = 0.2;

/// What the weight starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Normal with the variance that keeps that of values through a leaky ReLU (He et al. 2015).
    He,
    /// 0: it adds nothing until it has learned to.
    Zero,
}

/// The sizes of a convolution with a bias, and with zeros around its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConvShape {
    pub name: String,
    pub inputs: i64,
    pub outputs: i64,
    /// Odd.
    pub kernel: i64,
    pub stride: i64,
    pub start: Start,
}

impl ConvShape {
    /// One that keeps the size.
    pub fn new(name: impl Into<String>, [inputs, outputs]: [i64; 2], kernel: i64) -> Self {
        Self { name: name.into(), inputs, outputs, kernel, stride: 1, start: Start::He }
    }

    /// The same for every `stride`-th row and column.
    pub fn every(self, stride: i64) -> Self {
        Self { stride, ..self }
    }

    /// The weight and the bias.
    pub fn parameters(&self) -> [ParameterSpec; 2] {
        let shape = [self.outputs, self.inputs, self.kernel, self.kernel];
        let fan_in = (self.inputs * self.kernel * self.kernel) as f64;
        let init = match self.start {
            Start::He => Init::Normal { mean: 0.0, std: (2.0 / (1.0 + SLOPE * SLOPE) / fan_in).sqrt() },
            Start::Zero => Init::Zeros,
        };
        [
            ParameterSpec::new(format!("{}.weight", self.name), &shape, init).decayed(),
            ParameterSpec::bias(format!("{}.bias", self.name), &[self.outputs]),
        ]
    }
}

/// A convolution over its weight `[out, in, y, x]` and bias.
#[derive(Debug)]
pub(super) struct Conv {
    pub weight: Tensor,
    pub bias: Tensor,
    stride: i64,
}

impl Conv {
    pub fn new(shape: &ConvShape, parameters: &Parameters) -> Result<Self, ParametersError> {
        let [weight, bias] = shape.parameters();
        Ok(Self { weight: parameters.view_of(&weight)?, bias: parameters.view_of(&bias)?, stride: shape.stride })
    }

    /// The same in this precision: cast once, used at every step.
    pub fn cast(&self, precision: Precision) -> Self {
        Self { weight: precision.cast(&self.weight), bias: precision.cast(&self.bias), stride: self.stride }
    }

    pub fn forward(&self, images_bcyx: &Tensor) -> Tensor {
        let padding = self.weight.size()[2] / 2;
        images_bcyx.conv2d(&self.weight, Some(&self.bias), [self.stride; 2], [padding; 2], [1, 1], 1)
    }

    /// The same, and the leaky ReLU.
    pub fn leaky(&self, images_bcyx: &Tensor, precision: Precision) -> Tensor {
        leaky(&self.cast(precision).forward(images_bcyx))
    }
}

/// Values below zero times the slope.
///
/// `tch` has no leaky ReLU with a slope. What its backward pass does to a gradient, 1 or the slope times it by the sign of
/// the input, is the function itself if the input takes the place of the gradient; and its gradient is again that.
pub(super) fn leaky(values: &Tensor) -> Tensor {
    values.detach().leaky_relu_backward(values, SLOPE, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn below_zero_and_at_it_value_and_gradient_have_the_slope() {
        let values = Tensor::from_slice(&[-2.0_f32, 0.0, 3.0]).set_requires_grad(true);
        let result = leaky(&values);
        (&result * Tensor::from_slice(&[1.0_f32, 2.0, 3.0])).sum(Kind::Float).backward();
        assert_eq!(Vec::<f32>::try_from(result).unwrap(), [-0.4, 0.0, 3.0]);
        assert_eq!(Vec::<f32>::try_from(values.grad()).unwrap(), [0.2, 0.4, 3.0]);
    }
}
