//! What a run really uses: program, machine and precision, after `auto` was resolved. Two runs that differ although their
//! configurations are the same differ here.

use serde::{Deserialize, Serialize};

/// What computes a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// The version of the program.
    pub program: String,
    /// The commit that it is built from, with `-dirty` if files were changed; none without a repository.
    pub commit: Option<String>,
    /// The version of libtorch.
    pub libtorch: String,
    /// The machine.
    pub host: String,
    /// The device in words.
    pub device: String,
    /// Threads that compute on the CPU.
    pub threads: usize,
    /// The type of the numbers that the model computes in: fp32, bf16 or fp16.
    pub precision: String,
    /// Samples that go through the model at once; fewer than configured if memory ran out.
    pub micro_batch: usize,
}

impl Used {
    /// What makes a resume inexact: allowed, and recorded.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let text = |text: &str| text.to_owned();
        let commit = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "unknown".into());
        let pairs = [
            ("program", text(&self.program), text(&now.program)),
            ("libtorch", text(&self.libtorch), text(&now.libtorch)),
            ("device", text(&self.device), text(&now.device)),
            ("precision", text(&self.precision), text(&now.precision)),
            ("host", text(&self.host), text(&now.host)),
            ("commit", commit(&self.commit), commit(&now.commit)),
        ];
        let changed = pairs.into_iter().filter(|(_, old, new)| old != new);
        changed.map(|(what, old, new)| format!("{what}: was {old}, is {new}")).collect()
    }

    /// The program with its commit.
    #[must_use]
    pub fn program_text(&self) -> String {
        let commit = self.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
        format!("fragua {}{commit}", self.program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_environment_is_reported_with_both_sides() {
        let before =
            Used { libtorch: "2.4.1".into(), device: "cpu".into(), precision: "fp32".into(), ..Used::default() };
        let now = Used { libtorch: "2.11.0".into(), precision: "bf16".into(), micro_batch: 2, ..before.clone() };
        assert_eq!(before.changes(&now), ["libtorch: was 2.4.1, is 2.11.0", "precision: was fp32, is bf16"]);
    }
}
