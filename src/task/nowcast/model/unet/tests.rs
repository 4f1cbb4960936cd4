//! The network against PyTorch's, with the values of `tests/fixtures/nn/make.py`.

use super::*;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Coordinates, ModelConfig, NowcastConfig};
use crate::task::nowcast::model::testing::{parity, small};

fn config(norm: UnetNorm, base: usize) -> NowcastConfig {
    let model = UnetConfig { norm, base, widths: vec![1, 2, 3], frames: None };
    small(2, |config| config.model = ModelConfig::Unet(model))
}

#[test]
fn output_and_gradients_are_those_of_pytorch() {
    for (norm, base, file) in
        [(UnetNorm::None, 4, "unet_none.safetensors"), (UnetNorm::Group, 20, "unet_group.safetensors")]
    {
        let (output, gradient) = parity(&config(norm, base), file, Precision::Fp32);
        assert!(output < 1e-6 && gradient < 1e-5, "{norm:?}: output {output:e}, gradient {gradient:e}");
        let (output, gradient) = parity(&config(norm, base), file, Precision::Bf16);
        assert!(
            output > 1e-5 && output < 0.03 && gradient < 0.06,
            "{norm:?}: output {output:e}, gradient {gradient:e}"
        );
    }
}

#[test]
fn its_size_is_known() {
    let mut config = NowcastConfig { coordinates: Coordinates::Lagrangian, ..NowcastConfig::default() };
    for (base, expected) in [(16, 305_294), (32, 1_214_222), (64, 4_843_022)] {
        config.model = ModelConfig::Unet(UnetConfig { base, ..UnetConfig::default() });
        assert_eq!(
            Unet::new(&UnetConfig { base, ..UnetConfig::default() }, Sizes::of(&config)).layout().count(),
            expected
        );
        assert_eq!(config.needs().parameters, expected as u64);
    }
}

#[test]
fn names_are_those_of_weight_files() {
    let model = UnetConfig { base: 2, widths: vec![1, 2], norm: UnetNorm::Group, frames: None };
    let sizes = Sizes { frames: 3, channels: 1, size: [8, 8], leads: 2, parts: 2 };
    let layout = Unet::new(&model, sizes).layout();
    let listed: Vec<_> = layout.parameters.iter().map(|spec| format!("{} {:?}", spec.name, spec.shape)).collect();
    assert_eq!(
        listed[..4],
        [
            "down.0.conv1.weight [2, 3, 3, 3]",
            "down.0.conv1.bias [2]",
            "down.0.norm1.weight [2]",
            "down.0.norm1.bias [2]"
        ]
    );
    assert!(listed.contains(&"up.0.conv1.weight [2, 6, 3, 3]".to_owned()), "{listed:?}");
    assert_eq!(listed[listed.len() - 2..], ["head.weight [4, 2, 3, 3]", "head.bias [4]"]);
}
