//! When training ends, and what it still learns before that.

use super::*;

#[test]
fn training_stops_early_when_patience_is_at_an_end_and_not_before() {
    // A rate of nearly 0: the first epoch remains the best within the delta.
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
fn patience_watches_what_it_is_asked_to() {
    let still = Optimizer::Adamw(AdamW { lr: 1e-12, ..AdamW::default() });
    let config = TrainConfig { epochs: 50, patience: Some(3), optimizer: still, ..config() };
    // The worst error is about 1: no change of it is larger than 10, and none is smaller than -10.
    for (by, min_delta, epochs) in [("worst", 10.0, 4), ("worst", -10.0, 50), ("absolute", 10.0, 4)] {
        let run = Run::new(&TrainConfig { patience_by: by.into(), min_delta, checkpoint: often(), ..config.clone() });
        let ended = run.engine().train().unwrap();
        assert_eq!(ended.epoch, epochs, "{by} {min_delta}");
        if epochs == 4 {
            assert_same_from_everywhere(&run);
        }
    }
    let unknown = Run::new(&TrainConfig { patience_by: "beauty".into(), ..config });
    let error = unknown.try_engine_with(Box::new(unknown.kept.clone()), Observers::default()).err().unwrap();
    assert!(error.to_string().starts_with("train.patience_by beauty: the task does not measure it"), "{error}");
    assert_eq!(error.exit(), Exit::Configuration);
}

#[test]
fn after_an_early_stop_patience_starts_again_wherever_the_run_was_killed_since() {
    let still = Optimizer::Adamw(AdamW { lr: 1e-12, ..AdamW::default() });
    let config = TrainConfig {
        epochs: 50,
        patience: Some(3),
        min_delta: 1e-3,
        optimizer: still,
        checkpoint: often(),
        ..config()
    };
    let stopped = Run::new(&config);
    assert_eq!(stopped.engine().train().unwrap().epoch, 4);
    let mut whole = stopped.resumed_from(stopped.kept.last());
    whole.patience_restarts = vec![Restart { epoch: 4, patience: 3 }];
    let ended = whole.engine().train().unwrap();
    assert_eq!((ended.reason, ended.epoch), (Reason::Patience, 7), "as many epochs again");
    assert_same_from_everywhere(&whole);
    for snapshot in stopped.kept.0.borrow().iter() {
        let mut rest = whole.resumed_from(snapshot.clone());
        rest.epoch_start = stopped.resumed_from(snapshot.clone()).epoch_start;
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &format!("from {}, before the stop", snapshot.id));
    }
    let mut not_exhausted = stopped.resumed_from(stopped.kept.last());
    not_exhausted.patience_restarts = vec![Restart { epoch: 4, patience: 4 }];
    assert_eq!(not_exhausted.engine().train().unwrap().epoch, 4);
}

#[test]
fn a_limit_of_steps_validates_and_training_continues_exactly_when_it_is_raised() {
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
fn the_rate_falls_on_a_plateau_patience_ends_training_and_a_resumed_run_does_the_same() {
    let rules = Plateau { factor: 0.1, patience: 1, threshold: 0.9, ..Plateau::default() };
    let config = TrainConfig {
        epochs: 50,
        patience: Some(5),
        min_delta: 0.5,
        schedule: Schedule::Plateau(rules),
        checkpoint: often(),
        ..config()
    };
    let whole = Run::new(&config);
    assert_eq!(whole.engine().train().unwrap().reason, Reason::Patience);
    let rates: Vec<f64> = whole.history().values().map(|record| record.lr).collect();
    assert!(rates.iter().any(|&rate| rate < 0.5 * rates[1]), "{rates:?}");
    assert_same_from_everywhere(&whole);
}

#[test]
fn a_run_that_has_done_everything_when_it_reaches_its_limit_is_finished() {
    let run = Run::new(&TrainConfig { max_steps: Some(12), ..config() });
    let ended = run.engine().train().unwrap();
    assert_eq!((ended.reason, ended.step), (Reason::Epochs, 12));
    let first = TrainConfig { epochs: 2, max_steps: Some(6), ..config() };
    let mut run = Run::new(&first);
    run.config.push(first);
    let ended = run.engine().train().unwrap();
    assert_eq!((ended.reason, ended.step), (Reason::Steps, 6), "a whole phase is left");
}

#[test]
fn the_limit_of_time_counts_from_the_start_of_the_process_and_not_of_the_attempt() {
    let limited = TrainConfig { max_minutes: Some(30.0), ..config() };
    let run = Run::new(&limited);
    assert_eq!(run.engine().train().unwrap().reason, Reason::Epochs);
    let mut again = Run::new(&limited);
    again.began -= std::time::Duration::from_secs(3600);
    let ended = again.engine().train().unwrap();
    assert_eq!((ended.reason, ended.step), (Reason::Time, 0));
}

#[test]
fn the_best_of_a_run_that_a_limit_ends_is_what_is_published_as_the_best() {
    for max_steps in 1..12 {
        let run = Run::new(&TrainConfig { max_steps: Some(max_steps), ..config() });
        let ended = run.engine().train().unwrap();
        let kept = run.kept.0.borrow();
        let best = kept.iter().rev().find(|snapshot| snapshot.publish.best).unwrap();
        let said = ended.best.unwrap();
        assert_eq!((said.loss, said.step), (Some(best.progress.metrics["loss"]), best.id.step), "{max_steps}");
    }
}
