//! The gradient of a network's weights: by autograd, or by a hand-written backward pass. The loss is computed from the
//! network's output in both cases, and its gradient by that output comes from autograd. So a loss needs no second form,
//! and autograd remains what a hand-written pass is tested with.

use tch::{TchError, Tensor};

type FromOutput = Box<dyn FnOnce(&Tensor) -> Result<(), TchError>>;
type FromLeaves = Box<dyn FnOnce() -> Result<(), TchError>>;

/// What is left to do when autograd is done.
enum ByHand {
    /// From the gradient of the output.
    All(FromOutput),
    /// From gradients that autograd left at leaves.
    Rest(FromLeaves),
}

/// The output of a forward pass in training.
pub struct Passed {
    output: Tensor,
    by_hand: Option<ByHand>,
}

impl Passed {
    /// An output that autograd can differentiate.
    #[must_use]
    pub fn with_autograd(output: Tensor) -> Self {
        Self { output, by_hand: None }
    }

    /// An output with its gradient: a function that takes the gradient of the loss by the output, in the output's shape, and
    /// adds the gradient of the weights to [`crate::nn::parameters::Parameters::gradient`].
    pub fn by_hand(output: &Tensor, backward: impl FnOnce(&Tensor) -> Result<(), TchError> + 'static) -> Self {
        Self { output: output.detach().set_requires_grad(true), by_hand: Some(ByHand::All(Box::new(backward))) }
    }

    /// An output whose last layers autograd differentiates, up to leaves that it gives their gradients; `backward` takes those
    /// and adds the gradients of the weights in front of them.
    pub fn continued(output: Tensor, backward: impl FnOnce() -> Result<(), TchError> + 'static) -> Self {
        Self { output, by_hand: Some(ByHand::Rest(Box::new(backward))) }
    }

    /// What the loss is computed from.
    pub fn output(&self) -> &Tensor {
        &self.output
    }

    /// Adds the gradient of a loss, which was computed from the output, to the flat gradient.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn backward(self, loss: &Tensor) -> Result<(), TchError> {
        loss.f_backward()?;
        match self.by_hand {
            Some(ByHand::All(backward)) => tch::no_grad(|| backward(&self.output.f_grad()?)),
            Some(ByHand::Rest(backward)) => {
                drop(self.output);
                tch::no_grad(backward)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::layer::Linear;
    use crate::nn::parameters::Parameters;
    use crate::nn::precision::Precision;
    use crate::nn::testing::relative_error;

    /// Two linear layers with a ReLU between, whose gradient is written out.
    fn learned_by_hand(parameters: &Parameters, input_bi: &Tensor) -> Passed {
        let view = |name: &str| parameters.view(name).unwrap().detach();
        let (first, second) = (view("first.weight"), view("second.weight"));
        let hidden_bh = (input_bi.matmul(&first.tr()) + view("first.bias")).relu();
        let output_bo = hidden_bh.matmul(&second.tr()) + view("second.bias");
        let gradient = |name: &str| parameters.gradient(name).unwrap();
        let mut gradients = ["first.weight", "first.bias", "second.weight", "second.bias"].map(gradient);
        let input_bi = input_bi.shallow_clone();
        Passed::by_hand(&output_bo, move |upstream_bo| {
            let of_hidden_bh = upstream_bo.f_matmul(&second)? * hidden_bh.f_gt(0.0)?.f_to_kind(Kind::Float)?;
            let added = [
                of_hidden_bh.f_tr()?.f_matmul(&input_bi)?,
                of_hidden_bh.f_sum_dim_intlist([0].as_slice(), false, Kind::Float)?,
                upstream_bo.f_tr()?.f_matmul(&hidden_bh)?,
                upstream_bo.f_sum_dim_intlist([0].as_slice(), false, Kind::Float)?,
            ];
            gradients.iter_mut().zip(added).try_for_each(|(sum, added)| sum.f_add_(&added).map(drop))
        })
    }

    fn learned_by_autograd(parameters: &Parameters, input_bi: &Tensor) -> Passed {
        let [first, second] = [("first", 6, 5), ("second", 5, 3)]
            .map(|(name, inputs, outputs)| Linear::new(name, inputs, outputs, parameters).unwrap());
        let hidden_bh = first.forward(input_bi, Precision::Fp32).relu();
        Passed::with_autograd(second.forward(&hidden_bh, Precision::Fp32))
    }

    #[test]
    fn a_pass_by_hand_adds_the_gradient_that_autograd_adds() {
        let layout = Linear::layout("first", 6, 5).with(Linear::layout("second", 5, 3));
        let parameters = Parameters::new(&layout, 4, Device::Cpu).unwrap();
        let input_bi = Tensor::arange(24, (Kind::Float, Device::Cpu)).sin().view([4, 6]);
        let gradient = |passed: Passed| {
            parameters.zero_gradients();
            let loss = (passed.output() - 0.3).square().sum(Kind::Float) * 0.5;
            passed.backward(&loss).unwrap();
            parameters.gradients().copy()
        };
        let expected = gradient(learned_by_autograd(&parameters, &input_bi));
        let found = gradient(learned_by_hand(&parameters, &input_bi));
        assert!(expected.abs().max().double_value(&[]) > 0.1);
        assert!(relative_error(&found, &expected) < 1e-6, "{:e}", relative_error(&found, &expected));
    }
}
