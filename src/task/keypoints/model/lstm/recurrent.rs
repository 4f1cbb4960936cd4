//! One recurrent layer, over whole sequences.
//!
//! libtorch computes all frames in one call: with oneDNN on a CPU, whose products are twice as fast as those of separate
//! operations, and with cuDNN on a GPU. A loop over frames without padding, in separate operations, was slower.

use tch::Tensor;

use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::keypoints::model::sequences::with_rows;

/// The fewest sequences whose sums have the same order as with more.
const SEQUENCES: i64 = 2;

/// A layer before it has weights. Gates are in the order input, forget, cell, output.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent {
    /// The name of all layers.
    pub name: String,
    /// Its number.
    pub layer: usize,
    /// Its inputs and outputs.
    pub hidden: i64,
    /// Added to the first bias of the forget gates at the start.
    pub forget_bias: f64,
}

impl Recurrent {
    /// Weights of the input and of the last output, then a bias for each: PyTorch has two, which are both trained.
    fn specs(&self) -> [ParameterSpec; 4] {
        let Self { name, layer, hidden, forget_bias } = self;
        let bound = 1.0 / (*hidden as f64).sqrt();
        let spec = |part: &str, shape: &[i64], init| ParameterSpec::new(format!("{name}.{part}_l{layer}"), shape, init);
        let (matrix, vector) = ([4 * hidden, *hidden], [4 * hidden]);
        [
            spec("weight_ih", &matrix, Init::Uniform { bound }).decayed(),
            spec("weight_hh", &matrix, Init::Uniform { bound }).decayed(),
            spec("bias_ih", &vector, Init::Gates { bound, forget: *forget_bias }),
            spec("bias_hh", &vector, Init::Uniform { bound }),
        ]
    }

    /// The names of its parameters, in the order of libtorch.
    pub fn names(&self) -> [String; 4] {
        self.specs().map(|spec| spec.name)
    }

    /// Its parameters.
    pub fn layout(&self) -> Layout {
        self.specs().into()
    }

    /// Multiplications for one frame.
    pub fn multiplications(&self) -> i64 {
        8 * self.hidden * self.hidden
    }

    /// The layer over its weights.
    pub fn over(&self, parameters: &Parameters) -> Result<BoundRecurrent, ParametersError> {
        let views = self.specs().iter().map(|spec| parameters.view_of(spec)).collect::<Result<_, _>>()?;
        Ok(BoundRecurrent { hidden: self.hidden, weights: views })
    }
}

/// A layer over its weights.
#[derive(Debug)]
pub struct BoundRecurrent {
    hidden: i64,
    weights: Vec<Tensor>,
}

impl BoundRecurrent {
    /// Outputs `[b, t, h]` of inputs `[b, t, h]`: each from the frames up to it, starting at zero.
    pub fn forward(&self, frames_bth: &Tensor, precision: Precision) -> Tensor {
        let weights: Vec<Tensor> = self.weights.iter().map(|weight| precision.cast(weight)).collect();
        with_rows(SEQUENCES, &precision.cast(frames_bth), |frames_bth| {
            let zero = Tensor::zeros([1, frames_bth.size()[0], self.hidden], (frames_bth.kind(), frames_bth.device()));
            let start = [zero.shallow_clone(), zero];
            // Dropout is between layers: with one layer libtorch has nothing to drop, so whether it trains does not matter but
            // on a GPU, where only a layer in training keeps what its backward pass needs.
            frames_bth.lstm(&start, &weights, true, 1, 0.0, frames_bth.requires_grad(), false, true).0
        })
    }
}
