//! How much of its time the consumer spends waiting for data: whether the disk or the model is the limit.

use std::time::{Duration, Instant};

/// How long the consumer of an epoch has waited for data.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    started: Instant,
    /// The time it waited.
    pub waited: Duration,
    /// The time since the epoch was started.
    pub elapsed: Duration,
}

impl Waits {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), waited: Duration::ZERO, elapsed: Duration::ZERO }
    }

    pub(super) fn measure<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = wait();
        self.waited += began.elapsed();
        result
    }

    pub(super) fn until_now(self) -> Self {
        Self { elapsed: self.started.elapsed(), ..self }
    }

    /// The share of the time that was spent waiting.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.elapsed.is_zero() { 0.0 } else { self.waited.as_secs_f64() / self.elapsed.as_secs_f64() }
    }
}
