//! Progress reports of long work. The work calls these; only the command line decides what to show.

use crate::units;

/// What is being counted: the words for one and for many. Work that counts something else defines its own constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The singular.
    pub one: &'static str,
    /// The plural.
    pub many: &'static str,
}

impl Unit {
    /// Bytes, shown as KB, MB, GB.
    pub const BYTES: Self = Self { one: "byte", many: "bytes" };
    /// Files.
    pub const FILES: Self = Self { one: "file", many: "files" };
    /// Samples.
    pub const SAMPLES: Self = Self { one: "sample", many: "samples" };

    /// A count with its word: "1 file", "3,000 files".
    #[must_use]
    pub fn count(self, amount: u64) -> String {
        format!("{} {}", units::number(amount), if amount == 1 { self.one } else { self.many })
    }
}

/// The current stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A dataset is downloaded.
    Download,
    /// Downloaded files are compared with their SHA-256.
    Verify,
    /// A synthetic dataset is made.
    Synthesise,
    /// An archive is unpacked.
    Unpack,
    /// Source files are inspected.
    Survey,
    /// Source files become the prepared dataset.
    Prepare,
    /// The prepared dataset is read and counted.
    Inspect,
    /// Pictures of it are drawn.
    Draw,
    /// A model is evaluated on a side of the dataset.
    Evaluate,
    /// A model predicts.
    Predict,
    /// A run is copied to the mirror.
    Copy,
    /// A run is restored from there.
    Restore,
}

impl Stage {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Verify => "verify",
            Self::Synthesise => "synthesise",
            Self::Unpack => "unpack",
            Self::Survey => "survey",
            Self::Prepare => "prepare",
            Self::Inspect => "inspect",
            Self::Draw => "draw",
            Self::Evaluate => "evaluate",
            Self::Predict => "predict",
            Self::Copy => "copy",
            Self::Restore => "restore",
        }
    }

    /// The stage of a run that it belongs to, as `status.json` names it.
    #[must_use]
    pub fn of_run(self) -> &'static str {
        match self {
            Self::Download | Self::Verify | Self::Synthesise => "fetch",
            Self::Survey => "prepare",
            other => other.name(),
        }
    }
}

/// Receives the progress of one stage after another. Calls may come from several threads.
pub trait Progress: Send + Sync {
    /// A stage starts. The total may become known later.
    fn begin(&self, stage: Stage, total: Option<u64>, unit: Unit);
    /// The total became known, or changed.
    fn set_total(&self, total: u64);
    /// This much more is done.
    fn advance(&self, amount: u64);
    /// Counting starts again from here: a resumed download starts at its offset, a restarted one at 0.
    fn set_position(&self, position: u64);
    /// The stage is done; a one-line summary.
    fn end(&self, summary: &str);
    /// Waiting for a known reason, such as a server that asks to retry later. Called every few seconds while it lasts.
    fn waits(&self, _reason: &str) {}
}

/// Reports nothing: for tests and for library use.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: Stage, _total: Option<u64>, _unit: Unit) {}
    fn set_total(&self, _total: u64) {}
    fn advance(&self, _amount: u64) {}
    fn set_position(&self, _position: u64) {}
    fn end(&self, _summary: &str) {}
}
