//! The networks against PyTorch, with the values of `tests/fixtures/image_class/make.py`.

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::char_cnn::CharCnn;
use super::resnet::ResNet;
use super::{Forward, ImageNetwork};
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::parameters::Parameters;
use crate::nn::precision::Precision;
use crate::task::classes::loss::losses;
use crate::task::image_class::config::ResNetConfig;
use crate::train::config::{AdamW, Optimizer as Rates, Sgd};
use crate::train::optimizer::Optimizer;

const IMAGES: i64 = 6;
const STEP_IMAGES: i64 = 32;
const PROBES: usize = 4;

/// Values between -1 and 1 that look random, by the formula of the script.
fn waves(count: usize, number: usize) -> Vec<f64> {
    let wave = |place: usize| (12.9898 * (place as f64) + 78.233 * (number as f64 + 1.0)).sin() as f32;
    (1..=count).map(|place| f64::from(wave(place))).collect()
}

/// The same without a period.
fn noise(count: usize, number: usize) -> Vec<f64> {
    let part = |place: usize| (12.9898 * (place as f64) + 78.233 * (number as f64 + 1.0)).sin() * 43758.5453;
    (1..=count).map(|place| f64::from((2.0 * (part(place) - part(place).floor()) - 1.0) as f32)).collect()
}

/// Numbers for so many places, by the number of what they are for.
type Numbers = fn(usize, usize) -> Vec<f64>;

/// Gives every tensor the values that the script gives it.
fn fill(parameters: &Parameters, random: Numbers) {
    let mut names: Vec<(String, Vec<i64>, Tensor)> = Vec::new();
    for (name, part) in parameters.parts_of(&parameters.values()).unwrap() {
        names.push((name, part.size(), part));
    }
    for (spec, part) in parameters.buffer_parts().into_iter().filter(|(spec, _)| spec.name.contains(".running_")) {
        names.push((spec.name.clone(), part.size(), part));
    }
    names.sort_by(|one, other| one.0.cmp(&other.0));
    for (number, (name, shape, part)) in names.into_iter().enumerate() {
        let is_norm = name.contains(".running_var") || (shape.len() == 1 && name.ends_with("weight"));
        let fan_in: f64 = if shape.len() > 1 { shape[1..].iter().product::<i64>() as f64 } else { 4.0 };
        let scale = (3.0 / fan_in).sqrt();
        let values = random(part.numel(), number);
        let values = values.into_iter().map(|wave| if is_norm { 1.0 + 0.25 * wave } else { wave * scale } as f32);
        let values: Vec<f32> = values.collect();
        tch::no_grad(|| part.view(shape.as_slice()).copy_(&Tensor::from_slice(&values).view(shape.as_slice())));
    }
}

fn images_and_truth(count: i64, number: usize, random: Numbers) -> (Tensor, Tensor) {
    let levels = random(count as usize * 64, number).into_iter().map(|wave| (0.5 + 0.5 * wave) as f32);
    let images = Tensor::from_slice(&levels.collect::<Vec<_>>()).view([count, 1, 8, 8]);
    (images, Tensor::arange(count, (Kind::Int64, Device::Cpu)).remainder(5))
}

/// Images that are mostly dark, as characters are, and their classes.
fn step_images(step: usize) -> (Tensor, Tensor) {
    let (images, truth) = images_and_truth(STEP_IMAGES, 3000 + step, noise);
    (&images * &images * &images, truth)
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs())).max(1e-12);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance * scale, "{what}: {got} instead of {expected}");
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().flatten(0, -1)).unwrap()
}

