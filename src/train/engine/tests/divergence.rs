//! Losses and gradients that are not finite.

use super::*;

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

/// Five steps in a row fail in the middle of the second epoch: training rolls back to the start of that epoch.
fn broken(run: &mut Run, epoch: u64) {
    run.faults.broken = Some((epoch, 8..14));
    run.engine().train().unwrap();
    let back = |event: &&Event| matches!(event, Event::RolledBack { .. });
    assert_eq!(run.events.borrow().iter().filter(back).count(), 1);
}

fn single_steps() -> TrainConfig {
    TrainConfig { epochs: 3, batch: Some(1), micro_batch: Samples(1), checkpoint: often(), ..config() }
}

#[test]
fn a_run_that_diverges_after_it_was_resumed_goes_back_to_where_it_would_have() {
    for epoch in [0, 1, 2] {
        let mut whole = Run::new(&single_steps());
        broken(&mut whole, epoch);
        let to = |event: &Event| if let Event::RolledBack { to_step, .. } = event { Some(*to_step) } else { None };
        assert_eq!(whole.events.borrow().iter().find_map(to), Some(22 * epoch));
        assert_same_from_everywhere(&whole);
    }
}

#[test]
fn a_phase_that_diverges_after_it_was_resumed_goes_back_to_its_beginning() {
    let first = TrainConfig { epochs: 1, ..single_steps() };
    let second = TrainConfig {
        epochs: 2,
        ema_decay: Some(0.5),
        optimizer: Optimizer::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }),
        ..first.clone()
    };
    for epoch in [1, 2] {
        let mut whole = Run::new(&first);
        whole.config.push(second.clone());
        broken(&mut whole, epoch);
        assert_same_from_everywhere(&whole);
    }
}

#[test]
fn without_the_start_of_its_epoch_a_run_resumes_and_rolls_back_to_its_checkpoint() {
    let mut whole = Run::new(&single_steps());
    broken(&mut whole, 1);
    let snapshot = whole.kept.0.borrow().iter().find(|snapshot| snapshot.id.step == 25).cloned().unwrap();
    let mut rest = whole.resumed_from(snapshot);
    rest.epoch_start = None;
    rest.events.borrow_mut().clear();
    rest.engine().train().unwrap();
    let back = |event: &&Event| matches!(event, Event::RolledBack { to_step: 25, .. });
    assert_eq!(rest.events.borrow().iter().filter(back).count(), 1);
}

#[test]
fn overflows_that_no_loss_scale_explains_are_reported() {
    let mut run = Run::new(&TrainConfig { epochs: 20, patience: None, ..config() });
    run.scales_loss = true;
    run.faults.overflow_above = Some(0.0);
    assert_eq!(run.engine().train().unwrap_err().exit(), Exit::Diverged);
    let told = |event: &Event| if let Event::Skipped { expected, .. } = event { Some(*expected) } else { None };
    let told: Vec<bool> = run.events.borrow().iter().filter_map(told).collect();
    // The scale comes down from 2^16 to 1; of the 19 faults before the last one three lower the rate and are reported as
    // such.
    assert_eq!(told, [[true; 16].as_slice(), &[false; 16]].concat());
}

#[test]
fn a_training_in_which_every_step_was_skipped_has_diverged_whatever_ended_it() {
    for (scales_loss, max_steps, epochs) in [(false, Some(4), 20), (true, Some(4), 20), (true, None, 1)] {
        let mut run = Run::new(&TrainConfig { epochs, max_steps, patience: None, ..config() });
        run.scales_loss = scales_loss;
        run.faults.overflow_above = Some(0.0);
        let error = run.engine().train().unwrap_err();
        assert_eq!(error.exit(), Exit::Diverged, "{error}");
        let steps = if max_steps.is_some() { "in none of the 4 steps" } else { "in none of the 3 steps" };
        assert!(error.to_string().contains(steps), "{error}");
        let ended = run.events.borrow().iter().any(|event| matches!(event, Event::Ended(_)));
        assert!(!ended, "it is not told as one that has come to its end");
    }
}
