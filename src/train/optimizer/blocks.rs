//! Scratch memory for steps made of tensor operations: the weights go through it block by block, so that a step on a
//! GPU needs little memory and, once it is there, none that could run out half-way.

use std::ops::Range;

use tch::Tensor;

use super::runs::{Run, decayed_within};

/// Large enough that launching a kernel costs less than running it.
const BLOCK: usize = 1 << 22;

/// Two blocks of scratch memory.
#[derive(Debug)]
pub(super) struct Blocks([Tensor; 2]);

/// A part of the weights, with scratch memory of the same size.
pub(super) struct Block<'a> {
    range: Range<usize>,
    scratch: &'a [Tensor; 2],
}

impl Blocks {
    /// Scratch memory on the device of these weights.
    pub fn beside(values: &Tensor) -> Self {
        let one = || values.narrow(0, 0, values.numel().min(BLOCK) as i64).zeros_like();
        Self([one(), one()])
    }

    /// The blocks that make up the weights.
    pub fn over(&self, values: &Tensor) -> impl Iterator<Item = Block<'_>> {
        let length = values.numel();
        let size = self.0[0].numel().max(1);
        let range = move |start: usize| start..length.min(start + size);
        (0..length).step_by(size).map(move |start| Block { range: range(start), scratch: &self.0 })
    }
}

impl Block<'_> {
    /// The block's part of a flat tensor.
    pub fn of(&self, tensor: &Tensor) -> Tensor {
        part(tensor, &self.range)
    }

    fn scratch(&self) -> (Tensor, Tensor) {
        let [first, second] = self.scratch.each_ref().map(|scratch| part(scratch, &(0..self.range.len())));
        (first, second)
    }
}

/// The block's gradients in the first scratch tensor, with a share of each decayed weight added; the second is free.
pub(super) fn penalised(
    block: &Block<'_>,
    value: &Tensor,
    gradients: &Tensor,
    penalty: f64,
    runs: &[Run],
) -> (Tensor, Tensor) {
    let (mut gradient, scratch) = block.scratch();
    gradient.copy_(&block.of(gradients));
    if penalty != 0.0 {
        for range in decayed_within(runs, &block.range) {
            let (mut decayed, mut added) = (part(&gradient, &range), part(&scratch, &range));
            added.copy_(&part(value, &range));
            added *= penalty;
            decayed += &added;
        }
    }
    (gradient, scratch)
}

fn part(tensor: &Tensor, range: &Range<usize>) -> Tensor {
    tensor.narrow(0, range.start as i64, range.len() as i64)
}
