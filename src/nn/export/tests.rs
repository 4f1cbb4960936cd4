//! The exported files against the network that they were made from.

use tch::{CModule, Device, IValue, Kind, Tensor};

use super::torchscript::Purpose;
use super::*;
use crate::nn::convlstm::{ConvLstm, Norm};
use crate::nn::precision::Precision;

fn architecture(norm: Norm, hidden: &[i64], channels: i64) -> Architecture {
    Architecture { channels, frame: [10, 9], target_frames: 3, hidden: hidden.into(), kernel: 3, norm }
}

/// A network of random weights with nothing that is 0 or 1, and the weights themselves.
fn network(architecture: &Architecture) -> (ConvLstm, Vec<(String, Tensor)>) {
    tch::set_num_threads(1);
    let parameters = Parameters::new(&architecture.parameters(), 7, Device::Cpu).unwrap();
    let noise = Parameters::new(
        &[super::super::parameters::ParameterSpec::weight("noise", &[parameters.count() as i64])],
        8,
        Device::Cpu,
    );
    tch::no_grad(|| drop(parameters.values().g_add_(&(noise.unwrap().values() * 3.0))));
    let named = parameters.names().map(|name| (name.to_owned(), parameters.view(name).unwrap().detach()));
    (ConvLstm::new(architecture, &parameters).unwrap(), named.collect())
}

fn purpose() -> Purpose<'static> {
    Purpose { task: "nowcast", input_frames: 4, range: [-29.0, 65.0], unit: "dbz" }
}

fn module(architecture: &Architecture, tensors: &[(String, Tensor)]) -> CModule {
    let weights = weights(architecture, tensors).unwrap();
    let mut file = Vec::new();
    torchscript::write(architecture, &purpose(), &weights, &[("fragua.json", "{}")], &mut file).unwrap();
    CModule::load_data(&mut file.as_slice()).unwrap_or_else(|error| panic!("{architecture:?}: {error}"))
}

fn frames(shape: [i64; 5]) -> Tensor {
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.37).sin().abs().view(shape)
}

#[test]
fn the_network_in_torchscript_computes_what_ours_does() {
    for norm in [Norm::Layer, Norm::Group, Norm::None] {
        for (hidden, channels) in [(&[4_i64][..], 1), (&[4, 6], 3), (&[20, 32, 5], 1)] {
            let architecture = architecture(norm, hidden, channels);
            let (network, tensors) = network(&architecture);
            let module = module(&architecture, &tensors);
            for (samples, times) in [(1, 4), (3, 4), (2, 1)] {
                let input_btcyx = frames([samples, times, channels, 10, 9]);
                let ours = tch::no_grad(|| network.forward(&input_btcyx, Precision::Fp32));
                let theirs = module.forward_ts(&[&input_btcyx]).unwrap();
                assert_eq!(theirs.size(), ours.size());
                let error = (&theirs - &ours).abs().max().double_value(&[]);
                assert!(error <= 1e-6, "{architecture:?}, {samples} samples: {error:e}");
                let spread = ours.std(true).double_value(&[]);
                assert!(spread > 1e-3, "all outputs are alike: {spread:e}");
            }
        }
    }
}

#[test]
fn its_weights_are_parameters_with_the_names_of_weight_files() {
    let architecture = architecture(Norm::Layer, &[4, 6], 1);
    let (_, tensors) = network(&architecture);
    let module = module(&architecture, &tensors);
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
    let architecture = architecture(Norm::None, &[4], 1);
    let module = module(&architecture, &network(&architecture).1);
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
    let architecture = architecture(Norm::None, &[4], 3);
    let module = module(&architecture, &network(&architecture).1);
    let refused = |shape: &[i64]| {
        let input = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        module.forward_ts(&[&input]).unwrap_err().to_string()
    };
    assert!(refused(&[4, 3, 10, 9]).contains("expected an input of 5 dimensions"));
    assert!(refused(&[1, 4, 1, 10, 9]).contains("expected an input with 3 as dimension 2"));
}

#[test]
fn weights_of_another_network_are_refused_with_what_does_not_fit() {
    let (_, tensors) = network(&architecture(Norm::None, &[4], 1));
    let error = weights(&architecture(Norm::None, &[6], 1), &tensors).unwrap_err();
    assert_eq!(error.exit(), Exit::DataRefused);
    assert!(error.to_string().contains("head.weight has another shape"), "{error}");
}

#[test]
fn numbers_of_any_floating_type_are_exported_as_fp32() {
    let architecture = architecture(Norm::None, &[4], 1);
    let half = |(name, tensor): &(String, Tensor)| (name.clone(), tensor.to_kind(Kind::BFloat16));
    let tensors: Vec<_> = network(&architecture).1.iter().map(half).collect();
    let weights = weights(&architecture, &tensors).unwrap();
    let first = f32::from_le_bytes(weights[0].bytes[..4].try_into().unwrap());
    assert_eq!(f64::from(first), tensors[0].1.flatten(0, -1).double_value(&[0]));
    assert_eq!(bytes(&weights), 4 * tensors.iter().map(|(_, tensor)| tensor.numel() as u64).sum::<u64>());
}

#[test]
fn the_same_weights_give_the_same_file() {
    let architecture = architecture(Norm::Group, &[4, 4], 1);
    let weights = weights(&architecture, &network(&architecture).1).unwrap();
    let written = || {
        let mut file = Vec::new();
        pth::write(&weights, &[("fragua.json", "{}")], &mut file).unwrap();
        file
    };
    assert!(written() == written());
}

#[test]
fn any_program_for_zip_files_reads_the_archive() {
    let mut file = Vec::new();
    let weight = Weight { name: "a".into(), shape: vec![2], bytes: [1.0_f32, 2.0].map(f32::to_le_bytes).concat() };
    pth::write(std::slice::from_ref(&weight), &[("fragua.json", "{\"task\": 1}")], &mut file).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut read = |name: &str| {
        let mut content = Vec::new();
        let mut entry = archive.by_name(name).unwrap();
        assert_eq!(entry.data_start().unwrap() % 64, 0, "{name}");
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        content
    };
    assert_eq!(read("archive/data/0"), weight.bytes);
    assert_eq!(read("archive/version"), b"3\n");
    assert_eq!(read("archive/extra/fragua.json"), b"{\"task\": 1}");
}