fn expected(file: &str) -> Value {
    let path = format!("{}/tests/fixtures/image_class/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn labels() -> Vec<String> {
    (0..5).map(|class| class.to_string()).collect()
}

fn char_cnn() -> CharCnn {
    CharCnn { size: [8, 8], labels: labels(), dropout: 0.0 }
}

fn resnet() -> ResNet {
    let config = ResNetConfig { widths: vec![8, 12], blocks: vec![1, 2], hidden: 10, dropout: 0.0 };
    ResNet { size: [8, 8], labels: labels(), config }
}

fn bound(network: &dyn ImageNetwork, random: Numbers) -> (Parameters, Box<dyn Forward>) {
    tch::set_num_threads(1);
    let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
    fill(&parameters, random);
    let bound = network.over(&parameters).unwrap();
    (parameters, bound)
}

/// The length of a vector and its products with vectors that look random.
fn probed(way: &[f64], first: usize, probes: usize) -> Vec<f64> {
    let norm = way.iter().map(|value| value * value).sum::<f64>().sqrt();
    let product =
        |number| way.iter().zip(waves(way.len(), number)).map(|(value, wave): (&f64, f64)| value * wave).sum::<f64>();
    std::iter::once(norm).chain((first..first + probes).map(product)).collect()
}

#[test]
fn logits_gradients_and_running_statistics_are_those_of_pytorch() {
    let expected = expected("expected.json");
    let (parameters, bound) = bound(&char_cnn(), waves);
    let (images, truth) = images_and_truth(IMAGES, 1000, waves);
    let evaluated = tch::no_grad(|| bound.forward(&images, Mode::Evaluation, Precision::Fp32));
    close("evaluated", &values(&evaluated), &numbers(&expected["evaluated"]), 1e-5);
    let rough = tch::no_grad(|| bound.forward(&images, Mode::Evaluation, Precision::Bf16));
    close("evaluated in 16 bits", &values(&rough), &numbers(&expected["evaluated"]), 0.05);
    let passed = bound.learn(&images, &SampleKeys::new(42, 0, 0..IMAGES as u64), Precision::Fp32);
    close("trained", &values(passed.output()), &numbers(&expected["trained"]), 1e-4);
    let loss = losses(passed.output(), &truth, 0.1).unwrap().loss_b.sum(Kind::Float);
    passed.backward(&loss).unwrap();
    let mut gradients = parameters.parts_of(&parameters.gradients()).unwrap();
    gradients.sort_by(|one, other| one.0.cmp(&other.0));
    let mut compared = 0;
    for (number, (name, gradient)) in gradients.iter().enumerate() {
        // The script leaves out biases in front of a batch norm, whose gradient is nothing but rounding.
        let Some(expected) = expected["gradients"].get(name).map(numbers) else { continue };
        close(name, &probed(&values(gradient), 2000 + number, 1), &expected, 1e-3);
        compared += 1;
    }
    assert_eq!(compared, 30 - 7, "parameters but the seven idle biases");
    for (spec, part) in parameters.buffer_parts() {
        if let Some(expected) = expected["statistics"].get(&spec.name).map(numbers) {
            close(&spec.name, &values(&part)[..expected.len()], &expected, 1e-5);
        }
    }
}

/// So many steps with other images in each; then how far each tensor that the script compares is from the start.
fn steps(network: &dyn ImageNetwork, rates: &Rates, steps: usize, expected: &Value, tolerance: f64) {
    let (parameters, bound) = bound(network, noise);
    let start = parameters.values().detach().copy();
    let mut optimizer = Optimizer::new(rates, &start);
    for step in 0..steps {
        let (images, truth) = step_images(step);
        parameters.zero_gradients();
        let passed = bound.learn(&images, &SampleKeys::new(42, 0, 0..STEP_IMAGES as u64), Precision::Fp32);
        let loss = losses(passed.output(), &truth, 0.1).unwrap().loss_b.mean(Kind::Float);
        passed.backward(&loss).unwrap();
        let mut values = parameters.values().detach();
        optimizer.step(&mut values, &parameters.gradients(), rates.lr(), &parameters.decayed()).unwrap();
    }
    let mut ways = parameters.parts_of(&(parameters.values().detach() - start)).unwrap();
    ways.sort_by(|one, other| one.0.cmp(&other.0));
    let all = expected.as_object().unwrap().len();
    let mut compared = 0;
    for (place, (name, way)) in ways.iter().enumerate() {
        let Some(expected) = expected.get(name).map(numbers) else { continue };
        let got = probed(&values(way), 4000 + PROBES * place, PROBES);
        // In shares of the way: a product of two vectors may be small by chance.
        for (got, product) in got.iter().zip(&expected) {
            let apart = (got - product).abs() / expected[0];
            assert!(apart <= tolerance, "{name}: {got} instead of {product}, {apart:e} of the way");
        }
        compared += 1;
    }
    assert_eq!(compared, all);
}

#[test]
fn steps_of_both_networks_are_those_of_pytorch() {
    let expected = expected("steps.json");
    let networks: [(&str, &dyn ImageNetwork); 2] = [("char_cnn", &char_cnn()), ("resnet", &resnet())];
    for (name, network) in networks {
        let (_, bound) = bound(network, noise);
        let images = step_images(0).0;
        let evaluated = tch::no_grad(|| bound.forward(&images, Mode::Evaluation, Precision::Fp32)).narrow(0, 0, 8);
        close(name, &values(&evaluated), &numbers(&expected[name]["evaluated"]), 1e-5);
        let sgd = Rates::Sgd(Sgd { lr: 0.1, momentum: 0.0, ..Sgd::default() });
        steps(network, &sgd, 1, &expected[name]["sgd"], 1e-3);
        // Further steps, or larger ones, say nothing: batch norm makes rounding grow, in PyTorch against itself too.
        let adamw = Rates::Adamw(AdamW { lr: 1e-4, weight_decay: 0.01, ..AdamW::default() });
        steps(network, &adamw, 5, &expected[name]["adamw"], 0.01);
    }
}
