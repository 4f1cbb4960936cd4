//! The network against PyTorch's, with the values of `tests/fixtures/nn/make_simvp.py`.

use super::*;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Coordinates, ModelConfig, NowcastConfig};
use crate::task::nowcast::model::testing::{parity, small};

fn config(model: SimvpConfig, coordinates: Coordinates) -> NowcastConfig {
    small(2, |config| (config.model, config.coordinates) = (ModelConfig::Simvp(model), coordinates))
}

/// Fewer leads than frames, and more.
fn files() -> [(NowcastConfig, &'static str); 2] {
    let fewer = SimvpConfig { width: 4, hidden: 6, blocks: 2, halvings: 2, expansion: 2, frames: None };
    let more = SimvpConfig { blocks: 3, halvings: 1, expansion: 3, frames: Some(2), ..fewer.clone() };
    [
        (config(fewer, Coordinates::Eulerian), "simvp.safetensors"),
        (config(more, Coordinates::Lagrangian), "simvp_longer.safetensors"),
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
fn the_published_size_has_the_published_number_of_parameters() {
    let model = SimvpConfig { width: 64, hidden: 512, blocks: 8, halvings: 2, expansion: 8, frames: None };
    let mut config = NowcastConfig { model: ModelConfig::Simvp(model.clone()), ..NowcastConfig::default() };
    (config.windows.input_frames, config.windows.target_frames) = (10, 10);
    assert_eq!(Simvp::new(&model, Sizes::of(&config)).layout().count(), 46_769_665);
    assert_eq!(config.needs().parameters, 46_769_665);
}

#[test]
fn multiplications_are_those_of_every_convolution_at_every_cell_of_its_output() {
    let model = SimvpConfig { width: 2, hidden: 3, blocks: 2, halvings: 1, expansion: 2, frames: None };
    let sizes = Sizes { frames: 4, channels: 1, size: [10, 20], leads: 3, parts: 1 };
    // Attention: four of single cells, 5 x 5 and 7 x 7 of each channel; then, with twice the channels, two of single cells and
    // 3 x 3 of each channel.
    let block = |c: f64| (4.0 * c * c + (25.0 + 49.0) * c) + (4.0 * c * c + 2.0 * 9.0 * c);
    let blocks = block(8.0) + 8.0 * 3.0 + block(3.0) + 3.0 * 6.0;
    let encoder = 4.0 * (200.0 * 18.0 + 50.0 * 36.0);
    let decoder = 3.0 * (50.0 * 144.0 + 200.0 * 36.0 + 200.0 * 2.0);
    assert_eq!(Simvp::new(&model, sizes).multiplications(), encoder + 50.0 * blocks + decoder);
}

#[test]
fn names_are_those_of_weight_files() {
    let model = SimvpConfig { width: 2, hidden: 3, blocks: 3, halvings: 1, expansion: 2, frames: None };
    let sizes = Sizes { frames: 4, channels: 1, size: [8, 8], leads: 5, parts: 2 };
    let layout = Simvp::new(&model, sizes).layout();
    let listed: Vec<_> = layout.parameters.iter().map(|spec| format!("{} {:?}", spec.name, spec.shape)).collect();
    for expected in [
        "encoder.0.conv.weight [2, 1, 3, 3]",
        "encoder.1.norm.bias [2]",
        "blocks.0.norm1.weight [8]",
        "blocks.0.attention.near.weight [8, 1, 5, 5]",
        "blocks.0.change.weight [3, 8, 1, 1]",
        "blocks.1.attention.gate.weight [6, 3, 1, 1]",
        "blocks.1.mlp.conv2.weight [3, 6, 1, 1]",
        "blocks.1.scale2 [3]",
        "blocks.2.change.bias [10]",
        "decoder.0.conv.weight [8, 2, 3, 3]",
        "decoder.1.conv.weight [2, 2, 3, 3]",
        "head.weight [2, 2, 1, 1]",
    ] {
        assert!(listed.contains(&expected.to_owned()), "{expected}: {listed:?}");
    }
    assert!(!listed.iter().any(|name| name.starts_with("blocks.1.change")), "{listed:?}");
}

#[test]
fn sizes_that_no_machine_can_hold_are_refused_and_nothing_overflows() {
    let paths = |model: SimvpConfig| {
        let config = NowcastConfig { model: ModelConfig::Simvp(model), ..NowcastConfig::default() };
        config.size_problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    let usual = SimvpConfig::default;
    assert_eq!(paths(usual()), [""; 0]);
    assert_eq!(paths(SimvpConfig { hidden: usize::MAX, ..usual() }), ["model.simvp.hidden"]);
    assert_eq!(paths(SimvpConfig { width: usize::MAX, ..usual() }), ["model.simvp.width"]);
    assert_eq!(paths(SimvpConfig { blocks: usize::MAX, ..usual() }), ["model.simvp.blocks"]);
    assert_eq!(paths(SimvpConfig { expansion: usize::MAX, ..usual() }), ["model.simvp.expansion"]);
    assert_eq!(paths(SimvpConfig { halvings: usize::MAX, ..usual() }), ["model.simvp.halvings"]);
}

#[test]
fn a_sample_takes_no_less_than_its_frames_and_what_the_blocks_return() {
    // 143 cells, of which 35 are left after a halving and 8 after two.
    let (config, _) = &files()[0];
    let layers = 2 * 4 * (4 + 3) * (143 + 35);
    let blocks = 8 * (16 * (10 + 3 * 2) + 6 * (10 + 3 * 2));
    assert_eq!(config.needs().sample_bytes, 2 * 143 * (4 + 3 + 3) * 4 + (layers + blocks) * 2);
}
