//! What the tests of all models share: small configurations, networks in which no number is 0 or 1, and what PyTorch found.

use std::collections::HashMap;

use tch::{CModule, Device, IValue, Kind, Tensor};

use super::carried::{Carried, Seen, Ways, between_mesh, leaves_out_missing};
use super::{Forecasting, Forward, Model, forecaster, network};
use crate::nn::export::{torchscript, weights};
use crate::nn::network::Network;
use crate::nn::parameters::{ParameterSpec, Parameters};
use crate::nn::precision::Precision;
use crate::nn::testing::{relative_error, tensors};
use crate::task::nowcast::advection::{NodeMotion, mesh};
use crate::task::nowcast::config::{Coordinates, Levels, Missing, NowcastConfig};
use crate::task::nowcast::motion::MotionFinder;
use crate::util::quantity::Quantity;

/// 4 + 3 frames of 13 x 11 cells.
pub fn small(channels: usize, change: impl FnOnce(&mut NowcastConfig)) -> NowcastConfig {
    tch::set_num_threads(1);
    let mut config = NowcastConfig::default();
    config.prepare.size = [13, 11];
    config.prepare.levels = if channels == 1 { Levels::Each } else { Levels::Channels((0..channels).collect()) };
    (config.windows.input_frames, config.windows.target_frames) = (4, 3);
    change(&mut config);
    config
}

/// A model with weights of which none is 0 or 1.
pub struct Random {
    pub model: Model,
    pub parameters: Parameters,
    pub forecasting: Forecasting,
    pub tensors: Vec<(String, Tensor)>,
}

impl Random {
    pub fn of(config: &NowcastConfig) -> Self {
        let model = forecaster(config, &Quantity::default());
        let parameters = Parameters::new(&model.layout(), 7, Device::Cpu).unwrap();
        let noise = vec![ParameterSpec::weight("noise", &[parameters.count() as i64])];
        let noise = Parameters::new(&noise.into(), 8, Device::Cpu).unwrap().values();
        tch::no_grad(|| drop(parameters.values().g_add_(&(noise * 3.0))));
        let named = parameters.names().map(|name| (name.to_owned(), parameters.view(name).unwrap().detach()));
        let (tensors, forecasting) = (named.collect(), model.over(&parameters).unwrap());
        Self { model, parameters, forecasting, tensors }
    }

    pub fn module(&self) -> CModule {
        let weights = weights(&self.model.layout(), &self.tensors).unwrap();
        let (mut file, script) = (Vec::new(), self.model.script().unwrap());
        torchscript::write(&script, &weights, &[("fragua.json", "{}")], &mut file).unwrap();
        CModule::load_data(&mut file.as_slice()).unwrap_or_else(|error| panic!("{error}\n{}", script.code))
    }
}

/// Frames with structure `[b, t, c, y, x]`, in 0 to 1.
pub fn frames(shape: [i64; 5]) -> Tensor {
    let count: i64 = shape.iter().product();
    (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 0.37).sin().abs().view(shape)
}

/// The same frames with a third of their cells missing, alone and side by side.
fn with_holes(frames: &Tensor) -> Tensor {
    let wave = (Tensor::arange(frames.numel() as i64, (Kind::Float, Device::Cpu)) * 0.9).sin().view_as(frames);
    frames.masked_fill(&wave.gt(0.5), f64::NAN)
}

/// What a network sees of frames, and what a program without this one is given beside them: motion and minutes.
pub fn seen(config: &NowcastConfig, frames_btcyx: &Tensor) -> (Seen, Vec<Tensor>) {
    let size = frames_btcyx.size();
    let (samples, times) = (size[0] as usize, size[1] as usize);
    let seen_frames = super::seen_frames(config).min(times);
    let last = frames_btcyx.narrow(1, (times - seen_frames) as i64, seen_frames as i64);
    let missing = (config.prepare.missing == Missing::Mask).then(|| last.select(1, -1).isnan());
    let last = last.nan_to_num(0.0, None, None);
    if config.coordinates == Coordinates::Eulerian {
        return (Seen::Frames(last), Vec::new());
    }
    let [rows, columns] = config.prepare.size;
    let (finder, leads) = (MotionFinder::new(config), config.windows.target_frames);
    // Uneven intervals, fast enough for several steps.
    let minutes: Vec<f64> = (0..times + leads).map(|frame| 5.0 * frame as f64 + (frame % 2) as f64).collect();
    let now = minutes[times - 1];
    let relative: Vec<f64> = minutes.iter().map(|minutes| minutes - now).collect();
    let motions: Vec<NodeMotion> = (0..samples)
        .map(|sample| {
            let mut motion = NodeMotion::none(rows, columns);
            let wave = |index: usize, phase: f32| (index as f32 * 1.7 + phase + sample as f32).sin();
            motion.u.iter_mut().enumerate().for_each(|(index, u)| *u = wave(index, 0.3));
            motion.v.iter_mut().enumerate().for_each(|(index, v)| *v = 0.4 * wave(index, 1.1));
            motion
        })
        .collect();
    let meshes =
        motions.iter().map(|motion| finder.ways(motion, &relative[times - seen_frames..times], &relative[times..]));
    let (back, ahead): (Vec<_>, Vec<_>) = meshes.map(|ways| (ways.back, ways.ahead)).unzip();
    let dense = |fields: Vec<Vec<f32>>| {
        let [mesh_rows, mesh_columns] = mesh(rows, columns).map(|cells| cells as i64);
        let mesh = Tensor::from_slice(&fields.concat()).view([-1, 2, mesh_rows, mesh_columns]);
        let [rows, columns] = [rows, columns].map(|cells| cells as i64);
        between_mesh(&mesh, [rows, columns]).unwrap().view([samples as i64, -1, 2, rows, columns])
    };
    let ways = Ways { back_btdyx: dense(back), ahead_bkdyx: dense(ahead) };
    let whole = |motion: &NodeMotion| {
        let motion = motion.motion(rows, columns);
        [motion.u, motion.v].concat()
    };
    let fields: Vec<f32> = motions.iter().flat_map(whole).collect();
    let motion = Tensor::from_slice(&fields).view([samples as i64, 2, rows as i64, columns as i64]);
    let minutes: Vec<f32> = minutes.iter().map(|&minutes| minutes as f32).collect();
    let minutes = Tensor::from_slice(&minutes).unsqueeze(0).repeat([samples as i64, 1]);
    (Seen::Carried(Carried::new(&last, &ways, missing.as_ref()).unwrap()), vec![motion, minutes])
}

