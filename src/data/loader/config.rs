//! How many threads and how much memory the loader may use. No setting changes what is delivered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;

/// Threads and memory of a loader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Threads that load ahead; 0 loads a sample when it is requested. On a CPU every busy one slows down training.
    pub threads: usize,
    /// Samples that may wait for the model.
    pub queue_windows: usize,
    /// Bytes of samples (for windows, of whole frames) that may wait for the model; one sample always may.
    pub queue_bytes: usize,
    /// Bytes of decoded frames or records that are kept in memory, beside those that wait.
    pub cache_bytes: usize,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self { threads: 1, queue_windows: 16, queue_bytes: 512_000_000, cache_bytes: 2_000_000_000 }
    }
}

/// The most samples that may wait: a place is kept for each.
const MOST_WINDOWS: usize = 1_000_000;

impl LoaderConfig {
    /// What is wrong with the values.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.threads > 64 {
            problems.push(Problem::new(
                "threads",
                format!("must be at most 64, got {}", self.threads),
                "write 0 to 64; 1 or 2 are enough for most datasets",
            ));
        }
        if self.queue_windows > MOST_WINDOWS {
            let message = format!("{} is too large a queue", self.queue_windows);
            problems.push(Problem::new("queue_windows", message, format!("write 1 to {MOST_WINDOWS}")));
        }
        if self.queue_windows == 0 {
            problems.push(Problem::new(
                "queue_windows",
                "must be at least 1, got 0",
                "write 1 or more, or leave the key out for 16",
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_named_with_their_key() {
        assert!(LoaderConfig::default().problems().is_empty());
        let config = LoaderConfig { threads: 1000, queue_windows: 0, ..LoaderConfig::default() };
        let keys: Vec<String> = config.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(keys, ["threads", "queue_windows"]);
        let config = LoaderConfig { queue_windows: usize::MAX, ..LoaderConfig::default() };
        assert_eq!(config.problems().len(), 1);
    }
}
