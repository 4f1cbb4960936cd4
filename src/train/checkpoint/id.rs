//! The name of a checkpoint: its position in training. Names are ordered by number, never by text or time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The position of a checkpoint in training. Ordered by epoch, then by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointId {
    /// Epochs that are complete, all phases together.
    pub epoch: u64,
    /// Optimizer steps that are complete.
    pub step: u64,
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "e{:04}-s{:06}", self.epoch, self.step)
    }
}

impl FromStr for CheckpointId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.strip_prefix('e').and_then(|rest| rest.split_once("-s"));
        let id = numbers.and_then(|(epoch, step)| Some(Self { epoch: epoch.parse().ok()?, step: step.parse().ok()? }));
        // Formatting it again rejects names that parse but are not ours: "+12", "0000012".
        id.filter(|id| id.to_string() == text)
            .ok_or_else(|| format!("expected a name like e0012-s003400, got {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_order_by_number_and_not_by_text() {
        let [early, late]: [CheckpointId; 2] = ["e9999-s999999", "e10000-s1000000"].map(|name| name.parse().unwrap());
        assert!(late > early && late.to_string() < early.to_string());
    }

    #[test]
    fn an_invalid_name_is_refused() {
        for text in ["", "e1-s2", "e0001-s000002.damaged", "e+001-s000002", ".e0001-s000002", "e00001-s000002"] {
            assert!(text.parse::<CheckpointId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_read_as_it_was_written(epoch: u64, step: u64) {
            let id = CheckpointId { epoch, step };
            prop_assert_eq!(id.to_string().parse::<CheckpointId>().unwrap(), id);
        }
    }
}
