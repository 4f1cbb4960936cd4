//! When to save: a pure decision. Time comes from a monotonic clock and is passed in.

use std::time::Duration;

use super::id::CheckpointId;
use crate::train::config::CheckpointConfig;

/// Why a checkpoint is due. The first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A signal asked to stop.
    Stopping,
    /// An epoch is complete.
    Epoch,
    /// The step interval has passed.
    Steps,
    /// The time interval has passed.
    Time,
}

/// The current position in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Epochs and steps that are complete.
    pub id: CheckpointId,
    /// A monotonic clock, from any origin.
    pub clock: Duration,
    /// A signal asked to stop.
    pub stopping: bool,
}

/// The last save, or the start if nothing was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSave {
    /// What was saved; for a fresh start epoch 0, step 0.
    pub id: CheckpointId,
    /// The clock then.
    pub clock: Duration,
}

/// Whether a checkpoint is due, and why. The same position is never saved twice.
#[must_use]
pub fn due(config: &CheckpointConfig, last: &LastSave, now: &Moment) -> Option<Reason> {
    if now.id == last.id {
        return None;
    }
    // Multiples of the interval, so that positions do not depend on where a run was stopped and resumed.
    let steps = |every: u64| every > 0 && now.id.step / every > last.id.step / every;
    let waited = now.clock.saturating_sub(last.clock).as_secs_f64() / 60.0;
    let reasons = [
        (now.stopping, Reason::Stopping),
        (now.id.epoch > last.id.epoch, Reason::Epoch),
        (config.every_steps.is_some_and(steps), Reason::Steps),
        (config.every_minutes.is_some_and(|minutes| waited >= minutes), Reason::Time),
    ];
    reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::best_by::BestBy;
    use proptest::prelude::*;

    const CONFIG: CheckpointConfig = CheckpointConfig {
        every_minutes: Some(5.0),
        every_steps: Some(100),
        keep_last: 2,
        keep_best: 3,
        best_by: BestBy(Vec::new()),
    };

    fn at(epoch: u64, step: u64, seconds: u64) -> Moment {
        let id = CheckpointId { epoch, step };
        Moment { id, clock: Duration::from_secs(seconds), stopping: false }
    }

    fn saved(epoch: u64, step: u64, seconds: u64) -> LastSave {
        LastSave { id: CheckpointId { epoch, step }, clock: Duration::from_secs(seconds) }
    }

    #[test]
    fn each_reason_holds_from_its_moment_on() {
        let last = saved(3, 150, 1000);
        for (now, expected) in [
            (at(3, 151, 1001), None),
            (at(3, 199, 1299), None),
            (at(3, 199, 1300), Some(Reason::Time)),
            (at(3, 200, 1001), Some(Reason::Steps)),
            (at(4, 151, 1001), Some(Reason::Epoch)),
            (Moment { stopping: true, ..at(3, 151, 1001) }, Some(Reason::Stopping)),
            (Moment { stopping: true, ..at(4, 151, 1001) }, Some(Reason::Stopping)),
        ] {
            assert_eq!(due(&CONFIG, &last, &now), expected, "{now:?}");
        }
    }

    #[test]
    fn the_same_position_is_never_saved_twice_even_at_the_end() {
        let now = Moment { stopping: true, ..at(3, 150, 99_999) };
        assert_eq!(due(&CONFIG, &saved(3, 150, 0), &now), None);
    }

    #[test]
    fn without_intervals_only_epochs_stops_and_the_end_save() {
        let config = CheckpointConfig { every_minutes: None, every_steps: None, ..CONFIG };
        assert_eq!(due(&config, &saved(0, 0, 0), &at(0, 1_000_000, 1_000_000)), None);
        assert_eq!(due(&config, &saved(0, 0, 0), &at(1, 1, 0)), Some(Reason::Epoch));
    }

    #[test]
    fn a_clock_that_restarts_after_a_resume_causes_no_save() {
        assert_eq!(due(&CONFIG, &saved(3, 150, 1000), &at(3, 151, 0)), None);
    }

    proptest! {
        #[test]
        fn no_interval_of_steps_is_ever_exceeded_wherever_the_run_was_interrupted(
            every in 1_u64..50, stops in proptest::collection::vec(1_u64..500, 0..5),
        ) {
            let config = CheckpointConfig { every_minutes: None, every_steps: Some(every), ..CONFIG };
            let mut last = saved(0, 0, 0);
            let mut positions = Vec::new();
            for step in 1..=500 {
                let now = Moment { stopping: stops.contains(&step), ..at(0, step, 0) };
                if let Some(reason) = due(&config, &last, &now) {
                    if reason == Reason::Steps { positions.push(step) }
                    last = saved(0, step, 0);
                }
                prop_assert!(step - last.id.step < every);
            }
            prop_assert!(positions.iter().all(|step| step % every == 0));
        }
    }
}
