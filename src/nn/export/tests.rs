//! Exported weights: what is in the files, and what is refused.

use serde_json::Map;
use tch::{CModule, Kind};

use super::script::{Attribute, Object};
use super::*;
use crate::nn::layer::{BatchNorm, Linear};

/// A linear layer and a batch norm.
fn layout() -> Layout {
    Linear::layout("fc", 3, 4).with(BatchNorm::layout("bn", 4))
}

/// Their values, with nothing that is 0 or 1.
fn tensors() -> Vec<(String, Tensor)> {
    let values =
        |count: i64, size: &[i64]| Tensor::arange(count, (Kind::Float, Device::Cpu)).sin().abs().view(size) + 0.25;
    let named =
        [("fc.weight", 12, &[4_i64, 3][..]), ("fc.bias", 4, &[4]), ("bn.weight", 4, &[4]), ("bn.bias", 4, &[4])];
    let running = [("bn.running_mean", 4, &[4_i64][..]), ("bn.running_var", 4, &[4])];
    let named = named.into_iter().chain(running).map(|(name, count, size)| (name.to_owned(), values(count, size)));
    named.chain([("bn.num_batches_tracked".to_owned(), Tensor::from(12_345_678_i64))]).collect()
}

#[test]
fn weights_of_another_network_are_refused_with_what_does_not_fit() {
    let error = weights(&Linear::layout("fc", 5, 4).with(BatchNorm::layout("bn", 4)), &tensors()).unwrap_err();
    assert_eq!(error.exit(), Exit::DataRefused);
    assert!(
        error.to_string().contains("fc.weight has another shape: got Float [4, 3], expected Float [4, 5]"),
        "{error}"
    );
    let error = weights(&layout(), &tensors()[..6]).unwrap_err();
    assert!(error.to_string().contains("missing: bn.num_batches_tracked"), "{error}");
}

#[test]
fn numbers_of_any_floating_type_are_exported_as_fp32() {
    let half = |(name, tensor): &(String, Tensor)| (name.clone(), tensor.to_kind(Kind::BFloat16));
    let halves: Vec<_> = tensors()[..6].iter().map(half).chain([tensors().remove(6)]).collect();
    let weights = weights(&layout(), &halves).unwrap();
    let first = f32::from_le_bytes(weights[0].bytes[..4].try_into().unwrap());
    assert_eq!(f64::from(first), halves[0].1.flatten(0, -1).double_value(&[0]));
    assert_eq!((bytes(&weights), trained(&weights)), (4 * (12 + 5 * 4) + 8, 12 + 3 * 4));
}

#[test]
fn a_counter_is_exported_as_the_whole_number_that_pytorch_keeps() {
    let counter = weights(&layout(), &tensors()).unwrap().remove(6);
    assert_eq!(
        (counter.name.as_str(), counter.shape.len(), counter.is_parameter),
        ("bn.num_batches_tracked", 0, false)
    );
    assert_eq!((counter.numbers, counter.bytes), (Numbers::Whole, 12_345_678_i64.to_le_bytes().to_vec()));
}

#[test]
fn parameters_and_buffers_stay_what_they_are_in_torchscript() {
    let code = "\
class Network(Module):
  __parameters__ = [\"weight\", ]
  __buffers__ = [\"mean\", \"batches\", ]
  weight : Tensor
  mean : Tensor
  batches : Tensor
  training : bool
  def forward(self: __torch__.Network,
    input: Tensor) -> Tensor:
    return torch.add(torch.mul(input, self.mean), torch.select(self.weight, 1, 0))
";
    let tensor = |name: &str| Attribute::Tensor(name.into());
    let network = Object::new("Network")
        .with("weight", tensor("fc.weight"))
        .with("mean", tensor("bn.running_mean"))
        .with("batches", tensor("bn.num_batches_tracked"));
    let weights = weights(&layout(), &tensors()).unwrap();
    let mut file = Vec::new();
    torchscript::write(&Script { code: code.into(), network: network.clone() }, &weights, &[], &mut file).unwrap();
    let module = CModule::load_data(&mut file.as_slice()).unwrap();
    let named: Vec<_> = module.named_parameters().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, ["weight"], "buffers are none");
    let input = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]);
    let expected = &input * &tensors()[4].1 + tensors()[0].1.select(1, 0);
    assert!(module.forward_ts(&[&input]).unwrap().allclose(&expected, 1e-6, 1e-6, false));
    let unknown = Script { code: code.into(), network: network.with("more", tensor("fc2.weight")) };
    let error = torchscript::write(&unknown, &weights, &[], &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the TorchScript of the network names fc2.weight, which is no weight");
}

#[test]
fn the_same_weights_give_the_same_file() {
    let weights = weights(&layout(), &tensors()).unwrap();
    let written = || {
        let mut file = Vec::new();
        pth::write(&weights, (&[], &Map::new()), &[("fragua.json", "{}")], &mut file).unwrap();
        file
    };
    assert!(written() == written());
}

#[test]
fn any_program_for_zip_files_reads_the_archive() {
    let mut file = Vec::new();
    let bytes = [1.0_f32, 2.0].map(f32::to_le_bytes).concat();
    let weight = Weight { name: "a".into(), shape: vec![2], numbers: Numbers::Float, is_parameter: true, bytes };
    pth::write(std::slice::from_ref(&weight), (&[], &Map::new()), &[("fragua.json", "{\"task\": 1}")], &mut file)
        .unwrap();
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

#[test]
fn what_is_beside_the_weights_is_loaded_with_them() {
    let beside =
        serde_json::json!({"labels": ["A", "ñ"], "classes": 2, "rate": 0.5, "best": null, "is": {"done": true}});
    let weights = weights(&layout(), &tensors()).unwrap();
    let mut file = Vec::new();
    pth::write(&weights, (&["model_state_dict"], beside.as_object().unwrap()), &[], &mut file).unwrap();
    let mut objects = Vec::new();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    std::io::Read::read_to_end(&mut archive.by_name("archive/data.pkl").unwrap(), &mut objects).unwrap();
    // A dictionary with the state dict, closed by `u`; then a list, a whole number, a number, nothing, and a dictionary.
    let start: &[u8] = b"\x80\x02}(X\x10\0\0\0model_state_dictccollections\nOrderedDict\n)R(X\x09\0\0\0fc.weight";
    let end: &[u8] = b"uX\x06\0\0\0labels](X\x01\0\0\0AX\x02\0\0\0\xc3\xb1eX\x07\0\0\0classesJ\x02\0\0\0\
        X\x04\0\0\0rateG\x3f\xe0\0\0\0\0\0\0X\x04\0\0\0bestNX\x02\0\0\0is}(X\x04\0\0\0done\x88uu.";
    assert!(objects.starts_with(start) && objects.ends_with(end), "{}", String::from_utf8_lossy(&objects));
}
