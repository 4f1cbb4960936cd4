//! What a model declares before memory is allocated: its parameters, which are trained, and its buffers, which are
//! computed from the data. Each has the name that weight files know it by.

use super::init::Init;

/// A parameter that a model requests.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// The name that weight files know it by.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<i64>,
    /// What it starts from.
    pub init: Init,
    /// Whether weight decay applies to it.
    pub decay: bool,
    /// Whether the loss does not depend on it in training, as on a bias in front of a batch norm.
    pub idle: bool,
}

/// A buffer that a model requests: a running statistic. It is saved with the parameters and never optimised.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferSpec {
    /// The name that weight files know it by.
    pub name: String,
    /// Its dimensions; none for a single number.
    pub shape: Vec<i64>,
    /// What each of its numbers starts from.
    pub start: f32,
    /// What its numbers are in a weight file.
    pub numbers: Numbers,
}

/// What the numbers of a tensor are in a weight file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbers {
    /// fp32.
    Float,
    /// Whole numbers of 64 bits. In memory they are fp32, which counts exactly up to 16,777,216 and stays there.
    Whole,
}

/// All that a model requests, in memory order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// What is trained.
    pub parameters: Vec<ParameterSpec>,
    /// What is computed from the data.
    pub buffers: Vec<BufferSpec>,
}

impl ParameterSpec {
    /// A parameter.
    pub fn new(name: impl Into<String>, shape: &[i64], init: Init) -> Self {
        Self { name: name.into(), shape: shape.into(), init, decay: false, idle: false }
    }

    /// The same parameter with weight decay.
    #[must_use]
    pub fn decayed(self) -> Self {
        Self { decay: true, ..self }
    }

    /// The same parameter if the loss does not depend on it in training.
    #[must_use]
    pub fn idle(self) -> Self {
        Self { idle: true, ..self }
    }

    /// The weights of a layer, `[out, in, ...]`: random, with weight decay.
    pub fn weight(name: impl Into<String>, shape: &[i64]) -> Self {
        Self::new(name, shape, Init::XavierUniform).decayed()
    }

    /// A bias: 0, without weight decay.
    pub fn bias(name: impl Into<String>, shape: &[i64]) -> Self {
        Self::new(name, shape, Init::Zeros)
    }

    /// The scale of a norm: 1, without weight decay.
    pub fn scale(name: impl Into<String>, shape: &[i64]) -> Self {
        Self::new(name, shape, Init::Ones)
    }

    /// How many numbers it has.
    #[must_use]
    pub fn count(&self) -> usize {
        count(&self.shape)
    }
}

impl BufferSpec {
    /// A running statistic.
    pub fn statistic(name: impl Into<String>, shape: &[i64], start: f32) -> Self {
        Self { name: name.into(), shape: shape.into(), start, numbers: Numbers::Float }
    }

    /// A single whole number that counts from 0.
    pub fn counter(name: impl Into<String>) -> Self {
        Self { name: name.into(), shape: Vec::new(), start: 0.0, numbers: Numbers::Whole }
    }

    /// How many numbers it has.
    #[must_use]
    pub fn count(&self) -> usize {
        count(&self.shape)
    }
}

impl Layout {
    /// This layout with that of a further part of the model behind it.
    #[must_use]
    pub fn with(mut self, part: Self) -> Self {
        self.parameters.extend(part.parameters);
        self.buffers.extend(part.buffers);
        self
    }

    /// The number of trained numbers.
    #[must_use]
    pub fn count(&self) -> usize {
        self.parameters.iter().map(ParameterSpec::count).sum()
    }
}

impl<I: IntoIterator<Item = ParameterSpec>> From<I> for Layout {
    fn from(parameters: I) -> Self {
        Self { parameters: parameters.into_iter().collect(), buffers: Vec::new() }
    }
}

fn count(shape: &[i64]) -> usize {
    shape.iter().product::<i64>().unsigned_abs() as usize
}
