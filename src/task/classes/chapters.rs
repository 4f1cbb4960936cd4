//! What the page of a run says about a classifier beyond its scores, in the order in which people look: the classes that are
//! confused, the surest mistakes, the whole matrix, each class by itself, and whether probabilities are honest.

use serde_json::Value;

use super::charts::{confidences, reliability, reliability_note, titled};
use super::long_tail;
use super::pictures::{NORMALIZED, SIMILAR};
use super::section::{SECTION, Section};
use super::specs::{ACCURACY, TOP_5};
use crate::metric::classes::confusion::ClassScores;
use crate::metric::document::Metrics;
use crate::report::chart::{Heat, Says, Shade};
use crate::report::page::{Block, Cell, Charts, Grid};
use crate::train::observe::page::{Chapters, Plot};
use crate::util::progress::Unit;

/// Pairs of a table.
const PAIRS: usize = 20;

/// A matrix of more classes is a picture: a page can't be pointed at so precisely.
const MOST_CLASSES: usize = 100;

/// One of more confused pairs would make the page large.
const MOST_CELLS: usize = 1200;

/// Reads an evaluation of a classifier.
#[derive(Clone, Copy, Debug)]
pub struct OfClasses {
    /// What people call its samples.
    pub unit: Unit,
    /// Pictures of mistakes, which come first.
    pub mistakes: &'static [Plot],
    /// Pictures of what training sees.
    pub samples: &'static [Plot],
    /// The most classes of a picture of a matrix; none for all.
    pub drawn: Option<usize>,
    /// What all samples are, for a table: "Over all images".
    pub caption: &'static str,
    /// What is said of the samples by `dataset.json`; none for nothing.
    pub dataset: Option<fn(&Value) -> Vec<Block>>,
}

const WHOLE: Plot = Plot {
    file: NORMALIZED,
    title: "Which class was taken for which",
    caption: "Each row is a true class, each column a choice. A red column is a class that the model chooses too often. Choose the \
              picture to see it alone, at its full size; confusion_matrix.csv beside it has every number.",
    is_folded: true,
};

/// In place of all classes, if these are many.
const SOME: Plot = Plot {
    file: SIMILAR,
    title: "Which of the most confused classes was taken for which",
    caption: "Each row is a true class, each column a choice, of the classes that are confused most. Classes that are confused with each \
              other are neighbours, so that groups of them are blocks along the diagonal; a red column is a class that the model \
              chooses too often. confusion_matrix.csv beside the picture has every class and every number.",
    is_folded: true,
};

/// In place of one that can be pointed at.
const TOO_MANY: Plot = Plot {
    file: SIMILAR,
    title: "Which class was taken for which",
    caption: "Each row is a true class, each column a choice. Classes that are confused are neighbours, so that groups of them are \
              blocks along the diagonal; a red column is a class that the model chooses too often. These are too many cells to be \
              pointed at: choose the picture to see it alone, at its full size with names. confusion_matrix_normalized.png beside \
              it has the usual order of classes, confusion_matrix.csv every number.",
    is_folded: true,
};

const NEIGHBOURS: Plot = Plot {
    file: SIMILAR,
    title: "The same, similar classes beside each other",
    caption: "Classes that are confused are neighbours here, so that groups of them are blocks along the diagonal.",
    is_folded: true,
};

impl Chapters for OfClasses {
    fn chapters(&self, metrics: &Metrics, plot: &dyn Fn(&Plot) -> Option<Block>) -> Vec<Block> {
        let Some(found) = metrics.section::<Section>(SECTION) else { return Vec::new() };
        let mut blocks: Vec<Block> = self.mistakes.iter().filter_map(plot).collect();
        blocks.extend(
            confused(&found, self.unit).map(|grid| folded("The most confused classes as a table", Block::Table(grid))),
        );
        blocks.extend(found.long_tail.iter().flat_map(|tail| long_tail::page::blocks(tail, &found.labels, self.unit)));
        if self.drawn.is_some_and(|most| found.labels.len() > most) {
            blocks.extend(plot(&SOME).or_else(|| plot(&WHOLE)));
        } else {
            blocks.extend(whole(&found, self.unit, plot));
        }
        blocks.push(folded("Scores of each class", Block::Sortable(by_class(&found, self.unit))));
        blocks.push(calibration(&found, self.unit));
        blocks
    }

    fn verdict(&self, metrics: &Metrics) -> Option<String> {
        let value = |name: &str| metrics.metrics.get(name).and_then(|metric| Some((metric.value?, metric.interval)));
        let (accuracy, interval) = value(ACCURACY)?;
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let between = interval
            .map_or_else(String::new, |[low, high]| format!(" (95 % interval {} to {})", percent(low), percent(high)));
        let samples = metrics.dataset.basis.counted();
        let top = value(TOP_5).map_or_else(String::new, |(top, _)| {
            format!(" For {} %, the true class is among the first five choices.", percent(top))
        });
        let section = metrics.section::<Section>(SECTION).and_then(|found| found.long_tail);
        let learned = section.map_or_else(String::new, |found| long_tail::page::sentence(&found, self.unit));
        Some(format!("{} % of {samples} are recognised{between}.{top}{learned}", percent(accuracy)))
    }

    fn scores_come_first(&self) -> bool {
        true
    }

