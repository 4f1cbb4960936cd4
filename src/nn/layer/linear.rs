//! A linear layer: every output is a weighted sum of all inputs and a bias.

use tch::Tensor;

use crate::nn::parameters::{Init, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;

/// A linear layer over its weight `[out, in]` and bias.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Its parameters, which start as PyTorch's: uniform in ±1 / sqrt(inputs).
    #[must_use]
    pub fn layout(name: &str, inputs: i64, outputs: i64) -> Layout {
        vec![weight(name, inputs, outputs), bias(name, inputs, outputs)].into()
    }

    /// The layer of this name.
    ///
    /// # Errors
    /// If a parameter is missing or has another shape.
    pub fn new(name: &str, inputs: i64, outputs: i64, parameters: &Parameters) -> Result<Self, ParametersError> {
        let view = |spec: ParameterSpec| parameters.view_of(&spec);
        Ok(Self { weight: view(weight(name, inputs, outputs))?, bias: view(bias(name, inputs, outputs))? })
    }

    /// Outputs `[b, out]` from inputs `[b, in]`, in this precision.
    pub fn forward(&self, inputs_bi: &Tensor, precision: Precision) -> Tensor {
        precision.cast(inputs_bi).linear(&precision.cast(&self.weight), Some(precision.cast(&self.bias)))
    }
}

fn weight(name: &str, inputs: i64, outputs: i64) -> ParameterSpec {
    ParameterSpec::new(format!("{name}.weight"), &[outputs, inputs], Init::FanInUniform).decayed()
}

fn bias(name: &str, inputs: i64, outputs: i64) -> ParameterSpec {
    let bound = 1.0 / (inputs as f64).sqrt();
    ParameterSpec::new(format!("{name}.bias"), &[outputs], Init::Uniform { bound })
}
