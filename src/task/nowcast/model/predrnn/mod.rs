//! PredRNN (Wang et al. 2017) and PredRNN++ (Wang et al. 2018): recurrent layers, each with a cell of its own, and one memory m
//! that goes up through all layers and from the last one to the first one of the next frame. Frame by frame; behind the input
//! come its own forecasts. A frame's patches of p x p cells are channels.
//!
//! PredRNN has the ST-LSTM; * is a convolution without bias, sig the logistic function:
//!
//! ```text
//! c = sig(f_x + f_h + 1) c + sig(i_x + i_h) tanh(g_x + g_h)        x* is i f g i' f' g' o, h* is i f g o, m* is i' f' g'
//! m = sig(f'_x + f'_m + 1) m + sig(i'_x + i'_m) tanh(g'_x + g'_m)
//! o = sig(o_x + o_h + [c, m]*);  h = o tanh(conv1([c, m]))
//! ```
//!
//! PredRNN++ has the causal LSTM, in which m follows from the new c, and a highway between the first two layers:
//!
//! ```text
//! c = sig(f_x + f_h + f_c + 1) c + sig(i_x + i_h + i_c) tanh(g_x + g_h + g_c)                     c* is i f g
//! m = sig(f'_x + f'_m + f'_c + 1) tanh(m_m) + sig(i'_x + i'_m + i'_c) tanh(g'_x + g'_c)           m* is i' f' m
//! o = tanh(o_x + o_h + o_c + m*);  h = o tanh(conv1([c, m]))                                      new c* is i' g' f' o
//! z = s tanh(p) + (1 - s) z, with (p, s) from h* + z* of the first layer's h, s through sig; the second layer sees z
//! ```
//!
//! In moving coordinates it returns what is added before and after carrying, and what it sees next is the last frame with what is
//! added before. Cells, memories and z are sums over time and stay fp32 in every precision.
//!
//! It is trained as it is used: not with the published scheduled sampling, which shows it true frames among its forecasts, nor
//! with a loss of the frames that it has seen. Sizes that a patch does not divide are filled up at the end with the border's
//! values, and cut afterwards. No dropout, no randomness.
//!
//! Tensors carry their dimensions: b samples, t frames, k leads, n samples and frames, c channels, y rows, x columns.

mod bound;
mod cell;
mod needs;
mod python;
mod script;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::bound::BoundPredrnn;
use self::cell::Cell;
use super::convolution::Convolution;
use super::{Ending, Forecaster, Forward, Python, Sizes, Torchscript};
use crate::nn::parameters::{Init, Layout, Parameters, ParametersError};
use crate::task::nowcast::config::PredrnnConfig;

/// What the weights of the highway start between, as published.
const HIGHWAY_BOUND: f64 = 1e-3;

/// The PredRNN that a configuration describes.
#[derive(Clone, Debug)]
pub struct Predrnn {
    sizes: Sizes,
    config: PredrnnConfig,
}

impl Predrnn {
    /// The one that this configuration describes, with these inputs and outputs.
    #[must_use]
    pub fn new(config: &PredrnnConfig, sizes: Sizes) -> Self {
        Self { sizes, config: config.clone() }
    }

    /// Rows and columns that become channels.
    fn patch(&self) -> i64 {
        self.config.patch as i64
    }

    /// Channels of a frame in patches.
    fn channels(&self) -> i64 {
        self.sizes.channels * self.patch() * self.patch()
    }

    fn hidden(&self) -> Vec<i64> {
        self.config.hidden.iter().map(|channels| *channels as i64).collect()
    }

    fn cells(&self) -> Vec<Cell> {
        let hidden = self.hidden();
        let before = std::iter::once(hidden.last()).chain(hidden.iter().map(Some)).flatten();
        let cell = |(layer, (memory, own)): (usize, (&i64, &i64))| Cell {
            name: format!("layers.{layer}"),
            inputs: if layer == 0 { self.channels() } else { *memory },
            memory: *memory,
            hidden: *own,
            kernel: self.config.kernel as i64,
            is_causal: self.config.highway,
        };
        before.zip(&hidden).enumerate().map(cell).collect()
    }

    /// From the state of the first layer, and from z.
    fn highway(&self) -> Option<[Convolution; 2]> {
        let first = self.hidden().first().copied().filter(|_| self.config.highway)?;
        let conv = |name: &str| {
            let conv = Convolution::new(name, first, 2 * first, self.config.kernel as i64).without_bias();
            conv.starting_from(Init::Uniform { bound: HIGHWAY_BOUND })
        };
        Some([conv("highway.h"), conv("highway.z")])
    }

    fn head(&self) -> Convolution {
        let init = if self.sizes.starts_at_zero() { Init::Zeros } else { Init::FanInUniform };
        let last = self.hidden().last().copied().unwrap_or(1);
        Convolution::new("head", last, self.sizes.parts * self.channels(), 1).without_bias().starting_from(init)
    }
}

impl Forecaster for Predrnn {
    fn layout(&self) -> Layout {
        let cells = self.cells().iter().map(Cell::layout).fold(Layout::default(), Layout::with);
        let highway = self.highway().iter().flatten().map(Convolution::layout).fold(cells, Layout::with);
        highway.with(self.head().layout())
    }

    fn multiplications(&self) -> f64 {
        let side = |cells: &i64| cells.unsigned_abs().div_ceil(self.config.patch as u64) as f64;
        let cells = self.sizes.size.iter().map(side).product::<f64>();
        let (frames, leads) = (self.sizes.frames as f64, self.sizes.leads as f64);
        let layers: f64 = self.cells().iter().map(Cell::multiplications).sum();
        let highway: f64 = self.highway().iter().flatten().map(Convolution::multiplications).sum();
        cells * ((frames + leads - 1.0) * (layers + highway) + leads * self.head().multiplications())
    }

    fn describe(&self) -> Value {
        let PredrnnConfig { hidden, kernel, patch, highway, .. } = &self.config;
        let frames = self.sizes.frames;
        json!({"predrnn": {
            "frames": frames, "hidden": hidden, "kernel": kernel, "patch": patch, "highway": highway,
        }})
    }

    fn ending(&self) -> Ending {
        Ending::Plain
    }

    fn python(&self) -> Python {
        python::code(self)
    }

    fn script(&self) -> Torchscript {
        script::code(self)
    }

    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError> {
        Ok(Box::new(BoundPredrnn::new(self, parameters)?))
    }
}
