//! Both directions against the same layers one by one with autograd.

use super::*;
use crate::nn::layer::Mode;
use crate::nn::layer::conv::ConvShape;
use crate::nn::layer::{BatchNorm, Conv2d, Dropout, SampleKeys, max_pool};
use crate::nn::parameters::Parameters;
use crate::nn::testing::relative_error;

const IMAGES: i64 = 5;
const CHANNELS: i64 = 6;

/// A convolution with what follows.
#[derive(Clone, Copy, Debug)]
struct Case {
    inputs: i64,
    size: [i64; 2],
    window: usize,
    share: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Layers,
    Fused,
    Stem,
}

/// What a pass leaves behind.
struct Found {
    output: Tensor,
    gradient_of_images: Option<Tensor>,
    gradients: Tensor,
    buffers: Tensor,
    evaluated: Tensor,
}

fn learned(case: Case, way: Way, threads: i32) -> Found {
    tch::set_num_threads(threads);
    let shape = ConvShape::same(case.inputs, CHANNELS, 3);
    let layout = shape.layout("conv").with(BatchNorm::layout("bn", CHANNELS));
    let parameters = Parameters::new(&layout, 7, Device::Cpu).unwrap();
    let numbers = |count: i64, start: f64| (Tensor::arange(count, (Kind::Float, Device::Cpu)) * 1.7 + start).sin();
    tch::no_grad(|| {
        parameters.view("bn.weight").unwrap().copy_(&(numbers(CHANNELS, 0.5) + 0.2));
        parameters.view("bn.bias").unwrap().copy_(&(numbers(CHANNELS, 0.1) * 0.3));
    });
    let convolution = Conv2d::new("conv", &shape, &parameters).unwrap();
    let norm = BatchNorm::new("bn", CHANNELS, &parameters).unwrap();
    let dropout = Dropout::new("conv", case.share);
    let keys = SampleKeys::new(3, 1, 0..IMAGES as u64);
    let [rows, columns] = case.size;
    let count = IMAGES * case.inputs * rows * columns;
    // Far from 0 in places: the variance must not suffer from a large mean.
    let images = (numbers(count, 0.3) * numbers(count, 1.1).square() + 3.0).view([IMAGES, case.inputs, rows, columns]);
    let images = images.set_requires_grad(way != Way::Stem);
    let loss = |output: &Tensor| {
        let count = output.numel() as i64;
        (output.square() * numbers(count, 0.0).view_as(output)).sum(Kind::Float)
    };
    let output = match way {
        Way::Layers => {
            let mode = Mode::Training(&keys);
            let active = norm.forward(&convolution.forward(&images, Precision::Fp32), mode, Precision::Fp32).relu();
            let pooled = if case.window == 2 { max_pool(&active, 2) } else { active };
            let output = dropout.forward(&pooled, mode);
            loss(&output).backward();
            output
        }
        Way::Fused => {
            let fused = Fused { convolution: &convolution, norm: &norm, window: case.window, dropout: &dropout };
            let normed = fused.forward(&images, &keys).unwrap();
            loss(normed.output()).backward();
            let output = normed.output().detach();
            tch::no_grad(|| normed.backward()).unwrap();
            output
        }
        Way::Stem => {
            let stem = Stem { convolution: &convolution, norm: &norm, dropout: &dropout };
            let stemmed = stem.forward(&images, &keys).unwrap();
            loss(stemmed.output()).backward();
            let output = stemmed.output().detach();
            tch::no_grad(|| stemmed.backward()).unwrap();
            output
        }
    };
    let _guard = tch::no_grad_guard();
    let evaluated = match way {
        Way::Layers => {
            let product = convolution.forward(&images, Precision::Fp32);
            let active = norm.forward(&product, Mode::Evaluation, Precision::Fp32).relu();
            if case.window == 2 { max_pool(&active, 2) } else { active }
        }
        Way::Fused => {
            let fused = Fused { convolution: &convolution, norm: &norm, window: case.window, dropout: &dropout };
            fused.evaluate(&images).unwrap()
        }
        Way::Stem => {
            let stem = Stem { convolution: &convolution, norm: &norm, dropout: &dropout };
            stem.evaluate(&images).unwrap()
        }
    };
    // The gradient of the idle bias is nothing but rounding.
    drop(parameters.gradient("conv.bias").unwrap().zero_());
    Found {
        output: output.detach().contiguous(),
        gradient_of_images: (way != Way::Stem).then(|| images.grad()),
        gradients: parameters.gradients().copy(),
        buffers: parameters.buffers().copy(),
        evaluated: evaluated.contiguous(),
    }
}

