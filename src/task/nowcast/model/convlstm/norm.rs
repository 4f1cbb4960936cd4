//! What is normalised between two layers: each state by itself, so that a sample's result depends on no other sample.

use tch::{Kind, Tensor};

use super::architecture::{Architecture, norm_name};
use crate::nn::layer::norm::groups;
use crate::nn::layer::{GroupNorm, LayerNorm};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::config;

/// A norm over its parameters.
#[derive(Debug)]
pub(super) enum Norm {
    Layer(LayerNorm),
    Group(GroupNorm),
    None,
}

impl Norm {
    /// The norm after a layer.
    pub fn after(layer: usize, architecture: &Architecture, parameters: &Parameters) -> Result<Self, ParametersError> {
        let (name, state) = (norm_name(layer), architecture.state(layer));
        Ok(match architecture.norm {
            _ if !architecture.normalises_after(layer) => Self::None,
            config::Norm::Layer => Self::Layer(LayerNorm::new(&name, &state, parameters)?),
            config::Norm::Group => Self::Group(GroupNorm::new(&name, state[0], groups(state[0]), parameters)?),
            config::Norm::None => Self::None,
        })
    }

    /// Normalises the states of all frames in one call.
    pub fn forward(&self, states_bcyx: Vec<Tensor>, precision: Precision) -> Vec<Tensor> {
        let normalise: &dyn Fn(&Tensor) -> Tensor = match self {
            Self::Layer(norm) => &|all| norm.forward(all),
            Self::Group(norm) => &|all| norm.forward(all),
            Self::None => return states_bcyx,
        };
        let Some(samples) = states_bcyx.first().map(|state| state.size()[0]) else { return states_bcyx };
        let all = Tensor::cat(&states_bcyx, 0).to_kind(Kind::Float);
        drop(states_bcyx);
        precision.cast(&normalise(&all)).split(samples, 0)
    }
}
