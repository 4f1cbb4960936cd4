//! Why a run failed, for people and programs: the kind, what happened, what to do, and the exit code. Written to
//! `status.json`, `run.json` and `log.jsonl`, and read by `fragua runs` and the page.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::util::exit::Exit;

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of failure, in a word or two.
    pub kind: String,
    /// What happened, without the remedy.
    pub text: String,
    /// What to do about it, as a lowercase fragment.
    pub remedy: String,
    /// The exit code of the program.
    pub exit: u8,
}

impl Problem {
    /// A problem with its remedy, or what helps in general with this exit code. A text that ends with the remedy is cut
    /// there.
    #[must_use]
    pub fn new(kind: &str, text: &str, remedy: Option<String>, exit: Exit) -> Self {
        let remedy = remedy.unwrap_or_else(|| general(exit).to_owned());
        let text = text.strip_suffix(remedy.as_str()).map_or(text, |text| text.trim_end_matches([';', ' ']));
        Self { kind: kind.into(), text: text.into(), remedy, exit: exit as u8 }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {}", self.text, self.remedy)
    }
}

/// What helps with an exit code, whatever caused it.
fn general(exit: Exit) -> &'static str {
    match exit {
        Exit::Usage => "correct the command line: see `fragua train --help`",
        Exit::DataRefused => "replace or remove what the message names, then run the same command again",
        Exit::SourceUnreachable => "check that the source exists and is shared, or add a mirror to data.source",
        Exit::Bug => "report it with log.jsonl and run.json, after removing private data",
        Exit::OutOfMemory => "make the samples or the model smaller, or use a device with more memory",
        Exit::OutputNotWritable => "make the output folder writable for this user: check mount, owner and path",
        Exit::DiskIo => "check the disk and its free space, then run the same command again to resume",
        Exit::Diverged => "lower the learning rate, and start a new run with --no-resume",
        Exit::Configuration => "correct the key that the message names, then run the same command again",
        Exit::Done | Exit::Degraded | Exit::TryAgain | Exit::HungUp | Exit::Interrupted | Exit::Terminated => {
            "run the same command again to resume"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_remedy_and_says_it_once() {
        let known =
            Problem::new("disk", "the disk is full; free some space", Some("free some space".into()), Exit::DiskIo);
        assert_eq!(
            (known.text.as_str(), known.remedy.as_str(), known.exit),
            ("the disk is full", "free some space", 74)
        );
        assert_eq!(known.to_string(), "the disk is full; free some space");
        let unknown = Problem::new("data", "storms.nc is damaged", None, Exit::DataRefused);
        assert_eq!(unknown.text, "storms.nc is damaged");
        assert!(unknown.remedy.contains("same command again"), "{unknown}");
    }
}
