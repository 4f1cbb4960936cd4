//! The layers against PyTorch's, with the values of `tests/fixtures/nn/layers/make.py`.

use std::collections::HashMap;

use tch::{Device, Kind, Tensor};

use super::conv::ConvShape;
use super::*;
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::nn::testing::{relative_error, tensors};

type Forward = Box<dyn Fn(&Tensor, Mode<'_>, Precision) -> Tensor>;

/// A layer by its layout, and how it is built. In training the idle parameters have no effect: they are biases in front of a
/// batch norm, and what is left of their gradient is rounding.
struct Case {
    name: &'static str,
    idle: &'static [&'static str],
    layout: Layout,
    build: fn(&Parameters) -> Result<Forward, ParametersError>,
}

fn strided() -> ConvShape {
    ConvShape { inputs: 3, outputs: 4, kernel: 5, stride: 2, padding: 2, bias: false }
}

fn conv(name: &str, shape: &ConvShape, parameters: &Parameters) -> Result<Forward, ParametersError> {
    let conv = Conv2d::new(name, shape, parameters)?;
    Ok(Box::new(move |input, _, precision| conv.forward(input, precision)))
}

fn batch_norm(channels: i64, parameters: &Parameters) -> Result<Forward, ParametersError> {
    let norm = BatchNorm::new("bn", channels, parameters)?;
    Ok(Box::new(move |input, mode, precision| norm.forward(input, mode, precision)))
}

/// Every layer once, as an image classifier has them.
fn network(parameters: &Parameters) -> Result<Forward, ParametersError> {
    let conv = Conv2d::new("conv", &ConvShape::same(2, 4, 3), parameters)?;
    let (bn, bn_fc1) = (BatchNorm::new("bn", 4, parameters)?, BatchNorm::new("bn_fc1", 6, parameters)?);
    let (fc1, fc2) = (Linear::new("fc1", 24, 6, parameters)?, Linear::new("fc2", 6, 3, parameters)?);
    Ok(Box::new(move |input, mode, precision| {
        let images = bn.forward(&conv.forward(input, precision), mode, precision).relu();
        let vectors = fc1.forward(&max_pool(&images, 2).flatten(1, -1), precision);
        fc2.forward(&bn_fc1.forward(&vectors, mode, precision).relu(), precision)
    }))
}

fn cases() -> Vec<Case> {
    let network_layout = || {
        let images = ConvShape::same(2, 4, 3).layout("conv").with(BatchNorm::layout("bn", 4));
        let vectors = Linear::layout("fc1", 24, 6).with(BatchNorm::layout("bn_fc1", 6));
        images.with(vectors).with(Linear::layout("fc2", 6, 3))
    };
    vec![
        Case {
            name: "conv",
            idle: &[],
            layout: ConvShape::same(3, 4, 3).layout("conv"),
            build: |parameters| conv("conv", &ConvShape::same(3, 4, 3), parameters),
        },
        Case {
            name: "strided",
            idle: &[],
            layout: strided().layout("conv"),
            build: |parameters| conv("conv", &strided(), parameters),
        },
        Case {
            name: "linear",
            idle: &[],
            layout: Linear::layout("linear", 6, 4),
            build: |parameters| {
                let linear = Linear::new("linear", 6, 4, parameters)?;
                Ok(Box::new(move |input, _, precision| linear.forward(input, precision)))
            },
        },
        Case {
            name: "pool",
            idle: &[],
            layout: Layout::default(),
            build: |_| Ok(Box::new(|input, _, precision| max_pool(&precision.cast(input), 2))),
        },
        Case {
            name: "images",
            idle: &[],
            layout: BatchNorm::layout("bn", 3),
            build: |parameters| batch_norm(3, parameters),
        },
        Case {
            name: "vectors",
            idle: &[],
            layout: BatchNorm::layout("bn", 5),
            build: |parameters| batch_norm(5, parameters),
        },
        Case {
            name: "layer_norm",
            idle: &[],
            layout: LayerNorm::layout("norm", &[3, 4, 5]),
            build: |parameters| {
                let norm = LayerNorm::new("norm", &[3, 4, 5], parameters)?;
                Ok(Box::new(move |input, _, _| norm.forward(input)))
            },
        },
        Case {
            name: "group_norm",
            idle: &[],
            layout: GroupNorm::layout("norm", 6),
            build: |parameters| {
                let norm = GroupNorm::new("norm", 6, 2, parameters)?;
                Ok(Box::new(move |input, _, _| norm.forward(input)))
            },
        },
        Case { name: "network", idle: &["conv.bias", "fc1.bias"], layout: network_layout(), build: network },
    ]
}

/// One case with PyTorch's values.
struct Run {
    expected: HashMap<String, Tensor>,
    parameters: Parameters,
    forward: Forward,
    precision: Precision,
    idle: &'static [&'static str],
}

