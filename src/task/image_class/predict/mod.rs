//! Predicting: the class of every image below a folder, or of one image. Images are prepared as those of the training, by what the
//! weights say.
//!
//! ```text
//! input   the images, and the classes that their folders name
//! copies  an image shifted by a pixel
//! output  the document and the text on the screen
//! ```

mod copies;
mod input;
mod output;

use std::path::{Path, PathBuf};

use thiserror::Error;
use tracing::{info, warn};

use self::input::{Content, Image, Truth, images};
use self::output::{Document, write};
use super::config::{ImageClassConfig, Invert, PrepareConfig};
use super::decode::decode;
use super::facts::ModelFacts;
use super::fit::Gray;
use super::prepare::{IMAGES, MAX_BYTES, threads};
use super::training::Classifier;
use crate::data::prepare::files::FilesError;
use crate::data::prepare::work::{on_threads, read_at_most, why_unreadable};
use crate::task::classes::predictions::{Prediction, TOP, Unreadable};
use crate::train::task::TaskError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::progress::Stage;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// Images that go through the model at once, and their pixels, whatever training does.
const MOST_AT_ONCE: usize = 256;
const MOST_PIXELS: usize = 1 << 20;

/// A border brighter than this is bright.
const BRIGHT: u8 = 127;

/// Images that can't be predicted.
#[derive(Debug, Error)]
pub enum PredictError {
    /// There are none.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A file of many images can't be read.
    #[error("{}: {reason}", path.display())]
    Packed {
        /// The file, or the folder.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
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
            Self::Unreadable { .. } | Self::Packed { .. } => Exit::DataRefused,
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
    /// The task's section.
    pub config: &'a ImageClassConfig,
    /// The model, for people.
    pub model: &'a str,
    /// Images that go through it at once.
    pub at_once: usize,
    /// Classes that are listed for each image.
    pub top: Option<usize>,
    /// Copies of an image that are averaged.
    pub tta: Option<usize>,
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

impl Predicting<'_> {
    /// Predicts for all images of `input`, and writes `predictions.csv` and `predictions.json` below `output`.
    ///
    /// # Errors
    /// If there are no images, the model can't be run, the disk refuses, or a signal comes.
    pub fn run(&self, input: &Path, output: &Path, around: &Surroundings<'_>) -> Result<Outcome, PredictError> {
        let facts = self.classifier.facts();
        let files = images(input, output, facts.size, around.stop)?;
        let seen = seen(facts, &self.config.prepare, &files);
        let truth = Truth::new(facts, &files);
        truth.unknown().into_iter().for_each(|words| warn!("{words}"));
        around.progress.begin(Stage::Predict, Some(files.len() as u64), IMAGES);
        let (mut predictions, mut unreadable, mut bright) = (Vec::new(), Vec::new(), 0);
        for files in files.chunks(self.at_once()) {
            around.stop.check()?;
            let (mut read, mut levels) = (Vec::new(), Vec::new());
            let prepared = on_threads(threads(), files, around.stop, |file: &Image, (): &mut ()| {
                Ok::<_, PredictError>(prepared(&file.content, &seen))
            })?;
            for (file, prepared) in files.iter().zip(prepared) {
                match prepared {
                    Ok(image) => {
                        bright += usize::from(has_bright_border(&image, facts.size));
                        levels.extend(image);
                        read.push(file);
                    }
                    Err(reason) => unreadable.push(Unreadable { file: file.name.clone(), reason }),
                }
            }
            let probabilities = self.probabilities(&levels)?;
            for (file, all) in read.into_iter().zip(probabilities.chunks_exact(facts.classes.len())) {
                predictions.push(self.prediction(file, all, &truth));
            }
            around.progress.advance(files.len() as u64);
        }
        around.progress.end(&format!("predicted {}", IMAGES.count(predictions.len() as u64)));
        warn_of_ground(bright, predictions.len());
        let document = Document::new(self, predictions, unreadable);
        let files = if document.predictions.is_empty() { Vec::new() } else { write(output, &document)? };
        Ok(Outcome { refused: refused(&document), document, files })
    }

    /// Images that go through the model at once: as in training, or more if they are small.
    fn at_once(&self) -> usize {
        let pixels: usize = self.classifier.facts().size.iter().product();
        self.at_once.max((MOST_PIXELS / pixels.max(1)).min(MOST_AT_ONCE)).max(1)
    }

    /// The probabilities of all classes, image by image: the mean over the copies of an image.
    fn probabilities(&self, levels: &[u8]) -> Result<Vec<f32>, PredictError> {
        if levels.is_empty() {
            return Ok(Vec::new());
        }
        let size = self.classifier.facts().size;
        let mut sum: Vec<f64> = Vec::new();
        let shifts = copies::shifts(self.tta.unwrap_or(1));
        for shift in shifts {
            let all = self.classifier.probabilities(&copies::shifted(levels, size, *shift))?;
            sum.resize(all.len(), 0.0);
            sum.iter_mut().zip(all).for_each(|(sum, value)| *sum += f64::from(value));
        }
        Ok(sum.into_iter().map(|value| (value / shifts.len() as f64) as f32).collect())
    }

    fn prediction(&self, image: &Image, probabilities: &[f32], truth: &Truth) -> Prediction {
        let names = self.classifier.facts().names();
        Prediction::of(image.name.clone(), probabilities, self.top.unwrap_or(TOP), truth.of(image), names)
    }
}

/// An image as training has it.
fn prepared(content: &Content, facts: &ModelFacts) -> Result<Vec<u8>, String> {
    let path = match content {
        Content::File(path) => path,
        Content::Here(image) => return Ok(facts.prepared(image)),
    };
    let unreadable = |error| why_unreadable(&error, path).unwrap_or_else(|| format!("can't be read: {error}"));
    let bytes = read_at_most(path, MAX_BYTES).map_err(unreadable)?;
    Ok(facts.prepared(&decode(&bytes, facts.background.level())?))
}

/// How these images become what the model sees. They are all files of their own, or all come from packed files.
fn seen(facts: &ModelFacts, prepare: &PrepareConfig, files: &[Image]) -> ModelFacts {
    let are_packed = matches!(files, [Image { content: Content::Here(_), .. }, ..]);
    // Weights of an older version do not say it of packed files, but the configuration of their run does.
    let transposed = if are_packed { facts.packed_transposed || prepare.transpose } else { facts.transposed };
    if transposed {
        let what = if are_packed { "idx, npz or csv files" } else { "image files" };
        info!("rows and columns of the images are swapped, as in the {what} of the training (prepare.transpose)");
    }
    ModelFacts { inverted: is_inverted(facts, prepare.invert), transposed, ..facts.clone() }
}

/// What the weights say, unless the configuration decides otherwise.
fn is_inverted(facts: &ModelFacts, invert: Invert) -> bool {
    match invert {
        Invert::Auto => facts.inverted,
        Invert::Always => true,
        Invert::Never => false,
    }
}

/// Whether the border is bright: models learn bright strokes on a dark ground.
fn has_bright_border(levels: &[u8], [rows, columns]: [usize; 2]) -> bool {
    Gray { rows, columns, levels: levels.to_vec() }.border() > BRIGHT
}

fn warn_of_ground(bright: usize, all: usize) {
    if 2 * bright > all {
        warn!(
            "{bright} of {} have a bright ground as the model sees them, and models learn bright strokes on a dark one; if these \
             are dark strokes on paper, add --set task.image_class.prepare.invert=true (or false, if they are inverted now)",
            IMAGES.count(all as u64)
        );
    }
}

fn refused(document: &Document) -> Option<PredictError> {
    let bad = document.unreadable.len();
    let example = |unreadable: &Unreadable| format!("{}: {}", unreadable.file, unreadable.reason);
    let examples = document.unreadable.iter().take(3).map(example).collect();
    (bad > 0).then(|| PredictError::Unreadable { bad, all: document.predictions.len() + bad, examples })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ground_is_what_most_of_the_border_shows() {
        let mut levels = vec![0; 16];
        assert!(!has_bright_border(&levels, [4, 4]));
        levels[5] = 255;
        assert!(!has_bright_border(&levels, [4, 4]), "a stroke in the middle");
        levels[..8].fill(255);
        assert!(has_bright_border(&levels, [4, 4]));
    }

    #[test]
    fn images_are_transposed_if_those_of_the_training_were_of_the_same_kind() {
        let image = |content| vec![Image { name: "x".into(), content, class: None }];
        let packed = || image(Content::Here(Gray { rows: 1, columns: 1, levels: vec![0] }));
        let file = || image(Content::File("x.png".into()));
        let transposed = |[transposed, packed_transposed]: [bool; 2], transpose: bool| {
            let facts = serde_json::json!({
                "classes": ["a"], "labels": ["a"], "size": [8, 8], "fit": "stretch", "inverted": false,
                "transposed": transposed, "packed_transposed": packed_transposed
            });
            let (facts, prepare) = (ModelFacts::read(&facts).unwrap(), PrepareConfig::default());
            let prepare = PrepareConfig { transpose, ..prepare };
            [packed(), file()].map(|files| seen(&facts, &prepare, &files).transposed)
        };
        assert_eq!(transposed([false, false], false), [false, false]);
        assert_eq!(transposed([false, true], true), [true, false], "the raw files of EMNIST");
        assert_eq!(transposed([false, true], false), [true, false], "with another configuration");
        assert_eq!(transposed([false, false], true), [true, false], "weights of an older version");
        assert_eq!(transposed([true, true], true), [true, true], "image files that were transposed");
    }

    #[test]
    fn the_configuration_decides_about_inverting_if_it_says_so() {
        let facts = |inverted: bool| {
            let facts = serde_json::json!({
                "classes": ["a"], "labels": ["a"], "size": [8, 8], "fit": "stretch", "inverted": inverted, "transposed": false
            });
            ModelFacts::read(&facts).unwrap()
        };
        let decided =
            |facts: &ModelFacts| [Invert::Auto, Invert::Always, Invert::Never].map(|invert| is_inverted(facts, invert));
        assert_eq!(decided(&facts(true)), [true, true, false]);
        assert_eq!(decided(&facts(false)), [false, true, false]);
    }
}
