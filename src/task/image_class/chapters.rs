//! What the page of a run says about a classifier beyond its scores, in the order in which people look: the classes that are
//! confused, the surest mistakes, the whole matrix, each class by itself, and whether probabilities are honest.

use super::charts::{confidences, reliability, reliability_note};
use super::pictures::{CONFUSED, MISTAKES, NORMALIZED, SIMILAR};
use super::samples_seen::{AUGMENTED, BALANCE};
use super::section::{SECTION, Section};
use super::specs::{ACCURACY, TOP_5};
use crate::metric::classes::confusion::ClassScores;
use crate::metric::document::Metrics;
use crate::report::chart::{Heat, Says, Shade};
use crate::report::page::{Block, Cell, Charts, Grid};
use crate::train::observe::page::{Chapters, Plot};

/// Pairs of a table.
const PAIRS: usize = 20;

/// A matrix of more classes is a picture: a page can't be pointed at so precisely.
const MOST_CLASSES: usize = 100;

/// One of more confused pairs would make the page large.
const MOST_CELLS: usize = 1200;

/// Reads an evaluation of a classifier.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluated;

const WORST: Plot = Plot {
    file: CONFUSED,
    title: "The most confused classes, with images",
    caption: "The pairs of classes that are confused most often, with the images that the model was surest of. Classes that a person \
              could not tell apart either, such as o and 0, limit every model; a pair that looks different needs more examples, or \
              has wrong labels.",
    is_folded: false,
};

const SUREST: Plot = Plot {
    file: MISTAKES,
    title: "The surest mistakes",
    caption: "What the model was most certain of and wrong about: its choice, the true class, and the probability of the choice. Wrong \
              labels in the data show here first.",
    is_folded: false,
};

const WHOLE: Plot = Plot {
    file: NORMALIZED,
    title: "Which class was taken for which",
    caption: "Each row is a true class, each column a choice. A red column is a class that the model chooses too often. Choose the \
              picture to see it alone, at its full size; confusion_matrix.csv beside it has every number.",
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

impl Chapters for Evaluated {
    fn chapters(&self, metrics: &Metrics, plot: &dyn Fn(&Plot) -> Option<Block>) -> Vec<Block> {
        let Some(found) = metrics.section::<Section>(SECTION) else { return Vec::new() };
        let folded = |title: &str, block: Block| Block::Folded(title.into(), vec![block]);
        let mut blocks: Vec<Block> = [&WORST, &SUREST].into_iter().filter_map(plot).collect();
        blocks.extend(confused(&found).map(|grid| folded("The most confused classes as a table", Block::Table(grid))));
        match found.labels.len() <= MOST_CLASSES && found.confused.len() <= MOST_CELLS {
            true => {
                blocks.push(folded("Which class was taken for which", matrix(&found)));
                blocks.extend(plot(&NEIGHBOURS));
            }
            // One of the two pictures: they are large.
            false => blocks.extend(plot(&TOO_MANY).or_else(|| plot(&WHOLE))),
        }
        blocks.push(folded("Scores of each class", Block::Sortable(by_class(&found))));
        blocks.push(calibration(&found));
        blocks
    }

    fn verdict(&self, metrics: &Metrics) -> Option<String> {
        let value = |name: &str| metrics.metrics.get(name).and_then(|metric| Some((metric.value?, metric.interval)));
        let (accuracy, interval) = value(ACCURACY)?;
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let between = interval
            .map_or_else(String::new, |[low, high]| format!(" (95 % interval {} to {})", percent(low), percent(high)));
        let images = metrics.dataset.basis.counted();
        let top = value(TOP_5).map_or_else(String::new, |(top, _)| {
            format!(" For {} %, the true class is among the first five choices.", percent(top))
        });
        Some(format!("{} % of {images} are recognised{between}.{top}", percent(accuracy)))
    }

    fn scores_come_first(&self) -> bool {
        true
    }

    fn intervals(&self, _group: &str) -> String {
        "Intervals are Wilson's: with 95 % confidence, the share among all such images is within them.".into()
    }

    fn has_forecasts(&self) -> bool {
        false
    }

    fn samples(&self) -> &'static [Plot] {
        &[
            Plot {
                file: AUGMENTED,
                title: "Images as training sees them",
                caption: "Images of the training side with the random changes of the first epoch. A person should still recognise each \
                          of them; if not, lower task.image_class.augment.",
                is_folded: false,
            },
            Plot {
                file: BALANCE,
                title: "Images of each class",
                caption: "The more even, the better. A model sees little of a class with few images, and recognises it rarely.",
                is_folded: true,
            },
        ]
    }

    fn tables(&self, metrics: &Metrics) -> Vec<Grid> {
        metrics.section::<Section>(SECTION).and_then(|found| confused(&found)).into_iter().collect()
    }

    fn caption(&self) -> &'static str {
        "Over all images"
    }
}

/// Which classes were taken for which; none if every choice was right.
fn confused(found: &Section) -> Option<Grid> {
    let name = |class: usize| found.labels.get(class).cloned().unwrap_or_else(|| class.to_string());
    let row = |&(truth, predicted, count): &(usize, usize, u64)| {
        let support = found.by_class.get(truth).map_or(0, |class| class.support);
        let share = if support > 0 { format!("{:.0} %", 100.0 * count as f64 / support as f64) } else { String::new() };
        [name(truth), name(predicted), count.to_string(), share].map(Cell::from).to_vec()
    };
    let rows: Vec<Vec<Cell>> = found.confused.iter().take(PAIRS).map(row).collect();
    let head = ["true class", "taken for", "images", "of the class"].map(str::to_owned).to_vec();
    (!rows.is_empty()).then(|| Grid { caption: "The most confused classes".into(), head, rows, is_stacked: true })
}

/// The scores of each class, the worst first.
fn by_class(found: &Section) -> Grid {
    let mut classes: Vec<(&ClassScores, &String)> = found.by_class.iter().zip(&found.labels).collect();
    classes.sort_by(|one, other| one.0.f1.total_cmp(&other.0.f1));
    let row = |(scores, label): (&ClassScores, &String)| {
        let numbers = [scores.precision, scores.recall, scores.f1].map(|score| format!("{score:.3}"));
        let cells = [label.clone()].into_iter().chain(numbers).chain([scores.support.to_string()]);
        cells.map(Cell::from).collect()
    };
    Grid {
        caption: "The lowest F1 first; a heading sorts by its column".into(),
        head: ["class", "precision", "recall", "F1", "images"].map(str::to_owned).to_vec(),
        rows: classes.into_iter().map(row).collect(),
        is_stacked: false,
    }
}

fn matrix(found: &Section) -> Block {
    let classes = found.labels.len();
    let mut counts = vec![0; classes * classes];
    for (class, scores) in found.by_class.iter().enumerate().take(classes) {
        counts[class * classes + class] = (scores.recall * scores.support as f64).round() as u64;
    }
    for &(truth, predicted, count) in found.confused.iter().filter(|(one, other, _)| one.max(other) < &classes) {
        counts[truth * classes + predicted] = count;
    }
    let title = "Images by true class and choice".to_owned();
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

fn calibration(found: &Section) -> Block {
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
            reliability_note(&found.reliability)
        ),
        charts: vec![
            reliability(&found.reliability, &found.reliability_raw, temperature),
            confidences(&found.reliability),
        ],
    })
}
