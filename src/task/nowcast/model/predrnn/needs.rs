//! What a PredRNN takes of memory, and the sizes of it that no machine can hold.

use crate::task::needs::{product, sum};
use crate::task::nowcast::config::PredrnnConfig;
use crate::task::nowcast::needs::{Around, Takes, impossible, kernel_problem};
use crate::util::problem::Problem;

/// Images that the backward pass keeps of a layer and a frame: seven gates, what the last one gates, cell and memory.
const KEPT: u64 = 10;

impl Takes for PredrnnConfig {
    fn parameters(&self, sizes: &Around) -> u64 {
        let layers = (0..self.hidden.len()).map(|layer| self.of_layer(layer, sizes));
        let [first, last] =
            [self.hidden.first(), self.hidden.last()].map(|hidden| hidden.map_or(1, |hidden| *hidden as u64));
        let highway = if self.highway { product(&[4, first, first, self.cells_of_kernel()]) } else { 0 };
        let outputs = product(&[sizes.outputs / sizes.leads.max(1), self.cells_of_patch()]);
        sum(layers.chain([highway, product(&[last, outputs])]))
    }

    /// The states of every layer after every frame.
    fn states(&self, sizes: &Around) -> u64 {
        let hidden = sum(self.hidden.iter().map(|hidden| *hidden as u64));
        let frames = sum([sizes.frames, sizes.leads]).saturating_sub(1);
        product(&[frames, KEPT, hidden, sizes.cells() / self.cells_of_patch().max(1)])
    }

    fn problems(&self, sizes: &Around) -> Vec<Problem> {
        // With such a kernel, all other sizes follow from the mistake.
        if let Some(kernel) = self.kernel_problem(sizes) {
            return vec![kernel];
        }
        let problem = |layer: usize| {
            let message = impossible("this layer", self.of_layer(layer, sizes))?;
            Some(Problem::new(format!("hidden.{layer}"), message, "write 32 to 128 or so"))
        };
        (0..self.hidden.len()).filter_map(problem).collect()
    }
}

impl PredrnnConfig {
    fn cells_of_patch(&self) -> u64 {
        product(&[self.patch as u64, self.patch as u64])
    }

    fn cells_of_kernel(&self) -> u64 {
        product(&[self.kernel as u64, self.kernel as u64])
    }

    fn of_layer(&self, layer: usize, sizes: &Around) -> u64 {
        let own = self.hidden[layer] as u64;
        let below = layer.checked_sub(1).map(|below| self.hidden[below] as u64);
        let memory = below.unwrap_or(self.hidden[self.hidden.len() - 1] as u64);
        let inputs = below.unwrap_or(product(&[sizes.channels, self.cells_of_patch()]));
        // Of h, c and m together: 4 gates of h; of a causal LSTM 3 + 4 of c and 1 of m, else 1 of c and m.
        let states = if self.highway { 12 } else { 6 };
        let wide = sum([product(&[7, inputs]), product(&[states, own]), product(&[3, memory])]);
        product(&[own, sum([product(&[wide, self.cells_of_kernel()]), product(&[2, own])])])
    }

    /// A kernel that is wider than this never has its outer weights over the patches of a frame.
    fn kernel_problem(&self, sizes: &Around) -> Option<Problem> {
        let shorter = sizes.size[0].min(sizes.size[1]).div_ceil((self.patch as u64).max(1));
        kernel_problem(self.kernel, shorter, " patches")
    }
}