/// Whether the model in TorchScript computes what ours does, its parameters are there by their names, and wrong inputs are
/// refused.
pub fn assert_script(config: &NowcastConfig, channels: i64) {
    let random = Random::of(config);
    let module = random.module();
    let [rows, columns] = config.prepare.size.map(|side| side as i64);
    for samples in [1, 3] {
        let input = frames([samples, config.windows.input_frames as i64, channels, rows, columns]);
        let input = if leaves_out_missing(config) { with_holes(&input) } else { input };
        let (seen, beside) = seen(config, &input);
        let given: Vec<&Tensor> = std::iter::once(&input).chain(&beside).collect();
        let found = module.forward_ts(&given).unwrap_or_else(|error| panic!("{:?}: {error}", config.model));
        let ours = tch::no_grad(|| random.forecasting.forecast(&seen, Precision::Fp32));
        assert_eq!(found.size(), ours.size());
        let error = (&found - &ours).abs().max().double_value(&[]);
        // If outputs are nearly alike, an error must be smaller too.
        let spread = ours.std(true).double_value(&[]);
        assert!(spread > 1e-6, "{:?}: all outputs are alike", config.model);
        assert!(error <= 1e-5_f64.min(0.01 * spread), "{:?}, {samples} samples: {error:e}", config.model);
        let network = network(config).over(&random.parameters).unwrap();
        let raw = tch::no_grad(|| network.forward(seen.frames(), Precision::Fp32));
        match module.method_is("network", &[IValue::Tensor(seen.frames().shallow_clone())]).unwrap() {
            IValue::Tensor(found) => {
                assert!(relative_error(&found, &raw) < 1e-5, "{:?}", config.model);
            }
            other => panic!("{other:?}"),
        }
    }
    let mut names: Vec<String> = module.named_parameters().unwrap().into_iter().map(|(name, _)| name).collect();
    let mut expected: Vec<String> = random.tensors.into_iter().map(|(name, _)| name).collect();
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}

/// The network of a configuration against PyTorch's in a file of `tests/fixtures/nn`: `value.*`, `input`, `output` (before any
/// ending), `target`, and `gradient.*` of the mean square error. Returns the largest relative error of the output and of any
/// gradient.
pub fn parity(config: &NowcastConfig, file: &str, precision: Precision) -> (f64, f64) {
    tch::set_num_threads(1);
    let (network, parameters, expected) = loaded(config, file);
    let output = network.forward(&expected["input"], precision);
    assert_eq!((output.kind(), output.size()), (Kind::Float, expected["output"].size()));
    (&output - &expected["target"]).square().mean(Kind::Float).backward();
    let gradient =
        |name: &str| relative_error(&parameters.gradient(name).unwrap(), &expected[&format!("gradient.{name}")]);
    (relative_error(&output, &expected["output"]), parameters.names().map(gradient).fold(0.0, f64::max))
}

/// The network with PyTorch's values, and PyTorch's results.
pub fn loaded(config: &NowcastConfig, file: &str) -> (Box<dyn Forward>, Parameters, HashMap<String, Tensor>) {
    let network = network(config);
    let mut parameters = Parameters::new(&network.layout(), 1, Device::Cpu).unwrap();
    let expected = tensors(file);
    let values = expected.iter().filter_map(|(name, value)| Some((name.strip_prefix("value.")?, value)));
    let values: Vec<_> = values.map(|(name, value)| (name.to_owned(), value.shallow_clone())).collect();
    let report = parameters.load_named(&values);
    assert!(report.is_complete(), "{report}");
    (network.over(&parameters).unwrap(), parameters, expected)
}

/// Whether every parameter has a gradient, samples don't depend on each other, and the memory that is announced is needed.
pub fn assert_network(config: &NowcastConfig, channels: i64) {
    let random = Random::of(config);
    let network = network(config).over(&random.parameters).unwrap();
    let [rows, columns] = config.prepare.size.map(|side| side as i64);
    let input = frames([2, super::seen_frames(config) as i64, channels, rows, columns]);
    let both = network.forward(&input, Precision::Fp32);
    both.square().mean(Kind::Float).backward();
    assert_eq!(random.parameters.unused(), [""; 0], "{:?}", config.model);
    let alone = network.forward(&input.narrow(0, 1, 1), Precision::Fp32);
    let error = relative_error(&alone, &both.narrow(0, 1, 1));
    assert!(error < 1e-5, "{:?}: {error:e}", config.model);
    assert_eq!(config.needs().parameters, random.parameters.count() as u64, "{:?}", config.model);
}
