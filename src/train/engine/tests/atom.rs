//! Tasks that can't take a single sample, and whose numbers depend on the micro-batch: those with batch norm.

use super::*;

fn pairs() -> Habits {
    Habits { atom: 2, takes_statistics: true, ..Habits::default() }
}

/// The samples of each step.
fn steps(run: &Run) -> Vec<usize> {
    let mut before = 0;
    let seen = |event: &Event| if let Event::Stepped(step) = event { Some(step.seen) } else { None };
    let seen: Vec<_> = run.events.borrow().iter().filter_map(seen).collect();
    let samples = |seen: usize| {
        let of_epoch = std::mem::replace(&mut before, seen);
        if seen > of_epoch { seen - of_epoch } else { seen }
    };
    seen.into_iter().map(samples).collect()
}

#[test]
fn a_sample_that_is_left_over_joins_the_step_before_it() {
    let with = |habits| {
        let mut run = Run::new(&TrainConfig { epochs: 1, batch: Some(7), ..config() });
        run.habits = habits;
        run.engine().train().unwrap();
        steps(&run)
    };
    assert_eq!(with(Habits::default()), [7, 7, 7, 1]);
    assert_eq!(with(pairs()), [7, 7, 8]);
}

#[test]
fn a_run_with_a_longer_last_step_resumes_from_any_checkpoint_to_the_same_end() {
    let validate = ValidateConfig { every_epochs: 1, every_steps: Some(2), every_minutes: None };
    let mut whole = Run::new(&TrainConfig { batch: Some(3), checkpoint: often(), validate, ..config() });
    whole.habits = pairs();
    whole.engine().train().unwrap();
    assert_eq!(steps(&whole)[..7], [3, 3, 3, 3, 3, 3, 4]);
    assert_same_from_everywhere(&whole);
}

#[test]
fn memory_that_does_not_hold_an_atom_ends_training_with_its_code() {
    let mut run = Run::new(&config());
    run.habits = pairs();
    run.faults.memory = Some(1);
    let error = run.engine().train().unwrap_err();
    assert_eq!(error.exit(), Exit::OutOfMemory);
    assert!(error.to_string().starts_with("out of memory with 2 samples at a time"), "{error}");
}

#[test]
fn a_smaller_micro_batch_is_reported_as_changing_statistics() {
    for habits in [Habits::default(), pairs()] {
        let mut run = Run::new(&TrainConfig { epochs: 3, ..config() });
        run.habits = habits;
        run.faults.memory = Some(3);
        run.engine().train().unwrap();
        let events = run.events.borrow();
        let told = events.iter().filter_map(|event| match event {
            Event::MicroBatchChanged { statistics, .. } => Some(*statistics),
            _ => None,
        });
        let told: Vec<_> = told.collect();
        assert!(told.len() > 1, "smaller, and larger again");
        assert!(told.iter().all(|statistics| *statistics == habits.takes_statistics), "{told:?}");
    }
}

#[test]
fn too_few_samples_and_too_small_a_batch_are_refused_before_training() {
    let refused = |change: fn(&mut Run)| {
        let mut run = Run::new(&config());
        run.habits = pairs();
        change(&mut run);
        let error = run.try_engine_with(Box::new(run.kept.clone()), Observers::default()).err().unwrap();
        (error.exit(), error.to_string())
    };
    let (exit, text) = refused(|run| run.train_rows = 1);
    assert_eq!(exit, Exit::DataRefused, "{text}");
    assert!(text.starts_with("there are 1 training samples, but this task needs 2 or more at once"), "{text}");
    let (exit, text) = refused(|run| run.config[0].micro_batch = Samples(1));
    assert_eq!(exit, Exit::Configuration, "{text}");
    assert!(text.contains("raise train.batch and train.micro_batch"), "{text}");
}
