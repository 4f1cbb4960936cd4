//! A cell: a gated recurrent unit whose state is looked up at as many places as it has links, which it computes from its
//! input x and its state h:
//!
//! ```text
//! (u_l, v_l) = flows(leaky(flow_input(x) + flow_state(h)))            for each link l, in cells
//! w_l(p) = h(p - (u_l, v_l)(p))                                      bilinear, 0 outside
//! (a_r, a_u, a_n) = state([w_1 .. w_L]);  (b_r, b_u, b_n) = input(x)
//! r = sig(b_r + a_r);  u = sig(b_u + a_u);  n = leaky(b_n + r a_n);  h' = u h + (1 - u) n
//! ```
//!
//! Without an input its terms are absent. The flows start at zero: every link then looks at the cell itself.

use tch::{Device, Kind, Tensor};

use super::conv::{Conv, ConvShape, Start, leaky};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;

/// Channels of what the flows are computed from, and the kernel of the convolutions to and from them.
pub(super) const FLOW_CHANNELS: i64 = 32;
pub(super) const FLOW_KERNEL: i64 = 5;

/// The kernel of the convolution of an input.
pub(super) const INPUT_KERNEL: i64 = 3;

/// `grid_sampler` knows modes by numbers: between four cells, zeros outside.
const BILINEAR: i64 = 0;
const ZEROS: i64 = 0;

/// The sizes of a cell.
#[derive(Clone, Debug)]
pub(super) struct CellShape {
    pub name: String,
    /// Channels of the input, if it has one.
    pub inputs: Option<i64>,
    pub hidden: i64,
    pub links: i64,
}

impl CellShape {
    /// Its convolutions, in the order of the parameters.
    pub fn convolutions(&self) -> Vec<ConvShape> {
        let of_input = |conv: fn(&Self, i64) -> ConvShape| self.inputs.map(|inputs| conv(self, inputs));
        let own = [Some(self.flow_state()), Some(self.flows()), of_input(Self::input), Some(self.state())];
        of_input(Self::flow_input).into_iter().chain(own.into_iter().flatten()).collect()
    }

    fn flow_input(&self, inputs: i64) -> ConvShape {
        ConvShape::new(format!("{}.flow_input", self.name), [inputs, FLOW_CHANNELS], FLOW_KERNEL)
    }

    fn flow_state(&self) -> ConvShape {
        ConvShape::new(format!("{}.flow_state", self.name), [self.hidden, FLOW_CHANNELS], FLOW_KERNEL)
    }

    /// Link by link, along the columns and along the rows.
    fn flows(&self) -> ConvShape {
        let conv = ConvShape::new(format!("{}.flows", self.name), [FLOW_CHANNELS, 2 * self.links], FLOW_KERNEL);
        ConvShape { start: Start::Zero, ..conv }
    }

    fn input(&self, inputs: i64) -> ConvShape {
        ConvShape::new(format!("{}.input", self.name), [inputs, 3 * self.hidden], INPUT_KERNEL)
    }

    /// Over the channels of the first link, then of the second.
    fn state(&self) -> ConvShape {
        ConvShape::new(format!("{}.state", self.name), [self.links * self.hidden, 3 * self.hidden], 1)
    }
}

/// A cell over its parameters.
#[derive(Debug)]
pub(super) struct Cell {
    of_input: Option<[Conv; 2]>,
    flow_state: Conv,
    flows: Conv,
    state: Conv,
    links: i64,
}

impl Cell {
    pub fn new(shape: &CellShape, parameters: &Parameters) -> Result<Self, ParametersError> {
        let conv = |shape: ConvShape| Conv::new(&shape, parameters);
        let of_input = |inputs| Ok([conv(shape.flow_input(inputs))?, conv(shape.input(inputs))?]);
        Ok(Self {
            of_input: shape.inputs.map(of_input).transpose()?,
            flow_state: conv(shape.flow_state())?,
            flows: conv(shape.flows())?,
            state: conv(shape.state())?,
            links: shape.links,
        })
    }

    /// The state after each step, in fp32, from a first state or from zero, with the input of all steps.
    ///
    /// A state is a sum over all steps, so it stays fp32: in 16 bits the contribution of a step would be lost in the sum.
    pub fn forward(
        &self,
        input_ncyx: Option<&Tensor>,
        first_bcyx: Option<Tensor>,
        steps: i64,
        precision: Precision,
    ) -> Vec<Tensor> {
        let cell = self.cast(precision);
        let terms: Vec<[Tensor; 2]> = input_ncyx.map(|input| cell.terms(input, steps)).unwrap_or_default();
        let mut states: Vec<Tensor> = Vec::with_capacity(steps as usize);
        let mut state = first_bcyx;
        for step in 0..steps as usize {
            let next_bcyx = cell.advance(terms.get(step), state.as_ref(), precision);
            states.push(next_bcyx.shallow_clone());
            state = Some(next_bcyx);
        }
        states
    }

