//! The network over its weights.

use tch::{Kind, Tensor};

use super::ConvTransformer;
use super::attention::BoundAttention;
use super::convolution::{BoundConvolution, Convolution};
use crate::nn::layer::{LayerNorm, Linear, Mode};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::keypoints::model::head::Head;
use crate::task::keypoints::model::sequences::{Frames, ROWS, Sequences, with_rows};
use crate::task::keypoints::model::{Computed, Forward};

/// The network over its weights.
#[derive(Debug)]
pub struct BoundConvTransformer {
    stem: (Linear, LayerNorm),
    blocks: Vec<(Vec<BoundConvolution>, BoundAttention)>,
    top: (Linear, LayerNorm),
    head: Head,
}

impl BoundConvTransformer {
    /// The network over these parameters.
    pub fn new(network: &ConvTransformer, parameters: &Parameters) -> Result<Self, ParametersError> {
        let (width, embedding, dropout) = (network.width(), network.embedding(), network.config.dropout);
        let block = |block| {
            let convolutions = network.convolutions(block);
            let over = |convolution: &Convolution| convolution.over(dropout, parameters);
            let convolutions = convolutions.iter().map(over).collect::<Result<_, _>>()?;
            Ok((convolutions, network.attention(block).over(dropout, parameters)?))
        };
        let linear = |name, inputs, outputs| Linear::new(name, inputs, outputs, parameters);
        let norm = |name, width| LayerNorm::new(name, &[width], parameters);
        Ok(Self {
            stem: (linear("encoder.stem.0", network.inputs(), width)?, norm("encoder.stem.1", width)?),
            blocks: (0..network.config.blocks).map(block).collect::<Result<_, _>>()?,
            top: (linear("encoder.top.0", width, embedding)?, norm("encoder.top.1", embedding)?),
            head: Head::new(network.config.pooling, dropout, embedding, network.sizes.classes(), parameters)?,
        })
    }
}

impl Forward for BoundConvTransformer {
    fn forward(&self, sequences: &Sequences, mode: Mode<'_>, precision: Precision) -> Computed {
        let frames = sequences.frames();
        let layer = |(linear, norm): &(Linear, LayerNorm), input_nd: &Tensor| {
            norm.forward(&with_rows(ROWS, input_nd, |input_nd| linear.forward(input_nd, precision)))
        };
        let mut frames_nd = layer(&self.stem, &packed(sequences, &frames));
        for (convolutions, attention) in &self.blocks {
            for convolution in convolutions {
                frames_nd = convolution.forward(&frames_nd, &frames, mode, precision);
            }
            frames_nd = attention.forward(&frames_nd, &frames, mode, precision);
        }
        self.head.forward(frames.pad(&layer(&self.top, &frames_nd)), &frames, mode, precision)
    }
}

/// The real frames of all streams side by side, `[n, d]`.
fn packed(sequences: &Sequences, frames: &Frames) -> Tensor {
    let streams = sequences.streams.iter().map(|stream_btd| frames.pack(stream_btd).to_kind(Kind::Float));
    Tensor::cat(&streams.collect::<Vec<_>>(), 1)
}
