//! SimVP (Gao et al. 2022) in its second form with gated spatiotemporal attention (Tan et al. 2022): no recurrence. An encoder
//! sees each frame by itself, blocks with large kernels see all of them as channels at a part of the size, a decoder makes each
//! forecast by itself.
//!
//! ```text
//! encoder  of each frame, per halving: two times [convolution 3 x 3, the second with stride 2; group norm; SiLU]
//! blocks   x += a1 * attention(norm(x));  x += a2 * mlp(norm(x)), with a1 and a2 per channel, 0.01 at first
//!          attention(y) = conv1(f * sig(g)) + y, (f, g) = conv1(far(near(gelu(conv1(y))))): 5 x 5, then 7 x 7 with every third
//!          cell, of each channel by itself
//!          mlp = conv1(gelu(near(conv1))): 3 x 3 of each channel by itself
//!          behind the first block a conv1 to `hidden` channels, behind the last one to `width` channels for each lead time
//! decoder  of each lead time, as the encoder, with four times the channels and a pixel shuffle for stride 2; before its last
//!          convolution what the encoder's first one returned is added; conv1
//! ```
//!
//! The norm of the blocks is a group norm with one group, not the published batch norm, so that a sample's forecast depends on no
//! other sample. As published, forecasts are made beside the input frames: those for the last ones, if there are fewer lead times
//! than frames. Leads beyond the frames are beside the last frame. What the blocks sum up is fp32 in every precision.
//!
//! Sizes that its halvings do not divide are filled up at the end with the border's values, and cut afterwards. No dropout,
//! no randomness.
//!
//! Tensors carry their dimensions: b samples, t frames, k leads, n both of them, c channels, y rows, x columns.

mod bound;
mod code;
mod needs;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::bound::BoundSimvp;
use super::convolution::Convolution;
use super::{Ending, Forecaster, Forward, Python, Sizes, Torchscript};
use crate::nn::layer::GroupNorm;
use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::task::nowcast::config::SimvpConfig;

/// Rows and columns of the convolutions of encoder and decoder.
const KERNEL: i64 = 3;

/// Rows and columns of the convolutions of each channel by itself, and cells between the weights of the second.
const NEAR_KERNEL: i64 = 5;
const FAR_KERNEL: i64 = 7;
const FAR_DILATION: i64 = 3;
const MLP_KERNEL: i64 = 3;

/// Groups of the norms of encoder and decoder.
const SAMPLING_GROUPS: i64 = 2;

/// What the parts of a block are multiplied by at first.
const FIRST_SCALE: f64 = 1e-2;

/// The SimVP that a configuration describes.
#[derive(Clone, Debug)]
pub struct Simvp {
    sizes: Sizes,
    config: SimvpConfig,
}

/// A layer of the encoder or the decoder.
struct Sampling {
    conv: Convolution,
    norm: String,
    channels: i64,
    doubles: bool,
}

/// What is between encoder and decoder.
struct Block {
    name: String,
    channels: i64,
    expanded: i64,
    /// Channels of what follows, if others.
    change: Option<i64>,
}

impl Simvp {
    /// The one that this configuration describes, with these inputs and outputs.
    #[must_use]
    pub fn new(config: &SimvpConfig, sizes: Sizes) -> Self {
        Self { sizes, config: config.clone() }
    }

    fn width(&self) -> i64 {
        self.config.width as i64
    }

    /// What rows and columns must be divisible by.
    fn divisor(&self) -> i64 {
        1 << self.config.halvings
    }

    fn encoder(&self) -> Vec<Sampling> {
        let layer = |index: usize| {
            let inputs = if index == 0 { self.sizes.channels } else { self.width() };
            let conv = Convolution::new(format!("encoder.{index}.conv"), inputs, self.width(), KERNEL);
            let conv = if index % 2 == 1 { conv.halving() } else { conv };
            Sampling { conv, norm: format!("encoder.{index}.norm"), channels: self.width(), doubles: false }
        };
        (0..2 * self.config.halvings).map(layer).collect()
    }

    fn blocks(&self) -> Vec<Block> {
        let SimvpConfig { hidden, blocks, expansion, .. } = self.config;
        let block = |index: usize| {
            let channels = if index == 0 { self.sizes.frames * self.width() } else { hidden as i64 };
            let change = match index {
                0 => Some(hidden as i64),
                _ if index + 1 == blocks => Some(self.sizes.leads * self.width()),
                _ => None,
            };
            Block { name: format!("blocks.{index}"), channels, expanded: channels * expansion as i64, change }
        };
        (0..blocks).map(block).collect()
    }

    fn decoder(&self) -> Vec<Sampling> {
        let layer = |index: usize| {
            let doubles = index.is_multiple_of(2);
            let outputs = if doubles { 4 * self.width() } else { self.width() };
            let conv = Convolution::new(format!("decoder.{index}.conv"), self.width(), outputs, KERNEL);
            Sampling { conv, norm: format!("decoder.{index}.norm"), channels: self.width(), doubles }
        };
        (0..2 * self.config.halvings).map(layer).collect()
    }

