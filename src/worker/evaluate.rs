//! Evaluation: a trained model held against what came, on one side of its dataset. What was found is left as
//! `metrics.json` and plots, each complete or absent; nothing of the run is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tracing::warn;

use super::prepare;
use super::trained::{TrainedError, TrainedModel};
use super::{Surroundings, WorkError};
use crate::config::Config;
use crate::data::loader::{Loader, Order, SampleError};
use crate::metric::document::{self, DatasetUsed, DocumentError, Measured, Metrics, VERSION, Weights};
use crate::metric::score::ScoreSpec;
use crate::report::PictureError;
use crate::report::page::Grid;
use crate::task::nowcast::config::NowcastConfig;
use crate::task::nowcast::dataset::{Dataset, DatasetError};
use crate::task::nowcast::split::Side;
use crate::task::nowcast::training::{Nowcast, NowcastScores};
use crate::task::{TaskConfig, evaluated};
use crate::train::checkpoint::CheckpointId;
use crate::train::engine::{self, TrainError};
use crate::train::events::Named;
use crate::train::observe::page::{self, Chapters};
use crate::train::task::{Depth, Scores, Task};
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all, remove_tree, write_atomic};
use crate::util::lock::{FolderLock, LockError, is_held};
use crate::util::progress::Unit;
use crate::util::units;

/// What is evaluated, and where that is left.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// The side of the dataset.
    pub side: Side,
    /// The folder for the results, where it is not that of the run.
    pub output: Option<PathBuf>,
}

/// What came of an evaluation.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The folder with `metrics.json` and plots.
    pub folder: PathBuf,
    /// What `metrics.json` holds.
    pub metrics: Metrics,
    /// What the task shows of it on a terminal, beyond tables of scores.
    pub tables: Vec<Grid>,
}

/// An evaluation that failed.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// There is nothing to evaluate on.
    #[error(
        "the {} side of dataset {dataset} has no windows; raise task.nowcast.split.{}_share, or choose another --split",
        name(*side),
        name(*side)
    )]
    Empty {
        /// The side.
        side: Side,
        /// The dataset.
        dataset: String,
    },
    /// It is not known where results shall go.
    #[error("{} lies in no run folder; say with --output where the results shall go", weights.display())]
    NoPlace {
        /// The weights.
        weights: PathBuf,
    },
    /// The model can't be used.
    #[error(transparent)]
    Model(#[from] TrainedError),
    /// The prepared dataset can't be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The samples make no sense together.
    #[error(transparent)]
    Samples(#[from] SampleError),
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
            Self::Dataset(error) => error.exit(),
            Self::Samples(error) => error.exit(),
            Self::Engine(error) => error.exit(),
            Self::Document(error) => error.exit(),
            Self::Lock(error) => error.exit(),
            Self::Picture(error) => error.exit(),
            Self::File(error) => error.exit(),
        }
    }
}

/// What a side is called where it is chosen.
#[must_use]
pub fn name(side: Side) -> &'static str {
    match side {
        Side::Train => "train",
        Side::Val => "val",
        Side::Test => "test",
    }
}

/// The folder of a run's evaluation on a side: the others stand below that of the validation.
#[must_use]
pub fn folder(run: &Path, side: Side) -> PathBuf {
    match side {
        Side::Val => run.join("evaluation"),
        other => run.join("evaluation").join(name(other)),
    }
}

/// Prepares the dataset and evaluates a model on one side of it.
///
/// # Errors
/// Where the dataset can't be prepared or has no such side, the weights don't fit, or results can't be written.
pub fn evaluate(
    model: &TrainedModel,
    options: &EvaluateOptions,
    around: &Surroundings<'_>,
) -> Result<Evaluated, WorkError> {
    let at = options.output.clone().or_else(|| model.run.as_ref().map(|run| folder(run, options.side)));
    let folder = at.ok_or_else(|| EvaluateError::NoPlace { weights: model.weights.clone() })?;
    let (prepared, dataset) = prepare(&model.config, around)?;
    let fingerprint = prepared.report.fingerprint.to_string();
    let evaluated = evaluate_on(model, options.side, &folder, dataset, &fingerprint, around)?;
    // Whoever trains the run writes its page.
    if let (None, Some(run)) = (&options.output, &model.run)
        && !is_held(run)
        && let Err(error) = page::write(run, chapters(&model.config))
    {
        warn!("{error}");
    }
    Ok(evaluated)
}

