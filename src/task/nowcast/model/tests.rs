//! What holds for every model, in both coordinates: its code in other languages, and a start that adds nothing.

use std::path::PathBuf;

use tch::{Device, IValue, Kind, Tensor};

use super::testing::{Random, assert_network, assert_script, frames, seen, small};
use super::*;
use crate::nn::export::python::{self, Module};
use crate::nn::network::Network;
use crate::nn::testing::relative_error;
use crate::task::nowcast::config::{
    Attention, ConvLstmConfig, Coordinates, Missing, Norm, PredrnnConfig, SimvpConfig, TrajGruConfig, UnetConfig,
    UnetNorm,
};

/// Small models of every kind, by the names of their files in `tests/fixtures/export/python`.
fn models() -> Vec<(&'static str, ModelConfig)> {
    let convlstm = |norm, hidden: &[usize]| {
        ModelConfig::ConvLstm(ConvLstmConfig { norm, hidden: hidden.into(), ..ConvLstmConfig::default() })
    };
    let unet = |norm, widths: &[usize], base| {
        ModelConfig::Unet(UnetConfig { norm, widths: widths.into(), base, ..UnetConfig::default() })
    };
    let attentive = |attention| {
        let hidden = vec![18, 6];
        ModelConfig::ConvLstm(ConvLstmConfig { attention, norm: Norm::Group, hidden, ..ConvLstmConfig::default() })
    };
    let trajgru = TrajGruConfig { hidden: vec![3, 4, 2], links: vec![3, 2, 4], strides: vec![2, 1, 3], frames: None };
    let trajgru = ModelConfig::TrajGru(trajgru);
    let simvp = |blocks, halvings, frames| {
        ModelConfig::Simvp(SimvpConfig { width: 4, hidden: 6, expansion: 2, blocks, halvings, frames })
    };
    let predrnn = |hidden: &[usize], highway| {
        ModelConfig::Predrnn(PredrnnConfig { hidden: hidden.into(), kernel: 3, patch: 2, highway, frames: None })
    };
    vec![
        ("layer", convlstm(Norm::Layer, &[20, 6])),
        ("group", convlstm(Norm::Group, &[20, 6])),
        ("none", convlstm(Norm::None, &[20, 6])),
        ("cbam", attentive(Attention::Cbam)),
        ("memory", attentive(Attention::Memory)),
        ("unet", unet(UnetNorm::None, &[1, 2, 3], 4)),
        ("unet_group", unet(UnetNorm::Group, &[1, 2], 20)),
        ("trajgru", trajgru),
        ("simvp", simvp(2, 2, None)),
        ("simvp_longer", simvp(3, 1, Some(2))),
        ("predrnn", predrnn(&[4, 4], false)),
        ("predrnn_highway", predrnn(&[4, 3, 4], true)),
    ]
}

/// Every model in both coordinates, for frames of one channel and of two, and one that is told of missing cells.
fn configurations() -> Vec<(String, i64, NowcastConfig)> {
    let mut all = Vec::new();
    for (name, model) in models() {
        for (coordinates, prefix) in [(Coordinates::Eulerian, ""), (Coordinates::Lagrangian, "carried_")] {
            let channels = if prefix.is_empty() { 2 } else { 1 };
            let config = small(channels, |config| {
                (config.model, config.coordinates) = (model.clone(), coordinates);
            });
            all.push((format!("{prefix}{name}"), channels as i64, config));
        }
    }
    // Around one network, with missing cells in two channels.
    let masked = small(2, |config| {
        (config.prepare.missing, config.coordinates) = (Missing::Mask, Coordinates::Lagrangian);
        config.model = ModelConfig::Unet(UnetConfig { base: 3, widths: vec![1, 2], ..UnetConfig::default() });
    });
    all.push(("carried_masked".to_owned(), 2, masked));
    all
}

#[test]
fn every_model_in_torchscript_computes_what_ours_does() {
    for (_, channels, config) in configurations() {
        assert_script(&config, channels);
    }
}

#[test]
fn every_parameter_has_a_gradient_and_every_sample_is_by_itself() {
    for (_, channels, config) in configurations() {
        assert_network(&config, channels);
    }
}

