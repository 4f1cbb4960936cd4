//! Evaluation: scores a trained model against observations, on one side of its dataset. The results are `metrics.json`
//! and plots, each complete or absent; nothing else in the run is changed.

use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;
use tracing::warn;

use super::trained::{TrainedError, TrainedModel};
use super::{WorkError, prepare};
use crate::config::Config;
use crate::data::split::Side;
use crate::metric::document::{self, DatasetUsed, DocumentError, Metrics, VERSION, Weights};
use crate::report::PictureError;
use crate::report::page::Grid;
use crate::task::{Data, Purpose, give};
use crate::train::checkpoint::CheckpointId;
use crate::train::engine::TrainError;
use crate::train::learner::Evaluation;
use crate::train::observe::page::{self, Chapters};
use crate::train::run_folder::record::RunRecord;
use crate::train::task::Plots;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::fs::{FsError, create_dir_all, remove_tree, write_atomic};
use crate::util::lock::{FolderLock, LockError, is_held};
use crate::util::surroundings::Surroundings;

/// What to evaluate, and where to put the results.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// The side of the dataset.
    pub side: Side,
    /// The folder for the results, if not that of the run.
    pub output: Option<PathBuf>,
}

/// The result of an evaluation.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The folder with `metrics.json` and plots.
    pub folder: PathBuf,
    /// The content of `metrics.json`.
    pub metrics: Metrics,
    /// What the task shows on a terminal in addition to tables of scores.
    pub tables: Vec<Grid>,
}

/// An evaluation that failed.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// There are no samples to evaluate on.
    #[error(
        "the {} side of dataset {dataset} has no samples; change {key}, or choose another --split",
        side.title()
    )]
    Empty {
        /// The side.
        side: Side,
        /// The dataset.
        dataset: String,
        /// The key of its share.
        key: &'static str,
    },
    /// There is no folder for the results.
    #[error("{} is not in a run folder; name a folder for the results with --output", weights.display())]
    NoPlace {
        /// The weights.
        weights: PathBuf,
    },
    /// The model can't be used.
    #[error(transparent)]
    Model(#[from] TrainedError),
    /// The task can't be set up, or the weights don't fit the model.
    #[error(transparent)]
    Task(#[from] Failed),
    /// The model could not be run on them.
    #[error(transparent)]
    Engine(#[from] TrainError),
    /// The results can't be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Another evaluation writes there.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A picture can't be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The results can't be written.
    #[error(transparent)]
    File(#[from] FsError),
}

impl EvaluateError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Empty { .. } => Exit::DataRefused,
            Self::NoPlace { .. } => Exit::Usage,
            Self::Model(error) => error.exit(),
            Self::Task(error) => error.exit(),
            Self::Engine(error) => error.exit(),
            Self::Document(error) => error.exit(),
            Self::Lock(error) => error.exit(),
            Self::Picture(error) => error.exit(),
            Self::File(error) => error.exit(),
        }
    }
}

/// The folder of a run's evaluation on a side: the other sides are in folders below that of the validation.
#[must_use]
pub fn folder(run: &Path, side: Side) -> PathBuf {
    match side {
        Side::Val => run.join("evaluation"),
        other => run.join("evaluation").join(other.name()),
    }
}

/// Prepares the dataset and evaluates a model on one side of it.
///
/// # Errors
/// If the dataset can't be prepared or has no such side, the weights don't fit, or results can't be written.
pub fn evaluate(
    model: &TrainedModel,
    options: &EvaluateOptions,
    around: &Surroundings<'_>,
) -> Result<Evaluated, WorkError> {
    let at = options.output.clone().or_else(|| model.run.as_ref().map(|run| folder(run, options.side)));
    let folder = at.ok_or_else(|| EvaluateError::NoPlace { weights: model.weights.clone() })?;
    let prepared = prepare(&model.config, around)?;
    warn_of_another_dataset(model, &prepared.fingerprint);
    let used = (prepared.data.as_ref(), prepared.fingerprint.as_str());
    let evaluated = evaluate_on(model, options.side, &folder, used, around)?;
    // If another process is training the run, that process writes its page.
    if let (None, Some(run)) = (&options.output, &model.run)
        && !is_held(run)
        && let Err(error) = page::write(run, chapters(&model.config))
    {
        warn!("{error}");
    }
    Ok(evaluated)
}

