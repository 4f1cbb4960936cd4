//! CharCNN_v2 against PyTorch, with the values of `tests/fixtures/image_class/make.py`.

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::char_cnn::CharCnn;
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::network::Network;
use crate::nn::parameters::Parameters;
use crate::nn::precision::Precision;
use crate::task::image_class::loss::losses;

const IMAGES: i64 = 6;

/// Values between -1 and 1 that look random, by the formula of the script.
fn waves(count: usize, number: usize) -> Vec<f64> {
    let wave = |place: usize| (12.9898 * (place as f64) + 78.233 * (number as f64 + 1.0)).sin() as f32;
    (1..=count).map(|place| f64::from(wave(place))).collect()
}

/// Gives every tensor the values that the script gives it.
fn fill(parameters: &Parameters) {
    let mut names: Vec<(String, Vec<i64>, Tensor)> = Vec::new();
    for (name, part) in parameters.parts_of(&parameters.values()).unwrap() {
        names.push((name, part.size(), part));
    }
    for (spec, part) in parameters.buffer_parts().into_iter().filter(|(spec, _)| spec.name.contains(".running_")) {
        names.push((spec.name.clone(), part.size(), part));
    }
    names.sort_by(|one, other| one.0.cmp(&other.0));
    for (number, (name, shape, part)) in names.into_iter().enumerate() {
        let is_norm = name.contains(".running_var") || (name.contains("bn") && name.ends_with("weight"));
        let fan_in: f64 = if shape.len() > 1 { shape[1..].iter().product::<i64>() as f64 } else { 4.0 };
        let scale = (3.0 / fan_in).sqrt();
        let values = waves(part.numel(), number);
        let values = values.into_iter().map(|noise| if is_norm { 1.0 + 0.25 * noise } else { noise * scale } as f32);
        let values: Vec<f32> = values.collect();
        tch::no_grad(|| part.view(shape.as_slice()).copy_(&Tensor::from_slice(&values).view(shape.as_slice())));
    }
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

#[test]
fn logits_gradients_and_running_statistics_are_those_of_pytorch() {
    tch::set_num_threads(1);
    let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/image_class/expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    let network = CharCnn { size: [8, 8], labels: (0..5).map(|class| class.to_string()).collect(), dropout: 0.0 };
    let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
    fill(&parameters);
    let bound = network.bind(&parameters).unwrap();
    let levels: Vec<f32> =
        waves(IMAGES as usize * 64, 1000).into_iter().map(|wave| (0.5 + 0.5 * wave) as f32).collect();
    let images = Tensor::from_slice(&levels).view([IMAGES, 1, 8, 8]);
    let truth = Tensor::arange(IMAGES, (Kind::Int64, Device::Cpu)).remainder(5);
    let evaluated = tch::no_grad(|| bound.forward(&images, Mode::Evaluation, Precision::Fp32));
    close("evaluated", &values(&evaluated), &numbers(&expected["evaluated"]), 1e-5);
    let keys = SampleKeys::new(42, 0, 0..IMAGES as u64);
    let logits = bound.forward(&images, Mode::Training(&keys), Precision::Fp32);
    close("trained", &values(&logits), &numbers(&expected["trained"]), 1e-4);
    losses(&logits, &truth, 0.1).unwrap().loss_b.sum(Kind::Float).backward();
    let mut gradients = parameters.parts_of(&parameters.gradients()).unwrap();
    gradients.sort_by(|one, other| one.0.cmp(&other.0));
    let mut compared = 0;
    for (number, (name, gradient)) in gradients.iter().enumerate() {
        // The script leaves out biases in front of a batch norm, whose gradient is nothing but rounding.
        let Some(expected) = expected["gradients"].get(name).map(numbers) else { continue };
        let gradient = values(gradient);
        let norm = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
        let probe: f64 =
            gradient.iter().zip(waves(gradient.len(), 2000 + number)).map(|(value, wave)| value * wave).sum();
        close(name, &[norm, probe], &expected, 1e-3);
        compared += 1;
    }
    assert_eq!(compared, 30 - 7, "parameters but the seven idle biases");
    for (spec, part) in parameters.buffer_parts() {
        if let Some(expected) = expected["statistics"].get(&spec.name).map(numbers) {
            close(&spec.name, &values(&part)[..expected.len()], &expected, 1e-5);
        }
    }
}
