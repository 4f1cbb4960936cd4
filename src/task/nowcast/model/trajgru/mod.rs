//! A trajectory GRU (Shi et al. 2017): recurrent cells at several scales whose state is looked up where the cell itself
//! expects that it came from. An encoder goes through the frames, from the finest scale to the coarsest; a forecaster
//! continues each scale's last state, from the coarsest to the finest, with one step for each lead time. No dropout, no
//! randomness.
//!
//! Its names are `encoder.{s}.conv` and `encoder.{s}.cell`, `forecaster.{s}.conv` (not at the coarsest scale) and
//! `forecaster.{s}.cell`, with s = 0 at the finest scale, and `head.conv1` and `head.conv2`. A cell has `flow_input`,
//! `flow_state`, `flows`, `input` and `state`; that of the forecaster's coarsest scale sees no input.
//!
//! Tensors carry their dimensions: b samples, t frames, k leads, n frames or leads of all samples, the samples of one after
//! the other, c channels, l links, y rows, x columns.

mod bound;
mod cell;
mod conv;
mod needs;
mod python;
mod script;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::bound::BoundTrajGru;
use self::cell::CellShape;
use self::conv::{ConvShape, Start};
use super::{Forecaster, Forward, Python, Sizes, Torchscript};
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::task::nowcast::config::TrajGruConfig;

/// Rows and columns of the convolutions between scales and of the head.
const KERNEL: i64 = 3;

/// Channels between the two convolutions of the head.
const HEAD_CHANNELS: i64 = 16;

/// The trajectory GRU that a configuration describes.
#[derive(Clone, Debug)]
pub struct TrajGru {
    sizes: Sizes,
    /// From the finest scale.
    scales: Vec<Scale>,
    config: TrajGruConfig,
}

#[derive(Clone, Copy, Debug)]
struct Scale {
    hidden: i64,
    links: i64,
    stride: i64,
}

impl TrajGru {
    /// The one that this configuration describes, with these inputs and outputs.
    #[must_use]
    pub fn new(config: &TrajGruConfig, sizes: Sizes) -> Self {
        let numbers = config.hidden.iter().zip(&config.links).zip(&config.strides);
        let scale = |((hidden, links), stride): ((&usize, &usize), &usize)| Scale {
            hidden: *hidden as i64,
            links: *links as i64,
            stride: *stride as i64,
        };
        Self { sizes, scales: numbers.map(scale).collect(), config: config.clone() }
    }

    /// From the frames or the finer scale to the input of a scale's cell, and the cell.
    fn encoder(&self, index: usize) -> (ConvShape, CellShape) {
        let Scale { hidden, links, stride } = self.scales[index];
        let inputs = if index == 0 { self.sizes.channels } else { self.scales[index - 1].hidden };
        let conv = ConvShape::new(format!("encoder.{index}.conv"), [inputs, hidden], KERNEL).every(stride);
        (conv, CellShape { name: format!("encoder.{index}.cell"), inputs: Some(hidden), hidden, links })
    }

    /// From the coarser scale to the input of a scale's cell, and the cell. The coarsest has no input.
    fn forecaster(&self, index: usize) -> (Option<ConvShape>, CellShape) {
        let Scale { hidden, links, .. } = self.scales[index];
        let coarser = self.scales.get(index + 1).map(|scale| scale.hidden);
        let conv = coarser.map(|inputs| ConvShape::new(format!("forecaster.{index}.conv"), [inputs, hidden], KERNEL));
        let inputs = conv.is_some().then_some(hidden);
        (conv, CellShape { name: format!("forecaster.{index}.cell"), inputs, hidden, links })
    }

    /// From the finest state, at the size of the frame, to the output of one lead time.
    fn head(&self) -> [ConvShape; 2] {
        let finest = self.scales.first().map_or(1, |scale| scale.hidden);
        let outputs = self.sizes.parts * self.sizes.channels;
        let start = if self.sizes.starts_at_zero() { Start::Zero } else { Start::He };
        [
            ConvShape::new("head.conv1", [finest, HEAD_CHANNELS], KERNEL),
            ConvShape { start, ..ConvShape::new("head.conv2", [HEAD_CHANNELS, outputs], KERNEL) },
        ]
    }

    /// Every convolution, in the order of the parameters, with the cells that it computes for one sample.
    fn convolutions(&self) -> Vec<(ConvShape, f64)> {
        let (frames, leads) = (self.sizes.frames as f64, self.sizes.leads as f64);
        let cells: Vec<f64> = self.maps().iter().map(|map| map.iter().product::<i64>() as f64).collect();
        let encoder = (0..self.scales.len()).flat_map(|index| {
            let (conv, cell) = self.encoder(index);
            let all = std::iter::once(conv).chain(cell.convolutions());
            all.map(move |conv| (conv, index, frames)).collect::<Vec<_>>()
        });
        let forecaster = (0..self.scales.len()).flat_map(|index| {
            let (conv, cell) = self.forecaster(index);
            let all = conv.into_iter().chain(cell.convolutions());
            all.map(move |conv| (conv, index, leads)).collect::<Vec<_>>()
        });
        let scales = encoder.chain(forecaster).map(|(conv, index, times)| (conv, times * cells[index]));
        let frame = self.sizes.size.iter().product::<i64>() as f64;
        scales.chain(self.head().map(|conv| (conv, leads * frame))).collect()
    }

    /// Rows and columns of each scale.
    fn maps(&self) -> Vec<[i64; 2]> {
        let next = |map: &mut [i64; 2], scale: &Scale| {
            *map = map.map(|side| (side - 1) / scale.stride.max(1) + 1);
            Some(*map)
        };
        self.scales.iter().scan(self.sizes.size, next).collect()
    }
}

impl Forecaster for TrajGru {
    fn layout(&self) -> Layout {
        let convolutions = self.convolutions().into_iter();
        convolutions.fold(Layout::default(), |layout, (conv, _)| layout.with(conv.parameters().to_vec().into()))
    }

    fn multiplications(&self) -> f64 {
        let all = self.convolutions().into_iter();
        all.map(|(conv, cells)| cells * conv.parameters()[0].count() as f64).sum()
    }

    fn describe(&self) -> Value {
        let TrajGruConfig { hidden, links, strides, .. } = &self.config;
        json!({"trajgru": {"frames": self.sizes.frames, "hidden": hidden, "links": links, "strides": strides}})
    }

    /// Its flows.
    fn sleeping_layers(&self) -> u64 {
        1
    }

    fn python(&self) -> Python {
        python::code(self)
    }

    fn script(&self) -> Torchscript {
        script::code(self)
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundTrajGru::new(self, parameters)?))
    }
}
