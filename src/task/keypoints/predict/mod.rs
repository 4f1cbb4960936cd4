//! Predicting: the class of every sequence below a folder, or in one file, or of windows over long ones. Sequences become streams
//! as those of the training, by what the weights say.
//!
//! ```text
//! input   sequences one after another      window  windows over a recording, and its timeline
//! output  the document, the table, embeddings and the text on the screen
//! ```

mod input;
mod output;
mod window;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::warn;

use self::input::each;
use self::output::{Document, Embeddings, Predictions, write};
use self::window::Span;
pub use self::window::Windows;
use super::SEQUENCES;
use super::assemble::{assemble, lacking};
use super::clip::Clip;
use super::read::{Hints, ReadError};
use super::recipe::Recipe;
use super::training::{Classifier, Outputs};
use crate::data::prepare::files::FilesError;
use crate::task::classes::predictions::{Prediction, TOP, Unreadable};
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// Sequences that can't be predicted.
#[derive(Debug, Error)]
pub enum PredictError {
    /// There are none.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is a video.
    #[error(
        "{} is a video, expected keypoints; find them first, such as with MediaPipe Holistic, and give its JSON, npz or npy file",
        path.display()
    )]
    Video {
        /// The file.
        path: PathBuf,
    },
    /// None of the files of a folder that is no dataset can be read.
    #[error("none of {} can be read: {}; as a dataset, {no_dataset}", units::count(*all as u64, "file"), examples.join("; "))]
    NoneReadable {
        /// How many there are.
        all: usize,
        /// The first few, with the reasons.
        examples: Vec<String>,
        /// Why it is no dataset.
        no_dataset: ReadError,
    },
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
            Self::Unreadable { .. } | Self::Video { .. } | Self::NoneReadable { .. } => Exit::DataRefused,
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
    /// Windows over each sequence; none for whole sequences.
    pub windows: Option<Windows>,
    /// Whether what describes each sequence is written too.
    pub embeddings: bool,
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

/// A sequence that the model is asked about.
struct Asked {
    name: String,
    class: Option<String>,
    frames: usize,
    values: Vec<f32>,
    span: Option<Span>,
}

impl Predicting<'_> {
    /// Predicts for all sequences of `input`, and writes `predictions.csv` and `predictions.json` below `output`; with them
    /// `embeddings.npz`, if it is asked for.
    ///
    /// # Errors
    /// If there are no sequences, the model can't be run, the disk refuses, or a signal comes.
    pub fn run(&self, input: &Path, output: &Path, around: &Surroundings<'_>) -> Result<Outcome, PredictError> {
        if let Some(Windows { frames, hop }) = self.windows
            && hop > frames
        {
            warn!("--hop {hop} is more than --window {frames}: the frames between two windows are not looked at");
        }
        let mut said = Said::new(self);
        each(input, &self.hints, around, &mut |name, clip| said.take(name, clip))?;
        said.ask()?;
        let Said { predictions, embeddings, unreadable, .. } = &said;
        let windows = match self.windows {
            Some(_) => format!(" in {}", units::count(predictions.all.len() as u64, "window")),
            None => String::new(),
        };
        around.progress.end(&format!("predicted {}{windows}", SEQUENCES.count(said.sequences as u64)));
        said.warn_of_lacking();
        let top = (self.classifier.facts().names(), said.top);
        let document = Document::new((self.model, self.windows), predictions.clone(), unreadable.clone(), top);
        let files = match document.predictions.all.is_empty() {
            true => Vec::new(),
            false => write(output, &document, self.embeddings.then_some(embeddings))?,
        };
        Ok(Outcome { refused: refused(&document, said.sequences), document, files })
    }
}

/// What the model has said so far, and what it is to be asked next.
struct Said<'a> {
    how: &'a Predicting<'a>,
    top: usize,
    asked: Vec<Asked>,
    predictions: Predictions,
    embeddings: Embeddings,
    unreadable: Vec<Unreadable>,
    sequences: usize,
    /// In how many sequences there was nothing for a stream.
    lacking: BTreeMap<String, usize>,
}

impl<'a> Said<'a> {
    fn new(how: &'a Predicting<'a>) -> Self {
        Self {
            how,
            top: how.top.unwrap_or(TOP).min(how.classifier.facts().classes.len()),
            asked: Vec::new(),
            predictions: Predictions::default(),
            embeddings: Embeddings::default(),
            unreadable: Vec::new(),
            sequences: 0,
            lacking: BTreeMap::new(),
        }
    }

