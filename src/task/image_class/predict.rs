//! Predicting: the class of every image below a folder, as a table and as JSON. Images are prepared as those of the training.

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::decode::decode;
use super::facts::ModelFacts;
use super::prepare::{FILES, IMAGES, MAX_BYTES};
use super::training::Classifier;
use crate::data::prepare::files::{FilesError, find};
use crate::data::prepare::work::{read_at_most, why_unreadable};
use crate::report::table::Table;
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all, write_atomic};
use crate::util::progress::Stage;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// Predictions that are shown on the screen.
const SHOWN: usize = 20;

/// Classes that are listed for each image.
const CHOICES: usize = 5;

/// Images that can't be predicted.
#[derive(Debug, Error)]
pub enum PredictError {
    /// There are none.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Some can't be read.
    #[error("{bad} of {all} images can't be read; {}", examples.join("; "))]
    Unreadable {
        /// How many.
        bad: usize,
        /// Of how many.
        all: usize,
        /// The first few, with the reasons.
        examples: Vec<String>,
    },
    /// The model could not be run.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// The result can't be encoded.
    #[error("the predictions can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PredictError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Files(error) => error.exit(),
            Self::Unreadable { .. } => Exit::DataRefused,
            Self::Task(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Json(_) => Exit::Bug,
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("predict": PredictError);

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
    /// The most probable classes, with their probabilities.
    pub top: Vec<(String, f32)>,
}

/// What came of predicting.
pub struct Outcome {
    /// All predictions.
    pub predictions: Vec<Prediction>,
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// What could not be read, if anything.
    pub refused: Option<PredictError>,
}

/// Predicts for all images below `input`, and writes `predictions.csv` and `predictions.json` below `output`.
///
/// # Errors
/// If there are no images, the model can't be run, the disk refuses, or a signal comes.
pub fn predict(
    classifier: &Classifier,
    [input, output]: [&Path; 2],
    (at_once, around): (usize, &Surroundings<'_>),
) -> Result<Outcome, PredictError> {
    let facts = classifier.facts();
    let folders = find(input, &FILES)?;
    let files: Vec<(String, PathBuf)> = folders
        .iter()
        .flat_map(|folder| {
            let name =
                |file: &str| if folder.path.is_empty() { file.to_owned() } else { format!("{}/{file}", folder.path) };
            folder.files.iter().map(move |file| (name(&file.name), folder.folder.join(&file.name)))
        })
        .collect();
    around.progress.begin(Stage::Predict, Some(files.len() as u64), IMAGES);
    let (mut predictions, mut refused) = (Vec::new(), Vec::new());
    for files in files.chunks(at_once.max(1)) {
        around.stop.check()?;
        let (mut names, mut levels) = (Vec::new(), Vec::new());
        for (name, path) in files {
            match prepared(path, facts) {
                Ok(image) => {
                    names.push(name.clone());
                    levels.extend(image);
                }
                Err(reason) => refused.push(format!("{name}: {reason}")),
            }
        }
        if !names.is_empty() {
            let probabilities = classifier.probabilities(&levels)?;
            let each = probabilities.chunks_exact(facts.classes.len());
            predictions.extend(names.into_iter().zip(each).map(|(file, all)| prediction(file, all, facts)));
        }
        around.progress.advance(files.len() as u64);
    }
    around.progress.end(&format!("predicted {}", IMAGES.count(predictions.len() as u64)));
    let written = if predictions.is_empty() { Vec::new() } else { write(output, &predictions)? };
    let bad = refused.len();
    let examples: Vec<String> = refused.into_iter().take(3).collect();
    let refused = (bad > 0).then(|| PredictError::Unreadable { bad, all: files.len(), examples });
    Ok(Outcome { predictions, files: written, refused })
}

impl Outcome {
    /// For people: the first predictions, and where all of them are.
    #[must_use]
    pub fn table(&self) -> String {
        if self.predictions.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&["<file", "<class", "probability"]);
        for prediction in self.predictions.iter().take(SHOWN) {
            table.row(vec![
                prediction.file.clone(),
                prediction.class.clone(),
                format!("{:.3}", prediction.probability),
            ]);
        }
        let mut text = table.render();
        let more = self.predictions.len().saturating_sub(SHOWN);
        if more > 0 {
            text += &format!("and {}\n", IMAGES.count(more as u64));
        }
        self.files.iter().for_each(|file| text += &format!("{}\n", file.display()));
        text
    }
}

/// An image as training has it.
fn prepared(path: &Path, facts: &ModelFacts) -> Result<Vec<u8>, String> {
    let unreadable = |error| why_unreadable(&error, path).unwrap_or_else(|| format!("can't be read: {error}"));
    let bytes = read_at_most(path, MAX_BYTES).map_err(unreadable)?;
    Ok(facts.prepared(&decode(&bytes)?))
}

fn prediction(file: String, probabilities: &[f32], facts: &ModelFacts) -> Prediction {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&one, &other| probabilities[other].total_cmp(&probabilities[one]).then(one.cmp(&other)));
    let best = order[0];
    let top = order.iter().take(CHOICES).map(|&class| (facts.classes[class].clone(), probabilities[class])).collect();
    let (class, label) = (facts.classes[best].clone(), facts.labels[best].clone());
    Prediction { file, class, label, probability: probabilities[best], top }
}

fn write(output: &Path, predictions: &[Prediction]) -> Result<Vec<PathBuf>, PredictError> {
    create_dir_all(output)?;
    let mut table = String::from("file,class,probability,top5\n");
    for Prediction { file, class, probability, top, .. } in predictions {
        let top = top.iter().map(|(class, probability)| format!("{class} {probability:.4}"));
        let top = top.collect::<Vec<_>>().join("; ");
        table += &format!("{},{},{probability:.6},{}\n", quoted(file), quoted(class), quoted(&top));
    }
    let mut json = serde_json::to_vec_pretty(predictions)?;
    json.push(b'\n');
    let files = [("predictions.csv", table.into_bytes()), ("predictions.json", json)];
    let write = |(name, bytes): (&str, Vec<u8>)| {
        let path = output.join(name);
        write_atomic(&path, &bytes).map(|()| path)
    };
    Ok(files.into_iter().map(write).collect::<Result<_, _>>()?)
}

/// A field of a table: in quotation marks if it has a comma, quotation marks or a line break.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_a_comma_or_quotes_is_quoted() {
        assert_eq!(["a.png", "a,b.png", "a\"b.png"].map(quoted), ["a.png", "\"a,b.png\"", "\"a\"\"b.png\""]);
    }
}
