//! The optimizers against `torch.optim`, with the values that `tests/fixtures/optimizer/make.py` saved.

use std::collections::HashMap;
use std::ops::Range;
use std::slice;

use tch::Tensor;

use super::super::config::{self, Adam, AdamW, Sgd};
use super::blocks::Blocks;
use super::{Optimizer, OptimizerError};
use crate::util::exit::Exit;

const DECAY: [Range<usize>; 2] = [0..100, 150..257];
const STEPS: usize = 20;

struct Saved(HashMap<String, Tensor>);

impl Saved {
    fn read() -> Self {
        tch::set_num_threads(1);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/optimizer/optimizers.safetensors");
        Self(Tensor::read_safetensors(path).unwrap().into_iter().collect())
    }

    fn numbers(&self, name: &str) -> Vec<f32> {
        numbers(&self.0[name])
    }

    fn values(&self) -> Tensor {
        self.0["values"].copy()
    }

    fn gradient(&self, step: usize) -> Tensor {
        self.0["gradients"].get(step as i64)
    }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1)).unwrap()
}

/// The same as in the script.
fn cases() -> Vec<(&'static str, config::Optimizer)> {
    use config::Optimizer::{Adam as A, Adamw as W, Sgd as S};
    let momentum = Sgd { weight_decay: 1e-2, ..Sgd::default() };
    vec![
        ("adamw", W(AdamW { lr: 1e-3, weight_decay: 1e-2, ..AdamW::default() })),
        ("adamw_seed_system", W(AdamW { lr: 1e-5, weight_decay: 1e-5, ..AdamW::default() })),
        ("adamw_small_beta", W(AdamW { lr: 1e-3, weight_decay: 1e-1, betas: [0.3, 0.99], eps: 1e-6 })),
        ("adam", A(Adam { lr: 1e-3, ..Adam::default() })),
        ("adam_decay", A(Adam { lr: 1e-3, weight_decay: 1e-2, ..Adam::default() })),
        ("sgd", S(Sgd { momentum: 0.0, ..Sgd::default() })),
        ("sgd_momentum", S(momentum.clone())),
        ("sgd_nesterov", S(Sgd { nesterov: true, ..momentum })),
    ]
}

/// The largest difference, as a share of the larger of the number and its unit.
fn distance(got: &[f32], expected: &[f32], unit: impl Fn(usize) -> f32) -> f32 {
    assert_eq!(got.len(), expected.len());
    let share = |(at, (a, b)): (usize, (&f32, &f32))| (a - b).abs() / b.abs().max(unit(at));
    got.iter().zip(expected).enumerate().map(share).fold(0.0, f32::max)
}

/// Twenty steps, checked on the way and at the end. For a weight that comes near 0, the tolerance follows its largest value.
fn compare(saved: &Saved, name: &str, rates: &config::Optimizer, optimizer: &mut Optimizer) {
    let mut values = saved.values();
    let kept = |step: usize| saved.0.get(&format!("{name}.values.{step}"));
    let start = saved.values().abs().clamp_min(1e-2);
    let largest = numbers(&(1..=STEPS).filter_map(kept).fold(start, |largest, values| largest.maximum(&values.abs())));
    for step in 0..STEPS {
        let lr = rates.lr() * (1.0 - step as f64 / 40.0);
        optimizer.step(&mut values, &saved.gradient(step), lr, &DECAY).unwrap();
        if let Some(expected) = kept(step + 1) {
            let distance = distance(&numbers(&values), &numbers(expected), |at| largest[at]);
            assert!(distance < 1e-6, "{name}, step {}: {distance:e}", step + 1);
        }
    }
    compare_moments(saved, name, optimizer);
}

/// Gradients of both signs cancel in a mean, which is then small and as exact as they are: each weight's moments are
/// measured with its largest gradient, decay included.
fn compare_moments(saved: &Saved, name: &str, optimizer: &Optimizer) {
    let largest = saved.0["gradients"].abs().amax([0], false) + saved.values().abs() * 1e-2;
    let largest = numbers(&largest);
    for (moment, tensor) in optimizer.state().into_iter().filter(|(moment, _)| *moment != "step") {
        let is_square = moment == "exp_avg_sq";
        let unit = |at: usize| if is_square { largest[at].powi(2) * 1e-3 } else { largest[at] };
        let distance = distance(&numbers(&tensor), &saved.numbers(&format!("{name}.{moment}")), unit);
        assert!(distance < 1e-6, "{name}, {moment}: {distance:e}");
    }
}

#[test]
fn twenty_steps_are_those_of_torch() {
    let saved = Saved::read();
    for (name, rates) in cases() {
        compare(&saved, name, &rates, &mut Optimizer::new(&rates, &saved.values()));
    }
}

#[test]
fn twenty_steps_with_the_operations_for_a_gpu_are_those_of_torch() {
    let saved = Saved::read();
    for (name, rates) in cases() {
        for length in [261, 64, 7] {
            let mut optimizer = Optimizer::new(&rates, &saved.values());
            optimizer.blocks = Some(Blocks::beside(&saved.values().narrow(0, 0, length)));
            compare(&saved, name, &rates, &mut optimizer);
        }
    }
}

