//! Which way a score gets better. Not by how much it must change to matter.

use serde::{Deserialize, Serialize};

/// Which way a score gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Hit rates, skill scores, similarity.
    Higher,
    /// Errors, false alarms, losses.
    Lower,
    /// The frequency bias: as much forecast as observed.
    NearerOne,
    /// The mean error: neither too strong nor too weak.
    NearerZero,
}

impl Better {
    /// How much better the first value is than the second: above 0 if it is better.
    #[must_use]
    pub fn gain(self, value: f64, than: f64) -> f64 {
        match self {
            Self::Higher => value - than,
            Self::Lower => than - value,
            Self::NearerOne => (than - 1.0).abs() - (value - 1.0).abs(),
            Self::NearerZero => than.abs() - value.abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_above_0_if_a_value_is_better() {
        for (better, good, bad) in [
            (Better::Higher, 0.5, 0.4),
            (Better::Lower, 0.4, 0.5),
            (Better::NearerOne, 0.9, 1.3),
            (Better::NearerZero, 0.1, -0.2),
        ] {
            assert!((better.gain(good, bad) - 0.1).abs() < 0.11 && better.gain(good, bad) > 0.0, "{better:?}");
            assert!(better.gain(bad, good) < 0.0, "{better:?}");
        }
    }
}
