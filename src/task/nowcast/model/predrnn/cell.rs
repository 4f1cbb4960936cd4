//! A layer: the ST-LSTM of PredRNN or the causal LSTM of PredRNN++. The equations are those of [`super`].

use tch::{Kind, Tensor};

use crate::nn::parameters::{Init, Layout, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::model::convolution::{BoundConvolution, Convolution};

/// What a layer is.
pub(super) struct Cell {
    pub name: String,
    pub inputs: i64,
    /// Channels of the memory that it is given.
    pub memory: i64,
    pub hidden: i64,
    pub kernel: i64,
    pub is_causal: bool,
}

impl Cell {
    fn conv(&self, name: &str, inputs: i64, gates: i64, kernel: i64) -> Convolution {
        let conv = Convolution::new(format!("{}.{name}", self.name), inputs, gates * self.hidden, kernel);
        conv.without_bias().starting_from(Init::FanInUniform)
    }

    /// Of the input: i f g i' f' g' o.
    pub fn x(&self) -> Convolution {
        self.conv("x", self.inputs, 7, self.kernel)
    }

    /// Of the state: i f g o.
    pub fn h(&self) -> Convolution {
        self.conv("h", self.hidden, 4, self.kernel)
    }

    /// Of the memory: i' f' g', or i' f' m.
    pub fn m(&self) -> Convolution {
        self.conv("m", self.memory, 3, self.kernel)
    }

    /// Of a causal LSTM, of the cell: i f g, and of the new one: i' g' f' o.
    pub fn c(&self) -> Option<[Convolution; 2]> {
        let conv = |name, gates| self.conv(name, self.hidden, gates, self.kernel);
        self.is_causal.then(|| [conv("c", 3), conv("c_new", 4)])
    }

    /// Of the new cell and memory, or of the new memory alone: o.
    pub fn o(&self) -> Convolution {
        let inputs = if self.is_causal { self.hidden } else { 2 * self.hidden };
        self.conv("o", inputs, 1, self.kernel)
    }

    /// Of the new cell and memory: the state before its gate.
    pub fn last(&self) -> Convolution {
        self.conv("last", 2 * self.hidden, 1, 1)
    }

    fn all(&self) -> impl Iterator<Item = Convolution> {
        let c = self.c().into_iter().flatten();
        [self.x(), self.h(), self.m()].into_iter().chain(c).chain([self.o(), self.last()])
    }

    pub fn layout(&self) -> Layout {
        self.all().map(|conv| conv.layout()).fold(Layout::default(), Layout::with)
    }

    pub fn multiplications(&self) -> f64 {
        self.all().map(|conv| conv.multiplications()).sum()
    }
}

/// What a layer keeps from one frame to the next.
#[derive(Debug)]
pub(super) struct State {
    pub hidden_bcyx: Tensor,
    cell_bcyx: Tensor,
}

/// A layer over its parameters.
#[derive(Debug)]
pub(super) struct BoundCell {
    x: BoundConvolution,
    h: BoundConvolution,
    m: BoundConvolution,
    c: Option<[BoundConvolution; 2]>,
    o: BoundConvolution,
    last: BoundConvolution,
    hidden: i64,
}

impl BoundCell {
    pub fn new(cell: &Cell, parameters: &Parameters) -> Result<Self, ParametersError> {
        let c = cell.c().map(|[old, new]| Ok([old.over(parameters)?, new.over(parameters)?])).transpose()?;
        Ok(Self {
            x: cell.x().over(parameters)?,
            h: cell.h().over(parameters)?,
            m: cell.m().over(parameters)?,
            c,
            o: cell.o().over(parameters)?,
            last: cell.last().over(parameters)?,
            hidden: cell.hidden,
        })
    }

    /// The next state and memory. Those before the first frame are zero, and what they would add is left out.
    pub fn advance(
        &self,
        input_bcyx: &Tensor,
        state: Option<&State>,
        memory_bcyx: Option<&Tensor>,
        precision: Precision,
    ) -> (State, Tensor) {
        let x = self.x.forward(input_bcyx, precision);
        let h = state.map(|state| self.h.forward(&state.hidden_bcyx, precision));
        let m = memory_bcyx.map(|memory| self.m.forward(memory, precision));
        let old = state.zip(self.c.as_ref()).map(|(state, [old, _])| old.forward(&state.cell_bcyx, precision));
        // i f g
        let gates = added(self.gates(&x, 0, 3), [h.as_ref().map(|h| self.gates(h, 0, 3)), old]).chunk(3, 1);
        let cell_bcyx = renewed(&gates, state.map(|state| &state.cell_bcyx));
        let (memory_bcyx, from_cell) = match &self.c {
            None => {
                let gates = added(self.gates(&x, 3, 3), [m]).chunk(3, 1);
                (renewed(&gates, memory_bcyx), None)
            }
            Some([_, new]) => {
                let new = new.forward(&cell_bcyx, precision);
                (self.causal_memory(&self.gates(&x, 3, 3), m.as_ref(), &new), Some(self.gates(&new, 3, 1)))
            }
        };
        let both_bcyx = precision.cast(&Tensor::cat(&[&cell_bcyx, &memory_bcyx], 1));
        let seen_bcyx = if self.c.is_some() { &memory_bcyx } else { &both_bcyx };
        let from_memory = Some(self.o.forward(seen_bcyx, precision));
        let output = added(self.gates(&x, 6, 1), [h.as_ref().map(|h| self.gates(h, 3, 1)), from_cell, from_memory]);
        let output = if self.c.is_some() { output.tanh() } else { output.sigmoid() };
        let hidden_bcyx = output * self.last.forward(&both_bcyx, precision).tanh();
        (State { hidden_bcyx, cell_bcyx }, memory_bcyx)
    }

    /// The memory from the gates i' f' g' of the input, i' f' m of the memory before, and i' g' f' o of the new cell.
    fn causal_memory(&self, x: &Tensor, m: Option<&Tensor>, new: &Tensor) -> Tensor {
        let from = |gates: &Tensor, at| self.gates(gates, at, 1);
        let of_memory = |at| m.map(|m| from(m, at));
        let input = added(from(x, 0), [of_memory(0), Some(from(new, 0))]);
        let forget = added(from(x, 1), [of_memory(1), Some(from(new, 2))]);
        let candidate = added(from(x, 2), [Some(from(new, 1))]);
        let before = of_memory(2).map(|memory| memory.tanh());
        renewed(&[input, forget, candidate], before.as_ref())
    }

    /// So many gates from this one on.
    fn gates(&self, gates_bcyx: &Tensor, first: i64, count: i64) -> Tensor {
        gates_bcyx.narrow(1, first * self.hidden, count * self.hidden)
    }
}

/// What there is of a sum.
fn added<const N: usize>(first: Tensor, others: [Option<Tensor>; N]) -> Tensor {
    others.into_iter().flatten().fold(first, |sum, other| sum + other)
}

/// sig(f + 1) before + sig(i) tanh(g): a sum over all frames, so it is fp32.
fn renewed(gates: &[Tensor], before_bcyx: Option<&Tensor>) -> Tensor {
    let new_bcyx = gates[0].sigmoid() * gates[2].tanh();
    match before_bcyx {
        None => new_bcyx.to_kind(Kind::Float),
        Some(before_bcyx) => (&gates[1] + 1.0).sigmoid() * before_bcyx.to_kind(Kind::Float) + new_bcyx,
    }
}