/// Evaluates a model on one side of a prepared dataset.
pub(super) fn evaluate_on(
    model: &TrainedModel,
    side: Side,
    folder: &Path,
    (data, fingerprint): (&dyn Data, &str),
    around: &Surroundings<'_>,
) -> Result<Evaluated, EvaluateError> {
    if data.samples(side) == 0 {
        let (dataset, key) = (model.config.data.name.clone(), model.config.task.kind().share_key(side));
        return Err(EvaluateError::Empty { side, dataset, key });
    }
    let (machine, phases) = (model.machine()?, model.last_phase());
    let mut learner = data.learner(&model.setting(&phases, &machine), Purpose::Evaluate(side))?;
    let weights = model.config.task.kind().weights(&model.weights, None)?;
    give(&model.weights, weights, |weights| learner.load(weights))?;
    // An unwritable folder is found before the work, not after it; a model that does not fit leaves no folder behind.
    create_dir_all(folder)?;
    let _lock = FolderLock::acquire(folder)?;
    let found = learner.evaluate(model.config.train.micro_batch_size(), side.title(), around)?;
    let metrics = document(model, side, (fingerprint, &data.facts()), &found)?;
    draw(folder, &(found.draw)(&metrics.about())?)?;
    found.tables.iter().try_for_each(|(name, table)| write_atomic(&folder.join(name), table))?;
    metrics.write(&folder.join("metrics.json"))?;
    let tables = chapters(&model.config).tables(&metrics);
    Ok(Evaluated { folder: folder.to_owned(), metrics, tables })
}

/// If the files have changed, samples that were trained on may be on another side now.
fn warn_of_another_dataset(model: &TrainedModel, fingerprint: &str) {
    let record = model.run.as_ref().and_then(|run| RunRecord::read(&run.join("run.json")).ok().flatten());
    if let Some(record) = record.filter(|record| record.dataset.fingerprint != fingerprint) {
        let (run, dataset) = (model.run_name().unwrap_or_default(), &model.config.data.name);
        let files = record.dataset.files;
        warn!("dataset {dataset} has other files than the {files} that {run} was trained with: its sides may differ");
    }
}

/// What the task shows of an evaluation, on the page and on the terminal.
pub(super) fn chapters(config: &Config) -> &'static dyn Chapters {
    config.task.kind().evaluated()
}

fn draw(folder: &Path, pictures: &Plots) -> Result<(), EvaluateError> {
    let at = folder.join("plots");
    // Pictures of an earlier evaluation would not match the new numbers.
    remove_tree(&at)?;
    create_dir_all(&at)?;
    pictures.iter().try_for_each(|(name, picture)| Ok(write_atomic(&at.join(name), picture)?))
}

fn document(
    model: &TrainedModel,
    side: Side,
    (fingerprint, facts): (&str, &Value),
    found: &Evaluation<'_>,
) -> Result<Metrics, TrainedError> {
    let step = model.says.get("checkpoint").and_then(|id| id.parse::<CheckpointId>().ok()).map(|id| id.step);
    let whole = |path: &Path| std::path::absolute(path).ok();
    let within = |run: &PathBuf| whole(&model.weights)?.strip_prefix(whole(run)?).ok().map(Path::to_owned);
    let within = model.run.as_ref().and_then(within);
    Ok(Metrics {
        format_version: VERSION,
        program: format!("fragua {}", env!("CARGO_PKG_VERSION")),
        created: jiff::Timestamp::now(),
        task: model.config.task.name().to_owned(),
        run: model.run_name(),
        split: side.name().to_owned(),
        weights: Weights {
            file: within.unwrap_or_else(|| model.weights.clone()).display().to_string(),
            sha256: model.digest()?.to_string(),
            step,
        },
        dataset: DatasetUsed {
            name: model.config.data.name.clone(),
            fingerprint: fingerprint.to_owned(),
            side: side.name().to_owned(),
            basis: found.basis.clone(),
        },
        primary: model.config.task.kind().primary(facts),
        metrics: document::metrics(&found.measured),
        sections: found.sections.clone(),
    })
}
