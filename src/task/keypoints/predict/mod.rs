//! Predicting: the class of every sequence below a folder, or in one file. Sequences become streams as those of the training, by
//! what the weights say.

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::SEQUENCES;
use super::assemble::assemble;
use super::prepare::FILES;
use super::read::{self, Hints, ReadError};
use super::training::Classifier;
use crate::data::prepare::files::{FilesError, find};
use crate::task::classes::predictions::{self, Prediction, TOP, Unreadable, csv, text};
use crate::task::classes::scored::Scored;
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::progress::{Stage, Unit};
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// Those that are not shown.
const MORE: Unit = Unit { one: "more sequence", many: "more sequences" };

/// The version of the document.
const VERSION: u64 = 1;

/// Sequences that can't be predicted.
#[derive(Debug, Error)]
pub enum PredictError {
    /// There are none.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// None can be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Some can't be read.
    #[error("{bad} of {all} sequences can't be read; {}", examples.join("; "))]
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
            Self::Read(error) => error.exit(),
            Self::Unreadable { .. } => Exit::DataRefused,
            Self::Task(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Json(_) => Exit::Bug,
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("predict": PredictError);

/// What predicts, and how.
pub struct Predicting<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// What the configuration says of files that do not say it themselves.
    pub hints: Hints,
    /// The model, for people.
    pub model: &'a str,
    /// Sequences that go through it at once.
    pub at_once: usize,
    /// Classes that are listed for each sequence.
    pub top: Option<usize>,
}

/// All that is known after predicting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// The version of this document.
    pub format_version: u64,
    /// The weights.
    pub model: String,
    /// What the model says, in the order of the files.
    pub predictions: Vec<Prediction>,
    /// What can't be read.
    pub unreadable: Vec<Unreadable>,
    /// How good it is, if classes are known.
    pub scores: Option<Scored>,
    #[serde(skip)]
    top: usize,
}

/// What came of predicting.
pub struct Outcome {
    /// All predictions, with what was found beside them.
    pub document: Document,
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// What could not be read, if anything.
    pub refused: Option<PredictError>,
}

impl Outcome {
    /// For people: the first predictions, the scores, and where all of it is.
    #[must_use]
    pub fn text(&self) -> String {
        let Document { predictions, scores, top, .. } = &self.document;
        text(predictions, scores.as_ref(), (*top, MORE), &self.files)
    }
}

/// A sequence that the model can be asked about.
struct Asked {
    name: String,
    class: Option<String>,
    frames: usize,
    values: Vec<f32>,
}

impl Predicting<'_> {
    /// Predicts for all sequences of `input`, and writes `predictions.csv` and `predictions.json` below `output`.
    ///
    /// # Errors
    /// If there are no sequences, the model can't be run, the disk refuses, or a signal comes.
    pub fn run(&self, input: &Path, output: &Path, around: &Surroundings<'_>) -> Result<Outcome, PredictError> {
        let facts = self.classifier.facts();
        let (asked, unreadable) = self.asked(input, around)?;
        around.progress.begin(Stage::Predict, Some(asked.len() as u64), SEQUENCES);
        let top = self.top.unwrap_or(TOP).min(facts.classes.len());
        let mut predictions = Vec::with_capacity(asked.len());
        for asked in asked.chunks(self.at_once.max(1)) {
            around.stop.check()?;
            let sequences: Vec<(usize, &[f32])> = asked.iter().map(|asked| (asked.frames, &asked.values[..])).collect();
            let probabilities = self.classifier.probabilities(&sequences)?;
            for (asked, all) in asked.iter().zip(probabilities.chunks_exact(facts.classes.len())) {
                let truth =
                    asked.class.as_ref().and_then(|class| facts.classes.iter().position(|known| known == class));
                predictions.push(Prediction::of(asked.name.clone(), all, top, truth, facts.names()));
            }
            around.progress.advance(asked.len() as u64);
        }
        around.progress.end(&format!("predicted {}", SEQUENCES.count(predictions.len() as u64)));
        let scores = Scored::of(&predictions, facts.names(), SEQUENCES);
        let model = self.model.to_owned();
        let document = Document { format_version: VERSION, model, predictions, unreadable, scores, top };
        let files = if document.predictions.is_empty() { Vec::new() } else { write(output, &document)? };
        Ok(Outcome { refused: refused(&document), document, files })
    }

    /// The sequences of a file or folder, and what can't be read.
    fn asked(&self, input: &Path, around: &Surroundings<'_>) -> Result<(Vec<Asked>, Vec<Unreadable>), PredictError> {
        let mut found = Found { predicting: self, asked: Vec::new(), unreadable: Vec::new() };
        if input.is_file() {
            for clip in read::read_file(input, &self.hints)? {
                found.add(clip.name.clone(), Ok(clip));
            }
            return Ok((found.asked, found.unreadable));
        }
        if let Ok(dataset) = read::Dataset::open(input, &self.hints) {
            let aside = dataset.set_aside.iter();
            found.unreadable =
                aside.map(|aside| Unreadable { file: aside.place.clone(), reason: aside.reason.clone() }).collect();
            for (number, entry) in dataset.entries.iter().enumerate() {
                around.stop.check()?;
                found.add(entry.name.clone(), dataset.clip(number).map_err(|aside| aside.reason));
            }
            return Ok((found.asked, found.unreadable));
        }
        // Files that are no dataset are asked about one by one.
        for folder in find(input, &FILES)? {
            for file in &folder.files {
                around.stop.check()?;
                let name =
                    if folder.path.is_empty() { file.name.clone() } else { format!("{}/{}", folder.path, file.name) };
                match read::read_file(&folder.folder.join(&file.name), &self.hints) {
                    Ok(clips) => clips.into_iter().for_each(|clip| found.add(name.clone(), Ok(clip))),
                    Err(error) => found.add(name, Err(error.to_string())),
                }
            }
        }
        Ok((found.asked, found.unreadable))
    }
}

struct Found<'a> {
    predicting: &'a Predicting<'a>,
    asked: Vec<Asked>,
    unreadable: Vec<Unreadable>,
}

impl Found<'_> {
    fn add(&mut self, name: String, clip: Result<super::clip::Clip, String>) {
        let recipe = &self.predicting.classifier.facts().recipe;
        let assembled = clip.and_then(|clip| Ok((assemble(&clip, recipe)?, clip.class)));
        match assembled {
            Ok((assembled, class)) => {
                self.asked.push(Asked { name, class, frames: assembled.frames, values: assembled.values });
            }
            Err(reason) => self.unreadable.push(Unreadable { file: name, reason }),
        }
    }
}

/// Writes the files and names them.
fn write(output: &Path, document: &Document) -> Result<Vec<PathBuf>, PredictError> {
    let mut json = serde_json::to_vec_pretty(document)?;
    json.push(b'\n');
    let table = csv(&document.predictions, document.top, document.scores.is_some());
    Ok(predictions::write(output, &table, &json)?)
}

fn refused(document: &Document) -> Option<PredictError> {
    let bad = document.unreadable.len();
    let example = |unreadable: &Unreadable| format!("{}: {}", unreadable.file, unreadable.reason);
    let examples = document.unreadable.iter().take(3).map(example).collect();
    (bad > 0).then(|| PredictError::Unreadable { bad, all: document.predictions.len() + bad, examples })
}
