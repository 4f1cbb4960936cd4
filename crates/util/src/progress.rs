//! What long work tells about itself. The work calls these; only the command line decides what a person sees.

/// What is being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown as KB, MB, GB.
    Bytes,
    /// Files.
    Files,
    /// Frames: one time of one event.
    Frames,
    /// Windows: consecutive frames of an event.
    Windows,
}

/// Receives the progress of one stage after the other. Calls may come from several threads.
pub trait Progress: Send + Sync {
    /// A stage begins: "download", "unpack", "prepare". The total may become known later.
    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit);
    /// The total became known, or changed.
    fn set_total(&self, total: u64);
    /// So much more is done.
    fn advance(&self, amount: u64);
    /// What was counted counts anew from here: a resumed download starts at its offset, a restarted one at 0.
    fn set_position(&self, position: u64);
    /// The stage is done; one line that sums it up.
    fn end(&self, summary: &str);
    /// Nothing moves, for a reason that is known: a server that asks for patience. Called every few seconds while it lasts.
    fn waits(&self, _reason: &str) {}
}

/// Tells nobody: for tests and for library use.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: Option<u64>, _unit: Unit) {}
    fn set_total(&self, _total: u64) {}
    fn advance(&self, _amount: u64) {}
    fn set_position(&self, _position: u64) {}
    fn end(&self, _summary: &str) {}
}