    /// The same in this precision. The weight over the looked-up states has the links innermost, as they come.
    fn cast(&self, precision: Precision) -> Self {
        let mut state = self.state.cast(precision);
        let size = state.weight.size();
        let by_link = state.weight.view([size[0], self.links, -1]);
        state.weight = by_link.transpose(1, 2).contiguous().view(size.as_slice());
        Self {
            of_input: self.of_input.as_ref().map(|convs| convs.each_ref().map(|conv| conv.cast(precision))),
            flow_state: self.flow_state.cast(precision),
            flows: self.flows.cast(precision),
            state,
            links: self.links,
        }
    }

    /// What the input of each step adds to the flows and to the gates, computed for all steps at once.
    fn terms(&self, input_ncyx: &Tensor, steps: i64) -> Vec<[Tensor; 2]> {
        let Some(convs) = &self.of_input else { return Vec::new() };
        let [flows, gates] = convs.each_ref().map(|conv| conv.forward(input_ncyx).chunk(steps, 0));
        flows.into_iter().zip(gates).map(Into::into).collect()
    }

    fn advance(&self, terms: Option<&[Tensor; 2]>, state_bcyx: Option<&Tensor>, precision: Precision) -> Tensor {
        // A state that is zero is zero wherever it is looked up: only the bias is left.
        let of_state = match state_bcyx {
            None => self.state.bias.view([1, -1, 1, 1]),
            Some(state_bcyx) => {
                let flows = self.flow_state.forward(&precision.cast(state_bcyx));
                let flows = terms.map_or_else(|| flows.shallow_clone(), |[term, _]| &flows + term);
                let moved = self.moved(state_bcyx, &self.flows.forward(&leaky(&flows)));
                self.state.forward(&precision.cast(&moved))
            }
        };
        let gates = of_state.chunk(3, 1);
        let inputs = terms.map(|[_, terms]| terms.chunk(3, 1));
        let with_input = |index: usize, gate: Tensor| match &inputs {
            None => gate,
            Some(inputs) => gate + &inputs[index],
        };
        let reset = with_input(0, gates[0].shallow_clone()).sigmoid();
        let update = with_input(1, gates[1].shallow_clone()).sigmoid();
        let added = leaky(&with_input(2, reset * &gates[2]));
        match state_bcyx {
            None => (&added - update * &added).to_kind(Kind::Float),
            Some(state_bcyx) => &added + update * (state_bcyx - &added),
        }
    }

    /// The state `[b, c l, y, x]` at p - (u, v) for each link, in one call: the links are below each other in what is
    /// looked up.
    pub(super) fn moved(&self, state_bcyx: &Tensor, flows_bcyx: &Tensor) -> Tensor {
        let size = state_bcyx.size();
        let (rows, columns) = (size[2], size[3]);
        let flows_blyx2 = flows_bcyx.to_kind(Kind::Float).unflatten(1, [self.links, 2]).permute([0, 1, 3, 4, 2]);
        let [own_yx2, scale] = places(rows, columns, state_bcyx.device());
        let places_byx2 = (own_yx2 - flows_blyx2 * scale).flatten(1, 2);
        let found_bcyx = state_bcyx.grid_sampler(&places_byx2, BILINEAR, ZEROS, false);
        found_bcyx.unflatten(2, [self.links, rows]).flatten(1, 2)
    }
}

/// The place `[y, x, 2]` of each cell for `grid_sampler`, for which -1 and 1 are the borders of the frame, and the
/// length of a cell along the columns and along the rows.
fn places(rows: i64, columns: i64, device: Device) -> [Tensor; 2] {
    let along = |cells: i64| (Tensor::arange(cells, (Kind::Float, device)) * 2.0 + 1.0) / cells as f64 - 1.0;
    let across = along(columns).expand([rows, columns], false);
    let down = along(rows).unsqueeze(1).expand([rows, columns], false);
    let scale = Tensor::from_slice(&[2.0 / columns as f32, 2.0 / rows as f32]).to_device(device);
    [Tensor::stack(&[across, down], -1), scale]
}
