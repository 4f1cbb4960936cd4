//! All parameters of a model in one flat fp32 tensor, and their gradients in a second: clipping, the step of the optimizer,
//! averages and checkpoints are then operations on one tensor. A model sees named views of the first; what autograd computes
//! for a view is added to the second. What a model computes from the data, such as running means, is in a third: its buffers.

mod buffers;
mod init;
mod load;
mod pattern;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tch::{Device, Kind, Tensor};
use thiserror::Error;

use crate::util::exit::Exit;
use buffers::Buffers;
pub use init::Init;
pub use load::{LoadReport, Mismatch};
pub use spec::{BufferSpec, Layout, Numbers, ParameterSpec};

/// The parameters of a model and its buffers, in the order in which it requested them.
#[derive(Debug)]
pub struct Parameters {
    values: Tensor,
    gradients: Tensor,
    buffers: Buffers,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug)]
struct Entry {
    spec: ParameterSpec,
    range: Range<usize>,
    view: Tensor,
    frozen: bool,
}

/// Parameters that can't be as requested.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParametersError {
    /// Two parameters or buffers would be saved under one name.
    #[error("two parameters or buffers have the name {0:?}, expected names that differ")]
    Duplicate(String),
    /// A model requests one that does not exist.
    #[error("there is no parameter or buffer {0:?}; build the parameters from the model's own layout")]
    Unknown(String),
    /// A model requests another shape.
    #[error("{name:?} has the shape {got:?}, expected {expected:?}")]
    Shape {
        /// The parameter or buffer.
        name: String,
        /// As it is.
        got: Vec<i64>,
        /// As the model needs it.
        expected: Vec<i64>,
    },
    /// Nothing has this name.
    #[error("no parameter is called {pattern:?}; there are {known}", known = .known.join(", "))]
    NoMatch {
        /// What was looked for.
        pattern: String,
        /// All names.
        known: Vec<String>,
    },
    /// A flat tensor of another model.
    #[error("got a flat tensor of {got} numbers, expected {expected}")]
    Length {
        /// Its length.
        got: usize,
        /// The number of parameters.
        expected: usize,
    },
}

impl ParametersError {
    /// The exit code: a pattern comes from the configuration, all else from the program.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoMatch { .. } => Exit::Configuration,
            _ => Exit::Bug,
        }
    }
}

impl Parameters {
    /// Parameters with their initial values, which are a function of the seed and each one's name: the same on every
    /// device.
    ///
    /// # Errors
    /// If two parameters or buffers have the same name.
    pub fn new(layout: &Layout, seed: u64, device: Device) -> Result<Self, ParametersError> {
        check_names(layout)?;
        let specs = &layout.parameters;
        let mut initial = Vec::with_capacity(layout.count());
        specs.iter().for_each(|spec| initial.extend(spec.init.values(seed, &spec.name, &spec.shape)));
        let values = Tensor::from_slice(&initial).to_device(device);
        let gradients = values.zeros_like();
        let (mut entries, mut by_name) = (Vec::with_capacity(specs.len()), HashMap::new());
        let mut end = 0;
        for spec in specs {
            by_name.insert(spec.name.clone(), entries.len());
            let range = end..end + spec.count();
            end = range.end;
            let view = leaf(&part(&values, &range, &spec.shape), &part(&gradients, &range, &spec.shape));
            entries.push(Entry { spec: spec.clone(), range, view, frozen: false });
        }
        let buffers = Buffers::new(&layout.buffers, device);
        Ok(Self { values, gradients, buffers, entries, by_name })
    }

    /// All values, flat. Shares its memory with the views: writing to it changes the model.
    pub fn values(&self) -> Tensor {
        self.values.shallow_clone()
    }

    /// All gradients, flat. Backward passes add to them.
    pub fn gradients(&self) -> Tensor {
        self.gradients.shallow_clone()
    }

    /// Sets all gradients to 0, in place: the views keep theirs in the flat tensor.
    pub fn zero_gradients(&self) {
        drop(self.gradients().zero_());
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.numel()
    }

