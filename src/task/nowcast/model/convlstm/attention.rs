//! Attention on the state h of a layer: what is weighed is what the layer's next step, the next layer and the head see. The
//! cell c stays as it is.
//!
//! ```text
//! cbam    h = h sig(mlp(mean over cells) + mlp(max over cells)), a weight for each channel, mlp = expand(relu(reduce))
//!         h = h sig(place([mean over channels, max over channels])), a weight for each cell     (Woo et al. 2018)
//!
//! memory  q = query(h);  z_h = value(h) softmax(q key(h));  z_m = memory_value(M) softmax(q memory_key(M))
//!         (i, g, o) = gates([mix([z_h, z_m]), h]);  M = (1 - sig i) M + sig i tanh g;  h = sig(o) M
//!                                                  (SA-ConvLSTM, Lin et al. 2020); softmax over all cells
//! ```
//!
//! M is as large as h and starts at zero. Keys have no bias: a softmax does not change with it. The weights of the memory
//! take the square of the number of cells.

use tch::{Kind, Tensor};

use super::architecture::Architecture;
use crate::nn::parameters::{ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::config;

/// Channels of a state for each of those that its weights are computed from.
pub(super) const REDUCTION: i64 = 16;

/// Rows and columns that the weight of a cell depends on.
pub(super) const PLACE_KERNEL: i64 = 7;

/// A convolution of an attention, which keeps the size.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub name: &'static str,
    pub inputs: i64,
    pub outputs: i64,
    pub kernel: i64,
    pub has_bias: bool,
}

impl Part {
    /// The parameters of that in a layer.
    pub fn parameters(&self, layer: usize) -> Vec<ParameterSpec> {
        let name = format!("{}.{}", attention_name(layer), self.name);
        let weight =
            ParameterSpec::weight(format!("{name}.weight"), &[self.outputs, self.inputs, self.kernel, self.kernel]);
        let bias = ParameterSpec::bias(format!("{name}.bias"), &[self.outputs]);
        std::iter::once(weight).chain(self.has_bias.then_some(bias)).collect()
    }
}

/// The name of the attention in a layer.
pub(super) fn attention_name(layer: usize) -> String {
    format!("layers.{layer}.attention")
}

/// The convolutions of the attention of a layer whose state has this many channels, in the order of the parameters.
pub(super) fn parts(attention: config::Attention, hidden: i64) -> Vec<Part> {
    let maps = |name, inputs, outputs| Part { name, inputs, outputs, kernel: 1, has_bias: true };
    let without_bias = |part: Part| Part { has_bias: false, ..part };
    match attention {
        config::Attention::None => Vec::new(),
        config::Attention::Cbam => {
            let reduced = (hidden / REDUCTION).max(1);
            vec![
                maps("reduce", hidden, reduced),
                maps("expand", reduced, hidden),
                without_bias(Part { kernel: PLACE_KERNEL, ..maps("place", 2, 1) }),
            ]
        }
        config::Attention::Memory => {
            let shared = (hidden / 2).max(1);
            vec![
                maps("query", hidden, shared),
                without_bias(maps("key", hidden, shared)),
                maps("value", hidden, hidden),
                without_bias(maps("memory_key", hidden, shared)),
                maps("memory_value", hidden, hidden),
                maps("mix", 2 * hidden, hidden),
                maps("gates", 2 * hidden, 3 * hidden),
            ]
        }
    }
}

/// The attention of a layer over its parameters.
#[derive(Debug)]
pub(super) enum Attention {
    None,
    Cbam { reduce: Conv, expand: Conv, place: Conv },
    Memory(Box<Memory>),
}

/// A self-attention memory over its parameters.
#[derive(Debug)]
pub(super) struct Memory {
    query: Conv,
    of_state: [Conv; 2],
    of_memory: [Conv; 2],
    mix: Conv,
    gates: Conv,
}

#[derive(Debug)]
pub(super) struct Conv {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Conv {
    fn new(part: &Part, layer: usize, parameters: &Parameters) -> Result<Self, ParametersError> {
        let views: Result<Vec<_>, _> = part.parameters(layer).iter().map(|spec| parameters.view_of(spec)).collect();
        let mut views = views?.into_iter();
        Ok(Self { weight: views.next().unwrap_or_default(), bias: views.next() })
    }

    fn cast(&self, precision: Precision) -> Self {
        Self { weight: precision.cast(&self.weight), bias: self.bias.as_ref().map(|bias| precision.cast(bias)) }
    }

