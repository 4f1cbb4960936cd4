//! The networks of this task, each in its own place behind [`SequenceNetwork`]: a new one also needs a variant in the
//! configuration and an arm in [`sequence_network`].
//!
//! ```text
//! config     the section                 sizes    what a network is built for
//! sequences  a batch, and its real frames         pooling   frames become one vector
//! io         inputs and outputs          head     what every network ends with
//! script     what is around a network in TorchScript
//! lstm             a recurrent network for each stream
//! conv_transformer convolutions over time and attention, over all streams at once
//! ```

pub mod config;
pub mod conv_transformer;
mod head;
mod io;
pub mod lstm;
mod pooling;
pub mod script;
mod sequences;
mod sizes;
#[cfg(test)]
mod tests;

use tch::Tensor;

use self::config::ModelConfig;
use self::conv_transformer::ConvTransformer;
use self::lstm::Lstm;
use self::script::Torchscript;
pub use self::sequences::Sequences;
pub use self::sizes::{Sizes, Stream};
use crate::nn::backward::Passed;
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::network::Network;
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;

/// A network that classifies sequences, before it has weights.
pub trait SequenceNetwork: Network {
    /// The network over these parameters: it sees every change of them.
    ///
    /// # Errors
    /// If one of its parameters is missing or has another shape.
    fn over(&self, parameters: &Parameters) -> Result<Box<dyn Forward>, ParametersError>;

    /// The network in TorchScript, and what it is built for.
    fn torchscript(&self) -> (Torchscript, &Sizes);
}

/// A network with its weights.
pub trait Forward: std::fmt::Debug {
    /// What it computes from sequences. What is between has the given precision. When evaluated on a CPU in one thread, a
    /// sequence has the same bits alone and in every batch.
    ///
    /// # Panics
    /// As every operation of `tch`, with libtorch's text: if memory runs out, or the streams are not those of the network. Also
    /// if a length is 0 or larger than the padded one.
    fn forward(&self, sequences: &Sequences, mode: Mode<'_>, precision: Precision) -> Computed;

    /// The logits for training: a network with its own backward pass provides it here. The keys are those of the samples.
    ///
    /// # Panics
    /// As [`Self::forward`].
    fn learn(&self, sequences: &Sequences, keys: &SampleKeys, precision: Precision) -> Passed {
        Passed::with_autograd(self.forward(sequences, Mode::Training(keys), precision).logits_bc)
    }
}

/// What a network computes from sequences.
#[derive(Debug)]
pub struct Computed {
    /// What describes each frame, `[b, t, e]` in fp32; 0 for padding.
    pub embeddings_bte: Tensor,
    /// What describes each sequence, `[b, e]`: its pooled frames.
    pub pooled_be: Tensor,
    /// A number for each class, `[b, c]`: softmax gives probabilities.
    pub logits_bc: Tensor,
}

/// The network that the configuration selects, for these streams and classes.
#[must_use]
pub fn sequence_network(config: &ModelConfig, sizes: Sizes) -> Box<dyn SequenceNetwork> {
    match config {
        ModelConfig::Lstm(config) => Box::new(Lstm { sizes, config: config.clone() }),
        ModelConfig::ConvTransformer(config) => Box::new(ConvTransformer { sizes, config: config.clone() }),
    }
}
