//! Phases: another loss, and parts of the model that do not learn.

use super::super::testing::{Storms, gradient, huber_only, small};
use super::super::{Nowcast, NowcastError, Phase};
use crate::nn::precision::Precision;
use crate::task::nowcast::config::LossConfig;
use crate::train::task::{Depth, Task, TaskError};
use crate::util::exit::Exit;

fn phase(loss: LossConfig, freeze: &[&str]) -> Phase {
    Phase { loss, freeze: freeze.iter().map(|&pattern| pattern.to_owned()).collect() }
}

fn storms(phases: Vec<Phase>) -> Storms {
    Storms { phases, ..Storms::drifting(small(), 2) }
}

#[test]
fn a_phase_has_its_own_loss_and_frozen_part() {
    let storms = storms(vec![phase(LossConfig::default(), &[]), phase(huber_only(), &["layers.*", "head.bias"])]);
    let mut task = storms.task(Precision::Fp32);
    let batch = [task.collate(&storms.windows(), None).unwrap()];
    assert!(task.parameters().frozen().is_empty());
    let (_, first) = gradient(&mut task, &batch);
    task.begin_phase(1).unwrap();
    let (_, second) = gradient(&mut task, &batch);
    let learns = |task: &Nowcast, name: &str| task.parameters().gradient(name).unwrap().any().int64_value(&[]) == 1;
    assert!(learns(&task, "head.weight"));
    assert!(!learns(&task, "head.bias") && !learns(&task, "layers.0.conv.weight"));
    assert!((first[0] - second[0]).abs() > 0.01, "{first:?} {second:?}");
    assert!((second[0] - second[1]).abs() < 1e-6, "the loss is its Huber part: {second:?}");
    task.begin_phase(0).unwrap();
    let (_, again) = gradient(&mut task, &batch);
    assert_eq!(again, first);
    assert!(learns(&task, "head.bias") && learns(&task, "layers.0.conv.weight"));
}

#[test]
fn a_validation_of_every_phase_reports_the_parts_of_all_and_a_step_those_with_a_weight() {
    let terms = storms(Vec::new()).with_terms();
    let phases = vec![phase(LossConfig::default(), &[]), phase(terms.config.loss.clone(), &[])];
    let storms = Storms { phases, ..terms };
    let mut task = storms.task(Precision::Fp32);
    let names: Vec<&str> = task.parts().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["loss", "huber", "ssim", "absolute_loss", "csi_loss", "fss_loss"]);
    let batch = [task.collate(&storms.windows(), None).unwrap()];
    let mut of = |phase| {
        task.begin_phase(phase).unwrap();
        let mut scores = task.scores(Depth::Validation);
        let all = Vec::<f64>::try_from(task.evaluate(&batch[0], &mut scores).unwrap()).unwrap();
        let (_, learned) = gradient(&mut task, &batch);
        (all, learned, task.measured_in_steps(phase))
    };
    let ((first, first_step, first_measured), (second, second_step, second_measured)) = (of(0), of(1));
    assert_eq!(first[1..], second[1..], "whatever is learned from, the same is measured");
    assert!((first[0] - second[0]).abs() > 1e-3);
    assert_eq!(first_measured, [true, true, true, false, false, false]);
    assert_eq!(second_measured, [true, false, false, true, true, true]);
    let same = |step: &[f64], all: &[&[f64]]| {
        let all = all.concat();
        step.len() == all.len() && step.iter().zip(all).all(|(step, all)| (step / all - 1.0).abs() < 1e-6)
    };
    assert!(same(&first_step, &[&first[..3]]), "{first_step:?} {first:?}");
    assert!(same(&second_step, &[&second[..1], &second[3..]]), "{second_step:?} {second:?}");
}

#[test]
fn a_pattern_that_fits_nothing_is_found_before_anything_is_trained() {
    let loss = LossConfig::default;
    let storms = storms(vec![phase(loss(), &[]), phase(loss(), &["head.*", "decoder.*"])]);
    let error = Nowcast::new(storms.setting(Precision::Fp32)).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("phase 1 (counted from 0) freezes what the model does not have"), "{text}");
    assert!(text.contains("\"decoder.*\"; there are layers.0.conv.weight, "), "{text}");
    assert_eq!(error.exit(), Exit::Configuration);
}

#[test]
fn a_phase_in_which_nothing_learns_is_refused() {
    let storms = storms(vec![phase(LossConfig::default(), &["*.weight", "*.bias"])]);
    let error = Nowcast::new(storms.setting(Precision::Fp32)).unwrap_err();
    assert!(matches!(error, NowcastError::AllFrozen { phase: 0, phases: 1 }), "{error}");
    assert!(error.to_string().starts_with("train.freeze freezes the whole model"), "{error}");
    assert_eq!(error.exit(), Exit::Configuration);
}

#[test]
fn a_phase_that_was_not_set_up_is_refused() {
    let mut task = storms(vec![phase(LossConfig::default(), &[])]).task(Precision::Fp32);
    assert!(matches!(task.begin_phase(1), Err(TaskError::Other { exit: Exit::Bug, .. })));
    let error = Nowcast::new(storms(Vec::new()).setting(Precision::Fp32)).unwrap_err();
    assert!(matches!(error, NowcastError::NoPhase { phase: 0, phases: 0 }));
}
