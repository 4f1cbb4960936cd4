//! The networks against PyTorch, with the values of `tests/fixtures/keypoints/make.py`, and what holds for each of them.

use serde_json::Value;
use tch::{Device, Kind, Reduction, Tensor};

use super::config::{ConvTransformerConfig, LstmConfig, ModelConfig, Pooling};
use super::{Computed, Forward, Sequences, Sizes, Stream, sequence_network};
use crate::nn::backward::Passed;
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::parameters::Parameters;
use crate::nn::precision::Precision;
use crate::nn::testing::relative_error;
use crate::train::config::{AdamW, Optimizer as Rates};
use crate::train::optimizer::Optimizer;

const LENGTHS: [i64; 4] = [7, 1, 5, 3];
const PROBES: usize = 4;

/// The networks: the name of their file, and small sizes without dropout.
fn networks(pooling: Pooling, dropout: f64) -> Vec<(&'static str, ModelConfig)> {
    let lstm = LstmConfig { hidden: 16, layers: 2, embedding: 24, dropout, pooling, forget_bias: 0.0 };
    let conv = |causal, blocks| ConvTransformerConfig {
        width: 16,
        expand: 2,
        kernel: 5,
        causal,
        convolutions: 2,
        blocks,
        heads: 2,
        embedding: 24,
        dropout,
        pooling,
    };
    vec![
        ("lstm", ModelConfig::Lstm(lstm)),
        ("conv_transformer", ModelConfig::ConvTransformer(conv(true, 2))),
        ("conv_transformer_centred", ModelConfig::ConvTransformer(conv(false, 1))),
    ]
}

fn sizes() -> Sizes {
    let stream = |(name, inputs): (&str, i64)| Stream { name: name.into(), inputs };
    let labels = (0..5).map(|class| class.to_string()).collect();
    Sizes { streams: [("hand", 12), ("face", 1003)].map(stream).into(), labels, frames: 7 }
}

/// Values between -1 and 1 that look random, by the formula of the script.
fn waves(count: usize, number: usize) -> Vec<f64> {
    let wave = |place: usize| (12.9898 * (place as f64) + 78.233 * (number as f64 + 1.0)).sin() as f32;
    (1..=count).map(|place| f64::from(wave(place))).collect()
}

/// The same without a period.
fn noise(count: usize, number: usize) -> Vec<f32> {
    let part = |place: usize| (12.9898 * (place as f64) + 78.233 * (number as f64 + 1.0)).sin() * 43758.5453;
    (1..=count).map(|place| (2.0 * (part(place) - part(place).floor()) - 1.0) as f32).collect()
}

/// Gives every tensor the values that the script gives it.
fn fill(parameters: &Parameters) {
    let mut parts = parameters.parts_of(&parameters.values()).unwrap();
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    for (number, (name, part)) in parts.into_iter().enumerate() {
        let shape = part.size();
        let is_norm = shape.len() == 1 && name.ends_with("weight");
        let fan_in = if shape.len() > 1 { shape[1..].iter().product::<i64>() as f64 } else { 4.0 };
        let scale = (3.0 / fan_in).sqrt();
        let value = |wave: f32| if is_norm { 1.0 + 0.25 * f64::from(wave) } else { f64::from(wave) * scale } as f32;
        let values: Vec<f32> = noise(part.numel(), number).into_iter().map(value).collect();
        tch::no_grad(|| part.shallow_clone().copy_(&Tensor::from_slice(&values).view(shape.as_slice())));
    }
}

fn batch(number: usize) -> (Sequences, Tensor) {
    let stream = |(place, inputs): (usize, i64)| {
        let values = noise((4 * 7 * inputs) as usize, 1000 + 10 * number + place);
        Tensor::from_slice(&values).view([4, 7, inputs])
    };
    let truth = (Tensor::arange(4, (Kind::Int64, Device::Cpu)) + number as i64).remainder(5);
    (Sequences { streams: [(0, 12), (1, 1003)].map(stream).into(), lengths: LENGTHS.into() }, truth)
}

fn bound(config: &ModelConfig) -> (Parameters, Box<dyn Forward>) {
    tch::set_num_threads(1);
    let network = sequence_network(config, sizes());
    let parameters = Parameters::new(&network.layout(), 42, Device::Cpu).unwrap();
    fill(&parameters);
    let bound = network.over(&parameters).unwrap();
    (parameters, bound)
}

fn evaluated(network: &dyn Forward, sequences: &Sequences) -> Computed {
    tch::no_grad(|| network.forward(sequences, Mode::Evaluation, Precision::Fp32))
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).contiguous().flatten(0, -1)).unwrap()
}

