//! The network over its weights.

use tch::Tensor;

use super::recurrent::{BoundRecurrent, Recurrent};
use super::{Lstm, branch};
use crate::nn::layer::{Dropout, LayerNorm, Linear, Mode};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::keypoints::model::head::Head;
use crate::task::keypoints::model::sequences::{Frames, ROWS, Sequences, with_rows};
use crate::task::keypoints::model::sizes::Stream;
use crate::task::keypoints::model::{Computed, Forward};

/// The network over its weights.
#[derive(Debug)]
pub struct BoundLstm {
    branches: Vec<Branch>,
    fusion: (Linear, Dropout, LayerNorm),
    head: Head,
}

/// What reads one stream.
#[derive(Debug)]
struct Branch {
    projection: Vec<Linear>,
    projected: Dropout,
    recurrent: Vec<(BoundRecurrent, Dropout)>,
    norm: LayerNorm,
}

impl BoundLstm {
    /// The network over these parameters.
    pub fn new(network: &Lstm, parameters: &Parameters) -> Result<Self, ParametersError> {
        let (fused, embedding, share) = (network.fused(), network.embedding(), network.config.dropout);
        let branches = network.sizes.streams.iter().map(|stream| Branch::new(network, stream, parameters));
        Ok(Self {
            branches: branches.collect::<Result<_, _>>()?,
            fusion: (
                Linear::new("encoder.fusion.0", fused, embedding, parameters)?,
                Dropout::new("encoder.fusion", share),
                LayerNorm::new("encoder.fusion.3", &[embedding], parameters)?,
            ),
            head: Head::new(network.config.pooling, share, embedding, network.sizes.classes(), parameters)?,
        })
    }

    /// What describes each frame, `[b, t, e]`.
    fn embed(&self, streams_btd: &[Tensor], frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let (linear, dropout, norm) = &self.fusion;
        let branches = self.branches.iter().zip(streams_btd);
        let read: Vec<Tensor> =
            branches.map(|(branch, stream_btd)| branch.forward(stream_btd, frames, mode, precision)).collect();
        let all_nd = frames.pack(&Tensor::cat(&read, 2));
        let fused_ne = with_rows(ROWS, &all_nd, |all_nd| linear.forward(all_nd, precision)).relu();
        frames.pad(&norm.forward(&frames.dropped(dropout, &fused_ne, mode)))
    }
}

impl Forward for BoundLstm {
    fn forward(&self, sequences: &Sequences, mode: Mode<'_>, precision: Precision) -> Computed {
        let frames = sequences.frames();
        let embeddings_bte = self.embed(&sequences.streams, &frames, mode, precision);
        self.head.forward(embeddings_bte, &frames, mode, precision)
    }
}

impl Branch {
    fn new(network: &Lstm, stream: &Stream, parameters: &Parameters) -> Result<Self, ParametersError> {
        let (name, share) = (branch(stream), network.config.dropout);
        let linear = |(name, inputs, outputs): (String, i64, i64)| Linear::new(&name, inputs, outputs, parameters);
        let recurrent = |layer: &Recurrent| {
            Ok((layer.over(parameters)?, Dropout::new(&format!("{}.{}", layer.name, layer.layer), share)))
        };
        Ok(Self {
            projection: network.projection(stream).into_iter().map(linear).collect::<Result<_, _>>()?,
            projected: Dropout::new(&format!("{name}.input_proj"), share),
            recurrent: network.recurrent(stream).iter().map(recurrent).collect::<Result<_, _>>()?,
            norm: LayerNorm::new(&format!("{name}.layer_norm"), &[network.hidden()], parameters)?,
        })
    }

    /// The stream read frame by frame, `[b, t, h]` in fp32. Padding has any finite values.
    fn forward(&self, stream_btd: &Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let mut frames_bth = frames.pad(&self.project(&frames.pack(stream_btd), frames, mode, precision));
        for (place, (layer, dropout)) in self.recurrent.iter().enumerate() {
            let input_bth = if place == 0 { frames_bth } else { dropout.forward(&frames_bth, mode) };
            frames_bth = layer.forward(&input_bth, precision);
        }
        self.norm.forward(&frames_bth)
    }

    /// The input of the recurrent layers. As published, one layer is followed by a ReLU, and of two only the first is.
    fn project(&self, frames_nd: &Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let mut frames_nh = frames_nd.shallow_clone();
        for (place, layer) in self.projection.iter().enumerate() {
            let input_nd = if place == 0 { frames_nh } else { frames.dropped(&self.projected, &frames_nh, mode) };
            let output_nh = with_rows(ROWS, &input_nd, |input_nd| layer.forward(input_nd, precision));
            frames_nh = if place == 0 { output_nh.relu() } else { output_nh };
        }
        frames_nh
    }
}