impl Run {
    fn new(case: &Case, precision: Precision) -> Self {
        tch::set_num_threads(1);
        let prefix = format!("{}/", case.name);
        let all = tensors("layers/layers.safetensors");
        let of_case =
            all.into_iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor)));
        let expected: HashMap<String, Tensor> = of_case.collect();
        let mut parameters = Parameters::new(&case.layout, 1, Device::Cpu).unwrap();
        let report = parameters.load_named(&state(&expected, "before."));
        assert!(report.is_complete(), "{}: {report}", case.name);
        let forward = (case.build)(&parameters).unwrap();
        Self { expected, parameters, forward, precision, idle: case.idle }
    }

    /// A pass, and its largest relative error: of the output, and of gradients if there are any.
    fn pass(&self, when: &str, mode: Mode<'_>) -> f64 {
        let expected = |what: &str| self.expected.get(&format!("{when}.{what}"));
        let input = expected("input").unwrap().detach().copy().set_requires_grad(true);
        let output = (self.forward)(&input, mode, self.precision).to_kind(Kind::Float);
        let upstream = Tensor::arange(output.numel() as i64, (Kind::Float, Device::Cpu)).sin().view_as(&output);
        self.parameters.zero_gradients();
        (output.square() * upstream).sum(Kind::Float).backward();
        let of_input = expected("gradient_of_input").map(|gradient| relative_error(&input.grad(), gradient));
        let of_parameter = |name: &str| {
            let is_idle = matches!(mode, Mode::Training(_)) && self.idle.contains(&name);
            let gradient = expected(&format!("gradient.{name}")).filter(|_| !is_idle)?;
            Some(relative_error(&self.parameters.gradient(name).unwrap(), gradient))
        };
        let gradients = self.parameters.names().filter_map(of_parameter).chain(of_input);
        gradients.fold(relative_error(&output, expected("output").unwrap()), f64::max)
    }

    /// The largest relative error of the running statistics.
    fn statistics(&self) -> f64 {
        let after: HashMap<_, _> = state(&self.expected, "after.").into_iter().collect();
        let error =
            |(spec, buffer): (&crate::nn::parameters::BufferSpec, Tensor)| relative_error(&buffer, &after[&spec.name]);
        self.parameters.buffer_parts().into_iter().map(error).fold(0.0, f64::max)
    }

    fn passes(&self) -> usize {
        (0..).take_while(|number| self.expected.contains_key(&format!("train{number}.input"))).count()
    }
}

fn state(expected: &HashMap<String, Tensor>, when: &str) -> Vec<(String, Tensor)> {
    let of_state =
        |(name, tensor): (&String, &Tensor)| Some((name.strip_prefix(when)?.to_owned(), tensor.shallow_clone()));
    expected.iter().filter_map(of_state).collect()
}

fn keys() -> SampleKeys {
    SampleKeys::new(1, 0, [])
}

#[test]
fn outputs_gradients_and_running_statistics_are_those_of_pytorch() {
    for case in cases() {
        let (run, keys) = (Run::new(&case, Precision::Fp32), keys());
        for number in 0..run.passes() {
            let error = run.pass(&format!("train{number}"), Mode::Training(&keys));
            assert!(error < 1e-5, "{}, pass {number}: {error:e}", case.name);
        }
        assert!(run.passes() > 0 && run.statistics() < 1e-6, "{}: {:e}", case.name, run.statistics());
        let (before, error) = (run.parameters.buffers().copy(), run.pass("eval", Mode::Evaluation));
        assert!(error < 1e-5, "{}, evaluation: {error:e}", case.name);
        assert!(run.parameters.buffers().equal(&before), "{}: evaluation changes no statistics", case.name);
    }
}

#[test]
fn sixteen_bits_are_near_and_statistics_stay_fp32() {
    for precision in [Precision::Bf16, Precision::Fp16] {
        for case in cases() {
            let (run, keys) = (Run::new(&case, precision), keys());
            for number in 0..run.passes() {
                let error = run.pass(&format!("train{number}"), Mode::Training(&keys));
                let allowed = if precision == Precision::Bf16 { 0.15 } else { 0.02 };
                assert!(error < allowed, "{} in {}, pass {number}: {error:e}", case.name, precision.name());
            }
            assert!(run.statistics() < 0.01, "{}: {:e}", case.name, run.statistics());
            assert_eq!(run.parameters.buffers().kind(), Kind::Float);
        }
    }
}

#[test]
fn batch_norm_refuses_to_learn_from_a_single_value() {
    let parameters = Parameters::new(&BatchNorm::layout("bn", 3), 1, Device::Cpu).unwrap();
    let norm = BatchNorm::new("bn", 3, &parameters).unwrap();
    let single = Tensor::ones([1, 3], (Kind::Float, Device::Cpu));
    assert_eq!(norm.forward(&single, Mode::Evaluation, Precision::Fp32).size(), [1, 3]);
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        norm.forward(&single, Mode::Training(&keys()), Precision::Fp32)
    }));
    let text = refused.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*text, "batch norm learns from more than one value per channel; got [1, 3]");
    assert!(parameters.buffers().isfinite().all().int64_value(&[]) == 1);
}

#[test]
fn convolutions_and_linear_layers_start_as_those_of_pytorch() {
    let layout = ConvShape::same(16, 32, 3).layout("conv").with(Linear::layout("fc", 100, 50));
    let parameters = Parameters::new(&layout, 3, Device::Cpu).unwrap();
    for (name, bound) in [("conv.weight", 1.0 / 12.0), ("conv.bias", 1.0 / 12.0), ("fc.weight", 0.1), ("fc.bias", 0.1)]
    {
        let largest = parameters.view(name).unwrap().abs().max().double_value(&[]);
        assert!(largest <= bound + 1e-7 && largest > 0.9 * bound, "{name}: {largest}, expected up to {bound}");
    }
    let decayed: usize = parameters.decayed().into_iter().map(|range| range.len()).sum();
    assert_eq!(decayed, 32 * 16 * 9 + 100 * 50, "biases do not decay");
}

#[test]
fn multiplications_are_those_of_every_cell() {
    assert_eq!(ConvShape::same(2, 4, 3).multiplications([7, 5]), 35.0 * 8.0 * 9.0);
    assert_eq!(strided().multiplications([5, 4]), 20.0 * 12.0 * 25.0);
}