/// The length of a vector and its products with vectors that look random.
fn probed(tensor: &Tensor, first: usize) -> Vec<f64> {
    let vector = values(tensor);
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    let product = |number| vector.iter().zip(waves(vector.len(), number)).map(|(value, wave)| value * wave).sum();
    std::iter::once(norm).chain((first..first + PROBES).map(product)).collect()
}

/// How far numbers are from others, as a share of the first of those, which is the length of a vector.
fn apart(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let differences = got.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
    differences.fold(0.0, f64::max) / expected[0].abs().max(1e-12)
}

fn close(what: &str, got: &Tensor, expected: &Value, tolerance: f64) {
    let pairs = values(got).into_iter().zip(numbers(expected));
    let most = pairs.map(|(got, expected)| (got - expected).abs()).fold(0.0, f64::max);
    assert!(most <= tolerance, "{what}: {most:e}");
}

fn expected(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/keypoints/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn learn(network: &dyn Forward, parameters: &Parameters, step: usize) -> f64 {
    let (sequences, truth) = batch(step);
    parameters.zero_gradients();
    let passed = network.learn(&sequences, &SampleKeys::new(42, 0, 0..4), Precision::Fp32);
    let loss = passed.output().cross_entropy_loss::<Tensor>(&truth, None, Reduction::Mean, -100, 0.1);
    passed.backward(&loss).unwrap();
    loss.double_value(&[])
}

fn compare(parameters: &Parameters, flat: &Tensor, expected: &Value, first: usize, tolerance: f64) {
    let mut parts = parameters.parts_of(flat).unwrap();
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(parts.len(), expected.as_object().unwrap().len());
    for (place, (name, part)) in parts.iter().enumerate() {
        let far = apart(&probed(part, first + PROBES * place), &numbers(&expected[name]));
        assert!(far <= tolerance, "{name}: {far:e}");
    }
}

#[test]
fn logits_embeddings_and_gradients_are_those_of_pytorch() {
    for pooling in [Pooling::Mean, Pooling::Last, Pooling::Max] {
        for (name, config) in networks(pooling, 0.0) {
            let expected = expected(name);
            let (parameters, network) = bound(&config);
            let computed = evaluated(network.as_ref(), &batch(0).0);
            let key = serde_json::to_value(pooling).unwrap();
            close(name, &computed.logits_bc, &expected["logits"][key.as_str().unwrap()], 1e-5);
            if pooling == Pooling::Mean {
                let far = apart(&probed(&computed.embeddings_bte, 1), &numbers(&expected["embeddings"]));
                assert!(far < 1e-5, "{name}: {far:e}");
                learn(network.as_ref(), &parameters, 0);
                compare(&parameters, &parameters.gradients(), &expected["gradients"], 2000, 1e-5);
                assert_eq!(parameters.unused(), Vec::<&str>::new());
            }
        }
    }
}

#[test]
fn streams_that_are_learned_from_at_once_have_the_gradients_of_one_after_the_other() {
    for threads in [1, 3] {
        for (name, config) in networks(Pooling::Mean, 0.3) {
            let (parameters, network) = bound(&config);
            tch::set_num_threads(threads);
            let (sequences, truth) = batch(0);
            let keys = SampleKeys::new(42, 0, 0..4);
            let gradients = |passed: Passed| {
                parameters.zero_gradients();
                let loss = passed.output().cross_entropy_loss::<Tensor>(&truth, None, Reduction::Mean, -100, 0.1);
                passed.backward(&loss).unwrap();
                parameters.gradients().copy()
            };
            let one = network.forward(&sequences, Mode::Training(&keys), Precision::Fp32).logits_bc;
            let one = gradients(Passed::with_autograd(one));
            let at_once = gradients(network.learn(&sequences, &keys, Precision::Fp32));
            assert!(relative_error(&at_once, &one) < 1e-6, "{name}, {threads} threads");
        }
    }
    tch::set_num_threads(1);
}

#[test]
fn twenty_steps_are_those_of_pytorch() {
    for (name, config) in networks(Pooling::Mean, 0.0) {
        let expected = expected(name);
        let (parameters, network) = bound(&config);
        let rates = Rates::Adamw(AdamW { lr: 1e-4, weight_decay: 0.01, ..AdamW::default() });
        let start = parameters.values().detach().copy();
        let mut optimizer = Optimizer::new(&rates, &start);
        for (step, loss) in numbers(&expected["losses"]).into_iter().enumerate() {
            let got = learn(network.as_ref(), &parameters, step);
            assert!((got - loss).abs() < 1e-4, "{name}, step {step}: {got} instead of {loss}");
            let mut values = parameters.values().detach();
            optimizer.step(&mut values, &parameters.gradients(), rates.lr(), &parameters.decayed()).unwrap();
        }
        compare(&parameters, &(parameters.values().detach() - start), &expected["ways"], 4000, 0.01);
        close(name, &evaluated(network.as_ref(), &batch(0).0).logits_bc, &expected["logits_after"], 1e-4);
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_every_batch() {
    for pooling in [Pooling::Mean, Pooling::Last, Pooling::Max] {
        for (name, config) in networks(pooling, 0.1) {
            let (_, network) = bound(&config);
            let (all, _) = batch(0);
            let together = evaluated(network.as_ref(), &all);
            for (sample, length) in (0..).zip(LENGTHS) {
                let streams = all.streams.iter().map(|stream| stream.narrow(0, sample, 1).narrow(1, 0, length));
                let alone = Sequences { streams: streams.collect(), lengths: vec![length] };
                let alone = evaluated(network.as_ref(), &alone);
                assert!(alone.logits_bc.equal(&together.logits_bc.narrow(0, sample, 1)), "{name}, {pooling:?}");
                let frames = together.embeddings_bte.narrow(0, sample, 1).narrow(1, 0, length);
                assert!(alone.embeddings_bte.equal(&frames), "{name}, {pooling:?}");
            }
        }
    }
}

#[test]
fn padding_is_never_read_and_dropout_follows_from_the_sample() {
    for (name, config) in networks(Pooling::Max, 0.3) {
        let (_, network) = bound(&config);
        let (all, _) = batch(0);
        let padded = |value: f64| {
            let streams = all.streams.iter().map(|stream| {
                let stream = stream.constant_pad_nd([0, 0, 0, 2]);
                for (sample, length) in (0..).zip(LENGTHS) {
                    drop(stream.select(0, sample).narrow(0, length, 9 - length).fill_(value));
                }
                stream
            });
            Sequences { streams: streams.collect(), lengths: LENGTHS.into() }
        };
        let learned = |sequences: &Sequences, epoch| {
            let passed = network.learn(sequences, &SampleKeys::new(42, epoch, 0..4), Precision::Fp32);
            passed.output().detach()
        };
        let plain = learned(&all, 1);
        assert!(learned(&padded(f64::NAN), 1).allclose(&plain, 1e-6, 1e-6, false), "{name}");
        assert!(!learned(&all, 2).allclose(&plain, 1e-3, 1e-3, false), "{name}");
        assert!(
            evaluated(network.as_ref(), &padded(f64::NAN))
                .logits_bc
                .equal(&evaluated(network.as_ref(), &all).logits_bc)
        );
    }
}

#[test]
fn sixteen_bits_are_close_to_thirty_two() {
    for (name, config) in networks(Pooling::Mean, 0.0) {
        let (_, network) = bound(&config);
        let exact = evaluated(network.as_ref(), &batch(0).0).logits_bc;
        let rough = tch::no_grad(|| network.forward(&batch(0).0, Mode::Evaluation, Precision::Bf16)).logits_bc;
        assert_eq!(rough.kind(), Kind::Float);
        let far = (rough - exact).abs().max().double_value(&[]);
        assert!(far > 0.0 && far < 0.1, "{name}: {far}");
    }
}

#[test]
fn the_lstm_has_as_many_parameters_as_published_under_the_published_names() {
    let sizes = |streams: &[(&str, i64)]| {
        let streams = streams.iter().map(|(name, inputs)| Stream { name: (*name).into(), inputs: *inputs }).collect();
        Sizes { streams, labels: vec!["a".into(); 505], frames: 64 }
    };
    let layout = |values: i64| {
        let streams = [("hand", 42 * values), ("body", 33 * values), ("face", 468 * values)];
        sequence_network(&ModelConfig::default(), sizes(&streams)).layout()
    };
    assert_eq!([4, 3, 2].map(|values| layout(values).count()), [4_980_985, 4_722_169, 4_463_353]);
    let layout = layout(4);
    let names: Vec<_> = layout.parameters.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!((names.len(), layout.buffers.len()), (44, 0));
    for name in [
        "encoder.hand_branch.input_proj.weight",
        "encoder.face_branch.input_proj.3.bias",
        "encoder.body_branch.lstm.bias_hh_l1",
        "encoder.face_branch.layer_norm.weight",
        "encoder.fusion.3.bias",
        "classifier.weight",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let pen = sequence_network(&ModelConfig::default(), sizes(&[("pen", 3)]));
    assert_eq!(pen.layout().parameters.len(), 2 + 8 + 2 + 4 + 2, "one stream is enough");
}
