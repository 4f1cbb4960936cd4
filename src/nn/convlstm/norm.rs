//! What is normalised between two layers: each state by itself, so that a sample's result depends on no other sample.

use tch::{Kind, Tensor};

use crate::nn::parameters::ParameterSpec;
use crate::nn::precision::Precision;

/// Added to the variance, as in PyTorch.
pub(in crate::nn) const EPSILON: f64 = 1e-5;

/// Channels of a group where the hidden channels can be divided so (Wu and He 2018).
const GROUP_CHANNELS: i64 = 16;

/// What is normalised between the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Each state as a whole, with a scale for every channel and cell (Ba et al. 2016).
    Layer,
    /// Each state in groups of channels, with a scale for every channel (Wu and He 2018). A group has 16 channels, or as
    /// many as divide both 16 and the layer's channels.
    Group,
    /// Nothing.
    None,
}

impl Norm {
    /// The parameters of one norm below this name.
    pub(super) fn parameters(self, name: &str, hidden: i64, [rows, columns]: [i64; 2]) -> Vec<ParameterSpec> {
        let shape = match self {
            Self::Layer => vec![hidden, rows, columns],
            Self::Group => vec![hidden],
            Self::None => return Vec::new(),
        };
        vec![
            ParameterSpec::scale(format!("{name}.weight"), &shape),
            ParameterSpec::bias(format!("{name}.bias"), &shape),
        ]
    }
}

/// A norm over its scale and bias.
#[derive(Debug)]
pub(super) enum BoundNorm {
    Layer([Tensor; 2]),
    Group([Tensor; 2]),
    None,
}

impl BoundNorm {
    /// After the last layer there are no parameters, and there is no norm.
    pub fn new(norm: Norm, parameters: Vec<Tensor>) -> Self {
        match (norm, <[Tensor; 2]>::try_from(parameters)) {
            (Norm::Layer, Ok(affine)) => Self::Layer(affine),
            (Norm::Group, Ok(affine)) => Self::Group(affine),
            _ => Self::None,
        }
    }

    /// Normalises the states of all frames, in fp32: sums over thousands of cells lose too much in 16 bits.
    pub fn forward(&self, states_bcyx: Vec<Tensor>, precision: Precision) -> Vec<Tensor> {
        if matches!(self, Self::None) || states_bcyx.is_empty() {
            return states_bcyx;
        }
        let samples = states_bcyx[0].size()[0];
        let all = Tensor::cat(&states_bcyx, 0).to_kind(Kind::Float);
        drop(states_bcyx);
        let normalised = match self {
            Self::Layer([scale, bias]) => all.layer_norm(scale.size(), Some(scale), Some(bias), EPSILON, true),
            Self::Group([scale, bias]) => {
                all.group_norm(groups(scale.size()[0]), Some(scale), Some(bias), EPSILON, true)
            }
            Self::None => all,
        };
        precision.cast(&normalised).split(samples, 0)
    }
}

/// The groups of this many channels.
pub(in crate::nn) fn groups(hidden: i64) -> i64 {
    hidden / greatest_common_divisor(hidden, GROUP_CHANNELS)
}

fn greatest_common_divisor(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_sixteen_channels_where_it_can() {
        assert_eq!([128, 64, 32, 16].map(groups), [8, 4, 2, 1]);
        assert_eq!([24, 12, 3, 1].map(groups), [3, 3, 3, 1]);
    }
}
