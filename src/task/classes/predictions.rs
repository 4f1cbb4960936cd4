//! What a model says about samples: the most probable classes of each, as a table for other programs and as text on the screen.
//! Not the document that a task writes of them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::scored::Scored;
use super::tables::field;
use crate::report::table::Table;
use crate::util::fs::{FsError, create_dir_all, write_atomic};
use crate::util::progress::Unit;

/// Classes that are listed for each sample, if nobody asks for another number.
pub const TOP: usize = 5;

/// Predictions that are shown on the screen.
const SHOWN: usize = 20;

/// The classes of a model, in the order of its outputs.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Their folders, which identify them.
    pub classes: &'a [String],
    /// What people call them.
    pub labels: &'a [String],
}

/// What the model says about a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Its file below the input.
    pub file: String,
    /// The class with the highest probability.
    pub class: String,
    /// What people call it.
    pub label: String,
    /// That probability.
    pub probability: f32,
    /// The class that its folder names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
    /// The most probable classes.
    pub top: Vec<Choice>,
    /// The number of the class with the highest probability.
    #[serde(skip)]
    pub best: usize,
    /// The number of the true class.
    #[serde(skip)]
    pub number: Option<usize>,
}

/// A class with its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The class.
    pub class: String,
    /// What people call it.
    pub label: String,
    /// Its probability.
    pub probability: f32,
}

/// A file that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its name below the input.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// A class with its probability.
#[must_use]
pub fn choice(names: Names<'_>, class: usize, probability: f32) -> Choice {
    Choice { class: names.classes[class].clone(), label: names.labels[class].clone(), probability }
}

impl Prediction {
    /// The most probable classes, the first of them, and the true one if it is known.
    #[must_use]
    pub fn new(file: String, top: Vec<Choice>, (best, number): (usize, Option<usize>), names: Names<'_>) -> Self {
        let truth = number.map(|class| names.classes[class].clone());
        let probability = top.first().map_or(0.0, |choice| choice.probability);
        let (class, label) = (names.classes[best].clone(), names.labels[best].clone());
        Self { file, class, label, probability, truth, top, best, number }
    }
}

impl Prediction {
    /// What the model says about a sample: the classes of highest probability, of equal ones the first.
    #[must_use]
    pub fn of(file: String, probabilities: &[f32], most: usize, truth: Option<usize>, names: Names<'_>) -> Self {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&one, &other| probabilities[other].total_cmp(&probabilities[one]).then(one.cmp(&other)));
        order.truncate(most);
        let top = order.iter().map(|&class| choice(names, class, probabilities[class])).collect();
        Self::new(file, top, (order[0], truth), names)
    }
}

/// Predictions as a table for other programs: so many classes each, and the true one if some are known.
#[must_use]
pub fn csv(predictions: &[Prediction], top: usize, is_scored: bool) -> String {
    csv_with(predictions, &[], top, is_scored)
}

/// The same with further columns behind the file: the name of each, and a text for each prediction.
#[must_use]
pub fn csv_with(predictions: &[Prediction], beside: &[(&str, Vec<String>)], top: usize, is_scored: bool) -> String {
    let mut table = String::from("file");
    beside.iter().for_each(|(name, _)| table += &format!(",{name}"));
    table += ",class,label,probability";
    (2..=top).for_each(|place| table += &format!(",class_{place},probability_{place}"));
    table += if is_scored { ",truth\n" } else { "\n" };
    for (row, Prediction { file, class, label, probability, top, truth, .. }) in predictions.iter().enumerate() {
        let mut fields = vec![field(file)];
        fields.extend(beside.iter().map(|(_, texts)| texts.get(row).map_or_else(String::new, |text| field(text))));
        fields.extend([field(class), field(label), format!("{probability:.6}")]);
        for choice in top.iter().skip(1) {
            fields.extend([field(&choice.class), format!("{:.6}", choice.probability)]);
        }
        if is_scored {
            fields.push(field(truth.as_deref().unwrap_or_default()));
        }
        table += &(fields.join(",") + "\n");
    }
    table
}

/// For people: the first predictions, the scores, and where all of it is. `more` is what people call those that are not shown.
#[must_use]
pub fn text(
    predictions: &[Prediction],
    scores: Option<&Scored>,
    (top, more): (usize, Unit),
    files: &[PathBuf],
) -> String {
    if predictions.is_empty() {
        return String::new();
    }
    let scores = scores.map_or_else(String::new, |scores| scores.text(top) + "\n");
    let files = files.iter().map(|file| format!("{}\n", file.display()));
    table(predictions, more) + &scores + &files.collect::<String>()
}

fn table(predictions: &[Prediction], more: Unit) -> String {
    let shown = || predictions.iter().take(SHOWN);
    // Labels that are the classes would be an empty column.
    let has_labels = shown().any(|prediction| prediction.label != prediction.class);
    let mut table = match has_labels {
        true => Table::new(&["<file", "<class", "<label", "probability %", "<then %"]),
        false => Table::new(&["<file", "<class", "probability %", "<then %"]),
    };
    for Prediction { file, class, label, probability, top, .. } in shown() {
        let then =
            top.get(1).map_or_else(String::new, |next| format!("{} {}", next.label, percent(next.probability.into())));
        let label = has_labels.then(|| if label == class { String::new() } else { label.clone() });
        let cells = [file.clone(), class.clone()].into_iter().chain(label);
        table.row(cells.chain([percent((*probability).into()), then]).collect());
    }
    let hidden = predictions.len().saturating_sub(SHOWN);
    let more = if hidden > 0 { format!("and {}\n", more.count(hidden as u64)) } else { String::new() };
    table.render() + &more
}

/// Writes `predictions.csv` and `predictions.json` and names them.
///
/// # Errors
/// If the disk refuses.
pub fn write(output: &Path, csv: &str, json: &[u8]) -> Result<Vec<PathBuf>, FsError> {
    create_dir_all(output)?;
    let write = |(name, bytes): (&str, &[u8])| {
        let path = output.join(name);
        write_atomic(&path, bytes).map(|()| path)
    };
    [("predictions.csv", csv.as_bytes()), ("predictions.json", json)].into_iter().map(write).collect()
}

/// A share in percent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_if_it_must_be_and_never_a_formula() {
        let classes = ["+plus", "a, b"].map(str::to_owned);
        let labels = ["+", "a, b"].map(str::to_owned);
        let names = Names { classes: &classes, labels: &labels };
        let files = [("=SUM(A1)/\"0\".png", [0.75, 0.25]), ("a, b/1.png", [0.25, 0.75])];
        let predictions =
            files.map(|(file, probabilities)| Prediction::of(file.into(), &probabilities, 2, None, names));
        let table = csv(&predictions, 2, false);
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "\"'=SUM(A1)/\"\"0\"\".png\",'+plus,'+,0.750000,\"a, b\",0.250000",
                "\"a, b/1.png\",\"a, b\",\"a, b\",0.750000,'+plus,0.250000"
            ]
        );
    }

    #[test]
    fn of_equal_probabilities_the_first_class_is_the_choice() {
        let classes = ["a", "b", "c"].map(str::to_owned);
        let names = Names { classes: &classes, labels: &classes };
        let prediction = Prediction::of("x".into(), &[0.2, 0.4, 0.4], 2, Some(2), names);
        assert_eq!((prediction.class.as_str(), prediction.best, prediction.top.len()), ("b", 1, 2));
        assert_eq!((prediction.top[1].class.as_str(), prediction.truth.as_deref()), ("c", Some("c")));
    }
}
