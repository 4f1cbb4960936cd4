//! The ConvLSTM in PyTorch: the modules are those that `tests/fixtures/export/python/make.py` has run, and what they computed
//! there is what the network computes here.

use std::collections::HashMap;
use std::path::PathBuf;

use tch::{Device, Tensor};

use super::*;
use crate::nn::export::python::{self, Module};
use crate::nn::precision::Precision;
use crate::nn::testing::relative_error;
use crate::task::nowcast::config::{Levels, Norm};

const CASES: [(&str, Norm); 3] = [("layer", Norm::Layer), ("group", Norm::Group), ("none", Norm::None)];

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/export/python", name].iter().collect()
}

/// 4 + 3 frames of 10 x 9 cells in 2 channels.
fn model(norm: Norm) -> ConvLstm {
    let mut config = NowcastConfig::default();
    config.prepare.size = [10, 9];
    config.prepare.levels = Levels::Channels(vec![0, 1]);
    (config.windows.input_frames, config.windows.target_frames) = (4, 3);
    (config.model.norm, config.model.hidden) = (norm, vec![20, 6]);
    ConvLstm::new(&config, &Quantity::default())
}

#[test]
fn the_modules_are_those_that_pytorch_has_run() {
    for (name, norm) in CASES {
        let model = model(norm);
        let io = model.describe();
        let description = serde_json::to_string(&io).unwrap();
        let code = model.python();
        let module = Module {
            title: "nowcast model",
            file: name,
            layout: io.input.layout,
            description: &description,
            code: &code,
        };
        let mut text = Vec::new();
        python::write(&module, &mut text).unwrap();
        let expected = std::fs::read_to_string(fixture(&format!("{name}.py"))).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected, "{name}.py");
    }
}

#[test]
fn the_modules_compute_what_the_network_does() {
    tch::set_num_threads(1);
    for (name, norm) in CASES {
        let tensors = Tensor::read_safetensors(fixture(&format!("{name}.safetensors"))).unwrap();
        let expected: HashMap<&str, &Tensor> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let values = tensors.iter().filter_map(|(name, value)| Some((name.strip_prefix("value.")?, value)));
        let values: Vec<_> = values.map(|(name, value)| (name.to_owned(), value.shallow_clone())).collect();
        let model = model(norm);
        let mut parameters = Parameters::new(&model.layout(), 1, Device::Cpu).unwrap();
        let report = parameters.load_named(&values);
        assert!(report.is_complete(), "{name}: {report}");
        let output = model.over(&parameters).unwrap().forward(expected["input"], Precision::Fp32);
        let error = relative_error(&output, expected["output"]);
        assert!(error < 1e-6, "{name}: {error:e}");
    }
}
