//! What training minimises: (1 - w) Huber + w (1 - SSIM), on the normalised scale.
//!
//! Both parts are means over the valid cells of a sample, weighted by lead time. The loss of several samples is the
//! mean of theirs, so neither the micro-batch size nor a sample with few valid cells changes the objective being
//! minimised.
//!
//! Tensors carry their dimensions: b samples, t frames, c channels, y rows, x columns.

use tch::{Device, Kind, Reduction, Tensor};

use super::config::{LossConfig, NowcastConfig};
use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};
use crate::nn::ssim::Ssim;

/// The normalised value above which an echo is strong, if the configured default is outside of the range: 8.6 dBZ of -29 to
/// 65.
const USUALLY_HIGH: f64 = 0.4;

/// Less than the weight of one cell.
const NO_WEIGHT: f64 = 1e-9;

/// The loss with its settings on the normalised scale.
#[derive(Debug)]
pub struct NowcastLoss {
    settings: LossConfig,
    /// The normalised value above which an echo is strong.
    high: f64,
    lead_weights_tcyx: Tensor,
    ssim: Ssim,
}

/// The loss of each sample with its parts, fp32 vectors `[b]` on the device: reading them waits for it.
#[derive(Debug)]
pub struct LossParts {
    /// What training makes small, with its graph.
    pub loss_b: Tensor,
    /// The weighted Huber loss, without a graph.
    pub huber_b: Tensor,
    /// The structural similarity, without a graph; 1 if nothing is known.
    pub ssim_b: Tensor,
}

impl LossParts {
    /// How many [`Self::sums`] there are.
    pub const COUNT: usize = 3;

    /// What [`Self::sums`] are.
    #[must_use]
    pub fn specs() -> [ScoreSpec; Self::COUNT] {
        let spec = |name, label, better, meaning| ScoreSpec::new(name, label, better).meaning(meaning);
        let huber = "absolute error, squared where it is small, that counts more at strong echoes; 0 is perfect";
        [
            spec("loss", "Loss", Better::Lower, "what training minimises").shown(Show::First),
            spec("huber", "Huber loss", Better::Lower, huber).shown(Show::Drawn),
            spec("ssim", "SSIM", Better::Higher, "structural similarity of frames; 1 is perfect").shown(Show::Drawn),
        ]
    }

    /// The sums of all parts over the samples, as one vector without a graph.
    pub fn sums(&self) -> Tensor {
        let parts = [&self.loss_b.detach(), &self.huber_b, &self.ssim_b];
        Tensor::stack(&parts, 0).sum_dim_intlist(1, false, Kind::Float)
    }
}

impl NowcastLoss {
    /// The loss that a configuration selects, for frames of these rows and columns.
    #[must_use]
    pub fn new(config: &NowcastConfig, size: [usize; 2], device: Device) -> Self {
        let prepare = &config.prepare;
        let is_inside = (prepare.min..prepare.max).contains(&config.loss.high);
        let high =
            if is_inside { (config.loss.high - prepare.min) / (prepare.max - prepare.min) } else { USUALLY_HIGH };
        let frame = size.map(|size| size as i64);
        Self::from_settings(config.loss.clone(), high, config.windows.target_frames as i64, frame, device)
    }

    fn from_settings(settings: LossConfig, high: f64, target_frames: i64, frame: [i64; 2], device: Device) -> Self {
        let lead_weights = Tensor::linspace(1.0, settings.last_lead_weight, target_frames, (Kind::Float, device));
        let (lead_weights_tcyx, ssim) = (lead_weights.view([target_frames, 1, 1, 1]), Ssim::new(frame, device));
        Self { settings, high, lead_weights_tcyx, ssim }
    }

    /// The loss of each sample. `known` is 1 where the target is known and 0 elsewhere; without it all is known.
    #[must_use]
    pub fn parts(&self, prediction_btcyx: &Tensor, target_btcyx: &Tensor, known: Option<&Tensor>) -> LossParts {
        let (prediction, target) = (prediction_btcyx.to_kind(Kind::Float), target_btcyx.to_kind(Kind::Float));
        let known = known.map(|known| known.to_kind(Kind::Float));
        let weights_btcyx = match &known {
            Some(known) => known * &self.lead_weights_tcyx,
            None => self.lead_weights_tcyx.expand(target.size(), false),
        };
        let huber_b = mean_of_sample(&self.huber(&prediction, &target), &weights_btcyx);
        let distance_b = mean_of_sample(&self.distance(&prediction, &target, known.as_ref()), &weights_btcyx);
        let share = self.settings.ssim_weight;
        LossParts {
            loss_b: &huber_b * (1.0 - share) + &distance_b * share,
            huber_b: huber_b.detach(),
            ssim_b: 1.0 - distance_b.detach(),
        }
    }

    /// Huber (1964): half the square of a small error, linear in a large one. An error at a strong echo counts more.
    fn huber(&self, prediction: &Tensor, target: &Tensor) -> Tensor {
        let strong = target.gt(self.high).to_kind(Kind::Float) * (self.settings.high_weight - 1.0) + 1.0;
        prediction.huber_loss(target, Reduction::None, self.settings.huber_delta) * strong
    }

    /// 1 - SSIM. What is unknown is 0 in both images, so the similarity near it sees no unknown difference.
    fn distance(&self, prediction: &Tensor, target: &Tensor, known: Option<&Tensor>) -> Tensor {
        let image = match known {
            Some(known) => self.ssim.image(&(prediction * known), &(target * known)),
            None => self.ssim.image(prediction, target),
        };
        1.0 - image
    }
}

