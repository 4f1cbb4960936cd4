//! One recurrent layer: from the frames of a sequence to a state for each of them.

use tch::Tensor;

use super::attention::Attention;
use crate::nn::precision::Precision;

/// A layer with its weight `[4 hidden, inputs + hidden, kernel, kernel]` over input and state, and its bias.
#[derive(Debug)]
pub(super) struct Layer {
    weight: Tensor,
    bias: Tensor,
    inputs: i64,
    padding: i64,
    attention: Attention,
}

/// The states of a layer: its output, its cell, and the memory of its attention.
struct State {
    hidden_bcyx: Tensor,
    cell_bcyx: Tensor,
    memory_bcyx: Option<Tensor>,
}

impl Layer {
    pub fn new([weight, bias]: [Tensor; 2], attention: Attention, inputs: i64) -> Self {
        let padding = weight.size()[2] / 2;
        Self { weight, bias, inputs, padding, attention }
    }

    /// The hidden states, one for each frame, or the last one alone.
    pub fn forward(&self, frames_bcyx: Vec<Tensor>, precision: Precision, last_only: bool) -> Vec<Tensor> {
        let (weight, bias) = (precision.cast(&self.weight), precision.cast(&self.bias));
        let attention = self.attention.cast(precision);
        // The state before the first frame is zero. Leaving it and its half of the weights out is exact, and cheaper.
        let first_weight = weight.narrow(1, 0, self.inputs).contiguous();
        let mut states: Vec<Tensor> = Vec::with_capacity(frames_bcyx.len());
        let mut state: Option<State> = None;
        for frame_bcyx in frames_bcyx {
            let gates_bcyx = match &state {
                None => self.conv(&frame_bcyx, &first_weight, &bias),
                Some(state) => self.conv(&Tensor::cat(&[&frame_bcyx, &state.hidden_bcyx], 1), &weight, &bias),
            };
            let next = advance(&gates_bcyx, state.as_ref(), &attention, precision);
            if last_only {
                states.clear();
            }
            states.push(next.hidden_bcyx.shallow_clone());
            state = Some(next);
        }
        states
    }

    fn conv(&self, input_bcyx: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
        input_bcyx.conv2d(weight, Some(bias), [1, 1], [self.padding, self.padding], [1, 1], 1)
    }
}

/// c = sig(f) c + sig(i) tanh(g), h = sig(o) tanh(c), with the gates in the order i, f, o, g, and the attention on h.
///
/// The cell is a sum over all frames, so it stays fp32: in 16 bits the contribution of a frame would be lost in the
/// sum.
fn advance(gates_bcyx: &Tensor, state: Option<&State>, attention: &Attention, precision: Precision) -> State {
    let gates = gates_bcyx.chunk(4, 1);
    let (input, forget, output) = (gates[0].sigmoid(), gates[1].sigmoid(), gates[2].sigmoid());
    let added = input * gates[3].tanh();
    let cell_bcyx = match state {
        None => added.to_kind(tch::Kind::Float),
        Some(state) => forget * &state.cell_bcyx + added,
    };
    let hidden_bcyx = output * precision.cast(&cell_bcyx).tanh();
    let memory_bcyx = state.and_then(|state| state.memory_bcyx.as_ref());
    let (hidden_bcyx, memory_bcyx) = attention.forward(hidden_bcyx, memory_bcyx, precision);
    State { hidden_bcyx, cell_bcyx, memory_bcyx }
}