    fn forward(&self, images_bcyx: &Tensor) -> Tensor {
        let padding = self.weight.size()[2] / 2;
        images_bcyx.conv2d(&self.weight, self.bias.as_ref(), [1, 1], [padding, padding], [1, 1], 1)
    }
}

impl Attention {
    /// That of a layer.
    pub fn in_layer(
        layer: usize,
        architecture: &Architecture,
        parameters: &Parameters,
    ) -> Result<Self, ParametersError> {
        let parts = parts(architecture.attention, architecture.hidden[layer]);
        let conv = |index: usize| Conv::new(&parts[index], layer, parameters);
        Ok(match architecture.attention {
            config::Attention::None => Self::None,
            config::Attention::Cbam => Self::Cbam { reduce: conv(0)?, expand: conv(1)?, place: conv(2)? },
            config::Attention::Memory => Self::Memory(Box::new(Memory {
                query: conv(0)?,
                of_state: [conv(1)?, conv(2)?],
                of_memory: [conv(3)?, conv(4)?],
                mix: conv(5)?,
                gates: conv(6)?,
            })),
        })
    }

    /// The same in this precision: cast once, used at every step.
    pub fn cast(&self, precision: Precision) -> Self {
        let cast = |conv: &Conv| conv.cast(precision);
        match self {
            Self::None => Self::None,
            Self::Cbam { reduce, expand, place } => {
                Self::Cbam { reduce: cast(reduce), expand: cast(expand), place: cast(place) }
            }
            Self::Memory(memory) => Self::Memory(Box::new(Memory {
                query: cast(&memory.query),
                of_state: memory.of_state.each_ref().map(cast),
                of_memory: memory.of_memory.each_ref().map(cast),
                mix: cast(&memory.mix),
                gates: cast(&memory.gates),
            })),
        }
    }

    /// The state as others see it, and the memory after it, in fp32: it is a sum over all frames, as the cell is.
    pub fn forward(
        &self,
        hidden_bcyx: Tensor,
        memory_bcyx: Option<&Tensor>,
        precision: Precision,
    ) -> (Tensor, Option<Tensor>) {
        match self {
            Self::None => (hidden_bcyx, None),
            Self::Cbam { reduce, expand, place } => {
                let of_channels = channel_weights(&hidden_bcyx, [reduce, expand], precision);
                let weighed_bcyx = hidden_bcyx * of_channels;
                let of_cells = cell_weights(&weighed_bcyx, place, precision);
                (weighed_bcyx * of_cells, None)
            }
            Self::Memory(memory) => {
                let (shown_bcyx, memory_bcyx) = memory.forward(&hidden_bcyx, memory_bcyx, precision);
                (shown_bcyx, Some(memory_bcyx))
            }
        }
    }
}

/// A weight for each channel `[b, c, 1, 1]`: of the mean and of the maximum over all cells.
fn channel_weights(state_bcyx: &Tensor, [reduce, expand]: [&Conv; 2], precision: Precision) -> Tensor {
    let mean = precision.cast(&state_bcyx.mean_dim([2, 3].as_slice(), true, Kind::Float));
    let both = Tensor::cat(&[mean, state_bcyx.amax([2, 3].as_slice(), true)], 0);
    let both = expand.forward(&reduce.forward(&both).relu()).chunk(2, 0);
    (&both[0] + &both[1]).sigmoid()
}

/// A weight for each cell `[b, 1, y, x]`: of the mean and of the maximum over all channels around it.
fn cell_weights(state_bcyx: &Tensor, place: &Conv, precision: Precision) -> Tensor {
    let mean = precision.cast(&state_bcyx.mean_dim([1].as_slice(), true, Kind::Float));
    place.forward(&Tensor::cat(&[mean, state_bcyx.amax([1].as_slice(), true)], 1)).sigmoid()
}

impl Memory {
    fn forward(&self, hidden_bcyx: &Tensor, memory: Option<&Tensor>, precision: Precision) -> (Tensor, Tensor) {
        let memory_bcyx = memory.map_or_else(|| hidden_bcyx.zeros_like().to_kind(Kind::Float), Tensor::shallow_clone);
        let query_bcn = self.query.forward(hidden_bcyx).flatten(2, 3);
        let seen = [
            attended(&query_bcn, hidden_bcyx, &self.of_state),
            attended(&query_bcn, &precision.cast(&memory_bcyx), &self.of_memory),
        ];
        let size = hidden_bcyx.size();
        let seen_bcyx = Tensor::cat(&seen, 1).view([size[0], -1, size[2], size[3]]);
        let mixed_bcyx = self.mix.forward(&seen_bcyx);
        let gates = self.gates.forward(&Tensor::cat(&[&mixed_bcyx, hidden_bcyx], 1)).chunk(3, 1);
        let memory_bcyx = &memory_bcyx + gates[0].sigmoid() * (gates[1].tanh() - &memory_bcyx);
        (gates[2].sigmoid() * precision.cast(&memory_bcyx), memory_bcyx)
    }
}

/// For each cell, the values of all cells by how well their keys fit its query: `[b, c, n]` with all n cells.
fn attended(query_bcn: &Tensor, image_bcyx: &Tensor, [key, value]: &[Conv; 2]) -> Tensor {
    let [keys_bcn, values_bcn] = [key, value].map(|conv| conv.forward(image_bcyx).flatten(2, 3));
    let weights_bnn = query_bcn.transpose(1, 2).bmm(&keys_bcn).softmax(-1, None::<Kind>);
    values_bcn.bmm(&weights_bnn.transpose(1, 2))
}