#[test]
fn a_saved_state_continues_bit_by_bit() {
    let saved = Saved::read();
    for (name, rates) in cases() {
        let mut values = saved.values();
        let mut optimizer = Optimizer::new(&rates, &values);
        for step in 0..7 {
            optimizer.step(&mut values, &saved.gradient(step), 1e-3, &DECAY).unwrap();
        }
        let state: Vec<_> = optimizer.state().into_iter().map(|(name, part)| (name.to_string(), part.copy())).collect();
        let mut resumed_values = values.copy();
        for step in 7..STEPS {
            optimizer.step(&mut values, &saved.gradient(step), 1e-3, &DECAY).unwrap();
        }
        let mut resumed = Optimizer::new(&rates, &resumed_values);
        resumed.load_state(&state).unwrap();
        assert_eq!(resumed.steps(), 7);
        for step in 7..STEPS {
            resumed.step(&mut resumed_values, &saved.gradient(step), 1e-3, &DECAY).unwrap();
        }
        assert_eq!(bits(&resumed_values), bits(&values), "{name}");
        for ((_, left), (_, right)) in resumed.state().into_iter().zip(optimizer.state()) {
            assert_eq!(left, right, "{name}");
        }
    }
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    numbers(tensor).into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_weight_does_not_depend_on_its_position() {
    let saved = Saved::read();
    let (all, gradient) = (saved.values(), saved.gradient(0));
    for (name, rates) in cases() {
        let mut whole = all.copy();
        Optimizer::new(&rates, &whole).step(&mut whole, &gradient, 1e-2, slice::from_ref(&(0..261))).unwrap();
        for (start, length) in [(0, 1), (1, 5), (3, 64), (100, 161)] {
            let mut part = all.narrow(0, start, length).copy();
            let decay = 0..length as usize;
            Optimizer::new(&rates, &part)
                .step(&mut part, &gradient.narrow(0, start, length), 1e-2, slice::from_ref(&decay))
                .unwrap();
            assert_eq!(bits(&part), bits(&whole.narrow(0, start, length)), "{name}");
        }
    }
}

#[test]
fn only_the_given_ranges_decay() {
    let (name, rates) = cases().swap_remove(0);
    let saved = Saved::read();
    let mut values = saved.values();
    let zero = values.zeros_like();
    Optimizer::new(&rates, &values).step(&mut values, &zero, 1.0, &DECAY).unwrap();
    for (at, (before, after)) in saved.numbers("values").into_iter().zip(numbers(&values)).enumerate() {
        let decays = DECAY.iter().any(|range| range.contains(&at));
        assert_eq!(after, if decays { before * 0.99 } else { before }, "{name}, {at}");
    }
}

#[test]
fn the_state_of_another_optimizer_or_model_is_refused_and_changes_nothing() {
    let values = Saved::read().values();
    let of = |rates: &config::Optimizer, values: &Tensor| Optimizer::new(rates, values);
    let state = |optimizer: &Optimizer| -> Vec<_> {
        optimizer.state().into_iter().map(|(name, part)| (name.to_string(), part)).collect()
    };
    let (adamw, sgd) = (config::Optimizer::Adamw(AdamW::default()), config::Optimizer::Sgd(Sgd::default()));
    let mut optimizer = of(&adamw, &values);
    let mut refused = |state: &[(String, Tensor)]| optimizer.load_state(state).unwrap_err();
    let of_sgd = refused(&state(&of(&sgd, &values)));
    assert_eq!(of_sgd, OptimizerError::Unknown { name: "momentum_buffer".into() });
    let of_smaller = refused(&state(&of(&adamw, &values.narrow(0, 0, 3))));
    let text = "tensor \"exp_avg\" of the saved optimizer state is Float [3], expected Float [261]; \
                resume with the model that wrote it, or start a new run";
    assert_eq!((of_smaller.to_string().as_str(), of_smaller.exit()), (text, Exit::Configuration));
    let incomplete = refused(&state(&of(&adamw, &values))[1..]);
    let found = vec!["exp_avg_sq".into(), "step".into()];
    assert_eq!(incomplete, OptimizerError::Missing { name: "exp_avg", found });
    assert!(optimizer.state().iter().all(|(_, part)| part.count_nonzero(None).int64_value(&[]) == 0));
}

#[test]
fn gradients_of_another_length_are_refused() {
    let mut values = Saved::read().values();
    let before = bits(&values);
    let mut optimizer = Optimizer::new(&config::Optimizer::Sgd(Sgd::default()), &values);
    let gradient = values.narrow(0, 0, 9).copy();
    let refused = optimizer.step(&mut values, &gradient, 0.1, &[]).unwrap_err();
    assert_eq!((refused.exit(), refused), (Exit::Bug, OptimizerError::Length { got: 9, expected: 261 }));
    assert_eq!((bits(&values), optimizer.steps()), (before, 0));
}
