//! The engine with a task small enough to be followed by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::testing::{Faults, Run};
use super::*;
use crate::train::checkpoint::Store;
use crate::train::checkpoint::disk::{Disk, RealDisk};
use crate::train::checkpoint::retention::{Direction, Keep};
use crate::train::checkpoint::weights::Weights;
use crate::train::checkpoint::writer::Saver;
use crate::train::config::{AdamW, CheckpointConfig, Optimizer, Schedule, Sgd, Warmup};
use crate::train::observe::{HistoryFile, TensorBoard};
use crate::util::exit::Exit;

fn config() -> TrainConfig {
    TrainConfig {
        epochs: 4,
        micro_batch: 4,
        accumulate: 2,
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
    assert!(ended.best.unwrap().1 < 1e-3);
}

#[test]
fn a_run_that_is_stopped_after_any_step_and_resumed_is_the_same_run() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    for number in 1..=12 {
        let mut run = Run::new(&config());
        run.number = number;
        run.stops_at = |event, number| matches!(event, Event::Stepped(step) if step.step == number);
        let error = run.engine().train().unwrap_err();
        assert_eq!(error.exit(), Exit::Terminated);
        let snapshot = run.kept.last();
        assert!(snapshot.id.step == number, "stopped after step {number}, saved {}", snapshot.id);
        let rest = run.resumed_from(snapshot);
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &format!("stopped after step {number}"));
    }
}

#[test]
fn a_run_that_is_stopped_in_validation_and_resumed_is_the_same_run() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    for number in 1..=4 {
        let mut run = Run::new(&config());
        run.number = number;
        run.stops_at = |event, number| matches!(event, Event::ValidationStarted { epoch } if *epoch + 1 == number);
        run.engine().train().unwrap_err();
        let rest = run.resumed_from(run.kept.last());
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &format!("stopped in validation {number}"));
    }
}

#[test]
fn a_run_that_is_killed_goes_on_from_any_checkpoint_to_the_same_end() {
    let often = CheckpointConfig { every_steps: Some(1), ..config().checkpoint };
    let whole = Run::new(&TrainConfig { checkpoint: often, ..config() });
    whole.engine().train().unwrap();
    let snapshots = whole.kept.0.borrow().clone();
    assert_eq!(snapshots.len(), 12 + 4);
    for snapshot in snapshots {
        let what = format!("from {}", snapshot.id);
        let rest = whole.resumed_from(snapshot);
        rest.engine().train().unwrap();
        if !rest.kept.0.borrow().is_empty() {
            assert_same(&rest, &whole, &what);
        }
    }
}

#[test]
fn the_micro_batch_changes_nothing_but_rounding() {
    let run = |micro_batch, accumulate| {
        let run = Run::new(&TrainConfig { micro_batch, accumulate, ..config() });
        run.engine().train().unwrap();
        (run.values(), run.losses())
    };
    let (values, losses) = run(8, 1);
    assert_eq!(losses.len(), 12);
    for (micro_batch, accumulate) in [(1, 8), (2, 4), (4, 2)] {
        let (others, other_losses) = run(micro_batch, accumulate);
        assert!(values.iter().zip(&others).all(|(one, other)| (one - other).abs() < 1e-5));
        assert!(losses.iter().zip(&other_losses).all(|(one, other)| (one - other).abs() < 1e-5 * one.abs().max(1.0)));
    }
}

#[test]
fn the_last_short_group_is_averaged_over_the_samples_that_it_has() {
    // One step over 3 samples, whether they are one group or the short rest of one.
    let plain = TrainConfig { epochs: 1, ema_decay: None, warmup: Warmup::default(), ..config() };
    let run = |micro_batch, accumulate| {
        let mut run = Run::new(&TrainConfig { micro_batch, accumulate, ..plain.clone() });
        run.train_rows = 3;
        run.engine().train().unwrap();
        run
    };
    let (exact, short) = (run(3, 1), run(2, 50));
    assert_eq!(short.losses().len(), 1);
    assert!((exact.losses()[0] - short.losses()[0]).abs() < 1e-6);
    let steps = short.events.borrow();
    let norm = |event: &Event| if let Event::Stepped(step) = event { Some(step.gradient_norm) } else { None };
    let norms: Vec<f64> =
        [&exact.events.borrow(), &steps].iter().filter_map(|list| list.iter().find_map(norm)).collect();
    assert!((norms[0] - norms[1]).abs() < 1e-5, "{norms:?}");
}

