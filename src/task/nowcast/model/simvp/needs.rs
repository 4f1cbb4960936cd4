//! What a SimVP takes of memory, and the sizes of it that no machine can hold.

use super::{FAR_KERNEL, KERNEL, MLP_KERNEL, NEAR_KERNEL};
use crate::task::needs::{product, sum};
use crate::task::nowcast::config::SimvpConfig;
use crate::task::nowcast::needs::{Around, Takes, impossible};
use crate::util::problem::Problem;

/// Images that the backward pass keeps of a layer of encoder and decoder: before the norm, and before SiLU.
const KEPT_OF_SAMPLING: u64 = 2;

/// Images of a block's channels that the backward pass keeps: of attention what seven steps return, one of them twice as wide,
/// and of the last part what two return.
const KEPT_OF_BLOCK: u64 = 10;

/// Images of the wider channels inside of a block's last part: what three steps return.
const KEPT_OF_MLP: u64 = 3;

impl Takes for SimvpConfig {
    fn parameters(&self, sizes: &Around) -> u64 {
        let (width, hidden) = (self.width as u64, self.hidden as u64);
        let sampling = |inputs: u64, outputs: u64| sum([convolution(inputs, outputs, KERNEL), product(&[2, width])]);
        let layers = product(&[2, self.halvings as u64]);
        let encoder =
            sum([sampling(sizes.channels, width), product(&[layers.saturating_sub(1), sampling(width, width)])]);
        let doubling = sampling(width, product(&[4, width]));
        let decoder = product(&[self.halvings as u64, sum([doubling, sampling(width, width)])]);
        let first = product(&[sizes.frames, width]);
        let others = product(&[(self.blocks as u64).saturating_sub(1), self.of_block(hidden)]);
        let changes = [convolution(first, hidden, 1), convolution(hidden, product(&[sizes.leads, width]), 1)];
        let head = convolution(width, sizes.outputs / sizes.leads.max(1), 1);
        sum([encoder, self.of_block(first), others, decoder, head].into_iter().chain(changes))
    }

    fn states(&self, sizes: &Around) -> u64 {
        let cells = |halvings: u64| {
            let shift = u32::try_from(halvings.saturating_mul(2)).unwrap_or(u32::MAX);
            sizes.cells().checked_shr(shift).unwrap_or(0)
        };
        let width = self.width as u64;
        // Of each size on the way down and up one layer at least; the smallest has few cells after ten halvings.
        let layers = (0..self.halvings.min(10) as u64)
            .map(|halvings| product(&[KEPT_OF_SAMPLING, width, sum([sizes.frames, sizes.leads]), cells(halvings)]));
        let block = |channels: u64| {
            let expanded = product(&[KEPT_OF_MLP, channels, self.expansion as u64]);
            product(&[sum([product(&[KEPT_OF_BLOCK, channels]), expanded]), cells(self.halvings as u64)])
        };
        let others = product(&[(self.blocks as u64).saturating_sub(1), block(self.hidden as u64)]);
        sum(layers.chain([block(product(&[sizes.frames, width])), others]))
    }

    fn problems(&self, sizes: &Around) -> Vec<Problem> {
        let Some(message) = impossible("the network", self.parameters(sizes)) else { return Vec::new() };
        let (key, remedy) = self.too_large(sizes);
        vec![Problem::new(key, message, remedy)]
    }
}

impl SimvpConfig {
    fn of_block(&self, channels: u64) -> u64 {
        let expanded = product(&[channels, self.expansion as u64]);
        let attention = [
            convolution(channels, channels, 1),
            convolution(1, channels, NEAR_KERNEL),
            convolution(1, channels, FAR_KERNEL),
            convolution(channels, product(&[2, channels]), 1),
            convolution(channels, channels, 1),
        ];
        let mlp = [
            convolution(channels, expanded, 1),
            convolution(1, expanded, MLP_KERNEL),
            convolution(expanded, channels, 1),
        ];
        // Two norms with scale and bias, and the scales of both parts.
        sum(attention.into_iter().chain(mlp).chain([product(&[6, channels])]))
    }

    /// The key without which the network would be possible.
    fn too_large(&self, sizes: &Around) -> (&'static str, &'static str) {
        let usual = Self::default();
        let others = [
            (Self { blocks: usual.blocks, ..self.clone() }, "blocks", "write 4 to 12 or so"),
            (Self { halvings: usual.halvings, ..self.clone() }, "halvings", "write 1 to 3"),
            (Self { expansion: usual.expansion, ..self.clone() }, "expansion", "write 4 or 8"),
            (Self { hidden: usual.hidden, ..self.clone() }, "hidden", "write 64 to 512 or so"),
        ];
        let possible = |other: &Self| impossible("the network", other.parameters(sizes)).is_none();
        let found = others.into_iter().find(|(other, ..)| possible(other));
        found.map_or(("width", "write 16 to 64 or so"), |(_, key, remedy)| (key, remedy))
    }
}

/// Weights and biases.
fn convolution(inputs: u64, outputs: u64, kernel: i64) -> u64 {
    let kernel = kernel.unsigned_abs();
    sum([product(&[inputs, outputs, kernel, kernel]), outputs])
}