#[test]
fn a_script_refuses_wrong_inputs_and_turns_reflectivity_into_what_it_sees_and_back() {
    let config = small(3, |config| config.model.convlstm().hidden = vec![4]);
    let module = Random::of(&config).module();
    let refused = |shape: &[i64]| {
        let input = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        module.forward_ts(&[&input]).unwrap_err().to_string()
    };
    assert!(refused(&[4, 3, 10, 9]).contains("expected an input of 5 dimensions"));
    assert!(refused(&[1, 4, 1, 10, 9]).contains("expected an input with 3 as dimension 2"));
    let call = |method: &str, values: &[f32]| {
        let tensor = IValue::Tensor(Tensor::from_slice(values));
        match module.method_is(method, &[tensor]).unwrap() {
            IValue::Tensor(result) => Vec::<f32>::try_from(result).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(call("to_dbz", &[0.0, 0.5, 1.0]), [-29.0, 18.0, 65.0]);
    assert_eq!(call("from_dbz", &[-40.0, -29.0, 18.0, 65.0, 70.0, f32::NAN]), [0.0, 0.0, 0.5, 1.0, 1.0, 0.0]);
}

#[test]
fn a_carried_script_refuses_minutes_that_are_not_those_of_all_frames() {
    let config = small(1, |config| {
        config.coordinates = Coordinates::Lagrangian;
        config.model.convlstm().hidden = vec![4];
    });
    let input = frames([1, 4, 1, 13, 11]);
    let (_, beside) = seen(&config, &input);
    let module = Random::of(&config).module();
    let error = module.forward_ts(&[&input, &beside[0], &beside[1].narrow(1, 0, 5)]).unwrap_err().to_string();
    assert!(error.contains("expected minutes of each input frame and of 3 forecasts"), "{error}");
    let error = module.forward_ts(&[&input, &beside[0].narrow(1, 0, 1), &beside[1]]).unwrap_err().to_string();
    assert!(error.contains("expected motion of each sample"), "{error}");
}

/// A model that is told of missing cells carries what is complete as one that is not, to the last bit.
#[test]
fn leaving_out_changes_nothing_where_nothing_is_missing() {
    for channels in [1, 2] {
        let plain = small(channels, |config| {
            config.coordinates = Coordinates::Lagrangian;
            config.model = ModelConfig::Unet(UnetConfig { base: 3, widths: vec![1, 2], ..UnetConfig::default() });
        });
        let mut masked = plain.clone();
        masked.prepare.missing = Missing::Mask;
        let input = frames([2, 4, channels as i64, 13, 11]);
        let of = |config: &NowcastConfig, input: &Tensor| {
            Random::of(config).forecasting.forecast(&seen(config, input).0, Precision::Fp32)
        };
        assert!(of(&masked, &input).equal(&of(&plain, &input)));
        let script = |config: &NowcastConfig| {
            let (_, beside) = seen(config, &input);
            Random::of(config).module().forward_ts(&[&input, &beside[0], &beside[1]]).unwrap()
        };
        assert!(script(&masked).equal(&script(&plain)));
    }
}

/// A cell of the last frame is missing, and the way leads between it and three others.
#[test]
fn a_missing_cell_is_left_out_if_the_others_weigh_at_least_half() {
    let last = Tensor::from_slice(&[0.0_f32, 0.4, 0.6, 0.8]).view([1, 1, 1, 2, 2]);
    let missing = Tensor::from_slice(&[true, false, false, false]).view([1, 1, 2, 2]);
    let carried = |place: f64, missing: Option<&Tensor>| {
        let ways = |times: i64| Tensor::full([1, times, 2, 2, 2], place, (Kind::Float, Device::Cpu));
        let ways = carried::Ways { back_btdyx: ways(0), ahead_bkdyx: ways(1) };
        let zero = Tensor::zeros([1, 2, 1, 2, 2], (Kind::Float, Device::Cpu));
        let seen = carried::Carried::new(&last, &ways, missing).unwrap();
        seen.forecast(&zero, 1).double_value(&[0, 0, 0, 0, 0])
    };
    // The missing cell weighs a quarter, then 0.49 and 0.64.
    assert!((carried(0.5, Some(&missing)) - 0.6).abs() < 1e-6);
    assert!((carried(0.5, None) - 0.45).abs() < 1e-6);
    assert!((carried(0.3, Some(&missing)) - (0.21 * (0.4 + 0.6) + 0.09 * 0.8) / 0.51).abs() < 1e-6);
    assert!(carried(0.2, Some(&missing)).abs() < 1e-6, "nothing is known there");
}

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/export/python", name].iter().collect()
}

/// With `FRAGUA_WRITE_FIXTURES` set they are written; then run `make.py` beside them.
#[test]
fn the_modules_are_those_that_pytorch_has_run() {
    for (name, _, config) in configurations() {
        let model = forecaster(&config, &Quantity::default());
        let io = model.describe();
        let description = serde_json::to_string(&io).unwrap();
        let code = model.python();
        let (title, layout) = ("nowcast model", io.input.layout);
        let inputs = &io.input.names.join(", ");
        let module = Module { title, file: &name, inputs, layout, description: &description, code: &code };
        let mut text = Vec::new();
        python::write(&module, &mut text).unwrap();
        let path = fixture(&format!("{name}.py"));
        if std::env::var_os("FRAGUA_WRITE_FIXTURES").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(path).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected, "{name}.py");
    }
}