#[test]
fn memory_that_runs_out_halves_the_micro_batch_and_changes_nothing_but_rounding() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    for (memory, panics) in [(3, false), (2, true), (1, false)] {
        let mut run = Run::new(&config());
        run.faults = Faults { memory: Some(memory), panics, ..Faults::default() };
        run.engine().train().unwrap();
        assert!(run.values().iter().zip(whole.values()).all(|(one, other)| (one - other).abs() < 1e-5));
        let changes = |event: &Event| matches!(event, Event::MicroBatchChanged { from, to } if to < from);
        assert!(run.events.borrow().iter().any(changes));
        assert_eq!(run.losses().len(), 12);
    }
}

#[test]
fn the_micro_batch_after_an_out_of_memory_is_bit_for_bit_the_one_of_a_run_that_began_so() {
    let small = Run::new(&TrainConfig { epochs: 1, micro_batch: 2, accumulate: 4, ..config() });
    small.engine().train().unwrap();
    let mut run = Run::new(&TrainConfig { epochs: 1, ..config() });
    run.faults.memory = Some(2);
    run.engine().train().unwrap();
    assert_eq!(run.kept.last().model, small.kept.last().model);
}

#[test]
fn memory_that_does_not_hold_one_sample_ends_training_with_its_code() {
    let mut run = Run::new(&config());
    run.faults.memory = Some(0);
    let error = run.engine().train().unwrap_err();
    assert_eq!(error.exit(), Exit::OutOfMemory);
    assert!(error.to_string().contains("can't allocate memory"), "{error}");
}

#[test]
fn a_poisoned_sample_costs_its_step_and_nothing_else() {
    let mut run = Run::new(&config());
    run.faults.poisoned = [5].into();
    run.engine().train().unwrap();
    let skipped = |event: &Event| match event {
        Event::Skipped { samples, expected: false, .. } => Some(samples.clone()),
        _ => None,
    };
    let skipped: Vec<_> = run.events.borrow().iter().filter_map(skipped).collect();
    assert_eq!(skipped.len(), 4, "once per epoch");
    assert!(skipped.iter().all(|samples| samples.contains(&"row 5".to_owned())));
    assert!(run.values().iter().all(|value| value.is_finite()));
    assert_eq!(run.kept.last().id.step, 12);
}

#[test]
fn a_run_with_a_poisoned_sample_is_the_same_run_from_any_checkpoint() {
    let often = CheckpointConfig { every_steps: Some(1), ..config().checkpoint };
    let mut whole = Run::new(&TrainConfig { checkpoint: often, ..config() });
    whole.faults.poisoned = [5].into();
    whole.engine().train().unwrap();
    for snapshot in whole.kept.0.borrow().iter().take(13) {
        let rest = whole.resumed_from(snapshot.clone());
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &snapshot.id.to_string());
    }
}

#[test]
fn training_that_stays_broken_goes_back_lowers_the_rate_and_ends_with_its_code() {
    let mut run = Run::new(&TrainConfig { epochs: 20, ..config() });
    run.faults.poisoned = (0..22).collect();
    let error = run.engine().train().unwrap_err();
    assert_eq!(error.exit(), Exit::Diverged);
    assert!(error.to_string().contains("row "), "{error}");
    let back = |event: &&Event| matches!(event, Event::RolledBack { to_step: 0 | 3 | 6 | 9 | 12 | 15, .. });
    assert_eq!(run.events.borrow().iter().filter(back).count(), 3);
}

