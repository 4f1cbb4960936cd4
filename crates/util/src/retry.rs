//! How long to wait before the next try: a pure policy, tested without waiting.

use std::time::Duration;

/// Exponential back-off with full jitter inside a budget of tries and of time.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// The wait before the second try, before jitter.
    pub first: Duration,
    /// The longest wait, unless the server asks for more.
    pub longest: Duration,
    /// A server's own demand (`Retry-After`) is honoured up to this.
    pub longest_demanded: Duration,
    /// Give up after this many tries without progress.
    pub max_tries: u32,
    /// Give up after waiting this long without progress.
    pub max_total: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            longest_demanded: Duration::from_secs(300),
            max_tries: 8,
            max_total: Duration::from_secs(900),
        }
    }
}

impl Backoff {
    /// The wait after `failed_tries` failures in a row, or `None` to give up. `jitter` is uniform in 0..1; `waited` is
    /// the time waited since the last progress.
    #[must_use]
    pub fn wait(
        &self,
        failed_tries: u32,
        waited: Duration,
        demanded: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        if failed_tries >= self.max_tries || waited >= self.max_total {
            return None;
        }
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(failed_tries.saturating_sub(1)));
        // Between half and all of the step: enough spread to separate many clients, and never an immediate retry.
        let own = doubled.min(self.longest).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        let wait = demanded.map_or(own, |demanded| demanded.min(self.longest_demanded).max(own));
        Some(wait.min(self.max_total.saturating_sub(waited)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_from_one_second_up_to_a_minute() {
        let policy = Backoff { max_tries: 20, max_total: Duration::MAX, ..Backoff::default() };
        let waits: Vec<u64> =
            (1..=8).map(|tries| policy.wait(tries, Duration::ZERO, None, 1.0).unwrap().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(policy.wait(1, Duration::ZERO, None, 0.0).unwrap(), SECOND / 2);
    }

    #[test]
    fn the_server_is_obeyed_up_to_a_cap() {
        let policy = Backoff::default();
        assert_eq!(policy.wait(1, Duration::ZERO, Some(SECOND * 20), 0.5), Some(SECOND * 20));
        assert_eq!(policy.wait(1, Duration::ZERO, Some(Duration::from_secs(315_360_000)), 0.5), Some(SECOND * 300));
    }

    #[test]
    fn it_gives_up_after_its_tries_or_its_time() {
        let policy = Backoff::default();
        assert_eq!(policy.wait(policy.max_tries, Duration::ZERO, None, 0.5), None);
        assert_eq!(policy.wait(1, policy.max_total, None, 0.5), None);
    }
}
