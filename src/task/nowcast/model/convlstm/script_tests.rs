//! The ConvLSTM in TorchScript against the network that it was made from.

use tch::{CModule, Device, IValue, Kind, Tensor};

use super::*;
use crate::nn::export::{torchscript, weights};
use crate::nn::parameters::ParameterSpec;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Levels, Norm};

/// 4 + 3 frames of 10 x 9 cells.
fn config(norm: Norm, hidden: &[usize], channels: usize) -> NowcastConfig {
    let mut config = NowcastConfig::default();
    config.prepare.size = [10, 9];
    config.prepare.levels = if channels == 1 { Levels::Each } else { Levels::Channels((0..channels).collect()) };
    (config.windows.input_frames, config.windows.target_frames) = (4, 3);
    (config.model.norm, config.model.hidden) = (norm, hidden.into());
    config
}

/// A network of random weights with nothing that is 0 or 1, and the weights themselves.
fn network(config: &NowcastConfig) -> (Box<dyn Forward>, Vec<(String, Tensor)>) {
    tch::set_num_threads(1);
    let model = ConvLstm::new(config, &Quantity::default());
    let parameters = Parameters::new(&model.layout(), 7, Device::Cpu).unwrap();
    let noise = vec![ParameterSpec::weight("noise", &[parameters.count() as i64])];
    let noise = Parameters::new(&noise.into(), 8, Device::Cpu).unwrap().values();
    tch::no_grad(|| drop(parameters.values().g_add_(&(noise * 3.0))));
    let named = parameters.names().map(|name| (name.to_owned(), parameters.view(name).unwrap().detach()));
    (model.over(&parameters).unwrap(), named.collect())
}

fn module(config: &NowcastConfig, tensors: &[(String, Tensor)]) -> CModule {
    let model = ConvLstm::new(config, &Quantity::default());
    let weights = weights(&model.layout(), tensors).unwrap();
    let mut file = Vec::new();
    torchscript::write(&model.script().unwrap(), &weights, &[("fragua.json", "{}")], &mut file).unwrap();
    CModule::load_data(&mut file.as_slice()).unwrap_or_else(|error| panic!("{:?}: {error}", config.model))
}

fn frames(shape: [i64; 5]) -> Tensor {
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.37).sin().abs().view(shape)
}

#[test]
fn the_network_in_torchscript_computes_what_ours_does() {
    for norm in [Norm::Layer, Norm::Group, Norm::None] {
        for (hidden, channels) in [(&[4_usize][..], 1), (&[4, 6], 3), (&[20, 32, 5], 1)] {
            let config = config(norm, hidden, channels);
            let (network, tensors) = network(&config);
            let module = module(&config, &tensors);
            for (samples, times) in [(1, 4), (3, 4), (2, 1)] {
                let input_btcyx = frames([samples, times, channels as i64, 10, 9]);
                let ours = tch::no_grad(|| network.forward(&input_btcyx, Precision::Fp32));
                let theirs = module.forward_ts(&[&input_btcyx]).unwrap();
                assert_eq!(theirs.size(), ours.size());
                let error = (&theirs - &ours).abs().max().double_value(&[]);
                assert!(error <= 1e-6, "{norm:?} {hidden:?}, {samples} samples: {error:e}");
                let spread = ours.std(true).double_value(&[]);
                assert!(spread > 1e-3, "all outputs are alike: {spread:e}");
            }
        }
    }
}

#[test]
fn its_weights_are_parameters_with_the_names_of_weight_files() {
    let config = config(Norm::Layer, &[4, 6], 1);
    let (_, tensors) = network(&config);
    let module = module(&config, &tensors);
    let mut named: Vec<_> = module.named_parameters().unwrap();
    named.sort_by(|one, other| one.0.cmp(&other.0));
    let mut expected = tensors;
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(named.len(), expected.len());
    for ((name, tensor), (known, value)) in named.iter().zip(&expected) {
        assert_eq!(name, known);
        assert!(tensor.detach().equal(value) && tensor.requires_grad(), "{name}");
    }
}

#[test]
fn it_turns_reflectivity_into_what_it_sees_and_back() {
    let config = config(Norm::None, &[4], 1);
    let module = module(&config, &network(&config).1);
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
fn a_wrong_input_is_refused_with_what_is_expected() {
    let config = config(Norm::None, &[4], 3);
    let module = module(&config, &network(&config).1);
    let refused = |shape: &[i64]| {
        let input = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        module.forward_ts(&[&input]).unwrap_err().to_string()
    };
    assert!(refused(&[4, 3, 10, 9]).contains("expected an input of 5 dimensions"));
    assert!(refused(&[1, 4, 1, 10, 9]).contains("expected an input with 3 as dimension 2"));
}
