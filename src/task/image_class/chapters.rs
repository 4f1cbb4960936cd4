//! What the page of a run says about a classifier beyond its scores: the classes that are confused, and each class by itself.

use super::scores::{SECTION, Section};
use crate::metric::document::Metrics;
use crate::report::page::{Block, Cell, Grid};
use crate::train::observe::page::{Chapters, Plot};

/// Pairs of a table.
const PAIRS: usize = 20;

/// Reads an evaluation of a classifier.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluated;

impl Chapters for Evaluated {
    fn chapters(&self, metrics: &Metrics) -> Vec<Block> {
        let Some(found) = metrics.section::<Section>(SECTION) else { return Vec::new() };
        let tables = [confused(&found), by_class(&found)];
        tables
            .into_iter()
            .flatten()
            .map(|(title, grid)| Block::Folded(title.into(), vec![Block::Table(grid)]))
            .collect()
    }

    fn has_forecasts(&self) -> bool {
        false
    }

    fn pictures(&self) -> &'static [Plot] {
        &[
            Plot {
                file: "confusion_matrix.png",
                title: "Which class was taken for which",
                caption: "Right choices are blue and on the diagonal. A strong red cell is a pair of classes that the model confuses; a \
                          red column is a class that it chooses too often.",
                is_folded: false,
            },
            Plot {
                file: "mistakes.png",
                title: "The surest mistakes",
                caption: "What the model was most certain of and wrong about: what it chose, for what, and how sure it was. A wrong \
                          label in the data shows here first.",
                is_folded: true,
            },
        ]
    }

    fn tables(&self, metrics: &Metrics) -> Vec<Grid> {
        metrics
            .section::<Section>(SECTION)
            .and_then(|found| confused(&found))
            .map(|(_, grid)| grid)
            .into_iter()
            .collect()
    }

    fn caption(&self) -> &'static str {
        "Over all images"
    }
}

/// Which classes were taken for which.
fn confused(found: &Section) -> Option<(&'static str, Grid)> {
    let name = |class: usize| found.labels.get(class).cloned().unwrap_or_else(|| class.to_string());
    let row = |&(truth, predicted, count): &(usize, usize, u64)| {
        let support = found.by_class.get(truth).map_or(0, |class| class.support);
        let share = if support > 0 { format!("{:.0} %", 100.0 * count as f64 / support as f64) } else { String::new() };
        [name(truth), name(predicted), count.to_string(), share].map(Cell::from).to_vec()
    };
    let rows: Vec<Vec<Cell>> = found.most_confused.iter().take(PAIRS).map(row).collect();
    let head = ["true class", "taken for", "images", "of the class"].map(str::to_owned).to_vec();
    (!rows.is_empty()).then(|| {
        ("Most confused classes", Grid { caption: "The most frequent mistakes".into(), head, rows, is_stacked: false })
    })
}

/// The scores of each class, the worst first.
fn by_class(found: &Section) -> Option<(&'static str, Grid)> {
    let mut classes: Vec<_> = found.by_class.iter().zip(&found.labels).collect();
    classes.sort_by(|one, other| one.0.f1.total_cmp(&other.0.f1));
    let row = |(scores, label): (&crate::metric::classes::confusion::ClassScores, &String)| {
        let numbers = [scores.precision, scores.recall, scores.f1].map(|score| format!("{score:.3}"));
        let cells = [label.clone()].into_iter().chain(numbers).chain([scores.support.to_string()]);
        cells.map(Cell::from).collect()
    };
    let rows: Vec<Vec<Cell>> = classes.into_iter().map(row).collect();
    let head = ["class", "precision", "recall", "F1", "images"].map(str::to_owned).to_vec();
    (!rows.is_empty()).then(|| {
        ("Scores of each class", Grid { caption: "The lowest F1 first".into(), head, rows, is_stacked: false })
    })
}
