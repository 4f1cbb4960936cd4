//! How often a run is validated, and the effects of that.

use super::*;

fn validated(every_epochs: u64, every_steps: Option<u64>) -> TrainConfig {
    // 22 samples: an epoch has six steps.
    TrainConfig {
        batch: Some(4),
        validate: ValidateConfig { every_epochs, every_steps, every_minutes: None },
        ..config()
    }
}

fn validated_epochs(run: &Run) -> Vec<u64> {
    run.history().values().filter(|record| !record.val.is_empty()).map(|record| record.epoch).collect()
}

/// Epoch, step and whether it was the best.
fn midway(run: &Run) -> Vec<(u64, u64, bool)> {
    let midway = |event: &Event| match event {
        Event::ValidationEnded { epoch, step, parts, improved, .. } => {
            assert_eq!(parts.len(), 2);
            Some((*epoch, *step, *improved))
        }
        _ => None,
    };
    run.events.borrow().iter().filter_map(midway).collect()
}

#[test]
fn every_so_many_epochs_and_the_last_one_are_validated() {
    let run = Run::new(&TrainConfig { epochs: 5, ..validated(2, None) });
    run.engine().train().unwrap();
    assert_eq!(validated_epochs(&run), [2, 4, 5]);
    let history = run.history();
    assert_eq!(history.len(), 5);
    assert!(
        history.values().all(|record| !record.train.is_empty() && record.val.is_empty() == record.scores.is_empty())
    );
    for snapshot in run.kept.0.borrow().iter().skip(1) {
        let was_validated = [2, 4, 5].contains(&snapshot.id.epoch);
        assert_eq!(snapshot.progress.metrics.contains_key("loss"), was_validated, "{}", snapshot.id);
        assert!(snapshot.publish.last && (was_validated || !snapshot.publish.best), "{}", snapshot.id);
    }
}

#[test]
fn patience_and_plateau_count_validated_epochs_only() {
    let still = Optimizer::Adamw(AdamW { lr: 1e-12, ..AdamW::default() });
    let rules = Plateau { patience: 0, threshold: 0.5, ..Plateau::default() };
    let config = TrainConfig {
        epochs: 50,
        patience: Some(2),
        min_delta: 1e-3,
        optimizer: still,
        schedule: Schedule::Plateau(rules),
        warmup: Warmup::default(),
        ..validated(3, Some(2))
    };
    let run = Run::new(&config);
    let ended = run.engine().train().unwrap();
    assert_eq!((ended.reason, ended.epoch), (Reason::Patience, 9));
    assert_eq!(validated_epochs(&run), [3, 6, 9]);
    let state = State::of(&run.kept.last()).unwrap();
    assert_eq!((state.validated_epochs, state.stale_epochs), (3, 2));
    // Reductions below 1e-8 are not made, so the rate stays; the count of bad epochs shows it.
    assert_eq!(state.plateau.unwrap().bad_epochs, 0);
    assert_eq!(midway(&run).len(), 9 * 2, "after steps 2 and 4 of each epoch");
}

#[test]
fn a_validation_in_the_midst_of_an_epoch_finds_the_best_weights() {
    let run = Run::new(&TrainConfig { epochs: 2, ..validated(1, Some(2)) });
    let ended = run.engine().train().unwrap();
    let found = midway(&run);
    let places: Vec<_> = found.iter().map(|(epoch, step, _)| (*epoch, *step)).collect();
    assert_eq!(places, [(0, 2), (0, 4), (1, 8), (1, 10)]);
    assert!(found[0].2, "the first one is the best so far");
    let kept = run.kept.0.borrow();
    let bests = kept.iter().filter(|snapshot| snapshot.publish.best && snapshot.progress.position > 0);
    let bests: Vec<_> = bests.map(|snapshot| snapshot.id.step).collect();
    let improved: Vec<_> = found.iter().filter(|found| found.2).map(|found| found.1).collect();
    assert_eq!(bests, improved, "each is saved where it was found");
    let saved = kept.iter().find(|snapshot| snapshot.id.step == 2).unwrap();
    assert_eq!(saved.progress.metrics["loss"], saved.progress.best["loss"]);
    assert_eq!(saved.progress.metrics["loss"], saved.progress.metrics["loss"]);
    assert!(saved.progress.metrics.contains_key("worst"));
    let pictures = run.events.borrow().iter().filter(|event| matches!(event, Event::Pictures { .. })).count();
    let whole = run.history().len();
    assert!(pictures >= improved.len() && pictures <= improved.len() + whole);
    assert!(ended.best.unwrap().loss.unwrap() <= run.history()[&2].val[0].1.unwrap());
}

