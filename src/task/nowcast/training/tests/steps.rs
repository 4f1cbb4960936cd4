//! Twenty steps against PyTorch's, with the values of `tests/fixtures/nn/make.py`.

use serde_json::Value;
use tch::{Kind, Tensor};

use super::super::testing::{Storms, Trainer};
use crate::nn::precision::Precision;
use crate::nn::weights;
use crate::task::nowcast::config::{LossConfig, NowcastConfig};
use crate::train::config::AdamW;
use crate::train::task::Task;

fn fixture(name: &str) -> std::path::PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/nn/steps", name].iter().collect()
}

/// The values under these names, flat.
fn flat(tensors: &[(String, Tensor)], names: &[String]) -> Tensor {
    let of = |name: &String| tensors.iter().find(|(known, _)| known == name).unwrap().1.flatten(0, -1);
    Tensor::cat(&names.iter().map(of).collect::<Vec<_>>(), 0).to_kind(Kind::Double)
}

fn config(settings: &Value) -> NowcastConfig {
    let mut config = NowcastConfig::default();
    config.prepare.size = [16, 16];
    config.windows.input_frames = settings["input_frames"].as_u64().unwrap() as usize;
    config.windows.target_frames = settings["target_frames"].as_u64().unwrap() as usize;
    config.model.convlstm().hidden = serde_json::from_value(settings["hidden"].clone()).unwrap();
    let loss = |key: &str| settings["loss"][key].as_f64().unwrap();
    let (min, max) = (config.prepare.min, config.prepare.max);
    config.loss = LossConfig {
        huber_delta: loss("delta"),
        ssim_weight: loss("ssim_weight"),
        high: min + loss("high") * (max - min),
        high_weight: loss("high_weight"),
        last_lead_weight: loss("last_lead"),
        ..LossConfig::default()
    };
    config
}

#[test]
fn twenty_steps_are_those_of_pytorch() {
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(fixture("steps.json")).unwrap()).unwrap();
    let settings = &expected["settings"];
    let number = |key: &str| settings[key].as_f64().unwrap();
    let windows = weights::read(&fixture("windows.safetensors")).unwrap().remove(0).1;
    let events = (0..8).map(|event| Vec::<u8>::try_from(windows.get(event).flatten(0, -1)).unwrap()).collect();
    let storms = Storms::of(config(settings), 1, events);
    let (mut task, windows) = (storms.task(Precision::Fp32), storms.windows());
    let (initial, last) =
        ["initial", "final"].map(|name| weights::read(&fixture(&format!("{name}.safetensors"))).unwrap()).into();
    let report = task.parameters_mut().load_named(&initial);
    assert!(report.is_complete(), "{report}");

    let rates = AdamW {
        lr: number("lr"),
        weight_decay: number("weight_decay"),
        betas: serde_json::from_value(settings["betas"].clone()).unwrap(),
        eps: number("eps"),
    };
    let mut trainer = Trainer::new(task, rates, settings["clip_norm"].as_f64());
    for (number, step) in expected["steps"].as_array().unwrap().iter().enumerate() {
        let group = step["windows"].as_array().unwrap().iter();
        let group: Vec<_> = group.map(|window| windows[window.as_u64().unwrap() as usize].clone()).collect();
        let got = trainer.step(&[&group[..2], &group[2..]]);
        for (got, key, most) in [(got.loss, "loss", 1e-5), (got.norm, "gradient_norm", 1e-4)] {
            let wanted = step[key].as_f64().unwrap();
            assert!((got / wanted - 1.0).abs() < most, "step {number}: {key} is {got}, expected {wanted}");
        }
    }
    let names: Vec<String> = trainer.task.parameters().names().map(str::to_owned).collect();
    let (initial, last) = (flat(&initial, &names), flat(&last, &names));
    let got = trainer.task.parameters().values().detach().to_kind(Kind::Double);
    let share = ((got - &last).norm() / (last - initial).norm()).double_value(&[]);
    assert!(share < 0.01, "the final weights are {share} of the way apart");
}
