//! What a U-Net takes of memory, and the sizes of it that no machine can hold.

use super::KERNEL;
use crate::task::needs::{product, sum};
use crate::task::nowcast::config::{UnetConfig, UnetNorm};
use crate::task::nowcast::needs::{Around, Takes, impossible};
use crate::util::problem::Problem;

/// Outputs that the backward pass keeps of a block: those of two convolutions, and after SiLU.
const KEPT: u64 = 4;

impl Takes for UnetConfig {
    fn parameters(&self, sizes: &Around) -> u64 {
        let widths = self.channels();
        let first = product(&[sizes.frames, sizes.channels]);
        let inputs = std::iter::once(first).chain(widths.iter().copied());
        let down = inputs.zip(&widths).map(|(inputs, &outputs)| self.of_block(inputs, outputs));
        let up = widths.windows(2).map(|pair| self.of_block(sum([pair[0], pair[1]]), pair[0]));
        let finest = widths.first().copied().unwrap_or(1);
        let head = sum([convolution(finest, sizes.outputs), sizes.outputs]);
        sum(down.chain(up).chain([head]))
    }

    /// What every block returns, at its own size.
    fn states(&self, sizes: &Around) -> u64 {
        let levels = self.channels().into_iter().enumerate();
        let level = |(level, channels): (usize, u64)| {
            let cells = sizes.cells().checked_shr(2 * level as u32).unwrap_or(0);
            let blocks = if level + 1 == self.widths.len() { 1 } else { 2 };
            product(&[blocks, KEPT, channels, cells])
        };
        sum(levels.map(level))
    }

    fn problems(&self, sizes: &Around) -> Vec<Problem> {
        let message = impossible("the network", self.parameters(sizes));
        message.map(|message| Problem::new("base", message, "write 16 to 64 or so")).into_iter().collect()
    }
}

impl UnetConfig {
    /// Channels of each level, from the finest.
    fn channels(&self) -> Vec<u64> {
        self.widths.iter().map(|width| product(&[*width as u64, self.base as u64])).collect()
    }

    fn of_block(&self, inputs: u64, outputs: u64) -> u64 {
        let norms = if self.norm == UnetNorm::Group { product(&[4, outputs]) } else { 0 };
        sum([convolution(inputs, outputs), convolution(outputs, outputs), product(&[2, outputs]), norms])
    }
}

fn convolution(inputs: u64, outputs: u64) -> u64 {
    product(&[inputs, outputs, KERNEL.unsigned_abs(), KERNEL.unsigned_abs()])
}
