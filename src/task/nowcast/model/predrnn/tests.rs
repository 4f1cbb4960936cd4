//! The network against PyTorch's, with the values of `tests/fixtures/nn/make_predrnn.py`.

use super::*;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Coordinates, ModelConfig, NowcastConfig};
use crate::task::nowcast::model::testing::{parity, small};

fn config(hidden: &[usize], highway: bool, coordinates: Coordinates) -> NowcastConfig {
    let model = PredrnnConfig { hidden: hidden.into(), kernel: 3, patch: 2, highway, frames: None };
    small(2, |config| (config.model, config.coordinates) = (ModelConfig::Predrnn(model), coordinates))
}

fn files() -> [(NowcastConfig, &'static str); 4] {
    [
        (config(&[5, 5], false, Coordinates::Eulerian), "predrnn.safetensors"),
        (config(&[5, 5], false, Coordinates::Lagrangian), "predrnn_carried.safetensors"),
        (config(&[5, 4, 6], true, Coordinates::Eulerian), "predrnn_highway.safetensors"),
        (config(&[5, 4], true, Coordinates::Lagrangian), "predrnn_highway_carried.safetensors"),
    ]
}

#[test]
fn output_and_gradients_are_those_of_pytorch() {
    for (config, file) in files() {
        let (output, gradient) = parity(&config, file, Precision::Fp32);
        assert!(output < 1e-6 && gradient < 1e-5, "{file}: output {output:e}, gradient {gradient:e}");
        let (output, gradient) = parity(&config, file, Precision::Bf16);
        assert!(output > 1e-5 && output < 0.03 && gradient < 0.1, "{file}: output {output:e}, gradient {gradient:e}");
    }
}

#[test]
fn the_published_sizes_have_the_published_numbers_of_parameters() {
    for (highway, expected) in [(false, 23_838_720), (true, 35_307_520)] {
        let model = PredrnnConfig { hidden: vec![128; 4], highway, ..PredrnnConfig::default() };
        let config = NowcastConfig { model: ModelConfig::Predrnn(model.clone()), ..NowcastConfig::default() };
        assert_eq!(Predrnn::new(&model, Sizes::of(&config)).layout().count(), expected);
        assert_eq!(config.needs().parameters, expected as u64);
    }
}

#[test]
fn multiplications_are_those_of_every_convolution_at_every_patch_and_frame() {
    let model = PredrnnConfig { hidden: vec![3, 3], kernel: 3, patch: 4, highway: false, frames: None };
    let sizes = Sizes { frames: 4, channels: 1, size: [10, 20], leads: 3, parts: 2 };
    let layer = |inputs: f64| 9.0 * 3.0 * (7.0 * inputs + 9.0 * 3.0) + 18.0;
    let expected = 15.0 * (6.0 * (layer(16.0) + layer(3.0)) + 3.0 * 3.0 * 32.0);
    assert_eq!(Predrnn::new(&model, sizes).multiplications(), expected);
}

#[test]
fn names_are_those_of_weight_files() {
    let model = PredrnnConfig { hidden: vec![3, 2], kernel: 5, patch: 2, highway: true, frames: None };
    let sizes = Sizes { frames: 3, channels: 1, size: [8, 8], leads: 2, parts: 2 };
    let layout = Predrnn::new(&model, sizes).layout();
    let listed: Vec<_> = layout.parameters.iter().map(|spec| format!("{} {:?}", spec.name, spec.shape)).collect();
    assert_eq!(
        listed,
        [
            "layers.0.x.weight [21, 4, 5, 5]",
            "layers.0.h.weight [12, 3, 5, 5]",
            "layers.0.m.weight [9, 2, 5, 5]",
            "layers.0.c.weight [9, 3, 5, 5]",
            "layers.0.c_new.weight [12, 3, 5, 5]",
            "layers.0.o.weight [3, 3, 5, 5]",
            "layers.0.last.weight [3, 6, 1, 1]",
            "layers.1.x.weight [14, 3, 5, 5]",
            "layers.1.h.weight [8, 2, 5, 5]",
            "layers.1.m.weight [6, 3, 5, 5]",
            "layers.1.c.weight [6, 2, 5, 5]",
            "layers.1.c_new.weight [8, 2, 5, 5]",
            "layers.1.o.weight [2, 2, 5, 5]",
            "layers.1.last.weight [2, 4, 1, 1]",
            "highway.h.weight [6, 3, 5, 5]",
            "highway.z.weight [6, 3, 5, 5]",
            "head.weight [8, 2, 1, 1]",
        ]
    );
}

#[test]
fn sizes_that_no_machine_can_hold_are_refused_and_nothing_overflows() {
    let paths = |model: PredrnnConfig| {
        let config = NowcastConfig { model: ModelConfig::Predrnn(model), ..NowcastConfig::default() };
        config.size_problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    let usual = PredrnnConfig::default;
    assert_eq!(paths(usual()), [""; 0]);
    assert_eq!(paths(PredrnnConfig { kernel: usize::MAX, ..usual() }), ["model.predrnn.kernel"]);
    assert_eq!(paths(PredrnnConfig { hidden: vec![8, usize::MAX], ..usual() })[1..], ["model.predrnn.hidden.1"]);
    assert!(!paths(PredrnnConfig { patch: usize::MAX, ..usual() }).is_empty());
}

#[test]
fn a_sample_takes_no_less_than_its_frames_and_the_gates_of_every_frame() {
    // 143 cells in 4 + 3 frames of two channels; 35 whole patches in 6 frames.
    let (config, _) = &files()[0];
    assert_eq!(config.needs().sample_bytes, 2 * 143 * (4 + 3 + 3) * 4 + 35 * 6 * 10 * (5 + 5) * 2);
}
