//! Finding two evaluations, comparing them, and replacing one with the other. `metric` decides which is better.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::metric::comparison::{self, Comparison};
use crate::metric::document::{DocumentError, Metrics};
use crate::metric::pooled::Resample;
use crate::task::TaskConfig;
use crate::train::observe::page::{Chapters, Contestant, compared};
use crate::train::run_folder::history::Story;
use crate::train::run_folder::record::RunRecord;
use crate::train::run_folder::{RunError, listing};
use crate::util::exit::Exit;
use crate::util::fs::{self, FsError};

/// The path of an evaluation within its run folder.
const IN_RUN: &str = "evaluation/metrics.json";

/// Evaluations that can't be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// The run does not exist.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A run was not evaluated.
    #[error("{0} has no {IN_RUN}; run fragua evaluate --checkpoint {0}", folder.display())]
    NotEvaluated {
        /// Its folder.
        folder: PathBuf,
    },
    /// A file can't be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The tasks differ.
    #[error("{} is of the task {got}, {} of {expected}; compare two of one task", current.display(), baseline.display())]
    Task {
        /// The current one.
        current: PathBuf,
        /// Its task.
        got: String,
        /// The baseline.
        baseline: PathBuf,
        /// Its task.
        expected: String,
    },
    /// The score does not exist.
    #[error("--metric {name}: {} has no such score; {}it has {known}", file.display(), meant.as_ref().map_or_else(String::new, |meant| format!("did you mean {meant}? ")))]
    Metric {
        /// The requested score.
        name: String,
        /// The file.
        file: PathBuf,
        /// The score that was probably meant.
        meant: Option<String>,
        /// The scores that exist.
        known: String,
    },
    /// The baseline can't be replaced.
    #[error(transparent)]
    File(#[from] FsError),
}

impl CompareError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Run(error) => error.exit(),
            Self::NotEvaluated { .. } | Self::Task { .. } => Exit::DataRefused,
            Self::Document(error) => error.exit(),
            Self::Metric { .. } => Exit::Usage,
            Self::File(error) => error.exit(),
        }
    }
}

/// An evaluation with its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub metrics: Metrics,
}

impl Evaluated {
    /// Finds it: a `metrics.json`, a run folder, the name of a run below `root`, or `latest`.
    ///
    /// # Errors
    /// If it does not exist, or is not an evaluation.
    pub fn find(root: &Path, wanted: &str) -> Result<Self, CompareError> {
        let path = file_of(root, wanted)?;
        let metrics = Metrics::read(&path)?;
        Ok(Self { path, metrics })
    }
}

fn file_of(root: &Path, wanted: &str) -> Result<PathBuf, CompareError> {
    let path = PathBuf::from(wanted);
    if path.is_file() {
        return Ok(path);
    }
    for below in [IN_RUN, "metrics.json"] {
        if path.join(below).is_file() {
            return Ok(path.join(below));
        }
    }
    let folder = listing::resolve(root, wanted)?;
    let file = folder.join(IN_RUN);
    if file.is_file() { Ok(file) } else { Err(CompareError::NotEvaluated { folder }) }
}

/// Compares two evaluations, by the given score or else by the primary score of the current one.
///
/// # Errors
/// If they are of different tasks, or the current one has no such score.
pub fn compare(
    current: &Evaluated,
    baseline: &Evaluated,
    metric: Option<&str>,
    tolerance: f64,
) -> Result<Comparison, CompareError> {
    let [got, expected] = [current, baseline].map(|side| side.metrics.task.clone());
    if got != expected {
        let [current, baseline] = [current, baseline].map(|side| side.path.clone());
        return Err(CompareError::Task { current, got, baseline, expected });
    }
    if let Some(name) = metric.filter(|name| current.metrics.metrics.get(name).is_none()) {
        let known: Vec<&str> = current.metrics.metrics.names().collect();
        let (meant, known) = (meant(name, &known), known.join(", "));
        return Err(CompareError::Metric { name: name.into(), file: current.path.clone(), meant, known });
    }
    let primary = metric.unwrap_or(&current.metrics.primary);
    let task = TaskConfig::named(&current.metrics.task);
    let resample = task.as_ref().map(|task| task.kind().evaluated() as &dyn Resample);
    Ok(comparison::compare(&current.metrics, &baseline.metrics, resample, primary, tolerance))
}

