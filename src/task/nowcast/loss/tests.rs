//! Huber and SSIM against PyTorch and torchmetrics, with the values of `tests/fixtures/nn/make.py`.

mod terms;

use std::collections::HashMap;

use serde_json::Value;
use tch::Reduction;

use super::config::AbsoluteConfig;
use super::*;
use crate::nn::ssim::Ssim;
use crate::nn::testing::{fixture, relative_error};

fn tensors() -> HashMap<String, Tensor> {
    crate::nn::testing::tensors("loss.safetensors")
}

fn expected() -> Value {
    read("loss.json")
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// The loss of a configuration whose phases, if there are more, have nothing else.
fn loss_of(config: &NowcastConfig, expected: &Expected) -> NowcastLoss {
    let (quantity, reported, device) = (&Quantity::default(), &Reported::of([&config.loss]), Device::Cpu);
    NowcastLoss::new(&Setting { config, quantity, expected, reported, device }).unwrap()
}

fn config(case: &Value) -> NowcastConfig {
    let number = |key: &str| case[key].as_f64().unwrap();
    let mut config = NowcastConfig::default();
    (config.prepare.min, config.prepare.max, config.prepare.size) = (0.0, 1.0, [17, 15]);
    config.windows.target_frames = 4;
    config.loss = LossConfig {
        huber_delta: number("delta"),
        ssim_weight: number("ssim_weight"),
        high: number("high"),
        high_weight: number("high_weight"),
        last_lead_weight: number("last_lead"),
        ..LossConfig::default()
    };
    config
}

fn loss(case: &Value) -> NowcastLoss {
    loss_of(&config(case), &Expected::default())
}

/// A part that was measured.
fn part(part_b: &Option<Tensor>) -> &Tensor {
    part_b.as_ref().unwrap()
}

fn mean(tensor: &Tensor) -> f64 {
    tensor.mean(Kind::Double).double_value(&[])
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
        let got = [mean(&parts.loss_b), mean(part(&parts.huber_b)), 1.0 - mean(part(&parts.ssim_b))];
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
    let mut config = config(&expected["small_delta"]);
    config.loss.high_weight = 1.0;
    let loss = loss_of(&config, &Expected::default());
    let got = mean(part(&loss.parts(&tensors["prediction"], &tensors["target"], None).huber_b));
    assert!((got / expected["torch_huber_0.1"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{got}");
}

#[test]
fn the_loss_of_a_sample_does_not_depend_on_those_beside_it() {
    let (tensors, expected) = (tensors(), expected());
    let loss = loss(&expected["all"]);
    let cut = |name: &str, from, count| tensors[name].narrow(0, from, count);
    let of = |from, count| {
        let (prediction, target) = (cut("prediction", from, count), cut("target", from, count));
        loss.parts(&prediction, &target, Some(&cut("mask", from, count)))
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
    assert_eq!(part(&one.ssim_b).double_value(&[2]), 1.0);
}

#[test]
fn the_default_threshold_is_two_fifths_of_the_scale() {
    let mut config = NowcastConfig::default();
    let loss = loss_of(&config, &Expected::default());
    assert!((loss.huber_ssim.high - 0.4).abs() < 1e-12);
    assert!(loss.lead_weights_tcyx.is_none(), "all frames count alike, which costs nothing");
    config.loss.last_lead_weight = 2.0;
    assert_eq!(loss_of(&config, &Expected::default()).lead_weights_tcyx.unwrap().size(), [7, 1, 1, 1]);
}

#[test]
fn a_prediction_that_is_right_costs_nothing() {
    let tensors = tensors();
    let loss = loss(&expected()["all"]);
    let parts = loss.parts(&tensors["target"], &tensors["target"], None);
    assert!(mean(&parts.loss_b) < 1e-6);
    assert_eq!(mean(part(&parts.huber_b)), 0.0);
}

/// A run of an earlier version continues with the numbers that it began with.
#[test]
fn huber_and_ssim_alone_are_bit_for_bit_their_formula() {
    tch::set_num_threads(1);
    let (tensors, expected) = (tensors(), expected());
    let (case, target, known) = (&expected["all"], &tensors["target"], &tensors["mask"]);
    let number = |key: &str| case[key].as_f64().unwrap();
    let forecast = || tensors["prediction"].copy().set_requires_grad(true);
    let (prediction, other) = (forecast(), forecast());

    let lead_weights = Tensor::linspace(1.0, number("last_lead"), 4, (Kind::Float, Device::Cpu)).view([4, 1, 1, 1]);
    let weights = known * lead_weights;
    let sum = |tensor: &Tensor| tensor.flatten(1, -1).sum_dim_intlist(1, false, Kind::Float);
    let mean = |values: &Tensor| sum(&(values * &weights)) / sum(&weights).clamp_min(1e-9);
    let strong = target.gt(number("high")).to_kind(Kind::Float) * (number("high_weight") - 1.0) + 1.0;
    let huber = mean(&(prediction.huber_loss(target, Reduction::None, number("delta")) * strong));
    let image = Ssim::new([17, 15], Device::Cpu).image(&(&prediction * known), &(target * known));
    let distance = mean(&(1.0 - image));
    let share = number("ssim_weight");
    let formula = &huber * (1.0 - share) + &distance * share;

    let parts = loss(case).parts(&other, target, Some(known));
    assert!(parts.loss_b.equal(&formula));
    assert!(part(&parts.huber_b).equal(&huber) && part(&parts.ssim_b).equal(&(1.0 - distance)));
    formula.sum(Kind::Float).backward();
    parts.loss_b.sum(Kind::Float).backward();
    assert!(prediction.grad().equal(&other.grad()));
}

/// What can't be computed.
#[derive(Debug)]
struct Never;

impl Loss for Never {
    fn of_samples(&self, _cells: &Cells<'_>) -> Tensor {
        panic!("a term without a weight was computed")
    }
}

#[test]
fn a_step_of_training_computes_only_what_has_a_weight() {
    let tensors = tensors();
    let case = &expected()["all"];
    let learn = |loss: &NowcastLoss| loss.weighted_parts(&tensors["prediction"], &tensors["target"], None);
    // Matrices for other frames than these: SSIM can't be computed.
    let without_ssim = |weight, ssim_weight| {
        let mut config = config(case);
        (config.loss.huber_ssim_weight, config.loss.ssim_weight) = (weight, ssim_weight);
        config.loss.absolute = Some(AbsoluteConfig::default());
        let mut other = config.clone();
        other.prepare.size = [30, 30];
        let huber_ssim = HuberSsim::new(&other, Device::Cpu);
        let mut loss = loss_of(&config, &Expected::default());
        loss.terms.push(Weighted { weight: 0.0, term: Box::new(Never) });
        (NowcastLoss { huber_ssim, ..loss }, loss_of(&config, &Expected::default()))
    };
    for (weight, ssim_weight, huber) in [(0.0, 0.5, false), (1.0, 0.0, true)] {
        let (loss, whole) = without_ssim(weight, ssim_weight);
        let (parts, all) = (learn(&loss), whole.parts(&tensors["prediction"], &tensors["target"], None));
        assert!(parts.loss_b.equal(&all.loss_b));
        assert_eq!(parts.huber_b.is_some(), huber);
        assert!(parts.ssim_b.is_none() && parts.terms_b[0].is_some() && parts.terms_b[1].is_none());
        let settings = &loss.huber_ssim.settings;
        assert_eq!(Reported::of([settings]).weighted(settings), [true, huber, false, true]);
        assert_eq!(parts.sums().size(), [2 + i64::from(huber)]);
    }
    let mut ssim_alone = loss_of(&config(case), &Expected::default());
    ssim_alone.huber_ssim.settings.ssim_weight = 1.0;
    assert!(learn(&ssim_alone).huber_b.is_none() && learn(&ssim_alone).ssim_b.is_some());
}
