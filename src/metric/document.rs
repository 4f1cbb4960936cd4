//! `metrics.json`: what an evaluation found, in a form that other programs can rely on. Names and meanings stay within a
//! `format_version`; keys may be added. A score that is undefined is `null`. Task-specific data is in `sections`.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::bootstrap::MIN_GROUPS;
use super::ordered::Ordered;
use super::score::ScoreSpec;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, write_atomic};
use crate::util::units::count;

/// The version of the format that this program writes and reads.
pub const VERSION: u64 = 2;

/// What `metrics.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The version of the format.
    pub format_version: u64,
    /// The program that wrote it.
    pub program: String,
    /// When.
    pub created: jiff::Timestamp,
    /// The task, as in the configuration.
    pub task: String,
    /// The run that the weights are from.
    pub run: Option<String>,
    /// Which side of the dataset: train, val or test.
    pub split: String,
    /// What was evaluated.
    pub weights: Weights,
    /// What it was evaluated on.
    pub dataset: DatasetUsed,
    /// The score that decides.
    pub primary: String,
    /// The scores of the model, and the parts of its loss.
    pub metrics: Ordered<Metric>,
    /// What else the task has found, by name.
    pub sections: Value,
}

/// The weights that were evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Their file.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The training step that they are from, if recorded.
    pub step: Option<u64>,
}

/// The samples that were used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetUsed {
    /// The dataset's name.
    pub name: String,
    /// The fingerprint of its source files: another one is another dataset.
    pub fingerprint: String,
    /// Which side of it: train, val or test.
    pub side: String,
    /// What was measured on it.
    #[serde(flatten)]
    pub basis: Basis,
}

/// What scores were measured on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Samples.
    pub samples: usize,
    /// Groups of samples that resemble each other: intervals come from resampling these.
    pub groups: usize,
    /// The singular words for each.
    pub words: Words,
    /// How it was measured, by name: two evaluations that differ in one of these can't be compared.
    pub facts: Ordered<String>,
    /// What a reader must know, as sentences without a full stop.
    pub notes: Vec<String>,
    /// Shown instead of intervals if there are too few groups to estimate them: "n/a (2 events)".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<String>,
}

/// What people call a sample and a group of samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// One sample: "window", "image".
    pub sample: String,
    /// One group of samples: "event", "day".
    pub group: String,
}

impl Default for Words {
    fn default() -> Self {
        Self { sample: "sample".into(), group: "group".into() }
    }
}

/// One score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What it is.
    #[serde(flatten)]
    pub spec: ScoreSpec,
    /// The value.
    pub value: Option<f64>,
    /// The 95 % confidence interval, by bootstrap over groups.
    pub interval: Option<[f64; 2]>,
    /// What other forecasts of the same samples have, by their names.
    pub baselines: Ordered<Option<f64>>,
}

/// A score as it was measured: what it is, its value, and its interval.
pub type Measured = (ScoreSpec, Option<f64>, Option<[f64; 2]>);

/// Scores with those of other forecasts beside them. Of two scores with one name the first is taken.
#[must_use]
pub fn metrics(measured: &[Measured]) -> Ordered<Metric> {
    let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
    let baselines = |of: &str| {
        let others = measured.iter().filter(|(spec, ..)| spec.is_baseline_of(of));
        others.filter_map(|(spec, value, _)| Some((spec.baseline.clone()?.forecast, finite(value)))).collect()
    };
    let learned = measured.iter().filter(|(spec, ..)| spec.baseline.is_none());
    let metric = |(spec, value, interval): &Measured| {
        let metric =
            Metric { spec: spec.clone(), value: finite(value), interval: *interval, baselines: baselines(&spec.name) };
        (spec.name.clone(), metric)
    };
    learned.map(metric).collect()
}

