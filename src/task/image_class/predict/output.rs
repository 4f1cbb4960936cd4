//! The predictions as a document, as a table for other programs, and as text on the screen.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Outcome, PredictError, Predicting};
use crate::task::classes::predictions::{self, Prediction, TOP, Unreadable, csv, text};
use crate::task::classes::scored::Scored;
use crate::task::image_class::prepare::IMAGES;
use crate::util::progress::Unit;

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

impl Document {
    pub(super) fn new(how: &Predicting<'_>, predictions: Vec<Prediction>, unreadable: Vec<Unreadable>) -> Self {
        let scores = Scored::of(&predictions, how.classifier.facts().names(), IMAGES);
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
        csv(&self.predictions, self.top, self.scores.is_some())
    }
}

impl Outcome {
    /// For people: the first predictions, the scores, and where all of it is.
    #[must_use]
    pub fn text(&self) -> String {
        let Document { predictions, scores, top, .. } = &self.document;
        text(predictions, scores.as_ref(), (*top, MORE), &self.files)
    }
}

/// Writes the files and names them.
pub(super) fn write(output: &Path, document: &Document) -> Result<Vec<PathBuf>, PredictError> {
    let mut json = serde_json::to_vec_pretty(document)?;
    json.push(b'\n');
    Ok(predictions::write(output, &document.csv(), &json)?)
}