    /// A parameter by its name, as a leaf of autograd. It shares the memory of [`Self::values`] for as long as it lives.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn view(&self, name: &str) -> Result<Tensor, ParametersError> {
        Ok(self.entry(name)?.view.shallow_clone())
    }

    /// A parameter by what a model needs, as [`Self::view`].
    ///
    /// # Errors
    /// If there is none of this name, or it has another shape.
    pub fn view_of(&self, spec: &ParameterSpec) -> Result<Tensor, ParametersError> {
        let entry = self.entry(&spec.name)?;
        if entry.spec.shape != spec.shape {
            let (name, expected) = (spec.name.clone(), spec.shape.clone());
            return Err(ParametersError::Shape { name, got: entry.spec.shape.clone(), expected });
        }
        Ok(entry.view.shallow_clone())
    }

    /// A parameter's part of the flat gradient, in the parameter's shape: what a backward pass written by hand adds to.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn gradient(&self, name: &str) -> Result<Tensor, ParametersError> {
        let entry = self.entry(name)?;
        Ok(part(&self.gradients, &entry.range, &entry.spec.shape))
    }

    fn entry(&self, name: &str) -> Result<&Entry, ParametersError> {
        let index = self.by_name.get(name).ok_or_else(|| ParametersError::Unknown(name.into()))?;
        Ok(&self.entries[*index])
    }

    /// The parameters as requested, each with its place in the flat tensors.
    pub fn layout(&self) -> impl Iterator<Item = (&ParameterSpec, Range<usize>)> {
        self.entries.iter().map(|entry| (&entry.spec, entry.range.clone()))
    }

    /// The names, in the order of the flat tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.spec.name.as_str())
    }

    /// The places of those that weight decay applies to, in order, neighbours joined. The frozen ones are not among them.
    #[must_use]
    pub fn decayed(&self) -> Vec<Range<usize>> {
        joined(self.entries.iter().filter(|entry| entry.spec.decay && !entry.frozen))
    }

    /// The places of the frozen ones, in order, neighbours joined.
    #[must_use]
    pub fn frozen(&self) -> Vec<Range<usize>> {
        joined(self.entries.iter().filter(|entry| entry.frozen))
    }

    /// Freezes the parameters whose name fits a pattern, where `*` matches anything: no gradient is computed for them.
    /// Their gradient is 0 from now on, and no weight decay applies. Buffers are not frozen: running statistics follow
    /// the data. After this an optimizer with momentum must be replaced by a new one, or it would still move them.
    /// Returns their names.
    ///
    /// # Errors
    /// If no name fits.
    pub fn freeze(&mut self, pattern: &str) -> Result<Vec<String>, ParametersError> {
        let mut names = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| pattern::fits(pattern, &entry.spec.name)) {
            entry.frozen = true;
            drop(entry.view.set_requires_grad(false));
            drop(part(&self.gradients, &entry.range, &entry.spec.shape).zero_());
            names.push(entry.spec.name.clone());
        }
        if names.is_empty() {
            let known = self.names().map(str::to_owned).collect();
            return Err(ParametersError::NoMatch { pattern: pattern.into(), known });
        }
        Ok(names)
    }

    /// Lets all parameters learn again.
    pub fn thaw(&mut self) {
        for entry in &mut self.entries {
            entry.frozen = false;
            drop(entry.view.set_requires_grad(true));
        }
    }

    /// The names of those that should learn and whose gradient is nothing but 0: asked after a backward pass, a part of the
    /// model that the loss does not depend on, against expectation. Waits for the device once.
    #[must_use]
    pub fn unused(&self) -> Vec<&str> {
        let learning: Vec<&Entry> =
            self.entries.iter().filter(|entry| !entry.frozen && !entry.spec.idle && !entry.range.is_empty()).collect();
        if learning.is_empty() {
            return Vec::new();
        }
        let touched = |entry: &&Entry| part(&self.gradients, &entry.range, &entry.spec.shape).ne(0.0).any();
        let touched = Tensor::stack(&learning.iter().map(touched).collect::<Vec<_>>(), 0).to_device(Device::Cpu);
        let is_unused = |index: &usize| touched.int64_value(&[*index as i64]) == 0;
        (0..learning.len()).filter(is_unused).map(|index| learning[index].spec.name.as_str()).collect()
    }

    /// A flat tensor of this layout (the values, a moment of an optimizer, an average) as named parts, which share its
    /// memory.
    ///
    /// # Errors
    /// If its length is not that of the parameters.
    pub fn parts_of(&self, flat: &Tensor) -> Result<Vec<(String, Tensor)>, ParametersError> {
        self.check_length(flat.numel())?;
        let flat = flat.detach();
        let named = |entry: &Entry| (entry.spec.name.clone(), part(&flat, &entry.range, &entry.spec.shape));
        Ok(self.entries.iter().map(named).collect())
    }

    fn check_length(&self, got: usize) -> Result<(), ParametersError> {
        let expected = self.count();
        if got == expected { Ok(()) } else { Err(ParametersError::Length { got, expected }) }
    }
}

fn check_names(layout: &Layout) -> Result<(), ParametersError> {
    let parameters = layout.parameters.iter().map(|spec| &spec.name);
    let mut known = HashSet::new();
    match parameters.chain(layout.buffers.iter().map(|spec| &spec.name)).find(|name| !known.insert(*name)) {
        Some(name) => Err(ParametersError::Duplicate(name.clone())),
        None => Ok(()),
    }
}

fn part(flat: &Tensor, range: &Range<usize>, shape: &[i64]) -> Tensor {
    flat.narrow(0, range.start as i64, range.len() as i64).view(shape)
}

/// A leaf over a part of the values, whose gradient is a part of the gradients. `tch` can't set a gradient, so a first
/// backward pass makes one, and its data are then exchanged. Later passes add to it in place.
fn leaf(values: &Tensor, gradients: &Tensor) -> Tensor {
    let view = values.detach().set_requires_grad(true);
    tch::with_grad(|| (view.sum(Kind::Float) * 0.0).backward());
    view.grad().set_data(gradients);
    view
}

fn joined<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for entry in entries {
        match ranges.last_mut() {
            Some(last) if last.end == entry.range.start => last.end = entry.range.end,
            _ => ranges.push(entry.range.clone()),
        }
    }
    ranges
}
