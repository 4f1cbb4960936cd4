//! That the model learns, in every precision, and that all of it does.

use super::super::testing::{Storms, Trainer, distance, gradient, small};
use crate::data::loader::LoadedWindow;
use crate::nn::precision::Precision;
use crate::task::nowcast::config::Norm;
use crate::train::config::AdamW;
use crate::train::task::Task;

fn trainer(storms: &Storms, precision: Precision, lr: f64) -> Trainer {
    Trainer::new(storms.task(precision), AdamW { lr, ..AdamW::default() }, Some(1.0))
}

/// The largest relative difference of two curves.
fn apart(got: &[f64], expected: &[f64]) -> f64 {
    let differences = got.iter().zip(expected).map(|(got, expected)| (got / expected - 1.0).abs());
    differences.fold(0.0, f64::max)
}

/// The losses of steps over two windows each, as far as precision goes.
fn curve(storms: &Storms, precision: Precision, steps: usize) -> Vec<f64> {
    let windows = storms.windows();
    let mut trainer = trainer(storms, precision, 1e-3);
    let two = |step: usize| windows.chunks_exact(2).nth(step % (windows.len() / 2)).unwrap();
    (0..steps).map(|step| trainer.step(&[two(step)]).loss).collect()
}

/// The means of this many consecutive values.
fn smoothed(curve: &[f64], count: usize) -> Vec<f64> {
    curve.windows(count).map(|values| values.iter().sum::<f64>() / count as f64).collect()
}

/// Within 1 % over 200 steps, in which the loss falls to a tenth or less, as a mean over five passes through the windows.
/// Single steps are up to 2 % apart: rounding moves the weights, in PyTorch just as far, and what is left of the loss is
/// small by then.
#[test]
fn bf16_learns_as_fp32_does() {
    let storms = Storms::drifting(small(), 6);
    let (fp32, bf16) = (curve(&storms, Precision::Fp32, 200), curve(&storms, Precision::Bf16, 200));
    let apart = apart(&smoothed(&bf16, 15), &smoothed(&fp32, 15));
    assert!(fp32[199] < 0.1 * fp32[0], "it learns: {} to {}", fp32[0], fp32[199]);
    assert!(apart < 0.01, "{apart}");
    assert!(apart > 1e-6, "it computed in fp32");
}

#[test]
fn fp16_with_its_scaler_learns_as_fp32_does_at_every_step() {
    let storms = Storms::drifting(small(), 6);
    let (fp32, fp16) = (curve(&storms, Precision::Fp32, 200), curve(&storms, Precision::Fp16, 200));
    let apart = apart(&fp16, &fp32);
    assert!(apart < 0.01, "{apart}");
    assert!(apart > 1e-7, "it computed in fp32");
}

#[test]
fn a_single_batch_is_learned_by_heart() {
    let storms = Storms::drifting(small(), 2);
    let windows = storms.windows();
    let losses = trainer(&storms, Precision::Fp32, 1e-2).losses(&windows, 400);
    let share = losses[399] / losses[0];
    assert!(share < 0.02, "from {} to {}: {share}", losses[0], losses[399]);
}

#[test]
fn the_sum_of_all_terms_is_learned() {
    let storms = Storms::drifting(small(), 2).with_terms();
    let windows = storms.windows();
    let losses = trainer(&storms, Precision::Fp32, 1e-2).losses(&windows, 200);
    let share = losses[199] / losses[0];
    assert!(share < 0.2, "from {} to {}: {share}", losses[0], losses[199]);
}

#[test]
fn every_parameter_has_a_gradient() {
    for norm in [Norm::Layer, Norm::Group, Norm::None] {
        let mut config = small();
        config.model.convlstm().norm = norm;
        config.model.convlstm().hidden = vec![3, 4, 5];
        let storms = Storms::drifting(config, 2);
        let mut task = storms.task(Precision::Fp32);
        let batch = task.collate(&storms.windows(), None).unwrap();
        let (gradient, _) = gradient(&mut task, &[batch]);
        assert_eq!(task.parameters().unused(), [""; 0], "{norm:?}");
        assert_eq!(gradient.isfinite().all().int64_value(&[]), 1);
    }
}

/// Except for rounding: PyTorch's gradient of such a model differs by up to 1.3e-6 if its batch is split like this.
#[test]
fn the_gradient_does_not_depend_on_how_a_batch_is_cut() {
    let storms = || Storms::drifting(small(), 5);
    for storms in [storms(), storms().with_holes(), storms().with_holes().with_terms()] {
        let windows = storms.windows();
        let mut task = storms.task(Precision::Fp32);
        let mut of = |parts: &[&[LoadedWindow]]| {
            let batches: Vec<_> = parts.iter().map(|part| task.collate(part, None).unwrap()).collect();
            gradient(&mut task, &batches)
        };
        let (whole, sums) = of(&[&windows]);
        for cuts in [&[1, 1, 1, 1, 1][..], &[2, 3], &[4, 1]] {
            let mut rest = &windows[..];
            let parts: Vec<_> = cuts.iter().map(|&size| rest.split_off(..size).unwrap()).collect();
            let (gradient, parts) = of(&parts);
            let distance = distance(&gradient, &whole);
            assert!(distance < 2e-6, "{cuts:?}: {distance:e}");
            assert!(parts.iter().zip(&sums).all(|(part, sum)| (part / sum - 1.0).abs() < 1e-6));
        }
    }
}

#[test]
fn a_scaled_loss_scales_the_gradient_and_nothing_else() {
    let storms = Storms::drifting(small(), 2);
    let mut task = storms.task(Precision::Fp32);
    let batch = task.collate(&storms.windows(), None).unwrap();
    let (plain, sums) = gradient(&mut task, std::slice::from_ref(&batch));
    task.parameters().zero_gradients();
    let scaled = Vec::<f64>::try_from(task.step(&batch, 1024.0).unwrap().to_kind(tch::Kind::Double)).unwrap();
    assert_eq!(scaled, sums);
    assert!(distance(&task.parameters().gradients(), &(plain * 1024.0)) < 1e-6);
    assert!([Precision::Fp32, Precision::Bf16].iter().all(|&precision| !storms.task(precision).scales_loss()));
    assert!(storms.task(Precision::Fp16).scales_loss());
}
