//! The `model` section: exactly one network by its name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;

/// The network, by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelConfig {
    /// A recurrent network for each stream, then all of them together.
    Lstm(LstmConfig),
    /// Convolutions over time and attention, over all streams at once: fewer parameters, and better with many sequences.
    ConvTransformer(ConvTransformerConfig),
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::Lstm(LstmConfig::default())
    }
}

/// The most numbers of a frame within a network.
const WIDEST: usize = 8192;

/// The most layers of a kind.
const DEEPEST: usize = 64;

/// The most frames that a convolution sees at once.
const LONGEST: usize = 255;

impl ModelConfig {
    /// The key of the network.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lstm(_) => "lstm",
            Self::ConvTransformer(_) => "conv_transformer",
        }
    }

    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let found = match self {
            Self::Lstm(model) => model.problems(),
            Self::ConvTransformer(model) => model.problems(),
        };
        found.into_iter().map(|problem| problem.below(self.name())).collect()
    }
}

impl LstmConfig {
    fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("hidden", self.hidden, WIDEST, "write 256"),
            ("layers", self.layers, DEEPEST, "write 2"),
            ("embedding", self.embedding, WIDEST, "write 512"),
        ];
        let forget = || {
            let message = format!("expected a value from -10 to 10, got {}", self.forget_bias);
            Problem::new("forget_bias", message, "write 1, or 0 for PyTorch's initial values")
        };
        let forget = (!(-10.0..=10.0).contains(&self.forget_bias)).then(forget);
        counts.into_iter().filter_map(count).chain(dropout(self.dropout)).chain(forget).collect()
    }
}

impl ConvTransformerConfig {
    fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("width", self.width, WIDEST, "write 192"),
            ("expand", self.expand, 16, "write 2"),
            ("kernel", self.kernel, LONGEST, "write 17"),
            ("convolutions", self.convolutions, DEEPEST, "write 3"),
            ("blocks", self.blocks, DEEPEST, "write 2"),
            ("heads", self.heads, DEEPEST, "write 4"),
            ("embedding", self.embedding, WIDEST, "write 384"),
        ];
        let undivided = (self.heads > 0 && !self.width.is_multiple_of(self.heads)).then(|| {
            let message = format!("expected a divisor of width, which is {}, got {}", self.width, self.heads);
            Problem::new("heads", message, "write 1, or set `width` to a multiple of it")
        });
        counts.into_iter().filter_map(count).chain(undivided).chain(dropout(self.dropout)).collect()
    }
}

fn count((key, value, most, remedy): (&str, usize, usize, &str)) -> Option<Problem> {
    let message = || format!("expected 1 to {most}, got {value}");
    (!(1..=most).contains(&value)).then(|| Problem::new(key, message(), remedy))
}

fn dropout(share: f64) -> Option<Problem> {
    let message = || format!("expected a value from 0 to 0.95, got {share}");
    (!(0.0..=0.95).contains(&share)).then(|| Problem::new("dropout", message(), "write 0.1, or 0 for none"))
}

/// A recurrent network for each stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LstmConfig {
    /// The memory of each stream.
    pub hidden: usize,
    /// The recurrent layers of each stream.
    pub layers: usize,
    /// The numbers that describe a frame, all streams together.
    pub embedding: usize,
    /// The share of values that dropout clears.
    pub dropout: f64,
    /// How the frames of a sequence become one vector.
    pub pooling: Pooling,
    /// Added to the first bias of the forget gates at the start: with 1 a network forgets less until it has learned when to.
    pub forget_bias: f64,
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self { hidden: 256, layers: 2, embedding: 512, dropout: 0.1, pooling: Pooling::Mean, forget_bias: 0.0 }
    }
}

/// Convolutions over time and attention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConvTransformerConfig {
    /// The numbers of a frame between layers.
    pub width: usize,
    /// How many times as many there are within a layer.
    pub expand: usize,
    /// The frames that a convolution sees at once.
    pub kernel: usize,
    /// Whether these are the last ones; otherwise they are around the frame.
    pub causal: bool,
    /// The convolutions of a block, which attention follows.
    pub convolutions: usize,
    /// The blocks.
    pub blocks: usize,
    /// The parts of the width that attend by themselves.
    pub heads: usize,
    /// The numbers that describe a frame.
    pub embedding: usize,
    /// The share of values that dropout clears.
    pub dropout: f64,
    /// How the frames of a sequence become one vector.
    pub pooling: Pooling,
}

impl Default for ConvTransformerConfig {
    fn default() -> Self {
        Self {
            width: 192,
            expand: 2,
            kernel: 17,
            causal: true,
            convolutions: 3,
            blocks: 2,
            heads: 4,
            embedding: 384,
            dropout: 0.2,
            pooling: Pooling::Mean,
        }
    }
}

/// How the frames of a sequence become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of all frames.
    #[default]
    Mean,
    /// The last frame.
    Last,
    /// The largest value of all frames.
    Max,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_make_no_sense_are_found_with_what_to_write() {
        assert_eq!(ModelConfig::default().problems(), []);
        assert_eq!(ModelConfig::ConvTransformer(ConvTransformerConfig::default()).problems(), []);
        let found = |model: ModelConfig| model.problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>();
        let lstm = LstmConfig { hidden: 0, dropout: 1.0, forget_bias: f64::NAN, ..LstmConfig::default() };
        assert_eq!(found(ModelConfig::Lstm(lstm)), ["lstm.hidden", "lstm.dropout", "lstm.forget_bias"]);
        let other = ConvTransformerConfig { kernel: 256, heads: 5, ..ConvTransformerConfig::default() };
        let other = ModelConfig::ConvTransformer(other);
        assert_eq!(found(other.clone()), ["conv_transformer.kernel", "conv_transformer.heads"]);
        assert_eq!(other.problems()[1].message, "expected a divisor of width, which is 192, got 5");
    }
}
