//! The predictions as a document, as a table for other programs, and as text on the screen.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::window::{Segment, Span, Windows, segments};
use super::{Outcome, PredictError};
use crate::data::numpy::{Array, Numbers, encode};
use crate::nn::export::Archive;
use crate::report::table::Table;
use crate::task::classes::predictions::{self, Names, Prediction, Unreadable, csv_with, percent, text};
use crate::task::classes::scored::Scored;
use crate::task::keypoints::SEQUENCES;
use crate::util::fs::{FsError, create_dir_all, write_atomic};
use crate::util::progress::Unit;

/// Those that are not shown.
const MORE: Unit = Unit { one: "more sequence", many: "more sequences" };
const MORE_SEGMENTS: Unit = Unit { one: "more segment", many: "more segments" };

/// Segments that are shown on the screen.
const SHOWN: usize = 40;

/// The file of embeddings.
const EMBEDDINGS: &str = "embeddings.npz";

/// The version of the document.
const VERSION: u64 = 1;

/// All that is known after predicting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// The version of this document.
    pub format_version: u64,
    /// The weights.
    pub model: String,
    /// The windows over each recording, if it was cut into some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Windows>,
    /// What the model says, in the order of the files.
    pub predictions: Predictions,
    /// What windows say one after another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Segment>,
    /// What can't be read.
    pub unreadable: Vec<Unreadable>,
    /// How good it is, if classes are known.
    pub scores: Option<Scored>,
    #[serde(skip)]
    top: usize,
}

/// What the model says about sequences, or about windows of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// What it says.
    pub all: Vec<Prediction>,
    /// The frames that it is about; empty if it is about whole sequences.
    pub spans: Vec<Span>,
}

/// A prediction as it is written.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    span: Option<&'a Span>,
    #[serde(flatten)]
    prediction: &'a Prediction,
}

impl Serialize for Predictions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = |(place, prediction)| Row { span: self.spans.get(place), prediction };
        serializer.collect_seq(self.all.iter().enumerate().map(row))
    }
}

/// What describes sequences: a row of numbers for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// Row after row.
    pub numbers: Vec<f32>,
}

impl Document {
    pub(super) fn new(
        (model, window): (&str, Option<Windows>),
        predictions: Predictions,
        unreadable: Vec<Unreadable>,
        (names, top): (Names<'_>, usize),
    ) -> Self {
        // A recording of several signs has no class of its own.
        let scores = match window {
            Some(_) => None,
            None => Scored::of(&predictions.all, names, SEQUENCES),
        };
        let windows: Vec<(Span, Prediction)> =
            predictions.spans.iter().cloned().zip(predictions.all.iter().cloned()).collect();
        let timeline = segments(&windows);
        Self {
            format_version: VERSION,
            model: model.to_owned(),
            window,
            predictions,
            timeline,
            unreadable,
            scores,
            top,
        }
    }

    fn csv(&self) -> String {
        let Predictions { all, spans } = &self.predictions;
        let mut beside: Vec<(&str, Vec<String>)> = Vec::new();
        if self.window.is_some() {
            let of = |value: &dyn Fn(&Span) -> String| spans.iter().map(value).collect();
            beside.push(("first_frame", of(&|span| span.first_frame.to_string())));
            beside.push(("last_frame", of(&|span| span.last_frame.to_string())));
            if spans.iter().any(|span| span.end_seconds.is_some()) {
                let seconds =
                    |seconds: Option<f64>| seconds.map_or_else(String::new, |seconds| format!("{seconds:.3}"));
                beside.push(("start_seconds", of(&|span| seconds(span.start_seconds))));
                beside.push(("end_seconds", of(&|span| seconds(span.end_seconds))));
            }
        }
        csv_with(all, &beside, self.top, self.scores.is_some())
    }

    fn timeline(&self) -> String {
        let has_seconds = self.timeline.iter().any(|segment| segment.span.end_seconds.is_some());
        let heads: &[&str] = match has_seconds {
            true => &["<file", "frames", "seconds", "<class", "probability %", "windows"],
            false => &["<file", "frames", "<class", "probability %", "windows"],
        };
        let mut table = Table::new(heads);
        let mut before = "";
        for Segment { file, span, class, probability, windows } in self.timeline.iter().take(SHOWN) {
            let name = if before == file { String::new() } else { file.clone() };
            let mut row = vec![name, format!("{}-{}", span.first_frame, span.last_frame)];
            if has_seconds {
                let seconds = span.start_seconds.zip(span.end_seconds);
                row.push(seconds.map_or_else(String::new, |(start, end)| format!("{start:.1}-{end:.1}")));
            }
            row.extend([class.clone(), percent(f64::from(*probability)), windows.to_string()]);
            table.row(row);
            before = file;
        }
        let hidden = self.timeline.len().saturating_sub(SHOWN);
        let more = if hidden > 0 { format!("and {}\n", MORE_SEGMENTS.count(hidden as u64)) } else { String::new() };
        table.render() + &more
    }
}

impl Outcome {
    /// For people: the first predictions or the timeline, the scores, and where all of it is.
    #[must_use]
    pub fn text(&self) -> String {
        let Document { predictions, scores, top, window, .. } = &self.document;
        if window.is_none() || predictions.all.is_empty() {
            return text(&predictions.all, scores.as_ref(), (*top, MORE), &self.files);
        }
        let files = self.files.iter().map(|file| format!("{}\n", file.display()));
        self.document.timeline() + &files.collect::<String>()
    }
}

/// Writes the files and names them.
pub(super) fn write(
    output: &Path,
    document: &Document,
    embeddings: Option<&Embeddings>,
) -> Result<Vec<PathBuf>, PredictError> {
    let mut json = serde_json::to_vec_pretty(document)?;
    json.push(b'\n');
    let mut files = predictions::write(output, &document.csv(), &json)?;
    if let Some(embeddings) = embeddings {
        create_dir_all(output)?;
        let path = output.join(EMBEDDINGS);
        let bytes = embeddings.npz(&document.predictions).map_err(FsError::at("write", &path))?;
        write_atomic(&path, &bytes)?;
        files.push(path);
    }
    Ok(files)
}

impl Embeddings {
    /// `names` `[N]` and `embeddings` `[N, E]`; of windows also `first_frame` and `last_frame` `[N]`.
    fn npz(&self, predictions: &Predictions) -> std::io::Result<Vec<u8>> {
        let Predictions { all, spans } = predictions;
        let rows = all.len();
        let line = |numbers| Array { shape: vec![rows], numbers };
        let names = all.iter().map(|prediction| prediction.file.clone()).collect();
        let width = self.numbers.len() / rows.max(1);
        let numbers = Array { shape: vec![rows, width], numbers: Numbers::Real(self.numbers.clone()) };
        let mut arrays = vec![("names", line(Numbers::Text(names))), ("embeddings", numbers)];
        if !spans.is_empty() {
            let frames =
                |of: &dyn Fn(&Span) -> usize| Numbers::Whole(spans.iter().map(|span| of(span) as i64).collect());
            arrays.push(("first_frame", line(frames(&|span| span.first_frame))));
            arrays.push(("last_frame", line(frames(&|span| span.last_frame))));
        }
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes, "");
        arrays.iter().try_for_each(|(name, array)| archive.add(&format!("{name}.npy"), &encode(array)))?;
        archive.finish()?;
        Ok(bytes)
    }
}
