//! A U-Net (Ronneberger et al. 2015) over the last frames as channels: blocks of two convolutions, each followed by SiLU, at
//! full size and at halved ones; back up with what was seen on the way down. Of all networks here it needs the least
//! work for a good forecast in moving coordinates (after L-CNN, Ritvanen et al. 2023).
//!
//! Sizes that its halvings do not divide are filled up at the end with the border's values, and cut afterwards. No dropout,
//! no randomness.
//!
//! Tensors carry their dimensions: b samples, t frames, c channels, y rows, x columns.

mod bound;
mod code;
mod needs;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::bound::BoundUnet;
use super::convolution::Convolution;
use super::{Forecaster, Forward, Python, Sizes, Torchscript};
use crate::nn::layer::GroupNorm;
use crate::nn::parameters::{Init, Layout, Parameters, ParametersError};
use crate::task::nowcast::config::{UnetConfig, UnetNorm};

/// Rows and columns of every convolution.
const KERNEL: i64 = 3;

/// The U-Net that a configuration describes.
#[derive(Clone, Debug)]
pub struct Unet {
    sizes: Sizes,
    /// Channels of each level, from the finest.
    widths: Vec<i64>,
    norm: UnetNorm,
    config: UnetConfig,
}

/// Two convolutions with what follows them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    name: String,
    inputs: i64,
    outputs: i64,
}

impl Unet {
    /// The one that this configuration describes, with these inputs and outputs.
    #[must_use]
    pub fn new(config: &UnetConfig, sizes: Sizes) -> Self {
        let widths = config.widths.iter().map(|width| (width * config.base) as i64).collect();
        Self { sizes, widths, norm: config.norm, config: config.clone() }
    }

    /// The blocks on the way down, from the finest level.
    fn down(&self) -> Vec<Block> {
        let inputs = std::iter::once(self.sizes.frames * self.sizes.channels).chain(self.widths.iter().copied());
        let levels = inputs.zip(&self.widths).enumerate();
        levels.map(|(level, (inputs, &outputs))| Block { name: format!("down.{level}"), inputs, outputs }).collect()
    }

    /// The blocks on the way up, from the coarsest level but one.
    fn up(&self) -> Vec<Block> {
        let pairs = self.widths.windows(2).enumerate().rev();
        let block = |(level, pair): (usize, &[i64])| Block {
            name: format!("up.{level}"),
            inputs: pair[1] + pair[0],
            outputs: pair[0],
        };
        pairs.map(block).collect()
    }

    fn finest(&self) -> i64 {
        self.widths.first().copied().unwrap_or(1)
    }

    fn head(&self) -> Convolution {
        let head = Convolution::new("head", self.finest(), self.sizes.outputs(), KERNEL);
        if self.sizes.starts_at_zero() { head.starting_from(Init::Zeros) } else { head }
    }

    /// What rows and columns must be divisible by.
    fn divisor(&self) -> i64 {
        1 << (self.widths.len() - 1)
    }
}

impl Block {
    fn convolutions(&self) -> [Convolution; 2] {
        let conv = |number: usize, inputs: i64| {
            Convolution::new(format!("{}.conv{number}", self.name), inputs, self.outputs, KERNEL)
        };
        [conv(1, self.inputs), conv(2, self.outputs)]
    }

    fn norm(&self, number: usize) -> String {
        format!("{}.norm{number}", self.name)
    }

    fn layout(&self, norm: UnetNorm) -> Layout {
        let one = |layout: Layout, (number, conv): (usize, Convolution)| {
            let layout = layout.with(conv.layout());
            match norm {
                UnetNorm::None => layout,
                UnetNorm::Group => layout.with(GroupNorm::layout(&self.norm(number), self.outputs)),
            }
        };
        (1..).zip(self.convolutions()).fold(Layout::default(), one)
    }
}

impl Forecaster for Unet {
    fn layout(&self) -> Layout {
        let blocks = self.down().into_iter().chain(self.up());
        let all = blocks.fold(Layout::default(), |layout, block| layout.with(block.layout(self.norm)));
        all.with(self.head().layout())
    }

    fn multiplications(&self) -> f64 {
        let cells = |level: usize| {
            self.sizes
                .size
                .iter()
                .map(|cells| (cells.unsigned_abs() as usize).div_ceil(1 << level) as f64)
                .product::<f64>()
        };
        let of_block = |block: &Block| block.convolutions().iter().map(Convolution::multiplications).sum::<f64>();
        let down = self.down().into_iter().enumerate();
        let up = self.up().into_iter().rev().enumerate();
        let blocks: f64 = down.chain(up).map(|(level, block)| cells(level) * of_block(&block)).sum();
        blocks + cells(0) * self.head().multiplications()
    }

    fn describe(&self) -> Value {
        let UnetConfig { base, widths, norm, .. } = &self.config;
        json!({"unet": {"frames": self.sizes.frames, "base": base, "widths": widths, "norm": norm}})
    }

    fn python(&self) -> Python {
        code::python(self)
    }

    fn script(&self) -> Torchscript {
        code::script(self)
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundUnet::new(self, parameters)?))
    }
}
