//! The ConvLSTM (Shi et al. 2015): a stack of recurrent layers whose products are convolutions, and a head that turns the
//! last state into all target frames at once. No peepholes, no dropout, no randomness.
//!
//! Tensors carry their dimensions: b samples, t frames, c channels, y rows, x columns.

mod layer;
mod norm;
#[cfg(test)]
mod tests;

use tch::{Kind, Tensor};

use super::parameters::{ParameterSpec, Parameters, ParametersError};
use super::precision::Precision;
use layer::Layer;
use norm::BoundNorm;
pub use norm::Norm;
pub(in crate::nn) use norm::{EPSILON, groups};

/// The head's convolution, whatever that of the layers is.
const HEAD_KERNEL: i64 = 3;

/// The sizes of a ConvLSTM: all that its parameters depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Channels of a frame, coming in and going out.
    pub channels: i64,
    /// Rows and columns of a frame.
    pub frame: [i64; 2],
    /// Frames that are predicted.
    pub target_frames: i64,
    /// Channels of the state of each layer.
    pub hidden: Vec<i64>,
    /// Rows and columns of the layers' convolutions: odd, so that a state keeps the size of a frame.
    pub kernel: i64,
    /// What is normalised between the layers.
    pub norm: Norm,
}

impl Architecture {
    /// The parameters, from the input to the output. Their names and shapes are those of weight files.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        let layers = (0..self.hidden.len()).flat_map(|layer| self.conv(layer).into_iter().chain(self.norm_of(layer)));
        layers.chain(self.head()).collect()
    }

    /// Multiplications of the convolutions for one sample, forward. A step of training takes about three times as many.
    #[must_use]
    pub fn multiplications(&self, input_frames: i64) -> f64 {
        let [rows, columns] = self.frame;
        let cells = (rows * columns) as f64;
        let weights = |[weight, _]: [ParameterSpec; 2]| weight.count() as f64;
        let layers: f64 = (0..self.hidden.len()).map(|layer| weights(self.conv(layer))).sum();
        cells * (input_frames as f64 * layers + weights(self.head()))
    }

    fn conv(&self, layer: usize) -> [ParameterSpec; 2] {
        let (inputs, hidden) = (self.inputs(layer), self.hidden[layer]);
        [
            ParameterSpec::weight(
                format!("layers.{layer}.conv.weight"),
                &[4 * hidden, inputs + hidden, self.kernel, self.kernel],
            ),
            ParameterSpec::bias(format!("layers.{layer}.conv.bias"), &[4 * hidden]),
        ]
    }

    /// None after the last layer, whose state goes to the head as it is.
    fn norm_of(&self, layer: usize) -> Vec<ParameterSpec> {
        if layer + 1 == self.hidden.len() {
            return Vec::new();
        }
        self.norm.parameters(&format!("layers.{layer}.norm"), self.hidden[layer], self.frame)
    }

    fn head(&self) -> [ParameterSpec; 2] {
        let (outputs, hidden) =
            (self.target_frames * self.channels, self.hidden.last().copied().unwrap_or(self.channels));
        [
            ParameterSpec::weight("head.weight", &[outputs, hidden, HEAD_KERNEL, HEAD_KERNEL]),
            ParameterSpec::bias("head.bias", &[outputs]),
        ]
    }

    fn inputs(&self, layer: usize) -> i64 {
        if layer == 0 { self.channels } else { self.hidden[layer - 1] }
    }
}

/// A ConvLSTM over the parameters that it was built from: it sees every change of them.
#[derive(Debug)]
pub struct ConvLstm {
    layers: Vec<(Layer, BoundNorm)>,
    head: [Tensor; 2],
    target_frames: i64,
    channels: i64,
}

impl ConvLstm {
    /// The network over these parameters.
    ///
    /// # Errors
    /// Where one of them is missing or has another shape.
    pub fn new(architecture: &Architecture, parameters: &Parameters) -> Result<Self, ParametersError> {
        let view = |spec: &ParameterSpec| parameters.view_of(spec);
        let layer = |layer: usize| {
            let [weight, bias] = architecture.conv(layer);
            let norm = architecture.norm_of(layer).iter().map(view).collect::<Result<Vec<_>, _>>()?;
            let conv = Layer::new(view(&weight)?, view(&bias)?, architecture.inputs(layer));
            Ok((conv, BoundNorm::new(architecture.norm, norm)))
        };
        let [weight, bias] = architecture.head();
        Ok(Self {
            layers: (0..architecture.hidden.len()).map(layer).collect::<Result<_, _>>()?,
            head: [view(&weight)?, view(&bias)?],
            target_frames: architecture.target_frames,
            channels: architecture.channels,
        })
    }

    /// The target frames `[b, t, c, y, x]`, in 0 to 1, that follow the input frames `[b, t, c, y, x]`, in 0 to 1. Both are
    /// fp32; what is between has the given precision.
    ///
    /// # Panics
    /// As every operation of `tch`, with libtorch's text: where memory runs out, or the frames are not those of the
    /// architecture.
    pub fn forward(&self, input_btcyx: &Tensor, precision: Precision) -> Tensor {
        // Time first: what all frames share can be done in one call, and one frame of all samples is a piece of memory.
        let mut frames_bcyx = precision.cast(input_btcyx).unbind(1);
        for (index, (layer, norm)) in self.layers.iter().enumerate() {
            let states_bcyx = layer.forward(frames_bcyx, precision, index + 1 == self.layers.len());
            frames_bcyx = norm.forward(states_bcyx, precision);
        }
        let [weight, bias] = self.head.each_ref().map(|parameter| precision.cast(parameter));
        let last_bcyx = frames_bcyx.pop().unwrap_or_default();
        let padding = HEAD_KERNEL / 2;
        let logits = last_bcyx.conv2d(&weight, Some(&bias), [1, 1], [padding, padding], [1, 1], 1);
        logits.to_kind(Kind::Float).sigmoid().unflatten(1, [self.target_frames, self.channels])
    }
}