/// Whether a dataset has windows on a side.
pub(super) fn has(dataset: &Dataset, side: Side) -> bool {
    dataset.plan.windows(side).next().is_some()
}

/// Evaluates a model on one side of a prepared dataset.
pub(super) fn evaluate_on(
    model: &TrainedModel,
    side: Side,
    folder: &Path,
    dataset: Dataset,
    fingerprint: &str,
    around: &Surroundings<'_>,
) -> Result<Evaluated, EvaluateError> {
    let TaskConfig::Nowcast(task) = &model.config.task;
    if !has(&dataset, side) {
        return Err(EvaluateError::Empty { side, dataset: model.config.data.name.clone() });
    }
    let machine = model.machine()?;
    let mut nowcast = model.task(dataset.shape(), dataset.times(), &machine)?;
    // A folder that can't be written is found before the work, not after it; a model that does not fit leaves none.
    create_dir_all(folder)?;
    let _lock = FolderLock::acquire(folder)?;
    let (scores, losses) = run(&mut nowcast, &model.config, task, dataset, side, around)?;
    let metrics = document(model, side, fingerprint, &measured(nowcast.parts(), &losses, &scores), &scores)?;
    draw(folder, &nowcast.plots(&scores, &metrics.about())?)?;
    metrics.write(&folder.join("metrics.json"))?;
    let tables = chapters(&model.config).tables(&metrics);
    Ok(Evaluated { folder: folder.to_owned(), metrics, tables })
}

/// What the task says about an evaluation, on the page and on the terminal.
pub(super) fn chapters(config: &Config) -> &'static dyn Chapters {
    evaluated(config.task.name()).map_or(&() as &dyn Chapters, |evaluated| evaluated)
}

fn draw(folder: &Path, pictures: &[(&'static str, Vec<u8>)]) -> Result<(), EvaluateError> {
    let at = folder.join("plots");
    // Those of an earlier evaluation would be beside other numbers.
    remove_tree(&at)?;
    create_dir_all(&at)?;
    pictures.iter().try_for_each(|(name, picture)| Ok(write_atomic(&at.join(name), picture)?))
}

/// The scores with their intervals, then the loss and its parts.
fn measured(parts: &[ScoreSpec], losses: &[Named], scores: &impl Scores) -> Vec<Measured> {
    let intervals = scores.intervals().into_iter().chain(std::iter::repeat(None));
    let scores = scores.specs().into_iter().zip(scores.values()).zip(intervals);
    let scores = scores.map(|((spec, value), interval)| (spec, value, interval));
    let losses = parts.iter().cloned().zip(losses).map(|(spec, (_, value))| (spec, *value, None));
    scores.chain(losses).collect()
}

/// Runs the model over all samples of a side.
fn run(
    nowcast: &mut Nowcast,
    config: &Config,
    task: &NowcastConfig,
    dataset: Dataset,
    side: Side,
    around: &Surroundings<'_>,
) -> Result<(NowcastScores, Vec<Named>), EvaluateError> {
    let samples = dataset.samples(side, task);
    let count = samples.len();
    let order = Order { seed: config.seed, shuffle: false };
    let loader = Loader::of_frames(Arc::new(dataset.frames), samples, order, config.data.loader.clone())?;
    around.progress.begin("evaluate", Some(count as u64), Unit::Windows);
    let mut scores = nowcast.scores(Depth::Evaluation);
    let mut before = 0;
    let mut told = |done: usize| {
        around.progress.advance((done - before) as u64);
        before = done;
    };
    let losses =
        engine::evaluate(nowcast, &loader, config.train.micro_batch_size(), &mut scores, around.stop, &mut told)?;
    around.progress.end(&format!("evaluated {}", units::count(count as u64, "window")));
    Ok((scores, losses))
}

fn document(
    model: &TrainedModel,
    side: Side,
    fingerprint: &str,
    measured: &[Measured],
    scores: &impl Scores,
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
        split: name(side).to_owned(),
        weights: Weights {
            file: within.unwrap_or_else(|| model.weights.clone()).display().to_string(),
            sha256: model.digest()?.to_string(),
            step,
        },
        dataset: DatasetUsed {
            name: model.config.data.name.clone(),
            fingerprint: fingerprint.to_owned(),
            side: name(side).to_owned(),
            basis: scores.basis(),
        },
        primary: model.config.task.primary(),
        metrics: document::metrics(measured),
        sections: scores.sections(),
    })
}
