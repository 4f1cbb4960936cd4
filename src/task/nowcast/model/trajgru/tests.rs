//! The network against PyTorch's, with the values of `tests/fixtures/nn/make_trajgru.py`.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Coordinates, ModelConfig, NowcastConfig};
use crate::task::nowcast::model::testing::{frames, parity, small};

fn config() -> NowcastConfig {
    let model = TrajGruConfig { hidden: vec![4, 6, 5], links: vec![3, 4, 2], strides: vec![2, 1, 3], frames: None };
    small(2, |config| config.model = ModelConfig::TrajGru(model))
}

#[test]
fn output_and_gradients_are_those_of_pytorch() {
    let (output, gradient) = parity(&config(), "trajgru.safetensors", Precision::Fp32);
    assert!(output < 1e-6 && gradient < 1e-5, "output {output:e}, gradient {gradient:e}");
    let (output, gradient) = parity(&config(), "trajgru.safetensors", Precision::Bf16);
    assert!(output > 1e-5 && output < 0.03 && gradient < 0.2, "output {output:e}, gradient {gradient:e}");
}

#[test]
fn its_size_is_known() {
    let model = TrajGruConfig::default();
    let config = NowcastConfig {
        coordinates: Coordinates::Lagrangian,
        model: ModelConfig::TrajGru(model.clone()),
        ..NowcastConfig::default()
    };
    let network = TrajGru::new(&model, Sizes::of(&config));
    assert_eq!(network.sizes.frames, 8);
    assert_eq!(network.maps(), [[125, 125], [63, 63], [32, 32]]);
    assert_eq!(network.layout().count(), 1_439_054);
    assert_eq!(config.needs().parameters, 1_439_054);
}

#[test]
fn multiplications_are_those_of_every_convolution_at_every_cell_of_its_scale() {
    let model = TrajGruConfig { hidden: vec![2, 3], links: vec![2, 1], strides: vec![2, 2], frames: None };
    let sizes = Sizes { frames: 3, channels: 1, size: [9, 8], leads: 2, parts: 2 };
    let cell = |hidden: i64, links: i64| 25 * 32 * hidden + 25 * 32 * 2 * links + links * hidden * 3 * hidden;
    let input = |hidden: i64| 25 * 32 * hidden + 9 * hidden * 3 * hidden;
    let fine = 20 * (3 * (9 * 2 + cell(2, 2) + input(2)) + 2 * (9 * 3 * 2 + cell(2, 2) + input(2)));
    let coarse = 6 * (3 * (9 * 2 * 3 + cell(3, 1) + input(3)) + 2 * cell(3, 1));
    let head = 72 * 2 * (9 * 2 * 16 + 9 * 16 * 2);
    assert_eq!(TrajGru::new(&model, sizes).multiplications(), (fine + coarse + head) as f64);
}

#[test]
fn names_are_those_of_weight_files() {
    let model = TrajGruConfig { hidden: vec![2, 3], links: vec![2, 1], strides: vec![2, 2], frames: None };
    let sizes = Sizes { frames: 3, channels: 1, size: [9, 8], leads: 2, parts: 2 };
    let layout = TrajGru::new(&model, sizes).layout();
    let listed: Vec<_> = layout.parameters.iter().map(|spec| format!("{} {:?}", spec.name, spec.shape)).collect();
    let weights: Vec<_> = listed.iter().filter(|line| line.contains("weight")).collect();
    assert_eq!(
        weights,
        [
            "encoder.0.conv.weight [2, 1, 3, 3]",
            "encoder.0.cell.flow_input.weight [32, 2, 5, 5]",
            "encoder.0.cell.flow_state.weight [32, 2, 5, 5]",
            "encoder.0.cell.flows.weight [4, 32, 5, 5]",
            "encoder.0.cell.input.weight [6, 2, 3, 3]",
            "encoder.0.cell.state.weight [6, 4, 1, 1]",
            "encoder.1.conv.weight [3, 2, 3, 3]",
            "encoder.1.cell.flow_input.weight [32, 3, 5, 5]",
            "encoder.1.cell.flow_state.weight [32, 3, 5, 5]",
            "encoder.1.cell.flows.weight [2, 32, 5, 5]",
            "encoder.1.cell.input.weight [9, 3, 3, 3]",
            "encoder.1.cell.state.weight [9, 3, 1, 1]",
            "forecaster.0.conv.weight [2, 3, 3, 3]",
            "forecaster.0.cell.flow_input.weight [32, 2, 5, 5]",
            "forecaster.0.cell.flow_state.weight [32, 2, 5, 5]",
            "forecaster.0.cell.flows.weight [4, 32, 5, 5]",
            "forecaster.0.cell.input.weight [6, 2, 3, 3]",
            "forecaster.0.cell.state.weight [6, 4, 1, 1]",
            "forecaster.1.cell.flow_state.weight [32, 3, 5, 5]",
            "forecaster.1.cell.flows.weight [2, 32, 5, 5]",
            "forecaster.1.cell.state.weight [9, 3, 1, 1]",
            "head.conv1.weight [16, 2, 3, 3]",
            "head.conv2.weight [2, 16, 3, 3]",
        ]
    );
    assert_eq!(listed.len(), 2 * weights.len());
}

/// The state moves towards higher columns by u and towards higher rows by v, and what comes from outside is 0.
#[test]
fn a_state_is_looked_up_where_a_link_says_that_it_came_from() {
    let shape = CellShape { name: "cell".into(), inputs: None, hidden: 1, links: 2 };
    let convolutions = shape.convolutions();
    let specs = convolutions.iter().flat_map(ConvShape::parameters);
    let parameters = Parameters::new(&specs.collect::<Vec<_>>().into(), 1, Device::Cpu).unwrap();
    let cell = cell::Cell::new(&shape, &parameters).unwrap();
    let state = frames([1, 1, 1, 3, 4]).squeeze_dim(0);
    let of_links = Tensor::from_slice(&[1.0_f32, 0.0, 0.5, -1.0]).view([1, 4, 1, 1]).repeat([1, 1, 3, 4]);
    let moved = cell.moved(&state, &of_links);
    let zeros = |rows: i64, columns: i64| Tensor::zeros([1, 1, rows, columns], (Kind::Float, Device::Cpu));
    let right = Tensor::cat(&[zeros(3, 1), state.narrow(3, 0, 3)], 3);
    let up = |image: &Tensor| Tensor::cat(&[image.narrow(2, 1, 2), zeros(1, 4)], 2);
    let expected = Tensor::cat(&[&right, &((up(&state) + up(&right)) * 0.5)], 1);
    assert!((moved - expected).abs().max().double_value(&[]) < 1e-6);
}

#[test]
fn its_memory_is_what_every_step_keeps() {
    let model = TrajGruConfig { hidden: vec![2, 3], links: vec![2, 1], strides: vec![2, 2], frames: Some(3) };
    let config = small(1, |config| {
        (config.model, config.prepare.size) = (ModelConfig::TrajGru(model), [12, 11]);
        config.windows.target_frames = 2;
    });
    let states = 6 * 6 * (4 * 2 * 2 + 5 * 4 * 2) + 3 * 3 * (4 * 3 + 5 * 4 * 3) + 2 * 16 * 132;
    assert_eq!(config.needs().sample_bytes, 132 * (4 + 2 + 2) * 4 + states * 2);
}
