//! The predictions as a document, as a table for other programs, and as text on the screen.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::scored::Scored;
use super::{Outcome, PredictError, Predicting, TOP};
use crate::report::table::Table;
use crate::task::image_class::facts::ModelFacts;
use crate::task::image_class::tables::field;
use crate::util::fs::{create_dir_all, write_atomic};
use crate::util::progress::Unit;

/// Predictions that are shown on the screen.
const SHOWN: usize = 20;

/// Those that are not.
const MORE: Unit = Unit { one: "more image", many: "more images" };

/// The version of the document.
const VERSION: u64 = 1;

/// All that is known after predicting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// The version of this document.
    pub format_version: u64,
    /// The weights.
    pub model: String,
    /// Copies of an image that were averaged.
    pub tta: usize,
    /// What the model says, in the order of folders and names.
    pub predictions: Vec<Prediction>,
    /// Files that are no images.
    pub unreadable: Vec<Unreadable>,
    /// How good it is, if folders name classes.
    pub scores: Option<Scored>,
    #[serde(skip)]
    top: usize,
}

/// What the model says about an image.
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

pub(super) fn choice(facts: &ModelFacts, class: usize, probability: f32) -> Choice {
    Choice { class: facts.classes[class].clone(), label: facts.labels[class].clone(), probability }
}

impl Prediction {
    pub(super) fn new(
        file: String,
        top: Vec<Choice>,
        (best, number): (usize, Option<usize>),
        facts: &ModelFacts,
    ) -> Self {
        let truth = number.map(|class| facts.classes[class].clone());
        let probability = top.first().map_or(0.0, |choice| choice.probability);
        let (class, label) = (facts.classes[best].clone(), facts.labels[best].clone());
        Self { file, class, label, probability, truth, top, best, number }
    }
}

impl Document {
    pub(super) fn new(how: &Predicting<'_>, predictions: Vec<Prediction>, unreadable: Vec<Unreadable>) -> Self {
        let scores = Scored::of(&predictions, how.classifier.facts());
        let top = how.top.unwrap_or(TOP).min(how.classifier.facts().classes.len());
        Self {
            format_version: VERSION,
            model: how.model.to_owned(),
            tta: how.tta.unwrap_or(1),
            predictions,
            unreadable,
            scores,
            top,
        }
    }

    fn csv(&self) -> String {
        let mut table = String::from("file,class,label,probability");
        (2..=self.top).for_each(|place| table += &format!(",class_{place},probability_{place}"));
        table += if self.scores.is_some() { ",truth\n" } else { "\n" };
        for Prediction { file, class, label, probability, top, truth, .. } in &self.predictions {
            let mut fields = vec![field(file), field(class), field(label), format!("{probability:.6}")];
            for choice in top.iter().skip(1) {
                fields.extend([field(&choice.class), format!("{:.6}", choice.probability)]);
            }
            if self.scores.is_some() {
                fields.push(field(truth.as_deref().unwrap_or_default()));
            }
            table += &(fields.join(",") + "\n");
        }
        table
    }

    fn table(&self) -> String {
        let mut table = Table::new(&["<file", "<class", "<label", "probability %", "<then %"]);
        for Prediction { file, class, label, probability, top, .. } in self.predictions.iter().take(SHOWN) {
            let then = top
                .get(1)
                .map_or_else(String::new, |next| format!("{} {}", next.label, percent(next.probability.into())));
            let label = if label == class { String::new() } else { label.clone() };
            table.row(vec![file.clone(), class.clone(), label, percent((*probability).into()), then]);
        }
        let more = self.predictions.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!("and {}\n", MORE.count(more as u64)) } else { String::new() };
        table.render() + &more
    }
}

impl Outcome {
    /// For people: the first predictions, the scores, and where all of it is.
    #[must_use]
    pub fn text(&self) -> String {
        if self.document.predictions.is_empty() {
            return String::new();
        }
        let scores =
            self.document.scores.as_ref().map_or_else(String::new, |scores| scores.text(self.document.top) + "\n");
        let files = self.files.iter().map(|file| format!("{}\n", file.display()));
        self.document.table() + &scores + &files.collect::<String>()
    }
}

/// Writes the files and names them.
pub(super) fn write(output: &Path, document: &Document) -> Result<Vec<PathBuf>, PredictError> {
    create_dir_all(output)?;
    let mut json = serde_json::to_vec_pretty(document)?;
    json.push(b'\n');
    let files = [("predictions.csv", document.csv().into_bytes()), ("predictions.json", json)];
    let write = |(name, bytes): (&str, Vec<u8>)| {
        let path = output.join(name);
        write_atomic(&path, &bytes).map(|()| path)
    };
    Ok(files.into_iter().map(write).collect::<Result<_, _>>()?)
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_if_it_must_be_and_never_a_formula() {
        let facts = serde_json::json!({
            "classes": ["+plus", "a, b"], "labels": ["+", "a, b"], "size": [8, 8], "fit": "stretch", "inverted": false,
            "transposed": false
        });
        let facts = ModelFacts::read(&facts).unwrap();
        let predictions = ["=SUM(A1)/\"0\".png", "a, b/1.png"].into_iter().enumerate().map(|(class, file)| {
            let top = vec![choice(&facts, class, 0.75), choice(&facts, 1 - class, 0.25)];
            Prediction::new(file.into(), top, (class, None), &facts)
        });
        let (predictions, model) = (predictions.collect(), String::new());
        let document =
            Document { format_version: 1, model, tta: 1, predictions, unreadable: vec![], scores: None, top: 2 };
        let table = document.csv();
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "\"'=SUM(A1)/\"\"0\"\".png\",'+plus,'+,0.750000,\"a, b\",0.250000",
                "\"a, b/1.png\",\"a, b\",\"a, b\",0.750000,'+plus,0.250000"
            ]
        );
    }
}
