//! What a trajectory GRU takes of memory, and the sizes of it that no machine can hold.

use super::cell::{FLOW_CHANNELS, FLOW_KERNEL, INPUT_KERNEL};
use super::{HEAD_CHANNELS, KERNEL};
use crate::task::needs::{product, sum};
use crate::task::nowcast::config::TrajGruConfig;
use crate::task::nowcast::needs::{Around, Takes, impossible};
use crate::util::problem::Problem;

/// What a step keeps beside the looked-up states, in multiples of the state: the gates and the state.
const KEPT: u64 = 4;

impl Takes for TrajGruConfig {
    fn parameters(&self, sizes: &Around) -> u64 {
        let scales = (0..self.scales()).map(|index| self.of_scale(index, self.links[index] as u64, sizes));
        let finest = self.hidden.first().map_or(1, |hidden| *hidden as u64);
        let outputs = sizes.outputs / sizes.leads.max(1);
        let head = HEAD_CHANNELS.unsigned_abs();
        sum(scales.chain([convolution(finest, head, KERNEL), convolution(head, outputs, KERNEL)]))
    }

    /// Of every step of a cell the looked-up states, the gates and the state; of every lead what the head sees between
    /// its convolutions.
    fn states(&self, sizes: &Around) -> u64 {
        let mut map = sizes.size;
        let scale = |index: usize| {
            map = map.map(|side| side.div_ceil((self.strides[index] as u64).max(1)));
            let (hidden, links) = (self.hidden[index] as u64, self.links[index] as u64);
            // The encoder's first state is zero: it is not looked up.
            let looked_up = product(&[sum([sizes.frames.saturating_sub(1), sizes.leads]), links, hidden]);
            let gates = product(&[sum([sizes.frames, sizes.leads]), KEPT, hidden]);
            product(&[sum([looked_up, gates]), map[0], map[1]])
        };
        let scales: Vec<u64> = (0..self.scales()).map(scale).collect();
        let head = product(&[sizes.leads, HEAD_CHANNELS.unsigned_abs(), sizes.cells()]);
        sum(scales.into_iter().chain([head]))
    }

    fn problems(&self, sizes: &Around) -> Vec<Problem> {
        let problem = |index: usize| {
            let of = |links: u64| self.of_scale(index, links, sizes);
            let parameters = of(self.links[index] as u64);
            let message = impossible("this scale", parameters)?;
            let [key, remedy] = match impossible("this scale", of(1)) {
                Some(_) => ["hidden", "write 16 to 256 or so"],
                None => ["links", "write 5 to 13 or so"],
            };
            Some(Problem::new(format!("{key}.{index}"), message, remedy))
        };
        (0..self.scales()).filter_map(problem).collect()
    }
}

impl TrajGruConfig {
    /// The scales that all lists have.
    fn scales(&self) -> usize {
        self.hidden.len().min(self.links.len()).min(self.strides.len())
    }

    /// The parameters of encoder and forecaster at one scale.
    fn of_scale(&self, index: usize, links: u64, sizes: &Around) -> u64 {
        let own = self.hidden[index] as u64;
        let inputs = if index == 0 { sizes.channels } else { self.hidden[index - 1] as u64 };
        let flow = FLOW_CHANNELS.unsigned_abs();
        let gates = product(&[3, own]);
        let cell = sum([
            convolution(own, flow, FLOW_KERNEL),
            convolution(flow, product(&[2, links]), FLOW_KERNEL),
            convolution(product(&[links, own]), gates, 1),
        ]);
        let input = sum([convolution(own, flow, FLOW_KERNEL), convolution(own, gates, INPUT_KERNEL)]);
        let encoder = sum([convolution(inputs, own, KERNEL), cell, input]);
        let coarser = (index + 1 < self.scales()).then(|| self.hidden[index + 1] as u64);
        let forecaster = coarser.map_or(cell, |coarser| sum([convolution(coarser, own, KERNEL), cell, input]));
        sum([encoder, forecaster])
    }
}

/// The weights and biases of a convolution.
fn convolution(inputs: u64, outputs: u64, kernel: i64) -> u64 {
    sum([product(&[inputs, outputs, kernel.unsigned_abs(), kernel.unsigned_abs()]), outputs])
}
