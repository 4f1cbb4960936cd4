//! A convolution that is described once: its parameters, itself over them, and it in TorchScript. Its padding keeps the size of
//! an image, or halves it.

use tch::Tensor;

use crate::nn::export::modules::reach;
use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;

/// What a convolution is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Convolution {
    name: String,
    pub inputs: i64,
    pub outputs: i64,
    kernel: i64,
    stride: i64,
    dilation: i64,
    groups: i64,
    has_bias: bool,
    init: Init,
}

impl Convolution {
    /// One with a bias, which keeps the size of an image.
    pub fn new(name: impl Into<String>, inputs: i64, outputs: i64, kernel: i64) -> Self {
        let name = name.into();
        let init = Init::KaimingNormal;
        Self { name, inputs, outputs, kernel, stride: 1, dilation: 1, groups: 1, has_bias: true, init }
    }

    /// One of each channel by itself.
    pub fn of_each(name: impl Into<String>, channels: i64, kernel: i64) -> Self {
        Self { groups: channels, ..Self::new(name, channels, channels, kernel) }
    }

    /// The same with every second window.
    pub fn halving(self) -> Self {
        Self { stride: 2, ..self }
    }

    /// The same with this many cells from one weight to the next.
    pub fn dilated(self, dilation: i64) -> Self {
        Self { dilation, ..self }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Self {
        Self { has_bias: false, ..self }
    }

    /// The same with other weights to start from.
    pub fn starting_from(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Its parameters.
    pub fn layout(&self) -> Layout {
        let bias = self.has_bias.then(|| self.bias());
        std::iter::once(self.weight()).chain(bias).collect::<Vec<_>>().into()
    }

    /// Multiplications at each cell of its output.
    pub fn multiplications(&self) -> f64 {
        self.weight().count() as f64
    }

    /// It over its parameters.
    pub fn over(&self, parameters: &Parameters) -> Result<BoundConvolution, ParametersError> {
        Ok(BoundConvolution {
            weight: parameters.view_of(&self.weight())?,
            bias: self.has_bias.then(|| parameters.view_of(&self.bias())).transpose()?,
            stride: self.stride,
            padding: self.padding(),
            dilation: self.dilation,
            groups: self.groups,
        })
    }

    /// It in TorchScript, of an expression.
    pub fn script(&self, images: &str) -> String {
        let weight = reach(&format!("{}.weight", self.name));
        let bias = if self.has_bias { reach(&format!("{}.bias", self.name)) } else { "None".to_owned() };
        let pair = |number: i64| format!("[{number}, {number}]");
        let [stride, padding, dilation] = [self.stride, self.padding(), self.dilation].map(pair);
        format!("torch.conv2d({images}, {weight}, {bias}, {stride}, {padding}, {dilation}, {})", self.groups)
    }

    fn padding(&self) -> i64 {
        self.dilation * (self.kernel / 2)
    }

    fn weight(&self) -> ParameterSpec {
        let shape = [self.outputs, self.inputs / self.groups, self.kernel, self.kernel];
        ParameterSpec::new(format!("{}.weight", self.name), &shape, self.init).decayed()
    }

    fn bias(&self) -> ParameterSpec {
        ParameterSpec::bias(format!("{}.bias", self.name), &[self.outputs])
    }
}

/// A convolution over its parameters: it sees every change of them.
#[derive(Debug)]
pub(super) struct BoundConvolution {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    dilation: i64,
    groups: i64,
}

impl BoundConvolution {
    /// Images `[n, outputs, y, x]` from images `[n, inputs, y, x]`, in this precision.
    pub fn forward(&self, images_ncyx: &Tensor, precision: Precision) -> Tensor {
        let (weight, bias) = (precision.cast(&self.weight), self.bias.as_ref().map(|bias| precision.cast(bias)));
        let (stride, padding, dilation) = ([self.stride; 2], [self.padding; 2], [self.dilation; 2]);
        precision.cast(images_ncyx).conv2d(&weight, bias.as_ref(), stride, padding, dilation, self.groups)
    }
}
