//! What a task adds to the page of a run, passed in by the caller: the page itself depends on no task.

use crate::metric::document::Metrics;
use crate::report::page::{Block, Grid};

/// A score of one run over something.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The score.
    pub title: String,
    /// What it is over.
    pub across: String,
    /// Across and up.
    pub points: Vec<[f64; 2]>,
}

/// A picture among those of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plot {
    /// Its file.
    pub file: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What to look for, and what would be bad.
    pub caption: &'static str,
    /// Whether it is shown only if its title is chosen.
    pub is_folded: bool,
}

/// What a task adds about an evaluation, beyond tables of scores.
pub trait Chapters: Sync {
    /// Charts, tables and texts for the evaluation section.
    fn chapters(&self, _metrics: &Metrics) -> Vec<Block> {
        Vec::new()
    }

    /// Whether training draws forecasts, so that the page has a place for them.
    fn has_forecasts(&self) -> bool {
        true
    }

    /// The pictures of an evaluation that the page shows because it can't draw them itself.
    fn pictures(&self) -> &'static [Plot] {
        &[]
    }

    /// Scores of the model over something other than epochs, to be compared with those of other runs.
    fn curves(&self, _metrics: &Metrics) -> Vec<Curve> {
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
