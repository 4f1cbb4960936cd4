//! A ConvLSTM with its weights: the forward pass.

use tch::{Kind, Tensor};

use super::architecture::{Architecture, HEAD_KERNEL};
use super::attention::Attention;
use super::layer::Layer;
use super::norm::Norm;
use crate::nn::parameters::{ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::model::Forward;

/// A ConvLSTM over the parameters that it was built from: it sees every change of them.
#[derive(Debug)]
pub struct BoundConvLstm {
    layers: Vec<(Layer, Norm)>,
    head: [Tensor; 2],
    channels: i64,
}

impl BoundConvLstm {
    /// The network over these parameters.
    ///
    /// # Errors
    /// If one of them is missing or has another shape.
    pub fn new(architecture: &Architecture, parameters: &Parameters) -> Result<Self, ParametersError> {
        let view = |spec: &ParameterSpec| parameters.view_of(spec);
        let layer = |layer: usize| {
            let [weight, bias] = architecture.conv(layer);
            let attention = Attention::in_layer(layer, architecture, parameters)?;
            let conv = Layer::new([view(&weight)?, view(&bias)?], attention, architecture.inputs(layer));
            Ok((conv, Norm::after(layer, architecture, parameters)?))
        };
        let [weight, bias] = architecture.head();
        Ok(Self {
            layers: (0..architecture.hidden.len()).map(layer).collect::<Result<_, _>>()?,
            head: [view(&weight)?, view(&bias)?],
            channels: architecture.sizes.channels,
        })
    }
}

impl Forward for BoundConvLstm {
    fn forward(&self, frames_btcyx: &Tensor, precision: Precision) -> Tensor {
        // Time first: what all frames share can be done in one call, and one frame of all samples is a piece of memory.
        let mut frames_bcyx = precision.cast(frames_btcyx).unbind(1);
        for (index, (layer, norm)) in self.layers.iter().enumerate() {
            let states_bcyx = layer.forward(frames_bcyx, precision, index + 1 == self.layers.len());
            frames_bcyx = norm.forward(states_bcyx, precision);
        }
        let [weight, bias] = self.head.each_ref().map(|parameter| precision.cast(parameter));
        let last_bcyx = frames_bcyx.pop().unwrap_or_default();
        let padding = HEAD_KERNEL / 2;
        let output = last_bcyx.conv2d(&weight, Some(&bias), [1, 1], [padding, padding], [1, 1], 1);
        output.to_kind(Kind::Float).unflatten(1, [-1, self.channels])
    }
}