#[test]
fn a_phase_that_stays_broken_goes_back_with_its_own_optimizer() {
    let first = TrainConfig { epochs: 1, ..config() };
    let second =
        TrainConfig { epochs: 20, optimizer: Optimizer::Sgd(Sgd::default()), ema_decay: None, ..first.clone() };
    let mut run = Run::new(&first);
    run.config.push(second);
    run.faults.poisoned = (0..22).collect();
    let error = run.engine().train().unwrap_err();
    assert_eq!(error.exit(), Exit::Diverged, "{error}");
}

#[test]
fn a_scaled_loss_finds_its_scale_and_trains_like_one_that_is_not() {
    let plain = Run::new(&config());
    plain.engine().train().unwrap();
    let mut scaled = Run::new(&config());
    scaled.scales_loss = true;
    scaled.engine().train().unwrap();
    // A power of two: the same to the last bit.
    assert_eq!(scaled.kept.last().model, plain.kept.last().model);
    let mut overflowing = Run::new(&config());
    overflowing.scales_loss = true;
    overflowing.faults.overflow_above = Some(20_000.0);
    overflowing.engine().train().unwrap();
    let expected = |event: &&Event| matches!(event, Event::Skipped { expected: true, .. });
    let skipped = overflowing.events.borrow().iter().filter(expected).count();
    assert!((1..=3).contains(&skipped), "{skipped}");
    assert_eq!(overflowing.losses().len(), 12 - skipped);
}

#[test]
fn training_stops_early_when_patience_is_at_an_end_and_not_before() {
    // A rate of nearly 0: the first epoch stays the best within the delta.
    let still = Optimizer::Adamw(AdamW { lr: 1e-12, ..AdamW::default() });
    let run = Run::new(&TrainConfig { epochs: 50, patience: Some(3), min_delta: 1e-3, optimizer: still, ..config() });
    let ended = run.engine().train().unwrap();
    assert_eq!((ended.reason, ended.epoch), (Reason::Patience, 4));
    let again = run.resumed_from(run.kept.last());
    assert_eq!(again.engine().train().unwrap().reason, Reason::Patience);
    assert!(again.kept.0.borrow().is_empty(), "nothing is trained and nothing is saved");
    let mut longer = run.resumed_from(run.kept.last());
    longer.config[0].patience = Some(5);
    assert_eq!(longer.engine().train().unwrap().epoch, 6);
}

#[test]
fn more_epochs_on_a_finished_run_are_those_of_a_longer_run() {
    let constant = TrainConfig { schedule: Schedule::Constant, ..config() };
    let longer = TrainConfig { epochs: 6, ..constant.clone() };
    let whole = Run::new(&longer);
    whole.engine().train().unwrap();
    let short = Run::new(&constant);
    short.engine().train().unwrap();
    let mut rest = short.resumed_from(short.kept.last());
    rest.config = vec![longer];
    rest.engine().train().unwrap();
    assert_same(&rest, &whole, "two more epochs");
}

#[test]
fn a_limit_of_steps_validates_and_goes_on_exactly_when_it_is_raised() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    let limited = Run::new(&TrainConfig { max_steps: Some(5), ..config() });
    let ended = limited.engine().train().unwrap();
    assert_eq!((ended.reason, ended.step, ended.epoch), (Reason::Steps, 5, 1));
    assert_eq!(limited.history().len(), 2, "the epoch that was cut short is validated");
    let mut rest = limited.resumed_from(limited.kept.last());
    rest.config = whole.config.clone();
    rest.engine().train().unwrap();
    assert_same(&rest, &whole, "the limit was raised");
}

#[test]
fn training_ends_when_its_time_is_up() {
    let run = Run::new(&TrainConfig { max_minutes: Some(1e-9), ..config() });
    let ended = run.engine().train().unwrap();
    assert_eq!((ended.reason, ended.step), (Reason::Time, 0));
}

