//! Settings that were changed on purpose before a run was resumed.

use super::*;

/// The learning rate and the micro-batch of the first step that a run makes.
fn first_step(run: &Run) -> (f64, usize) {
    run.events.borrow_mut().clear();
    run.engine().train().unwrap();
    let events = run.events.borrow();
    let step = |event: &Event| if let Event::Stepped(step) = event { Some((step.lr, step.micro_batch)) } else { None };
    events.iter().find_map(step).unwrap()
}

#[test]
fn another_learning_rate_is_reduced_as_far_as_the_one_before_was() {
    let rules = Plateau { factor: 0.1, patience: 0, threshold: 0.9, ..Plateau::default() };
    let with = |lr| TrainConfig {
        epochs: 12,
        patience: None,
        optimizer: Optimizer::Adamw(AdamW { lr, ..AdamW::default() }),
        schedule: Schedule::Plateau(rules.clone()),
        ..config()
    };
    let whole = Run::new(&with(0.1));
    whole.engine().train().unwrap();
    let reduced = |snapshot: &&Snapshot| State::of(snapshot).unwrap().plateau.is_some_and(|plateau| plateau.lr < 0.05);
    let snapshot = whole.kept.0.borrow().iter().find(reduced).cloned().unwrap();
    let lr = State::of(&snapshot).unwrap().plateau.unwrap().lr;
    let mut rest = whole.resumed_from(snapshot);
    assert_eq!(first_step(&rest).0, lr);
    rest.config = vec![with(0.3)];
    let changed = first_step(&rest).0;
    assert!((changed / (3.0 * lr) - 1.0).abs() < 1e-12, "{changed}, expected three times {lr}");
}

#[test]
fn another_micro_batch_is_halved_as_often_as_the_one_before_was() {
    let mut whole = Run::new(&TrainConfig { epochs: 2, ..config() });
    whole.faults.memory = Some(3);
    whole.engine().train().unwrap();
    let first = whole.kept.0.borrow().iter().find(|snapshot| snapshot.id.epoch == 1).cloned().unwrap();
    let mut rest = whole.resumed_from(first);
    rest.faults = Faults::default();
    assert_eq!(first_step(&rest).1, 2);
    rest.config = vec![TrainConfig { batch: Some(8), micro_batch: Samples(8), ..rest.config[0].clone() }];
    assert_eq!(first_step(&rest).1, 4);
}

#[test]
fn the_loss_is_scaled_if_the_current_precision_needs_it() {
    for now in [true, false] {
        let mut whole = Run::new(&config());
        whole.scales_loss = !now;
        whole.engine().train().unwrap();
        let mut rest = whole.resumed_from(whole.kept.0.borrow()[1].clone());
        rest.scales_loss = now;
        rest.engine().train().unwrap();
        assert_eq!(State::of(&rest.kept.last()).unwrap().scaler.is_some(), now);
    }
}