    /// Takes a sequence, or why it can't be read, and asks the model if there are enough.
    fn take(&mut self, name: String, clip: Result<Clip, String>) -> Result<(), PredictError> {
        let before = self.asked.len();
        match clip.and_then(|clip| self.add(&name, &clip).map_err(|reason| of_model(&reason))) {
            Ok(()) => self.sequences += 1,
            Err(reason) => {
                self.asked.truncate(before);
                self.unreadable.push(Unreadable { file: name, reason });
            }
        }
        if self.asked.len() < self.how.at_once.max(1) { Ok(()) } else { self.ask() }
    }

    fn add(&mut self, name: &str, clip: &Clip) -> Result<(), String> {
        let recipe = &self.how.classifier.facts().recipe;
        let lacking = lacking(clip, recipe);
        if lacking.len() == recipe.streams.len() && clip.frames > 0 {
            let has: Vec<String> = clip.parts.iter().map(|part| format!("{} {}", part.name, part.points)).collect();
            let reads: Vec<String> =
                recipe.streams.iter().map(|stream| format!("{} {}", stream.name, stream.points)).collect();
            return Err(format!(
                "has the parts {} (points), and the model reads {}; use a model that was trained on such files",
                has.join(", "),
                reads.join(", ")
            ));
        }
        self.take_windows(name, clip)?;
        lacking.into_iter().for_each(|stream| *self.lacking.entry(stream.to_owned()).or_default() += 1);
        Ok(())
    }

    /// Takes a whole sequence, or the windows of it that can be used.
    fn take_windows(&mut self, name: &str, clip: &Clip) -> Result<(), String> {
        let recipe = &self.how.classifier.facts().recipe;
        let Some(windows) = self.how.windows else {
            self.asked.push(asked(name, clip, recipe, None)?);
            return Ok(());
        };
        let (mut used, mut refused) = (0, Vec::new());
        for frames in windows.of(clip.frames) {
            match asked(name, &clip.cut(frames.clone()), recipe, Some(Span::new(&frames, clip.fps))) {
                Ok(asked) => {
                    self.asked.push(asked);
                    used += 1;
                }
                Err(reason) => refused.push(format!("frames {} to {}: {reason}", frames.start, frames.end - 1)),
            }
        }
        match (used, refused.first()) {
            (0, first) => Err(first.cloned().unwrap_or_else(|| "has no frames, expected at least 1".to_owned())),
            (_, Some(first)) => {
                warn!("{} of {name} left out: {first}", units::count(refused.len() as u64, "window"));
                Ok(())
            }
            (_, None) => Ok(()),
        }
    }

    /// Asks the model about what was taken.
    fn ask(&mut self) -> Result<(), PredictError> {
        let classifier = self.how.classifier;
        let facts = classifier.facts();
        for asked in std::mem::take(&mut self.asked).chunks(self.how.at_once.max(1)) {
            let sequences: Vec<(usize, &[f32])> = asked.iter().map(|asked| (asked.frames, &asked.values[..])).collect();
            let Outputs { probabilities, embeddings } = classifier.outputs(&sequences)?;
            for (asked, all) in asked.iter().zip(probabilities.chunks_exact(facts.classes.len())) {
                let truth =
                    asked.class.as_ref().and_then(|class| facts.classes.iter().position(|known| known == class));
                let prediction = Prediction::of(asked.name.clone(), all, self.top, truth, facts.names());
                self.predictions.all.push(prediction);
                self.predictions.spans.extend(asked.span.clone());
            }
            if self.how.embeddings {
                self.embeddings.numbers.extend(embeddings);
            }
        }
        Ok(())
    }

    fn warn_of_lacking(&self) {
        for (stream, count) in &self.lacking {
            warn!(
                "{} of {} without anything for the stream {stream}, which the model takes for not seen",
                count,
                SEQUENCES.count(self.sequences as u64)
            );
        }
    }
}

/// A reason that names what to set for a dataset: a model has its streams already.
fn of_model(reason: &str) -> String {
    match reason.split_once("; set task.keypoints.prepare") {
        Some((found, _)) => format!("{found}; the model was trained with these: use files as those of its training"),
        None => reason.to_owned(),
    }
}

fn asked(name: &str, clip: &Clip, recipe: &Recipe, span: Option<Span>) -> Result<Asked, String> {
    let assembled = assemble(clip, recipe)?;
    if span.is_none() {
        assembled.check_seen()?;
    }
    let class = clip.class.clone().filter(|_| span.is_none());
    Ok(Asked { name: name.to_owned(), class, frames: assembled.frames, values: assembled.values, span })
}

fn refused(document: &Document, sequences: usize) -> Option<PredictError> {
    let bad = document.unreadable.len();
    let example = |unreadable: &Unreadable| format!("{}: {}", unreadable.file, unreadable.reason);
    let examples = document.unreadable.iter().take(3).map(example).collect();
    (bad > 0).then(|| PredictError::Unreadable { bad, all: sequences + bad, examples })
}