    fn head(&self) -> Convolution {
        let init = if self.sizes.starts_at_zero() { Init::Zeros } else { Init::FanInUniform };
        Convolution::new("head", self.width(), self.sizes.parts * self.sizes.channels, 1).starting_from(init)
    }

    /// The input frames that forecasts are beside: from the first of them to the last frame, which has this many more of them.
    fn beside(&self) -> (i64, i64) {
        let Sizes { frames, leads, .. } = self.sizes;
        ((frames - leads).max(0), (leads - frames).max(0))
    }
}

impl Sampling {
    fn layout(&self) -> Layout {
        self.conv.layout().with(GroupNorm::layout(&self.norm, self.channels))
    }
}

impl Block {
    fn part(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    fn attention(&self) -> [Convolution; 5] {
        let (part, channels) = (|name: &str| self.part(&format!("attention.{name}")), self.channels);
        [
            Convolution::new(part("proj1"), channels, channels, 1),
            Convolution::of_each(part("near"), channels, NEAR_KERNEL),
            Convolution::of_each(part("far"), channels, FAR_KERNEL).dilated(FAR_DILATION),
            Convolution::new(part("gate"), channels, 2 * channels, 1),
            Convolution::new(part("proj2"), channels, channels, 1),
        ]
    }

    fn mlp(&self) -> [Convolution; 3] {
        [
            Convolution::new(self.part("mlp.conv1"), self.channels, self.expanded, 1),
            Convolution::of_each(self.part("mlp.near"), self.expanded, MLP_KERNEL),
            Convolution::new(self.part("mlp.conv2"), self.expanded, self.channels, 1),
        ]
    }

    fn change(&self) -> Option<Convolution> {
        self.change.map(|outputs| Convolution::new(self.part("change"), self.channels, outputs, 1))
    }

    fn scale(&self, number: usize) -> ParameterSpec {
        ParameterSpec::new(self.part(&format!("scale{number}")), &[self.channels], Init::Constant(FIRST_SCALE))
    }

    fn norm(&self, number: usize) -> String {
        self.part(&format!("norm{number}"))
    }

    fn layout(&self) -> Layout {
        let half = |number: usize, convolutions: &[Convolution]| {
            let norm = GroupNorm::layout(&self.norm(number), self.channels);
            let layout = convolutions.iter().map(Convolution::layout).fold(norm, Layout::with);
            layout.with([self.scale(number)].into())
        };
        let both = half(1, &self.attention()).with(half(2, &self.mlp()));
        self.change().iter().map(Convolution::layout).fold(both, Layout::with)
    }

    fn multiplications(&self) -> f64 {
        let all = self.attention().into_iter().chain(self.mlp()).chain(self.change());
        all.map(|conv| conv.multiplications()).sum()
    }
}

impl Forecaster for Simvp {
    fn layout(&self) -> Layout {
        let [encoder, decoder] = [self.encoder(), self.decoder()]
            .map(|layers| layers.iter().map(Sampling::layout).fold(Layout::default(), Layout::with));
        let blocks = self.blocks().iter().map(Block::layout).fold(Layout::default(), Layout::with);
        encoder.with(blocks).with(decoder).with(self.head().layout())
    }

    fn multiplications(&self) -> f64 {
        let cells = |halvings: usize| {
            let side = |cells: &i64| cells.unsigned_abs().div_ceil(1 << halvings) as f64;
            self.sizes.size.iter().map(side).product::<f64>()
        };
        let (frames, leads) = (self.sizes.frames as f64, self.sizes.leads as f64);
        let layers = |layers: Vec<Sampling>, halvings: &dyn Fn(usize) -> usize| -> f64 {
            let of_layer = |(index, layer): (usize, Sampling)| cells(halvings(index)) * layer.conv.multiplications();
            layers.into_iter().enumerate().map(of_layer).sum()
        };
        let halvings = self.config.halvings;
        let encoder = frames * layers(self.encoder(), &|index| index.div_ceil(2));
        // A convolution before a pixel shuffle is at the smaller size.
        let decoder = leads * layers(self.decoder(), &|index| halvings - index.div_ceil(2));
        let blocks: f64 = self.blocks().iter().map(Block::multiplications).sum();
        encoder + cells(halvings) * blocks + decoder + leads * cells(0) * self.head().multiplications()
    }

    fn describe(&self) -> Value {
        let SimvpConfig { width, hidden, blocks, halvings, expansion, .. } = self.config;
        let frames = self.sizes.frames;
        json!({"simvp": {
            "frames": frames, "width": width, "hidden": hidden, "blocks": blocks, "halvings": halvings, "expansion": expansion,
        }})
    }

    fn ending(&self) -> Ending {
        Ending::Plain
    }

    fn python(&self) -> Python {
        code::python(self)
    }

    fn script(&self) -> Torchscript {
        code::script(self)
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundSimvp::new(self, parameters)?))
    }
}