fn cases(inputs: i64) -> Vec<Case> {
    let sizes = [[8, 8], [7, 10], [9, 5]];
    let windows = if inputs == 1 { vec![2] } else { vec![1, 2] };
    let all = sizes.into_iter().flat_map(|size| windows.iter().map(move |window| (size, *window)));
    all.flat_map(|(size, window)| [0.0, 0.3].map(|share| Case { inputs, size, window, share })).collect()
}

#[test]
fn they_compute_what_the_layers_do_one_by_one() {
    for (way, inputs) in [(Way::Fused, 3), (Way::Fused, 1), (Way::Stem, 1)] {
        for case in cases(inputs) {
            let (expected, found) = (learned(case, Way::Layers, 1), learned(case, way, 1));
            let near = |what: &str, found: &Tensor, expected: &Tensor| {
                let error = relative_error(found, expected);
                assert!(error < 2e-5, "{what} of {way:?} in {case:?}: {error:e}");
            };
            near("output", &found.output, &expected.output);
            near("evaluation", &found.evaluated, &expected.evaluated);
            near("gradients", &found.gradients, &expected.gradients);
            near("statistics", &found.buffers, &expected.buffers);
            if let (Some(found), Some(expected)) = (&found.gradient_of_images, &expected.gradient_of_images) {
                near("gradient of images", found, expected);
            }
            let zeros = |tensor: &Tensor| tensor.eq(0.0);
            assert!(zeros(&found.output).equal(&zeros(&expected.output)), "the same values are dropped: {case:?}");
        }
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let case = Case { inputs: 1, size: [12, 12], window: 2, share: 0.2 };
    let one = learned(case, Way::Stem, 1);
    for threads in [2, 3] {
        let more = learned(case, Way::Stem, threads);
        assert!(more.output.equal(&one.output) && more.gradients.equal(&one.gradients), "{threads} threads");
        assert!(more.buffers.equal(&one.buffers));
    }
}

#[test]
fn what_is_not_a_number_is_not_hidden() {
    let case = Case { inputs: 1, size: [8, 8], window: 2, share: 0.0 };
    tch::set_num_threads(1);
    let shape = ConvShape::same(case.inputs, CHANNELS, 3);
    let parameters =
        Parameters::new(&shape.layout("conv").with(BatchNorm::layout("bn", CHANNELS)), 7, Device::Cpu).unwrap();
    let convolution = Conv2d::new("conv", &shape, &parameters).unwrap();
    let norm = BatchNorm::new("bn", CHANNELS, &parameters).unwrap();
    let (dropout, keys) = (Dropout::new("conv", 0.0), SampleKeys::new(3, 1, 0..2));
    let images = Tensor::full([2, 1, 8, 8], f64::NAN, (Kind::Float, Device::Cpu));
    let stem = Stem { convolution: &convolution, norm: &norm, dropout: &dropout }.forward(&images, &keys).unwrap();
    assert_eq!(stem.output().isnan().all().int64_value(&[]), 1);
    let fused = Fused { convolution: &convolution, norm: &norm, window: 2, dropout: &dropout };
    assert_eq!(fused.forward(&images, &keys).unwrap().output().isnan().all().int64_value(&[]), 1);
}
