//! The network against PyTorch's, with the values of `tests/fixtures/nn/make.py`.

use std::collections::HashMap;

use tch::{Device, Kind, Tensor};

use super::*;
use crate::nn::precision::Precision;
use crate::nn::testing::{fixture, relative_error, tensors};
use crate::task::nowcast::config::Norm;

fn architecture(norm: Norm) -> Architecture {
    Architecture { channels: 2, frame: [9, 8], target_frames: 3, hidden: vec![3, 4], kernel: 3, norm }
}

/// The network with PyTorch's values, and PyTorch's results.
fn loaded(norm: Norm, file: &str) -> (BoundConvLstm, Parameters, HashMap<String, Tensor>) {
    let architecture = architecture(norm);
    let mut parameters = Parameters::new(&architecture.layout(), 1, Device::Cpu).unwrap();
    let expected = tensors(file);
    let values = expected.iter().filter_map(|(name, value)| Some((name.strip_prefix("value.")?, value)));
    let values: Vec<_> = values.map(|(name, value)| (name.to_owned(), value.shallow_clone())).collect();
    let report = parameters.load_named(&values);
    assert!(report.is_complete(), "{report}");
    (BoundConvLstm::new(&architecture, &parameters).unwrap(), parameters, expected)
}

/// The largest relative error of the output and of any gradient, for the mean square error.
fn errors(norm: Norm, file: &str, precision: Precision) -> (f64, f64) {
    tch::set_num_threads(1);
    let (network, parameters, expected) = loaded(norm, file);
    let output = network.forward(&expected["input"], precision);
    assert_eq!((output.kind(), output.size()), (Kind::Float, vec![2, 3, 2, 9, 8]));
    (&output - &expected["target"]).square().mean(Kind::Float).backward();
    let gradient =
        |name: &str| relative_error(&parameters.gradient(name).unwrap(), &expected[&format!("gradient.{name}")]);
    (relative_error(&output, &expected["output"]), parameters.names().map(gradient).fold(0.0, f64::max))
}

const FILES: [(Norm, &str); 3] = [
    (Norm::Layer, "convlstm_layer.safetensors"),
    (Norm::Group, "convlstm_group.safetensors"),
    (Norm::None, "convlstm_none.safetensors"),
];

#[test]
fn output_and_gradients_are_those_of_pytorch() {
    for (norm, file) in FILES {
        let (output, gradient) = errors(norm, file, Precision::Fp32);
        assert!(output < 1e-6 && gradient < 1e-5, "{norm:?}: output {output:e}, gradient {gradient:e}");
    }
}

/// Autocast rounds at other places, and a model of 3 channels averages little of it away: hence the factor.
#[test]
fn bf16_is_no_further_off_than_twice_pytorchs_autocast() {
    let text = std::fs::read_to_string(fixture("autocast.json")).unwrap();
    let autocast: serde_json::Value = serde_json::from_str(&text).unwrap();
    for ((norm, file), name) in FILES.into_iter().zip(["layer", "group", "none"]) {
        let allowed = |key: &str| 2.0 * autocast[name][key].as_f64().unwrap();
        let (output, gradient) = errors(norm, file, Precision::Bf16);
        assert!(output < allowed("output"), "{norm:?}: output {output:e}");
        assert!(gradient < allowed("worst_gradient"), "{norm:?}: gradient {gradient:e}");
        assert!(output > 1e-5, "{norm:?}: it computed in fp32");
    }
}

#[test]
fn every_parameter_has_a_gradient() {
    tch::set_num_threads(1);
    for norm in [Norm::Layer, Norm::Group, Norm::None] {
        let architecture = Architecture { hidden: vec![3, 5, 4], kernel: 5, ..architecture(norm) };
        let parameters = Parameters::new(&architecture.layout(), 42, Device::Cpu).unwrap();
        let network = BoundConvLstm::new(&architecture, &parameters).unwrap();
        let input = Tensor::arange(2 * 4 * 2 * 72, (Kind::Float, Device::Cpu)).view([2, 4, 2, 9, 8]).sin().square();
        network.forward(&input, Precision::Fp32).square().mean(Kind::Float).backward();
        assert_eq!(parameters.unused(), [""; 0], "{norm:?}");
    }
}

#[test]
fn a_sample_does_not_depend_on_those_beside_it() {
    tch::set_num_threads(1);
    let (network, _, expected) = loaded(Norm::Layer, "convlstm_layer.safetensors");
    let both = network.forward(&expected["input"], Precision::Fp32);
    let alone = network.forward(&expected["input"].narrow(0, 1, 1), Precision::Fp32);
    assert!(relative_error(&alone, &both.narrow(0, 1, 1)) < 1e-6);
}

#[test]
fn one_thread_and_two_agree_to_rounding_and_each_repeats_itself_bit_by_bit() {
    let run = |threads| {
        tch::set_num_threads(threads);
        let (network, parameters, expected) = loaded(Norm::Layer, "convlstm_layer.safetensors");
        let input = expected["input"].repeat([1, 1, 1, 4, 4]).narrow(3, 0, 9).narrow(4, 0, 8);
        network.forward(&input, Precision::Fp32).square().mean(Kind::Float).backward();
        parameters.gradients()
    };
    let (one, two) = (run(1), run(2));
    assert!(run(1).equal(&one) && run(2).equal(&two));
    assert!(relative_error(&two, &one) < 1e-6);
    tch::set_num_threads(1);
}
