//! The engine with a task small enough to be checked by hand.

mod atom;
mod change;
mod disk;
mod divergence;
mod divisor;
mod drawing;
mod ending;
mod memory;
mod reads;
mod resume;
mod validation;

use std::collections::BTreeMap;

use super::testing::{Faults, Habits, Run};
use super::*;
use crate::train::checkpoint::NamedArray;
use crate::train::config::MicroBatch::Samples;
use crate::train::config::{AdamW, CheckpointConfig, Optimizer, Plateau, Schedule, Sgd, ValidateConfig, Warmup};
use crate::util::exit::Exit;

fn config() -> TrainConfig {
    TrainConfig {
        epochs: 4,
        batch: Some(8),
        micro_batch: Samples(4),
        optimizer: Optimizer::Adamw(AdamW { lr: 0.1, ..AdamW::default() }),
        warmup: Warmup { epochs: 0.5, ..Warmup::default() },
        ema_decay: Some(0.9),
        checkpoint: CheckpointConfig { every_minutes: None, every_steps: None, ..CheckpointConfig::default() },
        ..TrainConfig::default()
    }
}

fn assert_same(run: &Run, whole: &Run, what: &str) {
    assert_eq!(run.kept.last(), whole.kept.last(), "{what}");
    assert_eq!(run.history(), whole.history(), "{what}");
}

/// A checkpoint after every step.
fn often() -> CheckpointConfig {
    CheckpointConfig { every_steps: Some(1), ..config().checkpoint }
}

/// Resumes from each checkpoint that a run has left.
fn assert_same_from_everywhere(whole: &Run) {
    let snapshots = whole.kept.0.borrow().clone();
    for snapshot in snapshots {
        let what = format!("from {}", snapshot.id);
        let rest = whole.resumed_from(snapshot);
        rest.engine().train().unwrap();
        if !rest.kept.0.borrow().is_empty() {
            assert_same(&rest, whole, &what);
        }
    }
}

#[test]
fn training_converges_to_the_line_and_the_average_with_it() {
    let run = Run::new(&TrainConfig { epochs: 150, patience: None, ..config() });
    let ended = run.engine().train().unwrap();
    assert_eq!((ended.reason, ended.epoch, ended.step), (Reason::Epochs, 150, 450));
    for (value, expected) in run.values().iter().zip([2.0, -1.0, 0.5, 3.0]) {
        assert!((value - expected).abs() < 0.02, "{:?}", run.values());
    }
    let snapshot = run.kept.last();
    assert_ne!(snapshot.ema, snapshot.model);
    assert!(ended.best.unwrap().loss.unwrap() < 1e-3);
}

#[test]
fn running_statistics_are_saved_with_the_model_and_as_they_are_with_its_average() {
    let run = Run::new(&config());
    run.engine().train().unwrap();
    let Snapshot { model, ema, .. } = run.kept.last();
    let named = |arrays: &[NamedArray], name: &str| arrays.iter().find(|array| array.name == name).cloned().unwrap();
    assert_eq!(named(&model, "batches"), NamedArray::i64("batches", 4 * 3 * 2));
    for buffer in ["mean", "batches"] {
        assert_eq!(named(&ema, buffer), named(&model, buffer));
    }
}

#[test]
fn a_rehearsal_leaves_running_statistics_as_they_were() {
    let run = Run::new(&config());
    let mut engine = run.engine();
    engine.rehearse().unwrap();
    engine.train().unwrap();
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    assert_eq!(run.kept.last().model, whole.kept.last().model);
}

#[test]
fn the_micro_batch_changes_nothing_but_rounding() {
    let run = |micro_batch, batch| {
        let run = Run::new(&TrainConfig { batch: Some(batch), micro_batch: Samples(micro_batch), ..config() });
        run.engine().train().unwrap();
        (run.values(), run.losses())
    };
    let (values, losses) = run(8, 8);
    assert_eq!(losses.len(), 12);
    for micro_batch in [1, 2, 4] {
        let (others, other_losses) = run(micro_batch, 8);
        assert!(values.iter().zip(&others).all(|(one, other)| (one - other).abs() < 1e-5));
        assert!(losses.iter().zip(&other_losses).all(|(one, other)| (one - other).abs() < 1e-5 * one.abs().max(1.0)));
    }
}

