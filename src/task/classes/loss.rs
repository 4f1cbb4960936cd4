//! What training minimises: the cross entropy against a target that gives a share of its weight to other classes evenly (label
//! smoothing, Szegedy et al. 2016), with a weight for each class, in PyTorch's convention.
//!
//! L = sum_i [ (1 - e) w_y (-log p_y) + (e / C) sum_c w_c (-log p_c) ] / sum_i w_y, with the log-softmax in fp32. Here are the
//! terms of each sample; the engine adds them up over the whole step and divides by the weights of the true classes.

use tch::{Device, Kind, TchError, Tensor};

/// The losses of samples: vectors `[b]` on the device.
#[derive(Debug)]
pub struct Losses {
    /// What training minimises, with its graph.
    pub loss_b: Tensor,
    /// The negative log likelihood of the true class times its weight, without a graph.
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

/// The rule by which losses are computed.
#[derive(Debug)]
pub struct Criterion {
    smoothing: f64,
    /// The weight of each class as the true one; none if all are 1.
    weights_c: Option<Tensor>,
    /// What each class gets of the smoothed share; none if all get the same.
    spread_c: Option<Tensor>,
}

impl Criterion {
    /// Every class weighs the same, and all share what is smoothed.
    #[must_use]
    pub fn even(smoothing: f64) -> Self {
        Self { smoothing, weights_c: None, spread_c: None }
    }

    /// These weights of classes, if there are some; only classes with `counts` above 0 share what is smoothed, if there are some
    /// counts.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn new(
        smoothing: f64,
        weights: Option<&[f64]>,
        counts: Option<&[usize]>,
        device: Device,
    ) -> Result<Self, TchError> {
        let vector = |values: &[f64]| Tensor::f_from_slice(values)?.f_to_kind(Kind::Float)?.f_to_device(device);
        let classes = weights.map(<[f64]>::len).or(counts.map(<[usize]>::len)).unwrap_or(0);
        let shares = |class: usize| counts.is_none_or(|counts| counts[class] > 0);
        let sharing = (0..classes).filter(|class| shares(*class)).count().max(1);
        let spread = |class: usize| {
            let weight = weights.map_or(1.0, |weights| weights[class]);
            if shares(class) { weight / sharing as f64 } else { 0.0 }
        };
        let spread: Vec<f64> = (0..classes).map(spread).collect();
        Ok(Self {
            smoothing,
            weights_c: weights.map(vector).transpose()?,
            spread_c: (classes > 0).then(|| vector(&spread)).transpose()?,
        })
    }

    /// The losses of logits `[b, classes]` for the true classes `[b]`.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn losses(&self, logits_bc: &Tensor, truth_b: &Tensor) -> Result<Losses, TchError> {
        let log_bc = logits_bc.f_to_kind(Kind::Float)?.f_log_softmax(1, Kind::Float)?;
        let mut nll_b = log_bc.f_gather(1, &truth_b.f_unsqueeze(1)?, false)?.f_squeeze_dim(1)?.f_neg()?;
        if let Some(weights_c) = &self.weights_c {
            nll_b = nll_b.f_mul(&weights_c.f_index_select(0, truth_b)?)?;
        }
        let spread_b = match &self.spread_c {
            Some(spread_c) => log_bc.f_mv(spread_c)?.f_neg()?,
            None => log_bc.f_mean_dim(1, false, Kind::Float)?.f_neg()?,
        };
        let loss_b = &nll_b * (1.0 - self.smoothing) + spread_b * self.smoothing;
        Ok(Losses { loss_b, nll_b: nll_b.detach() })
    }
}

/// The losses if every class weighs the same: logits `[b, classes]` for the true classes `[b]`.
///
/// # Errors
/// If memory runs out, or libtorch refuses.
pub fn losses(logits_bc: &Tensor, truth_b: &Tensor, smoothing: f64) -> Result<Losses, TchError> {
    Criterion::even(smoothing).losses(logits_bc, truth_b)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Array(values) => values.iter().flat_map(numbers).collect(),
            other => vec![other.as_f64().unwrap()],
        }
    }

    fn close(what: &str, got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len(), "{what}");
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{what}: {got} instead of {expected}");
        }
    }

    /// The weighted mean and its gradient over micro-batches of so many samples.
    fn mean(criterion: &Criterion, case: &Value, weights: &[f64], size: usize) -> (f64, Vec<f64>) {
        let logits: Vec<f32> = numbers(&case["logits"]).into_iter().map(|value| value as f32).collect();
        let truth: Vec<i64> = serde_json::from_value(case["truth"].clone()).unwrap();
        let logits = Tensor::from_slice(&logits).view([truth.len() as i64, -1]).set_requires_grad(true);
        let weight: f64 = truth.iter().map(|class| weights[*class as usize]).sum();
        let mut sum = 0.0;
        for start in (0..truth.len()).step_by(size) {
            let length = size.min(truth.len() - start);
            let part = logits.narrow(0, start as i64, length as i64);
            let losses = criterion.losses(&part, &Tensor::from_slice(&truth[start..start + length])).unwrap();
            (losses.loss_b.sum(Kind::Float) / weight).backward();
            sum += losses.sums().unwrap().double_value(&[0]);
        }
        (sum / weight, values(&logits.grad()))
    }

    #[test]
    fn losses_and_gradients_are_those_of_pytorch_in_any_micro_batches() {
        tch::set_num_threads(1);
        let text = include_str!("../../../tests/fixtures/image_class/losses.json");
        let cases: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(cases.len(), 10);
        for case in &cases {
            let smoothing = case["label_smoothing"].as_f64().unwrap();
            let weights = case["weights"].as_array().map(|_| numbers(&case["weights"]));
            let counts = case["counts"].as_array().map(|_| serde_json::from_value(case["counts"].clone()).unwrap());
            let counts: Option<Vec<usize>> = counts;
            let criterion = Criterion::new(smoothing, weights.as_deref(), counts.as_deref(), Device::Cpu).unwrap();
            let ones = vec![1.0; 5];
            for size in [8, 3, 1] {
                let (loss, gradient) = mean(&criterion, case, weights.as_ref().unwrap_or(&ones), size);
                let name = format!("{} by {size}", case["name"]);
                close(&name, &[loss], &numbers(&case["loss"]));
                close(&name, &gradient, &numbers(&case["gradient"]));
            }
            if weights.is_none() && counts.is_none() {
                let even = mean(&Criterion::even(smoothing), case, &ones, 8);
                close("even", &[even.0], &numbers(&case["loss"]));
            }
        }
    }

    #[test]
    fn the_likelihood_knows_no_smoothing() {
        let logits = Tensor::from_slice2(&[[2.0_f32, -1.0, 0.5], [0.0, 0.0, 3.0]]);
        let truth = Tensor::from_slice(&[0_i64, 1]);
        let [plain, smooth] = [0.0, 0.1].map(|smoothing| losses(&logits, &truth, smoothing).unwrap());
        assert_eq!(values(&smooth.nll_b), values(&plain.loss_b));
    }
}
