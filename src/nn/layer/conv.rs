//! A convolution in two dimensions.

use tch::Tensor;

use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;

/// The sizes of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvShape {
    /// Channels coming in.
    pub inputs: i64,
    /// Channels going out.
    pub outputs: i64,
    /// Rows and columns of the window.
    pub kernel: i64,
    /// Cells from one window to the next.
    pub stride: i64,
    /// Cells of zeros around the image.
    pub padding: i64,
    /// Whether there is a bias.
    pub bias: bool,
}

impl ConvShape {
    /// A convolution with an odd kernel that keeps the size of the image.
    #[must_use]
    pub fn same(inputs: i64, outputs: i64, kernel: i64) -> Self {
        Self { inputs, outputs, kernel, stride: 1, padding: kernel / 2, bias: true }
    }

    /// Its parameters, which start as PyTorch's: uniform in ±1 / sqrt(fan in).
    #[must_use]
    pub fn layout(&self, name: &str) -> Layout {
        let weight = self.weight(name);
        let bound = 1.0 / ((self.inputs * self.kernel * self.kernel) as f64).sqrt();
        let bias = ParameterSpec { init: Init::Uniform { bound }, ..self.bias(name) };
        std::iter::once(weight).chain(self.bias.then_some(bias)).collect::<Vec<_>>().into()
    }

    /// Multiplications for an output image with this many rows and columns.
    #[must_use]
    pub fn multiplications(&self, [rows, columns]: [i64; 2]) -> f64 {
        (rows * columns * self.outputs * self.inputs * self.kernel * self.kernel) as f64
    }

    fn weight(&self, name: &str) -> ParameterSpec {
        let shape = [self.outputs, self.inputs, self.kernel, self.kernel];
        ParameterSpec::new(format!("{name}.weight"), &shape, Init::FanInUniform).decayed()
    }

    fn bias(&self, name: &str) -> ParameterSpec {
        ParameterSpec::bias(format!("{name}.bias"), &[self.outputs])
    }
}

/// A convolution over its weight `[out, in, y, x]` and bias.
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
}

impl Conv2d {
    /// The convolution of this name.
    ///
    /// # Errors
    /// If a parameter is missing or has another shape.
    pub fn new(name: &str, shape: &ConvShape, parameters: &Parameters) -> Result<Self, ParametersError> {
        let bias = shape.bias.then(|| parameters.view_of(&shape.bias(name))).transpose()?;
        Ok(Self {
            weight: parameters.view_of(&shape.weight(name))?,
            bias,
            stride: shape.stride,
            padding: shape.padding,
        })
    }

    /// Images `[b, out, y, x]` from images `[b, in, y, x]`, in this precision.
    pub fn forward(&self, images_bcyx: &Tensor, precision: Precision) -> Tensor {
        self.product(images_bcyx, self.bias.as_ref(), precision)
    }

    /// The same without the bias, for a batch norm to follow: it subtracts what is the same everywhere.
    pub(super) fn without_bias(&self, images_bcyx: &Tensor) -> Tensor {
        self.product(images_bcyx, None, Precision::Fp32)
    }

    fn product(&self, images_bcyx: &Tensor, bias: Option<&Tensor>, precision: Precision) -> Tensor {
        let (weight, bias) = (precision.cast(&self.weight), bias.map(|bias| precision.cast(bias)));
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        precision.cast(images_bcyx).conv2d(&weight, bias.as_ref(), stride, padding, [1, 1], 1)
    }

    /// The weight and the bias.
    pub(super) fn parameters(&self) -> (Tensor, Option<Tensor>) {
        (self.weight.shallow_clone(), self.bias.as_ref().map(Tensor::shallow_clone))
    }
}
