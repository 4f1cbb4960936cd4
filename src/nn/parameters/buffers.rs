//! Buffers: running statistics, which a model computes from what it sees. They are in a third flat fp32 tensor, and a model
//! writes to named views of it while it learns.
//!
//! They are part of the model, not of a step: if a step is discarded, its changes to them are undone.

use std::ops::Range;

use tch::{Device, Tensor};

use super::spec::BufferSpec;
use super::{Parameters, ParametersError, part};

/// The buffers of a model, in the order in which it requested them.
#[derive(Debug)]
pub(super) struct Buffers {
    values: Tensor,
    kept: Tensor,
    entries: Vec<(BufferSpec, Range<usize>)>,
}

impl Buffers {
    pub(super) fn new(specs: &[BufferSpec], device: Device) -> Self {
        let starts: Vec<f32> = specs.iter().flat_map(|spec| vec![spec.start; spec.count()]).collect();
        let values = Tensor::from_slice(&starts).to_device(device);
        let place = |end: &mut usize, spec: &BufferSpec| {
            let start = std::mem::replace(end, *end + spec.count());
            Some((spec.clone(), start..*end))
        };
        Self { kept: values.copy(), values, entries: specs.iter().scan(0, place).collect() }
    }

    /// Each buffer with its part of a flat tensor of this layout.
    fn parts_of(&self, flat: &Tensor) -> impl Iterator<Item = (&BufferSpec, Tensor)> {
        self.entries.iter().map(move |(spec, range)| (spec, part(flat, range, &spec.shape)))
    }
}

impl Parameters {
    /// All buffers, flat. Shares its memory with the views.
    pub fn buffers(&self) -> Tensor {
        self.buffers.values.shallow_clone()
    }

    /// The buffers as requested, each with its part of the flat tensor, whose memory it shares.
    pub fn buffer_parts(&self) -> Vec<(&BufferSpec, Tensor)> {
        self.buffers.parts_of(&self.buffers.values).collect()
    }

    /// A copy of the flat buffers, as on another device, in the same parts.
    pub fn buffer_parts_of(&self, flat: &Tensor) -> Vec<(&BufferSpec, Tensor)> {
        self.buffers.parts_of(flat).collect()
    }

    /// A buffer by what a model needs, to read and to write in place. It shares the memory of [`Self::buffers`].
    ///
    /// # Errors
    /// If there is none of this name, or it has another shape.
    pub fn buffer_of(&self, spec: &BufferSpec) -> Result<Tensor, ParametersError> {
        let found = self.buffer_parts().into_iter().find(|(known, _)| known.name == spec.name);
        let (known, view) = found.ok_or_else(|| ParametersError::Unknown(spec.name.clone()))?;
        if known.shape != spec.shape {
            let (name, expected) = (spec.name.clone(), spec.shape.clone());
            return Err(ParametersError::Shape { name, got: known.shape.clone(), expected });
        }
        // With a count of changes of its own: autograd refuses a backward pass if what it saved of one layer was changed, and
        // views count the changes of the whole.
        Ok(view.data())
    }

    /// Remembers the buffers, for [`Self::restore_buffers`]. Does not wait for the device.
    pub fn keep_buffers(&self) {
        copy(&self.buffers.values, &self.buffers.kept);
    }

    /// Gives the buffers the values that they had at the last [`Self::keep_buffers`]: what was computed since is not a step.
    pub fn restore_buffers(&self) {
        copy(&self.buffers.kept, &self.buffers.values);
    }
}

fn copy(from: &Tensor, to: &Tensor) {
    if from.numel() > 0 {
        tch::no_grad(|| to.shallow_clone().copy_(from));
    }
}
