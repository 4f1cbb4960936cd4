//! What a ConvLSTM takes of memory, and the sizes of it that no machine can hold.

use super::attention::{PLACE_KERNEL, REDUCTION};
use crate::task::needs::{product, sum};
use crate::task::nowcast::config::{Attention, ConvLstmConfig, Norm};
use crate::task::nowcast::needs::{Around, Takes, impossible, kernel_problem};
use crate::util::problem::Problem;

/// The head's convolution.
const HEAD_KERNEL: u64 = 3;

impl Takes for ConvLstmConfig {
    fn parameters(&self, sizes: &Around) -> u64 {
        let layers = (0..self.hidden.len()).map(|layer| self.of_layer(layer, sizes));
        let last = self.hidden.last().map_or(1, |hidden| *hidden as u64);
        let head = sum([product(&[sizes.outputs, last, HEAD_KERNEL, HEAD_KERNEL]), sizes.outputs]);
        sum(layers.chain([head]))
    }

    /// The state of every layer after every frame, before its attention too, and the weights of every pair of cells.
    fn states(&self, sizes: &Around) -> u64 {
        let hidden = sum(self.hidden.iter().map(|hidden| *hidden as u64));
        let states = product(&[sizes.frames, hidden, sizes.cells()]);
        match self.attention {
            Attention::None => states,
            Attention::Cbam => product(&[3, states]),
            Attention::Memory => {
                let layers = self.hidden.len() as u64;
                sum([product(&[2, states]), product(&[2, layers, sizes.frames, sizes.cells(), sizes.cells()])])
            }
        }
    }

    fn problems(&self, sizes: &Around) -> Vec<Problem> {
        // With such a kernel, all other sizes follow from the mistake.
        if let Some(kernel) = self.kernel_problem(sizes) {
            return vec![kernel];
        }
        let problem = |layer: usize| {
            let message = impossible("this layer", self.of_layer(layer, sizes))?;
            Some(Problem::new(format!("hidden.{layer}"), message, "write 16 to 256 or so"))
        };
        (0..self.hidden.len()).filter_map(problem).collect()
    }
}

impl ConvLstmConfig {
    fn of_layer(&self, layer: usize, sizes: &Around) -> u64 {
        let Self { hidden, kernel, norm, .. } = self;
        let own = hidden[layer] as u64;
        let inputs = if layer == 0 { sizes.channels } else { hidden[layer - 1] as u64 };
        let gates = product(&[4, own]);
        let weights = product(&[gates, sum([inputs, own]), *kernel as u64, *kernel as u64]);
        let norm = match norm {
            _ if layer + 1 == hidden.len() => 0,
            Norm::Layer => product(&[2, own, sizes.cells()]),
            Norm::Group => product(&[2, own]),
            Norm::None => 0,
        };
        sum([weights, gates, norm, self.of_attention(own)])
    }

    /// The convolutions with their biases; a key has none.
    fn of_attention(&self, own: u64) -> u64 {
        let maps = |inputs: u64, outputs: u64| sum([product(&[inputs, outputs]), outputs]);
        match self.attention {
            Attention::None => 0,
            Attention::Cbam => {
                let reduced = (own / REDUCTION.unsigned_abs()).max(1);
                let place = product(&[2, PLACE_KERNEL.unsigned_abs(), PLACE_KERNEL.unsigned_abs()]);
                sum([maps(own, reduced), maps(reduced, own), place])
            }
            Attention::Memory => {
                let (both, shared) = (product(&[2, own]), (own / 2).max(1));
                let keys = product(&[2, own, shared]);
                let values = product(&[2, maps(own, own)]);
                sum([maps(own, shared), keys, values, maps(both, own), maps(both, product(&[3, own]))])
            }
        }
    }

    /// A kernel that is wider than this never has its outer weights over the frame.
    fn kernel_problem(&self, sizes: &Around) -> Option<Problem> {
        let shorter = sizes.size[0].min(sizes.size[1]);
        kernel_problem(self.kernel, shorter, "")
    }
}
