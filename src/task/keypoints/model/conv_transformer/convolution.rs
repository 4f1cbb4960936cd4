//! A convolution over time: more channels, each convolved by itself, weighted by what the whole sequence has of it, and fewer
//! channels again, which are added to the input.
//!
//! | layer | out |
//! |---|---|
//! | `expand`, SiLU | channels |
//! | `depthwise`, layer norm `norm` | channels |
//! | `attention`: a weight in 0 to 1 for each channel from its mean and those of its neighbours (Wang et al. 2020) | channels |
//! | `project`, dropout, plus the input | width |

use tch::Tensor;

use crate::nn::layer::{Dropout, LayerNorm, Linear, Mode};
use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::keypoints::model::config::Pooling;
use crate::task::keypoints::model::pooling::pool;
use crate::task::keypoints::model::sequences::{Frames, ROWS, with_rows};

/// The channels that the weight of one depends on.
pub const NEIGHBOURS: i64 = 5;

/// A convolution before it has weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Its name.
    pub name: String,
    /// Its inputs and outputs.
    pub width: i64,
    /// The channels between.
    pub channels: i64,
    /// The frames that it sees at once.
    pub kernel: i64,
    /// Whether these are the last ones; otherwise they are around the frame.
    pub causal: bool,
}

/// A convolution over its weights.
#[derive(Debug)]
pub struct BoundConvolution {
    expand: Linear,
    depthwise: Tensor,
    /// Frames of zeros in front and behind.
    border: [i64; 2],
    norm: LayerNorm,
    attention: Tensor,
    project: Linear,
    dropout: Dropout,
}

impl Convolution {
    fn named(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    fn depthwise(&self) -> ParameterSpec {
        let shape = [self.channels, 1, self.kernel];
        ParameterSpec::new(self.named("depthwise.weight"), &shape, Init::FanInUniform).decayed()
    }

    fn attention(&self) -> ParameterSpec {
        ParameterSpec::new(self.named("attention.weight"), &[1, 1, NEIGHBOURS], Init::FanInUniform).decayed()
    }

    /// Its parameters.
    pub fn layout(&self) -> Layout {
        Linear::layout(&self.named("expand"), self.width, self.channels)
            .with([self.depthwise()].into())
            .with(LayerNorm::layout(&self.named("norm"), &[self.channels]))
            .with([self.attention()].into())
            .with(Linear::layout(&self.named("project"), self.channels, self.width))
    }

    /// The zeros before and behind a sequence.
    pub fn border(&self) -> [i64; 2] {
        let before = if self.causal { self.kernel - 1 } else { self.kernel / 2 };
        [before, self.kernel - 1 - before]
    }

    /// Multiplications for one frame.
    pub fn multiplications(&self) -> i64 {
        self.channels * (2 * self.width + self.kernel)
    }

    /// The convolution over its weights.
    pub fn over(&self, dropout: f64, parameters: &Parameters) -> Result<BoundConvolution, ParametersError> {
        Ok(BoundConvolution {
            expand: Linear::new(&self.named("expand"), self.width, self.channels, parameters)?,
            depthwise: parameters.view_of(&self.depthwise())?,
            border: self.border(),
            norm: LayerNorm::new(&self.named("norm"), &[self.channels], parameters)?,
            attention: parameters.view_of(&self.attention())?,
            project: Linear::new(&self.named("project"), self.channels, self.width, parameters)?,
            dropout: Dropout::new(&self.name, dropout),
        })
    }
}

impl BoundConvolution {
    /// Frames `[n, d]` in fp32 from frames `[n, d]`.
    pub fn forward(&self, input_nd: &Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Tensor {
        let wide_nc = with_rows(ROWS, input_nd, |input_nd| self.expand.forward(input_nd, precision)).silu();
        let seen_nc = frames.pack(&self.convolve(&frames.pad(&wide_nc), precision));
        let normed_btc = frames.pad(&self.norm.forward(&seen_nc));
        let weights_bc = self.weights(&pool(Pooling::Mean, &normed_btc, frames));
        let weighted_nc = frames.pack(&(normed_btc * weights_bc.unsqueeze(1)));
        let change_nd = with_rows(ROWS, &weighted_nc, |weighted_nc| self.project.forward(weighted_nc, precision));
        input_nd + frames.dropped(&self.dropout, &change_nd, mode)
    }

    /// Each channel over time. With channels last, which oneDNN convolves many times as fast.
    fn convolve(&self, frames_btc: &Tensor, precision: Precision) -> Tensor {
        let [before, behind] = self.border;
        let bordered_btc = frames_btc.constant_pad_nd([0, 0, before, behind]);
        let image_bcyx = bordered_btc.unsqueeze(1).permute([0, 3, 1, 2]);
        let weight = precision.cast(&self.depthwise.unsqueeze(2));
        let channels = weight.size()[0];
        let convolved = image_bcyx.conv2d::<Tensor>(&weight, None, [1, 1], [0, 0], [1, 1], channels);
        convolved.squeeze_dim(2).transpose(1, 2)
    }

    /// The weight of each channel, `[b, c]`, from the means of all. A sum of five products, which has the same order for each
    /// number of samples.
    fn weights(&self, means_bc: &Tensor) -> Tensor {
        let channels = means_bc.size()[1];
        let bordered = means_bc.constant_pad_nd([NEIGHBOURS / 2, NEIGHBOURS / 2]);
        let weight = self.attention.flatten(0, -1);
        let product = |place| bordered.narrow(1, place, channels) * weight.narrow(0, place, 1);
        (1..NEIGHBOURS).fold(product(0), |sum, place| sum + product(place)).sigmoid()
    }
}
