//! What the page of a run says of sequences beyond what it says of every classifier: pictures of the surest mistakes and of what
//! training sees, how long sequences are, and what was not seen.

use serde_json::Value;

use super::charts::lengths;
use super::measured::{Lengths, Measured, OfSide};
use super::pictures::MISTAKES;
use super::pictures::seen::SEEN;
use super::{MOST_DRAWN, SEQUENCES};
use crate::report::page::{Block, Cell, Charts, Grid};
use crate::task::classes::chapters::OfClasses;
use crate::train::observe::page::Plot;

/// The key of what `dataset.json` says of lengths and of what was not seen.
pub(super) const MEASURED: &str = "measured";

/// Reads an evaluation of a classifier of sequences.
pub(super) static EVALUATED: OfClasses = OfClasses {
    unit: SEQUENCES,
    mistakes: &[SUREST],
    samples: &[Plot {
        file: SEEN,
        title: "Sequences as training sees them",
        caption: "Sequences of the training side with the random changes of the first epoch. A person who knows the signs should \
                  still recognise each of them; if not, lower task.keypoints.augment. What was not seen is said in words.",
        is_folded: true,
    }],
    drawn: Some(MOST_DRAWN),
    caption: "Over all sequences",
    dataset: Some(measured),
};

const SUREST: Plot = Plot {
    file: MISTAKES,
    title: "The surest mistakes",
    caption: "What the model was most certain of and wrong about: its choice, the true class, and the probability of the choice. Wrong \
              labels show here first, then hands that the detector lost.",
    is_folded: false,
};

/// What `dataset.json` says of lengths and of what was not seen, for each side.
fn measured(dataset: &Value) -> Vec<Block> {
    let measured = dataset.get(MEASURED).and_then(|value| serde_json::from_value::<Measured>(value.clone()).ok());
    let Some(measured) = measured.filter(|measured| !measured.sides.is_empty()) else { return Vec::new() };
    let charts = Charts { title: String::new(), caption: String::new(), charts: vec![lengths(&measured)] };
    let blocks = vec![Block::Text(SAID.into()), Block::Table(grid(&measured)), Block::Charts(charts)];
    vec![Block::Folded("Lengths and what was not seen".into(), blocks)]
}

const SAID: &str = "The sides should be alike: a model that has seen short sequences alone, or a hand in every frame, guesses where this \
                    is not so. Shares are of all frames as the files have them.";

fn grid(measured: &Measured) -> Grid {
    let parts = measured.parts.iter().map(|part| format!("no {}", part.replace('_', " ")));
    let head = ["side", "sequences", "frames", "median", "95 % up to"].map(str::to_owned);
    let row = |of: &OfSide| {
        let Lengths { least, median, p95, most } = of.frames;
        let numbers = [of.sequences.to_string(), format!("{least} to {most}"), median.to_string(), p95.to_string()];
        let shares = of.unseen.iter().map(|share| format!("{:.1} %", 100.0 * share));
        let cells = [of.side.clone()].into_iter().chain(numbers).chain(shares);
        cells.map(Cell::from).collect()
    };
    Grid {
        caption: "Lengths in frames, and the share of frames in which a part was not seen".into(),
        head: head.into_iter().chain(parts).collect(),
        rows: measured.sides.iter().map(row).collect(),
        is_stacked: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_of_another_program_has_no_chapter_and_ours_has_a_row_for_each_side() {
        assert!(measured(&json!({"model": {}})).is_empty() && measured(&json!({MEASURED: 3})).is_empty());
        let side = |name: &str| OfSide {
            side: name.into(),
            sequences: 4,
            frames: Lengths { least: 2, median: 3, p95: 8, most: 9 },
            lengths: vec![[2, 4]],
            unseen: vec![0.25, 0.0],
            never: vec![1, 0],
        };
        let parts = ["left_hand", "pose"].map(str::to_owned).to_vec();
        let all = Measured { parts, range: 1, sides: vec![side("train"), side("val")] };
        let blocks = measured(&json!({MEASURED: all}));
        let [Block::Folded(title, inner)] = &blocks[..] else { panic!("{blocks:?}") };
        let [Block::Text(_), Block::Table(grid), Block::Charts(_)] = &inner[..] else { panic!("{inner:?}") };
        assert_eq!((title.as_str(), grid.head[5].as_str()), ("Lengths and what was not seen", "no left hand"));
        let cells: Vec<&str> = grid.rows[1].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(cells, ["val", "4", "2 to 9", "3", "8", "25.0 %", "0.0 %"]);
    }
}