    fn intervals(&self, _group: &str) -> String {
        let all = format!("the share among all such {} is within them", self.unit.many);
        format!("Intervals are Wilson's: with 95 % confidence, {all}.")
    }

    fn has_forecasts(&self) -> bool {
        false
    }

    fn samples(&self) -> &'static [Plot] {
        self.samples
    }

    fn dataset(&self, samples: &dyn Fn() -> Option<Value>) -> Vec<Block> {
        self.dataset.and_then(|said| Some(said(&samples()?))).unwrap_or_default()
    }

    fn tables(&self, metrics: &Metrics) -> Vec<Grid> {
        metrics.section::<Section>(SECTION).and_then(|found| confused(&found, self.unit)).into_iter().collect()
    }

    fn caption(&self) -> &'static str {
        self.caption
    }
}

/// A block that is shown when its heading is chosen.
fn folded(title: &str, block: Block) -> Block {
    Block::Folded(title.into(), vec![block])
}

/// The matrix of all classes, to be pointed at or as a picture.
fn whole(found: &Section, unit: Unit, plot: &dyn Fn(&Plot) -> Option<Block>) -> Vec<Block> {
    let can_be_pointed_at = found.labels.len() <= MOST_CLASSES && found.confused.len() <= MOST_CELLS;
    if can_be_pointed_at {
        let matrix = folded("Which class was taken for which", matrix(found, unit));
        return std::iter::once(matrix).chain(plot(&NEIGHBOURS)).collect();
    }
    // One of the two pictures: they are large.
    plot(&TOO_MANY).or_else(|| plot(&WHOLE)).into_iter().collect()
}

/// Which classes were taken for which; none if every choice was right.
fn confused(found: &Section, unit: Unit) -> Option<Grid> {
    let name = |class: usize| found.labels.get(class).cloned().unwrap_or_else(|| class.to_string());
    let row = |&(truth, predicted, count): &(usize, usize, u64)| {
        let support = found.by_class.get(truth).map_or(0, |class| class.support);
        let share = if support > 0 { format!("{:.0} %", 100.0 * count as f64 / support as f64) } else { String::new() };
        [name(truth), name(predicted), count.to_string(), share].map(Cell::from).to_vec()
    };
    let rows: Vec<Vec<Cell>> = found.confused.iter().take(PAIRS).map(row).collect();
    let head = ["true class", "taken for", unit.many, "of the class"].map(str::to_owned).to_vec();
    (!rows.is_empty()).then(|| Grid { caption: "The most confused classes".into(), head, rows, is_stacked: true })
}

/// The scores of each class, the worst first.
fn by_class(found: &Section, unit: Unit) -> Grid {
    let mut classes: Vec<(&ClassScores, &String)> = found.by_class.iter().zip(&found.labels).collect();
    classes.sort_by(|one, other| one.0.f1.total_cmp(&other.0.f1));
    let row = |(scores, label): (&ClassScores, &String)| {
        let numbers = [scores.precision, scores.recall, scores.f1].map(|score| format!("{score:.3}"));
        let cells = [label.clone()].into_iter().chain(numbers).chain([scores.support.to_string()]);
        cells.map(Cell::from).collect()
    };
    Grid {
        caption: "The lowest F1 first; a heading sorts by its column".into(),
        head: ["class", "precision", "recall", "F1", unit.many].map(str::to_owned).to_vec(),
        rows: classes.into_iter().map(row).collect(),
        is_stacked: false,
    }
}

fn matrix(found: &Section, unit: Unit) -> Block {
    let classes = found.labels.len();
    let mut counts = vec![0; classes * classes];
    for (class, scores) in found.by_class.iter().enumerate().take(classes) {
        counts[class * classes + class] = (scores.recall * scores.support as f64).round() as u64;
    }
    for &(truth, predicted, count) in found.confused.iter().filter(|(one, other, _)| one.max(other) < &classes) {
        counts[truth * classes + predicted] = count;
    }
    let title = format!("{} by true class and choice", titled(unit));
    let heat = Heat {
        title,
        note: String::new(),
        names: found.labels.clone(),
        counts,
        says: Says::Counts,
        shade: Shade::Share,
    };
    Block::Matrix(
        heat,
        "Rows are true classes, columns what the model chose. Blue is right; red is wrong, the stronger the larger its share of the \
         row. Point at a cell for its numbers. A red column is a class that the model chooses too often."
            .into(),
    )
}

fn calibration(found: &Section, unit: Unit) -> Block {
    let temperature = found.temperature;
    let said = match (temperature * 100.0).round() / 100.0 {
        1.0 => String::new(),
        rounded if rounded > 1.0 => format!(
            " The temperature {rounded}, fitted on the validation side, makes them more cautious; it changes no choice."
        ),
        rounded => format!(
            " The temperature {rounded}, fitted on the validation side, makes them more confident; it changes no choice."
        ),
    };
    Block::Charts(Charts {
        title: "Are the probabilities honest?".into(),
        caption: format!(
            "The points should be on the diagonal: of choices with a probability of 0.8, 80 % should be right. Below it the model \
             is too sure of itself. {}{said}",
            reliability_note(&found.reliability, unit)
        ),
        charts: vec![
            reliability(&found.reliability, &found.reliability_raw, temperature),
            confidences(&found.reliability, unit),
        ],
    })
}
