//! Batch norm (Ioffe and Szegedy 2015), with PyTorch's conventions: in training, each channel is normalised by the mean and the
//! biased variance of the batch; a tenth of the mean and of the unbiased variance goes into the running ones, by which
//! channels are normalised afterwards.
//!
//! The batch is what goes through the model at once, the micro-batch, so its size changes what is learned.

use tch::{Kind, TchError, Tensor};

use super::Mode;
use super::norm::EPSILON;
use crate::nn::parameters::{BufferSpec, Layout, ParameterSpec, Parameters, ParametersError};
use crate::nn::precision::Precision;

/// The share of a batch's statistics in the running ones.
const MOMENTUM: f64 = 0.1;

/// Batch norm over its scale and bias, and its running statistics.
#[derive(Debug)]
pub struct BatchNorm {
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    /// The batches that it has learned from. Nothing depends on it; PyTorch keeps it.
    batches: Tensor,
}

impl BatchNorm {
    /// Its parameters and buffers: neither changes the numbers at the start.
    #[must_use]
    pub fn layout(name: &str, channels: i64) -> Layout {
        let Specs { scale, bias, mean, variance, batches } = Specs::new(name, channels);
        Layout { parameters: vec![scale, bias], buffers: vec![mean, variance, batches] }
    }

    /// The norm of this name.
    ///
    /// # Errors
    /// If a parameter or a buffer is missing or has another shape.
    pub fn new(name: &str, channels: i64, parameters: &Parameters) -> Result<Self, ParametersError> {
        let specs = Specs::new(name, channels);
        Ok(Self {
            scale: parameters.view_of(&specs.scale)?,
            bias: parameters.view_of(&specs.bias)?,
            mean: parameters.buffer_of(&specs.mean)?,
            variance: parameters.buffer_of(&specs.variance)?,
            batches: parameters.buffer_of(&specs.batches)?,
        })
    }

    /// The input `[b, c, ...]`, normalised, in this precision; in between it is fp32, because sums over thousands of cells lose
    /// too much in 16 bits.
    ///
    /// # Panics
    /// In training, if a channel has a single value: its variance is undefined.
    pub fn forward(&self, input_bc: &Tensor, mode: Mode<'_>, precision: Precision) -> Tensor {
        let (input, trains) = (input_bc.to_kind(Kind::Float), matches!(mode, Mode::Training(_)));
        if trains {
            let channels = self.scale.numel();
            assert!(
                input.numel() > channels,
                "batch norm learns from more than one value per channel; got {:?}",
                input.size()
            );
            tch::no_grad(|| drop(self.batches.shallow_clone().g_add_scalar_(1)));
        }
        let (scale, bias) = (Some(&self.scale), Some(&self.bias));
        let running = (Some(&self.mean), Some(&self.variance));
        let normalised = input.batch_norm(scale, bias, running.0, running.1, trains, MOMENTUM, EPSILON, true);
        precision.cast(&normalised)
    }
}

impl BatchNorm {
    /// The scale and the bias.
    pub(super) fn affine(&self) -> [Tensor; 2] {
        [self.scale.shallow_clone(), self.bias.shallow_clone()]
    }

    /// The factor and the summand of each channel by which a norm of running statistics replaces values that lack this bias.
    pub(super) fn learned(&self, bias: Option<&Tensor>) -> Result<[Vec<f32>; 2], TchError> {
        let _guard = tch::no_grad_guard();
        let factor = self.scale.f_div(&self.variance.f_add_scalar(EPSILON)?.f_sqrt()?)?;
        let mean = bias.map_or_else(|| Ok(self.mean.shallow_clone()), |bias| self.mean.f_sub(bias))?;
        let summand = self.bias.f_sub(&mean.f_mul(&factor)?)?;
        Ok([Vec::try_from(factor)?, Vec::try_from(summand)?])
    }

    /// The running statistics follow those of a batch: the mean and the biased variance of so many values for each channel, which
    /// were computed elsewhere. The convolution left out this bias.
    ///
    /// # Panics
    /// If there is a single value: its variance is undefined.
    pub(super) fn follow(
        &self,
        mean: &[f64],
        variance: &[f64],
        values: usize,
        bias: Option<&Tensor>,
    ) -> Result<(), TchError> {
        assert!(values > 1, "batch norm learns from more than one value per channel; got {values}");
        let _guard = tch::no_grad_guard();
        drop(self.batches.shallow_clone().f_add_scalar_(1)?);
        let unbiased = values as f64 / (values as f64 - 1.0);
        let single = |values: &[f64], by: f64| values.iter().map(|value| (value * by) as f32).collect::<Vec<_>>();
        let mut of_batch =
            [Tensor::f_from_slice(&single(mean, 1.0))?, Tensor::f_from_slice(&single(variance, unbiased))?];
        if let Some(bias) = bias {
            of_batch[0] = of_batch[0].f_add(bias)?;
        }
        for (running, of_batch) in [&self.mean, &self.variance].into_iter().zip(of_batch) {
            let kept = running.f_mul_scalar(1.0 - MOMENTUM)?;
            running.shallow_clone().f_copy_(&kept.f_add(&of_batch.f_mul_scalar(MOMENTUM)?)?)?;
        }
        Ok(())
    }
}

/// What a norm requests.
struct Specs {
    scale: ParameterSpec,
    bias: ParameterSpec,
    mean: BufferSpec,
    variance: BufferSpec,
    batches: BufferSpec,
}

impl Specs {
    fn new(name: &str, channels: i64) -> Self {
        let shape = [channels];
        Self {
            scale: ParameterSpec::scale(format!("{name}.weight"), &shape),
            bias: ParameterSpec::bias(format!("{name}.bias"), &shape),
            mean: BufferSpec::statistic(format!("{name}.running_mean"), &shape, 0.0),
            variance: BufferSpec::statistic(format!("{name}.running_var"), &shape, 1.0),
            batches: BufferSpec::counter(format!("{name}.num_batches_tracked")),
        }
    }
}
