//! What training minimises: the cross entropy against a target that gives a share of its weight to all classes evenly (label
//! smoothing, Szegedy et al. 2016).
//!
//! L = (1 - e) (-log p_y) + (e / C) sum_c (-log p_c), with the log-softmax in fp32.

use tch::{Kind, TchError, Tensor};

/// The losses of samples: vectors `[b]` on the device.
#[derive(Debug)]
pub struct Losses {
    /// What training minimises, with its graph.
    pub loss_b: Tensor,
    /// The negative log likelihood of the true class, without a graph.
    pub nll_b: Tensor,
}

impl Losses {
    /// The sums of both over the samples, as one vector without a graph.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn sums(&self) -> Result<Tensor, TchError> {
        let parts = Tensor::f_stack(&[&self.loss_b.detach(), &self.nll_b], 0)?;
        parts.f_sum_dim_intlist(1, false, Kind::Float)
    }
}

/// The losses of logits `[b, classes]` for the true classes `[b]`.
///
/// # Errors
/// If memory runs out, or libtorch refuses.
pub fn losses(logits_bc: &Tensor, truth_b: &Tensor, smoothing: f64) -> Result<Losses, TchError> {
    let log_bc = logits_bc.f_to_kind(Kind::Float)?.f_log_softmax(1, Kind::Float)?;
    let nll_b = log_bc.f_gather(1, &truth_b.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?.f_neg()?;
    let even_b = log_bc.f_mean_dim(1, false, Kind::Float)?.f_neg()?;
    let loss_b = &nll_b * (1.0 - smoothing) + even_b * smoothing;
    Ok(Losses { loss_b, nll_b: nll_b.detach() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.to_kind(Kind::Double)).unwrap()
    }

    #[test]
    fn losses_are_those_of_pytorch() {
        // torch.nn.functional.cross_entropy(logits, truth, reduction="none", label_smoothing=e)
        let logits = Tensor::from_slice2(&[[2.0_f32, -1.0, 0.5], [0.0, 0.0, 3.0]]);
        let truth = Tensor::from_slice(&[0_i64, 1]);
        let plain = losses(&logits, &truth, 0.0).unwrap();
        let library = logits.cross_entropy_loss::<Tensor>(&truth, None, tch::Reduction::None, -100, 0.0);
        assert_eq!(values(&plain.loss_b), values(&library));
        let smooth = losses(&logits, &truth, 0.1).unwrap();
        let library = logits.cross_entropy_loss::<Tensor>(&truth, None, tch::Reduction::None, -100, 0.1);
        for (value, expected) in values(&smooth.loss_b).into_iter().zip(values(&library)) {
            assert!((value - expected).abs() < 1e-6, "{value} {expected}");
        }
        assert_eq!(values(&smooth.nll_b), values(&plain.loss_b), "the likelihood knows no smoothing");
    }
}
