//! What a task adds to the page of a run, passed in by the caller: the page itself depends on no task.

use serde_json::Value;

use crate::metric::document::Metrics;
use crate::metric::score::ScoreSpec;
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

/// A score part by part of what was evaluated, such as lead times: of the model, and of the forecasts that it is compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// What a part is called.
    pub word: &'static str,
    /// The parts, in order.
    pub labels: Vec<String>,
    /// The score of the model in each.
    pub model: Vec<Option<f64>>,
    /// The same of each other forecast, by name.
    pub baselines: Vec<(String, Vec<Option<f64>>)>,
}

/// What a task adds about an evaluation, beyond tables of scores.
pub trait Chapters: Sync {
    /// Charts, tables and texts for the evaluation section. `plot` finds a picture of the evaluation; what is not there becomes
    /// nothing.
    fn chapters(&self, _metrics: &Metrics, _plot: &dyn Fn(&Plot) -> Option<Block>) -> Vec<Block> {
        Vec::new()
    }

    /// What the page says first, before the result: how the model stands against the forecast that is hardest to beat.
    fn opening(&self, _metrics: &Metrics) -> Option<String> {
        None
    }

    /// The result in a sentence; none for one that is made of the scores and their baselines.
    fn verdict(&self, _metrics: &Metrics) -> Option<String> {
        None
    }

    /// Whether people look for scores before they look at curves.
    fn scores_come_first(&self) -> bool {
        false
    }

    /// Where the intervals of scores come from, in a sentence. `group` is what is drawn again and again.
    fn intervals(&self, group: &str) -> String {
        format!("Intervals of 95 % come from resampling these {group}s.")
    }

    /// Pictures of what is trained on, among the plots of the run.
    fn samples(&self) -> &'static [Plot] {
        &[]
    }

    /// What is known of the samples that are trained on. `samples` reads what the task keeps of them in `dataset.json`, which may be
    /// long.
    fn dataset(&self, _samples: &dyn Fn() -> Option<Value>) -> Vec<Block> {
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

    /// A score part by part, so that the headline can say where the model is better and where not.
    fn parts(&self, _metrics: &Metrics, _score: &ScoreSpec) -> Option<Parts> {
        None
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