#[test]
fn phases_follow_each_other_with_their_own_loss_and_resume_in_the_midst() {
    let often = CheckpointConfig { every_steps: Some(1), ..config().checkpoint };
    let first = TrainConfig { epochs: 2, checkpoint: often, ..config() };
    let second = TrainConfig { micro_batch: 2, ema_decay: None, ..first.clone() };
    let mut whole = Run::new(&first);
    whole.config.push(second);
    whole.factors = vec![1.0, 100.0];
    let ended = whole.engine().train().unwrap();
    // 22 samples: 3 steps of 8, then 6 of 4.
    assert_eq!((ended.epoch, ended.step), (4, 2 * 3 + 2 * 6));
    let losses = whole.losses();
    assert!(losses[6] > 10.0 * losses[5], "the loss of the second phase is another one: {losses:?}");
    assert!(ended.best.unwrap().0 > 2, "the best of the first phase can't be compared");
    for snapshot in whole.kept.0.borrow().iter().take(17) {
        let rest = whole.resumed_from(snapshot.clone());
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &snapshot.id.to_string());
    }
}

#[test]
fn a_single_batch_is_learned_by_heart() {
    let run = Run::new(&TrainConfig { overfit_single_batch: true, epochs: 150, patience: None, ..config() });
    run.engine().train().unwrap();
    let losses = run.losses();
    assert_eq!(losses.len(), 150 * 6, "an epoch is as long as ever, in steps of one micro-batch");
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
    // 4 weights: themselves, gradients, two moments with their step counter, the average.
    assert_eq!(rehearsal.state_bytes, 4 * (4 + 4 + 8 + 1 + 4));
    engine.train().unwrap();
    assert_same(&run, &whole, "after a rehearsal");
}

#[test]
fn a_snapshot_of_another_task_or_other_phases_is_refused() {
    let run = Run::new(&config());
    run.engine().train().unwrap();
    let mut snapshot = run.kept.last();
    snapshot.model[0].name = "other".into();
    let mut engine = run.engine();
    let error = engine.restore(&snapshot).unwrap_err();
    assert_eq!(error.exit(), Exit::Configuration);
    assert!(error.to_string().contains("it has no weight"), "{error}");
}

/// Trains in a folder, from the newest checkpoint that is there.
fn train_in(folder: &Path, stops_after: u64) {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let checkpoint = CheckpointConfig { every_steps: Some(2), ..config().checkpoint };
    let mut run = Run::new(&TrainConfig { checkpoint, ..config() });
    run.number = stops_after;
    run.stops_at = |event, number| matches!(event, Event::Stepped(step) if step.step == number);
    let store = Store::open(Arc::clone(&disk), &folder.join("checkpoints"), "1").unwrap();
    run.from = store.newest(|_| Ok(())).unwrap().loaded.map(Snapshot::from);
    let weights = Weights::open(Arc::clone(&disk), &folder.join("weights"), BTreeMap::default()).unwrap();
    let keep = Keep { last: 2, best: 3, metric: VAL_LOSS.into(), direction: Direction::Lower };
    let keeper = Background::new(Saver::start(store, weights, keep).unwrap());
    let history = HistoryFile::new(disk, folder.join("history.json"));
    let curves = TensorBoard::create(&folder.join("tensorboard")).unwrap();
    let ended = run.engine_with(Box::new(keeper), Observers::default().with(history).with(curves)).train();
    assert_eq!(ended.is_err(), stops_after > 0);
}

/// The bytes of what a run leaves, but for what tells the time.
fn left_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = ["history.json", "results.csv", "weights/best.safetensors", "weights/last.safetensors"];
    let newest = "checkpoints/e0004-s000012";
    let files = ["model.safetensors", "optim.safetensors", "ema.safetensors", "manifest.json"];
    let names = names.map(str::to_owned).into_iter().chain(files.map(|file| format!("{newest}/{file}")));
    names.map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn a_run_on_a_disk_leaves_the_same_bytes_however_often_it_was_stopped() {
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    train_in(whole.path(), 0);
    for stops_after in [1, 2, 5, 9, 12, 0] {
        train_in(stopped.path(), stops_after);
    }
    assert_eq!(left_in(stopped.path()), left_in(whole.path()));
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
