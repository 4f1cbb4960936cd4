//! Running out of memory.

use super::*;

#[test]
fn memory_that_runs_out_halves_the_micro_batch_and_changes_nothing_but_rounding() {
    let whole = Run::new(&config());
    whole.engine().train().unwrap();
    for (memory, panics) in [(3, false), (2, true), (1, false)] {
        let mut run = Run::new(&config());
        run.faults = Faults { memory: Some(memory), panics, ..Faults::default() };
        run.engine().train().unwrap();
        assert!(run.values().iter().zip(whole.values()).all(|(one, other)| (one - other).abs() < 1e-5));
        let changes = |event: &Event| matches!(event, Event::MicroBatchChanged { from, to, .. } if to < from);
        assert!(run.events.borrow().iter().any(changes));
        assert_eq!(run.losses().len(), 12);
    }
}

#[test]
fn the_micro_batch_after_an_out_of_memory_is_bit_for_bit_the_one_of_a_run_that_began_so() {
    let small = Run::new(&TrainConfig { epochs: 1, batch: Some(8), micro_batch: Samples(2), ..config() });
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
