//! How much patience is left: counts failures without progress and asks the back-off policy. Pure.

use std::time::Duration;

use crate::util::retry::Backoff;

/// The patience with one source.
pub struct Budget<'a> {
    policy: &'a Backoff,
    refill_bytes: u64,
    most_held: u64,
    /// Tries in a row without progress.
    pub failed: u32,
    /// Time waited between them.
    pub waited: Duration,
}

impl<'a> Budget<'a> {
    /// A full budget; `held` bytes are already there.
    #[must_use]
    pub fn new(policy: &'a Backoff, refill_bytes: u64, held: u64) -> Self {
        Self { policy, refill_bytes, most_held: held, failed: 0, waited: Duration::ZERO }
    }

    /// Counts a failure, with `held` bytes there now. Returns how long to wait, or `None` to give up.
    ///
    /// Progress means more bytes than ever before. Otherwise a server that always breaks off at the same place and
    /// can't continue would be asked forever.
    pub fn fail(&mut self, held: u64, demanded: Option<Duration>, jitter: f64) -> Option<Duration> {
        if held >= self.most_held.saturating_add(self.refill_bytes) {
            self.most_held = held;
            (self.failed, self.waited) = (0, Duration::ZERO);
        }
        self.failed += 1;
        let wait = self.policy.wait(self.failed, self.waited, demanded, jitter)?;
        self.waited += wait;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_refills_and_the_same_place_again_does_not() {
        let policy = Backoff { max_tries: 3, ..Backoff::default() };
        let mut budget = Budget::new(&policy, 10, 0);
        assert!(budget.fail(0, None, 0.5).is_some());
        assert!(budget.fail(50, None, 0.5).is_some());
        assert_eq!(budget.failed, 1);
        assert!(budget.fail(50, None, 0.5).is_some());
        assert!(budget.fail(59, None, 0.5).is_none(), "nine bytes are no progress");
        let mut budget = Budget::new(&policy, 10, 0);
        let waits: Vec<_> = (1..=30).map(|held| budget.fail(held * 10, None, 0.5)).collect();
        assert!(waits.iter().all(Option::is_some));
    }
}
