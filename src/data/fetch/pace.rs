//! Whether a connection is still worth keeping: too few bytes in a window of waiting is a stall.
//!
//! Only time spent waiting for the network counts; a slow disk on this side is not the server's fault.

use std::time::Duration;

/// The pace of one connection.
pub struct Pace {
    window: Duration,
    least: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Expects `least` bytes in each `window`.
    #[must_use]
    pub fn new(window: Duration, least: u64) -> Self {
        Self { window, least, waited: Duration::ZERO, bytes: 0 }
    }

    /// How long to wait before asking again.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    /// Records how many bytes arrived after a wait; true if the connection has stalled.
    pub fn note(&mut self, waited: Duration, bytes: u64) -> bool {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < self.window {
            return false;
        }
        let stalled = self.bytes < self.least;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_byte_a_second_is_a_stall_and_a_kilobyte_is_none() {
        let stalls = |bytes| {
            let mut pace = Pace::new(SECOND * 30, 30_000);
            (1..=90).filter(|_| pace.note(SECOND, bytes)).count()
        };
        assert_eq!((stalls(1), stalls(999), stalls(1000)), (3, 3, 0));
    }

    #[test]
    fn a_burst_does_not_pay_for_the_next_window() {
        let mut pace = Pace::new(SECOND * 30, 30_000);
        assert!(!pace.note(SECOND * 30, 1_000_000));
        assert_eq!(pace.left(), SECOND * 30);
        assert!(!pace.note(SECOND * 29, 0));
        assert!(pace.note(SECOND, 0));
    }
}