/// The known name that was probably meant: one that begins with it or differs in a few letters.
fn meant(name: &str, known: &[&str]) -> Option<String> {
    let typed = name.to_lowercase().replace('-', "_");
    let distance = |known: &str| strsim::damerau_levenshtein(&typed, known);
    let near =
        known.iter().filter(|known| distance(known) <= (typed.len() / 3).max(1)).min_by_key(|known| distance(known));
    let begun = || known.iter().find(|known| known.starts_with(&typed));
    near.or_else(begun).map(|meant| (*meant).to_owned())
}

/// Writes a page that shows several runs side by side: scores, curves, and the differences of their configurations.
///
/// # Errors
/// If they are of different tasks, or the page can't be written.
pub fn write_page(runs: &[Evaluated], output: &Path) -> Result<(), CompareError> {
    let Some((first, others)) = runs.split_first() else { return Ok(()) };
    fs::check_output(output)?;
    let mut warnings: Vec<String> = Vec::new();
    for other in others {
        let comparison = compare(other, first, None, 0.0)?;
        warnings.extend(comparison.warnings.into_iter().map(|warning| format!("{} has {warning}", name(other))));
    }
    let mut contestants: Vec<Contestant> = runs.iter().map(contestant).collect();
    distinguish(&mut contestants);
    let task = TaskConfig::named(&first.metrics.task);
    let chapters: &dyn Chapters = match &task {
        Some(task) => task.kind().evaluated(),
        None => &(),
    };
    Ok(fs::write_atomic(output, compared(&contestants, &warnings, chapters).html().as_bytes())?)
}

/// What is known of a run: an evaluation alone has neither history nor configuration.
fn contestant(of: &Evaluated) -> Contestant {
    let folder = of.path.ancestors().take(4).find(|folder| folder.join("run.json").is_file());
    let record = folder.and_then(|folder| told(RunRecord::read(&folder.join("run.json")))?);
    let story = folder.and_then(|folder| told(Story::read(&folder.join("history.json"))));
    Contestant {
        name: name(of),
        story: story.unwrap_or_default(),
        metrics: of.metrics.clone(),
        config: record.map_or(serde_json::Value::Null, |record| record.config),
    }
}

/// A file that can't be read is reported, and what it holds is left out.
fn told<T>(read: Result<T, RunError>) -> Option<T> {
    read.inspect_err(|error| tracing::warn!("{error}; the page leaves out what it holds")).ok()
}

/// The run's folder, or the file if there is none.
fn name(of: &Evaluated) -> String {
    let folder = of.path.ancestors().take(4).find(|folder| folder.join("run.json").is_file());
    let path = folder.unwrap_or(&of.path);
    let known = if folder.is_some() { path.file_name() } else { path.file_stem() };
    known.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Runs of one name, from different folders, are numbered.
fn distinguish(contestants: &mut [Contestant]) {
    let names: Vec<String> = contestants.iter().map(|run| run.name.clone()).collect();
    for (at, run) in contestants.iter_mut().enumerate() {
        let before = names.iter().take(at).filter(|name| **name == run.name).count();
        if before > 0 {
            run.name = format!("{} ({})", run.name, before + 1);
        }
    }
}

/// Replaces the baseline's file with the current one, byte for byte and atomically: a reader sees the old one or the new.
///
/// # Errors
/// If it can't be read or written.
pub fn replace_baseline(current: &Evaluated, baseline: &Evaluated) -> Result<(), CompareError> {
    let content = std::fs::read(&current.path).map_err(FsError::at("read", &current.path))?;
    Ok(fs::write_atomic(&baseline.path, &content)?)
}
