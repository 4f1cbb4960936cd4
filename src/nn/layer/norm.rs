//! Norms of each sample by itself, so that a sample's result does not depend on the others. They compute in fp32: sums over
//! thousands of cells lose too much in 16 bits.

use tch::{Kind, Tensor};

use crate::nn::parameters::{Layout, ParameterSpec, Parameters, ParametersError};

/// Added to the variance, as in PyTorch.
pub const EPSILON: f64 = 1e-5;

/// Channels of a group, if the channels can be divided so (Wu and He 2018).
const GROUP_CHANNELS: i64 = 16;

/// Layer norm: a sample as a whole, with a scale for every channel and cell (Ba et al. 2016).
#[derive(Debug)]
pub struct LayerNorm {
    scale: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// Its parameters, for samples of this shape.
    #[must_use]
    pub fn layout(name: &str, shape: &[i64]) -> Layout {
        affine(name, shape).to_vec().into()
    }

    /// The norm of this name.
    ///
    /// # Errors
    /// If a parameter is missing or has another shape.
    pub fn new(name: &str, shape: &[i64], parameters: &Parameters) -> Result<Self, ParametersError> {
        let [scale, bias] = affine(name, shape);
        Ok(Self { scale: parameters.view_of(&scale)?, bias: parameters.view_of(&bias)? })
    }

    /// Samples `[b, ...]`, normalised, in fp32.
    pub fn forward(&self, input_b: &Tensor) -> Tensor {
        let (scale, bias) = (Some(&self.scale), Some(&self.bias));
        input_b.to_kind(Kind::Float).layer_norm(self.scale.size(), scale, bias, EPSILON, true)
    }
}

/// Group norm: a sample in groups of channels, with a scale for every channel (Wu and He 2018).
#[derive(Debug)]
pub struct GroupNorm {
    groups: i64,
    scale: Tensor,
    bias: Tensor,
}

impl GroupNorm {
    /// Its parameters, for samples of this many channels.
    #[must_use]
    pub fn layout(name: &str, channels: i64) -> Layout {
        affine(name, &[channels]).to_vec().into()
    }

    /// The norm of this name with this many groups, such as [`groups`] gives.
    ///
    /// # Errors
    /// If a parameter is missing or has another shape.
    pub fn new(name: &str, channels: i64, groups: i64, parameters: &Parameters) -> Result<Self, ParametersError> {
        let [scale, bias] = affine(name, &[channels]);
        Ok(Self { groups, scale: parameters.view_of(&scale)?, bias: parameters.view_of(&bias)? })
    }

    /// Samples `[b, c, ...]`, normalised, in fp32.
    pub fn forward(&self, input_bc: &Tensor) -> Tensor {
        input_bc.to_kind(Kind::Float).group_norm(self.groups, Some(&self.scale), Some(&self.bias), EPSILON, true)
    }
}

fn affine(name: &str, shape: &[i64]) -> [ParameterSpec; 2] {
    [ParameterSpec::scale(format!("{name}.weight"), shape), ParameterSpec::bias(format!("{name}.bias"), shape)]
}

/// The groups of this many channels: of 16 channels, or of as many as divide both 16 and the channels.
#[must_use]
pub fn groups(channels: i64) -> i64 {
    channels / greatest_common_divisor(channels, GROUP_CHANNELS)
}

fn greatest_common_divisor(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_sixteen_channels_if_it_can() {
        assert_eq!([128, 64, 32, 16].map(groups), [8, 4, 2, 1]);
        assert_eq!([24, 12, 3, 1].map(groups), [3, 3, 3, 1]);
    }
}