/// The weighted mean over all axes but the first; 0 for a sample without weight.
fn mean_of_sample(values: &Tensor, weights: &Tensor) -> Tensor {
    let sum = |tensor: &Tensor| tensor.flatten(1, -1).sum_dim_intlist(1, false, Kind::Float);
    sum(&(values * weights)) / sum(weights).clamp_min(NO_WEIGHT)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::PathBuf;

    use serde_json::Value;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/nn", name].iter().collect()
    }

    fn tensors() -> HashMap<String, Tensor> {
        crate::nn::weights::read(&fixture("loss.safetensors")).unwrap().into_iter().collect()
    }

    fn expected() -> Value {
        serde_json::from_str(&std::fs::read_to_string(fixture("loss.json")).unwrap()).unwrap()
    }

    fn loss(case: &Value) -> NowcastLoss {
        let number = |key: &str| case[key].as_f64().unwrap();
        let settings = LossConfig {
            huber_delta: number("delta"),
            ssim_weight: number("ssim_weight"),
            high_weight: number("high_weight"),
            last_lead_weight: number("last_lead"),
            ..LossConfig::default()
        };
        NowcastLoss::from_settings(settings, number("high"), 4, [17, 15], Device::Cpu)
    }

    fn mean(tensor: &Tensor) -> f64 {
        tensor.mean(Kind::Double).double_value(&[])
    }

    fn relative_error(got: &Tensor, expected: &Tensor) -> f64 {
        ((got - expected).norm() / expected.norm()).double_value(&[])
    }

    #[test]
    fn loss_parts_and_gradient_are_those_of_pytorch_and_torchmetrics() {
        tch::set_num_threads(1);
        let (tensors, expected) = (tensors(), expected());
        for name in ["defaults", "small_delta", "growing_lead", "masked", "all"] {
            let case = &expected[name];
            let known = case["mask"].as_bool().unwrap_or(false).then(|| &tensors["mask"]);
            let prediction = tensors["prediction"].copy().set_requires_grad(true);
            let parts = loss(case).parts(&prediction, &tensors["target"], known);
            let got = [mean(&parts.loss_b), mean(&parts.huber_b), 1.0 - mean(&parts.ssim_b)];
            for (got, key) in got.into_iter().zip(["loss", "huber", "ssim_distance"]) {
                let wanted = case[key].as_f64().unwrap();
                assert!((got / wanted - 1.0).abs() < 1e-5, "{name}: {key} is {got}, expected {wanted}");
            }
            parts.loss_b.mean(Kind::Float).backward();
            let error = relative_error(&prediction.grad(), &tensors[&format!("gradient.{name}")]);
            assert!(error < 1e-5, "{name}: the gradient differs by {error:e}");
        }
    }

    #[test]
    fn without_weights_the_huber_part_is_pytorchs_own() {
        let (tensors, expected) = (tensors(), expected());
        let mut loss = loss(&expected["small_delta"]);
        loss.settings.high_weight = 1.0;
        let got = mean(&loss.parts(&tensors["prediction"], &tensors["target"], None).huber_b);
        assert!((got / expected["torch_huber_0.1"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{got}");
    }

    #[test]
    fn the_loss_of_a_sample_does_not_depend_on_those_beside_it() {
        let (tensors, expected) = (tensors(), expected());
        let loss = loss(&expected["all"]);
        let part = |name: &str, from, count| tensors[name].narrow(0, from, count);
        let of = |from, count| {
            let (prediction, target) = (part("prediction", from, count), part("target", from, count));
            loss.parts(&prediction, &target, Some(&part("mask", from, count)))
        };
        let apart = [of(0, 1), of(1, 1), of(2, 1)].iter().map(LossParts::sums).reduce(|sum, next| sum + next).unwrap();
        assert!(relative_error(&apart, &of(0, 3).sums()) < 1e-6);
    }

    #[test]
    fn unknown_cells_have_no_part_in_the_loss_even_if_they_are_not_finite() {
        let (tensors, expected) = (tensors(), expected());
        let loss = loss(&expected["masked"]);
        let known = &tensors["mask"];
        let changed = &tensors["target"] * known + (1.0 - known) * 0.7;
        let prediction = tensors["prediction"].copy().set_requires_grad(true);
        let one = loss.parts(&prediction, &tensors["target"], Some(known));
        let other = loss.parts(&prediction, &changed, Some(known));
        assert!(one.sums().equal(&other.sums()));
        one.loss_b.sum(Kind::Float).backward();
        let unknown: Tensor = 1.0 - known;
        assert_eq!((prediction.grad() * unknown).abs().max().double_value(&[]), 0.0);
        assert_eq!(one.loss_b.double_value(&[2]), 0.0, "a sample of which nothing is known");
        assert_eq!(one.ssim_b.double_value(&[2]), 1.0);
    }

    #[test]
    fn the_default_threshold_is_two_fifths_of_the_scale() {
        let loss = NowcastLoss::new(&NowcastConfig::default(), [250, 250], Device::Cpu);
        assert!((loss.high - 0.4).abs() < 1e-12);
        assert_eq!(loss.lead_weights_tcyx.size(), [7, 1, 1, 1]);
    }

    #[test]
    fn a_prediction_that_is_right_costs_nothing() {
        let tensors = tensors();
        let loss = loss(&expected()["all"]);
        let parts = loss.parts(&tensors["target"], &tensors["target"], None);
        assert!(mean(&parts.loss_b) < 1e-6);
        assert_eq!(mean(&parts.huber_b), 0.0);
    }
}
