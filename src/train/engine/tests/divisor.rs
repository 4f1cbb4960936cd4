//! A loss whose divisor is known only after the forward pass, as in a detector that divides by the assigned anchors.

use super::*;
use crate::data::loader::Position;

/// The loss of each micro-batch of the first step, by the task's own divisor.
fn losses_of_first_step(run: &Run, micro_batch: usize) -> Vec<f64> {
    let engine = run.engine();
    let samples: Vec<_> = engine.feeds.train.start(Position::default()).unwrap().take(8).map(Result::unwrap).collect();
    let loss = |samples: &[_]| {
        let batch = engine.task.collate(samples, None).unwrap();
        let errors_b = engine.task.errors(&batch);
        let share = engine.task.share(&batch, &errors_b);
        assert!(share > 1.0, "some prediction is not positive, or nothing is tested");
        errors_b.square().sum(tch::Kind::Float).double_value(&[]) * share / samples.len() as f64
    };
    samples.chunks(micro_batch).map(loss).collect()
}

#[test]
fn each_micro_batch_divides_by_its_own_and_a_step_averages_them_by_samples() {
    for micro_batch in [8, 4] {
        let mut run = Run::new(&TrainConfig { epochs: 1, micro_batch: Samples(micro_batch), ..config() });
        run.habits.divides = true;
        let losses = losses_of_first_step(&run, micro_batch);
        run.engine().train().unwrap();
        let expected = losses.iter().sum::<f64>() / losses.len() as f64;
        let told = run.losses()[0];
        assert!((told - expected).abs() < 1e-6 * expected, "told {told}, expected {expected}");
    }
}

#[test]
fn such_a_task_learns_and_resumes_from_any_checkpoint_to_the_same_end() {
    let mut whole = Run::new(&TrainConfig { checkpoint: often(), ..config() });
    whole.habits.divides = true;
    whole.engine().train().unwrap();
    assert_same_from_everywhere(&whole);
    let losses = whole.losses();
    assert!(losses[losses.len() - 1] < losses[0], "{losses:?}");
}
