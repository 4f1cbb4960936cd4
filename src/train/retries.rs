//! Whether a failed run is retried, and after what delay. A pure decision: the caller waits, and can be stopped while it
//! does. Progress restores the retries; a fault that recurs at the same step is not transient.

use std::time::Duration;

use rand::Rng;

use crate::util::retry::Backoff;
use crate::util::seed::generator;

/// The same fault at the same step is final after this many times.
const SAME_FAULT: u32 = 3;

/// What to do after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again from the last checkpoint.
    Again {
        /// After this time.
        after: Duration,
    },
    /// Give up with the failure.
    GiveUp {
        /// Why.
        why: String,
    },
}

/// The failures of a run since it last made progress.
#[derive(Clone, Debug)]
pub struct Retries {
    backoff: Backoff,
    seed: u64,
    /// Failures since the last progress.
    failures: u32,
    /// Failures in total; each has its own jitter.
    number: u64,
    /// The step that must be passed to count as progress.
    furthest: Option<u64>,
    last: Option<Fault>,
}

#[derive(Clone, Debug)]
struct Fault {
    step: u64,
    kind: String,
    times: u32,
}

impl Retries {
    /// No failures yet. This many failures in a row without progress are retried.
    #[must_use]
    pub fn new(max_retries: u32, seed: u64) -> Self {
        let backoff = Backoff {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(300),
            longest_demanded: Duration::ZERO,
            max_tries: max_retries.saturating_add(1),
            max_total: Duration::MAX,
        };
        Self { backoff, seed, failures: 0, number: 0, furthest: None, last: None }
    }

    /// Records that the run failed after so many steps, and the kind of failure.
    pub fn failed(&mut self, step: u64, kind: &str, is_transient: bool) -> Decision {
        let times = self.take_in(step, kind);
        let give_up = |why: String| Decision::GiveUp { why };
        if !is_transient {
            return give_up(format!("a failure of this kind ({kind}) would come again"));
        }
        if times >= SAME_FAULT {
            return give_up(format!("the same failure ({kind}) came {times} times at step {step}"));
        }
        let jitter = generator(self.seed, "retries", 0, self.number).random_range(0.0..1.0);
        match self.backoff.wait(self.failures, Duration::ZERO, None, jitter) {
            Some(after) => Decision::Again { after },
            None => give_up(format!(
                "it was tried again {} times without getting past step {} (train.max_retries)",
                self.failures.saturating_sub(1),
                self.furthest.unwrap_or(step)
            )),
        }
    }

    /// Counts the failure; returns how many times in a row this one has occurred.
    fn take_in(&mut self, step: u64, kind: &str) -> u32 {
        // A run that falls back to an older checkpoint has not made progress until it is past where it was.
        let is_progress = self.furthest.is_some_and(|furthest| step > furthest);
        self.failures = if is_progress { 1 } else { self.failures.saturating_add(1) };
        self.number += 1;
        self.furthest = self.furthest.max(Some(step));
        let same = self.last.take().filter(|last| last.step == step && last.kind == kind);
        let times = same.map_or(1, |last| last.times + 1);
        self.last = Some(Fault { step, kind: kind.into(), times });
        times
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(decision: &Decision) -> f64 {
        match decision {
            Decision::Again { after } => after.as_secs_f64(),
            Decision::GiveUp { why } => panic!("{why}"),
        }
    }

    fn why(decision: Decision) -> String {
        match decision {
            Decision::GiveUp { why } => why,
            Decision::Again { after } => panic!("{after:?}"),
        }
    }

    #[test]
    fn waits_double_up_to_five_minutes_with_a_jitter_that_the_seed_decides() {
        let waits = |seed| {
            let mut retries = Retries::new(100, seed);
            (0..9).map(|number| seconds(&retries.failed(7, ["a", "b"][number % 2], true))).collect::<Vec<_>>()
        };
        for (wait, full) in waits(1).into_iter().zip([5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]) {
            assert!((full / 2.0..=full).contains(&wait), "{wait} of {full}");
        }
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    #[test]
    fn the_same_failure_three_times_at_one_step_is_the_last() {
        let mut retries = Retries::new(100, 1);
        seconds(&retries.failed(7, "libtorch", true));
        seconds(&retries.failed(7, "libtorch", true));
        assert_eq!(why(retries.failed(7, "libtorch", true)), "the same failure (libtorch) came 3 times at step 7");
    }

    #[test]
    fn only_progress_resets_the_tries() {
        let mut retries = Retries::new(2, 1);
        seconds(&retries.failed(7, "a", true));
        seconds(&retries.failed(5, "b", true));
        let told = why(retries.clone().failed(6, "a", true));
        assert_eq!(told, "it was tried again 2 times without getting past step 7 (train.max_retries)");
        assert!(seconds(&retries.failed(8, "a", true)) <= 5.0);
        seconds(&retries.failed(8, "b", true));
        why(retries.failed(8, "c", true));
    }

    #[test]
    fn what_would_come_again_and_a_budget_of_none_end_at_once() {
        assert_eq!(
            why(Retries::new(5, 1).failed(1, "diverged", false)),
            "a failure of this kind (diverged) would come again"
        );
        why(Retries::new(0, 1).failed(1, "libtorch", true));
    }

    proptest! {
        #[test]
        fn without_progress_it_always_ends(
            max_retries in 0_u32..20, faults in prop::collection::vec((0_u64..5, 0_usize..3), 100),
        ) {
            let mut retries = Retries::new(max_retries, 3);
            let first = retries.failed(9, "x", true);
            let again = |decision: &Decision| matches!(decision, Decision::Again { .. });
            let mut tried = u32::from(again(&first));
            for (step, kind) in faults {
                let decision = retries.failed(step, ["a", "b", "c"][kind], true);
                if !again(&decision) { break }
                tried += 1;
            }
            prop_assert!(tried <= max_retries);
        }
    }
}