#[test]
fn the_modules_compute_what_the_models_do() {
    for (name, _, config) in configurations() {
        let expected = crate::nn::weights::read(&fixture(&format!("{name}.safetensors"))).unwrap();
        let values = expected.iter().filter_map(|(name, value)| Some((name.strip_prefix("value.")?, value)));
        let values: Vec<_> = values.map(|(name, value)| (name.to_owned(), value.shallow_clone())).collect();
        let find = |name: &str| expected.iter().find(|(known, _)| known == name).unwrap().1.shallow_clone();
        let mut random = Random::of(&config);
        let report = random.parameters.load_named(&values);
        assert!(report.is_complete(), "{name}: {report}");
        // The motion is that of the other tests, which is given to the module as it is.
        let (seen, _) = seen(&config, &find("input"));
        let output = random.forecasting.forecast(&seen, Precision::Fp32);
        let error = relative_error(&output, &find("output"));
        assert!(error < 1e-5, "{name}: {error:e}");
    }
}

#[test]
fn in_moving_coordinates_an_untrained_model_forecasts_the_advection() {
    for (name, channels, config) in
        configurations().into_iter().filter(|(_, _, config)| config.coordinates == Coordinates::Lagrangian)
    {
        let model = forecaster(&config, &Quantity::default());
        let parameters = Parameters::new(&model.layout(), 3, Device::Cpu).unwrap();
        let (seen, _) = seen(&config, &frames([2, 4, channels, 13, 11]));
        let forecasting = model.over(&parameters).unwrap();
        let one = forecasting.forecast(&seen, Precision::Bf16);
        let zero = Tensor::zeros([2, 6, channels, 13, 11], (Kind::Float, Device::Cpu));
        let carried::Seen::Carried(carried) = &seen else { panic!("{name}") };
        assert!(one.equal(&carried.forecast(&zero, 3).clamp(0.0, 1.0)), "{name}");
    }
}

#[test]
fn the_page_of_models_has_their_sizes() {
    let page = std::fs::read_to_string([env!("CARGO_MANIFEST_DIR"), "docs/models.md"].iter().collect::<PathBuf>());
    let page = page.unwrap();
    let by_group = ConvLstmConfig { norm: Norm::Group, ..ConvLstmConfig::default() };
    for model in [
        ModelConfig::default(),
        ModelConfig::ConvLstm(by_group),
        ModelConfig::Unet(UnetConfig::default()),
        ModelConfig::TrajGru(TrajGruConfig::default()),
    ] {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", model.name()))).unwrap();
        let config = NowcastConfig { model, ..NowcastConfig::default() };
        let size = forecaster(&config, &Quantity::default()).layout().count();
        let text = crate::util::units::count(size as u64, "parameter");
        let (size, _) = text.split_once(' ').unwrap();
        assert!(row.contains(size), "{row}: {size}");
    }
}
