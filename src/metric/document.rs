//! `metrics.json`: what an evaluation found, in a form that other programs can rely on. Names and meanings stay within a
//! `format_version`; keys may be added. A score that is no number is `null`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::better::Better;
use super::sums::{LeadSums, Levels};
use crate::util::exit::Exit;
use crate::util::fs::{FsError, write_atomic};
use crate::util::units::count;

/// The version of the format that this program writes and reads.
pub const VERSION: u64 = 1;

/// Scores by name.
pub type Named = BTreeMap<String, Option<f64>>;

/// What `metrics.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The version of the format.
    pub format_version: u64,
    /// The program that wrote it.
    pub program: String,
    /// When.
    pub created: jiff::Timestamp,
    /// The task: `nowcast`.
    pub task: String,
    /// The run that the weights are from.
    pub run: Option<String>,
    /// Which side of the dataset: val or test.
    pub split: String,
    /// What was evaluated.
    pub weights: Weights,
    /// What it was evaluated on.
    pub dataset: DatasetUsed,
    /// The score that decides.
    pub primary: String,
    /// The scores of the model, over all lead times.
    pub metrics: BTreeMap<String, Metric>,
    /// Scores by lead time, of the model and of the forecasts that it is held against.
    pub verification: Option<Verification>,
}

/// The weights that were evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Their file.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The step of training that they are from, where they tell.
    pub step: Option<u64>,
}

/// The samples that were used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetUsed {
    /// The dataset's name.
    pub name: String,
    /// The fingerprint of its source files: another one is another dataset.
    pub fingerprint: String,
    /// Events.
    pub events: usize,
    /// Windows, each of one level where levels are samples of their own.
    pub samples: usize,
    /// Cells of all frames that were forecast.
    pub cells: u64,
    /// Those of them that were left out, as nothing was observed there.
    pub excluded_cells: u64,
    /// What a missing cell means: min (no echo) or mask (left out).
    pub missing: String,
}

/// One score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The value.
    pub value: Option<f64>,
    /// Which way it gets better.
    pub better: Better,
    /// Between these it lies with 95 % confidence, had there been other events: a bootstrap over events.
    pub interval: Option<[f64; 2]>,
    /// What other forecasts of the same windows have: `persistence`, `advection`.
    pub baselines: Named,
}

/// Scores by lead time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// What scores are measured at.
    pub levels: Levels,
    /// Minutes from the last frame that is seen to each one that is forecast, the median over all windows.
    pub lead_minutes: Vec<f64>,
    /// The forecasts: `model`, `persistence`, `advection`.
    pub forecasts: BTreeMap<String, ForecastScores>,
    /// The sums of each event, over all lead times: from these, whoever compares can resample events.
    pub events: Vec<EventSums>,
}

/// The scores of one kind of forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastScores {
    /// Over all lead times.
    pub all_leads: Named,
    /// For each lead time.
    pub by_lead: Vec<Named>,
    /// What is observed where an intensity is forecast.
    pub reliability: Vec<ReliabilityBin>,
}

/// The cells whose forecast lies within a range of reflectivity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The range: from this,
    pub from_dbz: f64,
    /// to this.
    pub to_dbz: f64,
    /// Cells with such a forecast.
    pub cells: u64,
    /// Cells with such an observation.
    pub observed_cells: u64,
    /// What was forecast in them on average.
    pub mean_forecast_dbz: Option<f64>,
    /// What was observed in them on average.
    pub mean_observed_dbz: Option<f64>,
}

/// What one event adds to the scores of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventSums {
    /// The event's path below the dataset.
    pub event: String,
    /// Its samples.
    pub samples: usize,
    /// The sums over all lead times.
    pub sums: LeadSums,
}

/// A `metrics.json` that can't be used.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It is no metrics.json.
    #[error("{} is no metrics.json: {problem}; run fragua evaluate", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It is of another version.
    #[error(
        "{} has format_version {got}, this program reads {VERSION}; run fragua evaluate again with this program",
        path.display()
    )]
    Version {
        /// The file.
        path: std::path::PathBuf,
        /// Its version.
        got: u64,
    },
}

impl DocumentError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Fs(error) => error.exit(),
            Self::Unreadable { .. } | Self::Version { .. } => Exit::DataRefused,
        }
    }
}

#[derive(Deserialize)]
struct Versioned {
    format_version: u64,
}

impl Metrics {
    /// Reads it.
    ///
    /// # Errors
    /// Where it is not there, is something else, or is of another version.
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let text = std::fs::read(path).map_err(FsError::at("read", path))?;
        let unreadable =
            |error: serde_json::Error| DocumentError::Unreadable { path: path.into(), problem: error.to_string() };
        let versioned: Versioned = serde_json::from_slice(&text).map_err(unreadable)?;
        if versioned.format_version != VERSION {
            return Err(DocumentError::Version { path: path.into(), got: versioned.format_version });
        }
        serde_json::from_slice(&text).map_err(unreadable)
    }

    /// What was evaluated on what, in one line.
    #[must_use]
    pub fn about(&self) -> String {
        let Self { dataset, weights, split, .. } = self;
        let run = self.run.clone().unwrap_or_else(|| weights.file.clone());
        let step = weights.step.map_or_else(String::new, |step| format!(", step {step}"));
        let windows = count(dataset.samples as u64, "window");
        let events = count(dataset.events as u64, "event");
        let mut text = format!("{run}{step}: {windows} of {events}, {split} side of {}", dataset.name);
        if dataset.excluded_cells > 0 {
            let share = dataset.excluded_cells as f64 / (dataset.cells + dataset.excluded_cells) as f64;
            text += &format!("; {:.1} % of the cells were not observed and are left out", 100.0 * share);
        }
        text
    }

    /// Writes it so that a reader sees the old file or the new, never a part.
    ///
    /// # Errors
    /// Where the folder can't be written.
    pub fn write(&self, path: &Path) -> Result<(), DocumentError> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| DocumentError::Unreadable { path: path.into(), problem: error.to_string() })?;
        text.push(b'\n');
        Ok(write_atomic(path, &text)?)
    }
}
