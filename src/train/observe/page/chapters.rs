//! What a task adds to the page of a run, passed in by the caller: the page itself depends on no task.

use crate::metric::document::Metrics;
use crate::report::page::{Block, Grid};

/// What a task adds about an evaluation, beyond tables of scores.
pub trait Chapters: Sync {
    /// Charts, tables and texts for the evaluation section.
    fn chapters(&self, _metrics: &Metrics) -> Vec<Block> {
        Vec::new()
    }

    /// Tables of the most important of it, for the terminal.
    fn tables(&self, _metrics: &Metrics) -> Vec<Grid> {
        Vec::new()
    }

    /// Over what scores are taken, for the caption of their tables.
    fn caption(&self) -> &'static str {
        "Over all samples"
    }
}

/// Nothing beyond the scores.
impl Chapters for () {}