#[test]
fn a_validation_changes_no_weight() {
    let [plain, looking] = [None, Some(1)].map(|every_steps| Run::new(&validated(1, every_steps)));
    plain.engine().train().unwrap();
    looking.engine().train().unwrap();
    assert_eq!(plain.kept.last().model, looking.kept.last().model);
    assert_eq!(plain.history(), looking.history());
}

#[test]
fn a_validation_by_the_clock_reports_and_changes_nothing() {
    let plain = Run::new(&validated(1, Some(4)));
    plain.engine().train().unwrap();
    // So short a time has passed after every step.
    let by_clock = |checkpoint| {
        let mut config = validated(1, Some(4));
        (config.validate.every_minutes, config.checkpoint) = (Some(1e-12), checkpoint);
        let run = Run::new(&config);
        run.engine().train().unwrap();
        run
    };
    let looking = by_clock(config().checkpoint);
    assert_same(&looking, &plain, "validated by the clock");
    let places: Vec<_> = midway(&looking).into_iter().map(|(_, step, improved)| (step, improved)).take(5).collect();
    assert_eq!(places.iter().map(|place| place.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(places.iter().all(|(step, improved)| !improved || *step == 4), "{places:?}");
    assert_same_from_everywhere(&by_clock(often()));
}

#[test]
fn a_run_that_is_seldom_or_often_validated_resumes_from_any_checkpoint_to_the_same_end() {
    for (every_epochs, every_steps) in [(3, None), (1, Some(2)), (2, Some(1)), (4, Some(4))] {
        let whole = Run::new(&TrainConfig { checkpoint: often(), ..validated(every_epochs, every_steps) });
        whole.engine().train().unwrap();
        assert_same_from_everywhere(&whole);
    }
}

#[test]
fn a_run_that_is_stopped_in_a_validation_inside_an_epoch_makes_it_up() {
    let config = validated(2, Some(2));
    let whole = Run::new(&config);
    whole.engine().train().unwrap();
    let validations = |event: &&Event| matches!(event, Event::ValidationStarted { .. });
    let count = whole.events.borrow().iter().filter(validations).count();
    assert_eq!(count, 4 * 2 + 2);
    for step in [2, 4, 8, 10, 14, 16, 20, 22] {
        let mut run = Run::new(&config);
        run.number = step;
        run.stops_at = |event, number| matches!(event, Event::Stepped(step) if step.step == number);
        assert_eq!(run.engine().train().unwrap_err().exit(), Exit::Terminated);
        let snapshot = run.kept.last();
        assert_eq!(snapshot.id.step, step);
        assert!(!State::of(&snapshot).unwrap().validated, "it was cut off");
        let rest = run.resumed_from(snapshot);
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &format!("stopped after step {step}"));
        let places = midway(&whole).into_iter().map(|found| found.1);
        let again = midway(&rest).into_iter().map(|found| found.1);
        assert!(again.eq(places), "stopped after step {step}");
    }
}

#[test]
fn a_limit_at_the_end_of_an_epoch_validates_it_and_training_continues_exactly_when_it_is_raised() {
    let whole = Run::new(&validated(3, Some(4)));
    whole.engine().train().unwrap();
    for max_steps in [6, 8, 12, 15, 18] {
        let limited = Run::new(&TrainConfig { max_steps: Some(max_steps), ..validated(3, Some(4)) });
        let ended = limited.engine().train().unwrap();
        assert_eq!((ended.reason, ended.step), (Reason::Steps, max_steps));
        let last = limited.history().into_values().next_back().unwrap();
        assert!(!last.val.is_empty(), "training ended after step {max_steps}");
        let again = limited.resumed_from(limited.kept.last());
        assert_eq!(again.engine().train().unwrap(), ended, "with the same limit nothing is trained");
        let mut rest = limited.resumed_from(limited.kept.last());
        rest.config = whole.config.clone();
        rest.engine().train().unwrap();
        assert_same(&rest, &whole, &format!("the limit of {max_steps} steps was raised"));
    }
}

#[test]
fn pictures_that_cannot_be_drawn_cost_nothing_but_the_pictures() {
    let whole = Run::new(&validated(1, Some(2)));
    whole.engine().train().unwrap();
    for problem in ["CUDA out of memory. Tried to allocate 2.00 GiB", "index out of bounds"] {
        let mut run = Run::new(&validated(1, Some(2)));
        run.faults.pictures = Some(problem);
        run.engine().train().unwrap();
        assert_same(&run, &whole, problem);
        assert!(!run.events.borrow().iter().any(|event| matches!(event, Event::Pictures { .. })));
    }
}
