//! A PredRNN with its weights: the forward pass.

use tch::{Kind, Tensor};

use super::Predrnn;
use super::cell::{BoundCell, State};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::model::convolution::BoundConvolution;
use crate::task::nowcast::model::fill::filled;
use crate::task::nowcast::model::{Forward, Sizes, by_lead};

/// A PredRNN over the parameters that it was built from: it sees every change of them.
#[derive(Debug)]
pub struct BoundPredrnn {
    cells: Vec<BoundCell>,
    highway: Option<[BoundConvolution; 2]>,
    head: BoundConvolution,
    sizes: Sizes,
    patch: i64,
    channels: i64,
}

/// What goes from one frame to the next.
#[derive(Default)]
struct Kept {
    states: Vec<Option<State>>,
    memory_bcyx: Option<Tensor>,
    highway_bcyx: Option<Tensor>,
}

impl BoundPredrnn {
    /// The network over these parameters.
    ///
    /// # Errors
    /// If one of them is missing or has another shape.
    pub fn new(predrnn: &Predrnn, parameters: &Parameters) -> Result<Self, ParametersError> {
        let highway = predrnn.highway().map(|[h, z]| Ok([h.over(parameters)?, z.over(parameters)?])).transpose()?;
        Ok(Self {
            cells: predrnn.cells().iter().map(|cell| BoundCell::new(cell, parameters)).collect::<Result<_, _>>()?,
            highway,
            head: predrnn.head().over(parameters)?,
            sizes: predrnn.sizes.clone(),
            patch: predrnn.patch(),
            channels: predrnn.channels(),
        })
    }

    /// The last layer's state after one more frame.
    fn advance(&self, frame_bcyx: &Tensor, kept: &mut Kept, precision: Precision) -> Tensor {
        let mut image_bcyx = precision.cast(frame_bcyx);
        kept.states.resize_with(self.cells.len(), || None);
        for (layer, (cell, state)) in self.cells.iter().zip(&mut kept.states).enumerate() {
            let memory_bcyx = kept.memory_bcyx.as_ref();
            let (next, memory_bcyx) = cell.advance(&image_bcyx, state.as_ref(), memory_bcyx, precision);
            image_bcyx = next.hidden_bcyx.shallow_clone();
            (*state, kept.memory_bcyx) = (Some(next), Some(memory_bcyx));
            if let (0, Some(highway)) = (layer, &self.highway) {
                let z_bcyx = passed(highway, &image_bcyx, kept.highway_bcyx.as_ref(), precision);
                image_bcyx = precision.cast(&z_bcyx);
                kept.highway_bcyx = Some(z_bcyx);
            }
        }
        image_bcyx
    }
}

impl Forward for BoundPredrnn {
    fn forward(&self, frames_btcyx: &Tensor, precision: Precision) -> Tensor {
        let size = frames_btcyx.size();
        let [samples, times, _, rows, columns] = [0, 1, 2, 3, 4].map(|axis| size[axis]);
        let patched_ncyx = filled(&frames_btcyx.flatten(0, 1), self.patch).pixel_unshuffle(self.patch);
        let mut frames_bcyx = patched_ncyx.unflatten(0, [samples, times]).unbind(1);
        let mut outputs_bcyx = Vec::with_capacity(self.sizes.leads as usize);
        let mut kept = Kept::default();
        let last_bcyx = frames_bcyx.pop().unwrap_or_default();
        for frame_bcyx in &frames_bcyx {
            drop(self.advance(frame_bcyx, &mut kept, precision));
        }
        let mut frame_bcyx = last_bcyx.shallow_clone();
        for _ in 0..self.sizes.leads {
            let state_bcyx = self.advance(&frame_bcyx, &mut kept, precision);
            let output_bcyx = self.head.forward(&state_bcyx, precision).to_kind(Kind::Float);
            frame_bcyx = match self.sizes.parts {
                1 => output_bcyx.shallow_clone(),
                _ => &last_bcyx + output_bcyx.narrow(1, 0, self.channels),
            };
            outputs_bcyx.push(output_bcyx);
        }
        let output_bkcyx = Tensor::stack(&outputs_bcyx, 1).pixel_shuffle(self.patch);
        by_lead::ordered(&output_bkcyx, &self.sizes, [rows, columns])
    }
}

/// z = s tanh(p) + (1 - s) z.
fn passed([h, z]: &[BoundConvolution; 2], hidden: &Tensor, before: Option<&Tensor>, precision: Precision) -> Tensor {
    let from_hidden = h.forward(hidden, precision);
    let gates = match before {
        None => from_hidden,
        Some(before) => from_hidden + z.forward(before, precision),
    };
    let gates = gates.chunk(2, 1);
    let (seen, share) = (gates[0].tanh(), gates[1].sigmoid());
    let new = (&share * seen).to_kind(Kind::Float);
    match before {
        None => new,
        Some(before) => new + (1.0 - share) * before,
    }
}
