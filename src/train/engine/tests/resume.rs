//! A run that is stopped or killed and resumed gives the same result as an uninterrupted run.

use super::*;
use crate::train::events::Named;

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
fn a_run_that_is_stopped_between_two_micro_batches_is_the_same_run() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    for number in 0..6 {
        let run = Run::new(&config());
        let mut engine = run.engine();
        engine.task.faults.stop = Some((number, engine.stop.clone()));
        engine.train().unwrap_err();
        let rest = run.resumed_from(run.kept.last());
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &format!("stopped at row {number}"));
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
fn a_run_that_is_killed_resumes_from_any_checkpoint_to_the_same_end() {
    let often = CheckpointConfig { every_steps: Some(1), ..config().checkpoint };
    let whole = Run::new(&TrainConfig { checkpoint: often, ..config() });
    whole.engine().train().unwrap();
    let snapshots = whole.kept.0.borrow().clone();
    assert_eq!(snapshots.len(), 1 + 12 + 4, "the start, the steps, the epochs");
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
fn phases_follow_each_other_with_their_own_loss_and_resume_in_the_midst() {
    let often = CheckpointConfig { every_steps: Some(1), ..config().checkpoint };
    let first = TrainConfig { epochs: 2, checkpoint: often, ..config() };
    let second = TrainConfig { batch: Some(4), micro_batch: Samples(2), ema_decay: None, ..first.clone() };
    let mut whole = Run::new(&first);
    whole.config.push(second);
    whole.factors = vec![1.0, 100.0];
    whole.habits.loss_alone_in = Some(1);
    let ended = whole.engine().train().unwrap();
    // 22 samples: 3 steps of 8, then 6 of 4.
    assert_eq!((ended.epoch, ended.step), (4, 2 * 3 + 2 * 6));
    let losses = whole.losses();
    assert!(losses[6] > 10.0 * losses[5], "the loss of the second phase is another one: {losses:?}");
    assert!(ended.best.unwrap().epoch > 2, "the best of the first phase can't be compared");
    let names = |values: &[Named]| values.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let rows = State::of(&whole.kept.last()).unwrap().rows;
    let measured: Vec<_> = rows.iter().map(|row| (names(&row.train), names(&row.val))).collect();
    let (both, loss) = (vec!["loss".to_owned(), "absolute".to_owned()], vec!["loss".to_owned()]);
    let of = |train: &Vec<String>| (train.clone(), both.clone());
    assert_eq!(measured, [of(&both), of(&both), of(&loss), of(&loss)], "in training only what it learns from");
    for snapshot in whole.kept.0.borrow().iter().take(17) {
        let rest = whole.resumed_from(snapshot.clone());
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &snapshot.id.to_string());
    }
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