#[test]
fn the_last_short_group_is_averaged_over_the_samples_that_it_has() {
    // One step over 3 samples, whether they are one group or the short rest of one.
    let plain = TrainConfig { epochs: 1, ema_decay: None, warmup: Warmup::default(), ..config() };
    let run = |micro_batch, batch| {
        let mut run = Run::new(&TrainConfig { batch: Some(batch), micro_batch: Samples(micro_batch), ..plain.clone() });
        run.train_rows = 3;
        run.engine().train().unwrap();
        run
    };
    let (exact, short) = (run(3, 3), run(2, 100));
    assert_eq!(short.losses().len(), 1);
    assert!((exact.losses()[0] - short.losses()[0]).abs() < 1e-6);
    let steps = short.events.borrow();
    let norm = |event: &Event| if let Event::Stepped(step) = event { Some(step.gradient_norm) } else { None };
    let norms: Vec<f64> =
        [&exact.events.borrow(), &steps].iter().filter_map(|list| list.iter().find_map(norm)).collect();
    assert!((norms[0] - norms[1]).abs() < 1e-5, "{norms:?}");
}

#[test]
fn a_single_batch_is_learned_by_heart() {
    let run =
        Run::new(&TrainConfig { batch: Some(4), overfit_single_batch: true, epochs: 150, patience: None, ..config() });
    run.engine().train().unwrap();
    let losses = run.losses();
    assert_eq!(losses.len(), 150 * 6, "an epoch is as long as ever, in steps of one batch");
    assert!(losses[losses.len() - 1] < 1e-4 * losses[0], "{} {}", losses[0], losses[losses.len() - 1]);
}

#[test]
fn a_rehearsal_leaves_nothing_behind() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    let run = Run::new(&config());
    let mut engine = run.engine();
    let rehearsal = engine.rehearse().unwrap();
    assert_eq!(rehearsal.parts[0].0, "loss");
    assert!(rehearsal.total >= rehearsal.epoch && rehearsal.epoch >= rehearsal.step);
    assert!(rehearsal.memory_bytes > 0);
    // 4 weights: the weights, gradients, two moments with their step counter, the average.
    assert_eq!(rehearsal.state_bytes, 4 * (4 + 4 + 8 + 1 + 4));
    engine.train().unwrap();
    assert_same(&run, &whole, "after a rehearsal");
}

#[test]
fn events_come_in_their_order() {
    let run = Run::new(&TrainConfig { epochs: 2, ..config() });
    run.engine().train().unwrap();
    let name = |event: &Event| match event {
        Event::Started(started) => format!("started {} {}", started.train_samples, started.val_samples),
        Event::PhaseStarted { phase, phases } => format!("phase {phase} of {phases}"),
        Event::EpochStarted { epoch, seen } => format!("epoch {epoch} from {seen}"),
        Event::Stepped(step) => format!("step {} ({}/{}) {:.4}", step.step, step.seen, step.of, step.lr),
        Event::ValidationStarted { epoch } => format!("validation of epoch {epoch}"),
        Event::Validated { done, of } => format!("validated {done}/{of}"),
        Event::Pictures { pictures, .. } => format!("{} pictures", pictures.len()),
        Event::EpochEnded { record, improved, .. } => format!("epoch {} ended, improved {improved}", record.epoch),
        Event::Saving { epoch, step } => format!("saving e{epoch} s{step}"),
        Event::Ended(ended) => format!("ended: {:?}", ended.reason),
        other => format!("{other:?}"),
    };
    let names: Vec<_> = run.events.borrow().iter().map(name).collect();
    insta::assert_snapshot!(names.join("\n"));
}