/// A `metrics.json` that can't be used.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It is not a metrics.json.
    #[error("{} is no metrics.json: {problem}; run fragua evaluate", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another format version.
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
    /// If it does not exist, is something else, or is of another version.
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

    /// Writes it so that a reader sees the old file or the new, never a part.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn write(&self, path: &Path) -> Result<(), DocumentError> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| DocumentError::Unreadable { path: path.into(), problem: error.to_string() })?;
        text.push(b'\n');
        Ok(write_atomic(path, &text)?)
    }

    /// What was evaluated on what, in one line.
    #[must_use]
    pub fn about(&self) -> String {
        let Self { dataset, weights, split, .. } = self;
        let run = self.run.clone().unwrap_or_else(|| weights.file.clone());
        let step = weights.step.map_or_else(String::new, |step| format!(", step {step}"));
        let basis = &dataset.basis;
        let notes: String = basis.notes.iter().map(|note| format!("; {note}")).collect();
        format!("{run}{step}: {}, {split} side of {}{notes}", basis.counted(), dataset.name)
    }

    /// The score that decides.
    #[must_use]
    pub fn primary(&self) -> Option<&Metric> {
        self.metrics.get(&self.primary)
    }

    /// The names of the forecasts that scores are compared with, in the order of their first appearance.
    #[must_use]
    pub fn baselines(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.metrics.values().flat_map(|metric| metric.baselines.names()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What a task has written under a name; `None` if it is missing or of another type.
    #[must_use]
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.sections.get(name)?).ok()
    }
}

impl Basis {
    /// Shown instead of intervals and noise if there are too few groups to estimate them: "n/a (2 events)".
    #[must_use]
    pub fn too_few(&self) -> Option<String> {
        (self.groups < MIN_GROUPS).then(|| format!("n/a ({})", count(self.groups as u64, &self.words.group)))
    }

    /// "34 windows of 2 events"; "34 images" if each is a group by itself.
    #[must_use]
    pub fn counted(&self) -> String {
        let Self { samples, groups, words, .. } = self;
        if words.sample == words.group && samples == groups {
            return count(*samples as u64, &words.sample);
        }
        format!("{} of {}", count(*samples as u64, &words.sample), count(*groups as u64, &words.group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;
    use crate::metric::score::Show;

    fn spec(name: &str) -> ScoreSpec {
        ScoreSpec::new(name, name.to_uppercase(), Better::Higher).shown(Show::First)
    }

    #[test]
    fn baselines_are_beside_the_score_and_an_undefined_value_is_none() {
        let (top, loss) = (spec("top1"), spec("loss"));
        let found = metrics(&[
            (top.clone(), Some(0.5), Some([0.4, 0.6])),
            (top.of_baseline("majority"), Some(0.2), None),
            (top.of_baseline("chance"), Some(f64::NAN), None),
            (loss.clone(), Some(f64::INFINITY), None),
            (top, Some(0.9), None),
        ]);
        assert_eq!(found.names().collect::<Vec<_>>(), ["top1", "loss"]);
        let top = found.get("top1").unwrap();
        assert_eq!((top.value, top.interval), (Some(0.5), Some([0.4, 0.6])), "the first of that name");
        assert_eq!(top.baselines.iter().collect::<Vec<_>>(), [("majority", &Some(0.2)), ("chance", &None)]);
        assert_eq!(found.get("loss").unwrap().value, None);
    }

    #[test]
    fn a_file_of_another_version_is_refused_and_one_of_ours_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        let written = crate::metric::comparison::testing::evaluation(&[0.5, 0.25]);
        written.write(&path).unwrap();
        assert_eq!(Metrics::read(&path).unwrap(), written);
        std::fs::write(&path, r#"{"format_version": 1, "metrics": {}}"#).unwrap();
        let error = Metrics::read(&path).unwrap_err();
        assert!(error.to_string().contains("has format_version 1, this program reads 2; run fragua evaluate again"));
        assert_eq!(error.exit(), Exit::DataRefused);
    }
}
