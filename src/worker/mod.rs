//! The stages of a run. Each is finished once, durably, and skipped when it is; each can be killed and started again.

pub mod compare;
pub mod doctor;
mod error;
pub mod evaluate;
pub mod export;
pub mod health;
pub mod predict;
pub mod runs;
pub mod train;
pub mod trained;

use std::path::{Path, PathBuf};

use tracing::warn;

pub use self::error::WorkError;
pub use self::trained::{TrainedError, TrainedModel, Wanted};
use crate::config::Config;
use crate::data::acquire::{self, AcquireError, Acquired};
use crate::data::config::{DataConfig, Synthetic};
use crate::task::TaskConfig;
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::inspect::{self, Inspection, View};
use crate::task::nowcast::prepare::{self, Prepared, report::Report};
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::synth::{self, SynthError};
use crate::train::run_folder::name::number;
use crate::util::fs::{FsError, check_tree_writable, check_writable};
use crate::util::progress::Progress;
use crate::util::stop::Stop;

/// The most set-aside files that are named one by one; the report names all.
const MOST_NAMED: usize = 5;

/// What every stage gets from outside.
pub struct Surroundings<'a> {
    /// The wish to stop.
    pub stop: &'a Stop,
    /// The audience.
    pub progress: &'a dyn Progress,
}

/// Downloads and unpacks the dataset, or finds that it is here.
///
/// # Errors
/// See [`AcquireError`].
pub fn fetch(config: &Config, around: &Surroundings<'_>) -> Result<Acquired, WorkError> {
    let synthesize = |config: &Synthetic, into: &Path| match synth::write(config, into, around.stop, around.progress) {
        Ok(_) => Ok(()),
        Err(SynthError::Stopped(stopped)) => Err(stopped.into()),
        Err(error) => Err(AcquireError::Synthetic { exit: error.exit(), source: error.into() }),
    };
    let context = acquire::Context::new(around.stop, around.progress, &synthesize);
    Ok(acquire::acquire(&config.data, &context)?)
}

/// Fetches, turns the raw files into the prepared dataset, and decides about windows and sides.
///
/// # Errors
/// See [`prepare::PrepareError`] and [`crate::task::nowcast::dataset::DatasetError`].
pub fn prepare(config: &Config, around: &Surroundings<'_>) -> Result<(Prepared, Dataset), WorkError> {
    let acquired = fetch(config, around)?;
    let TaskConfig::Nowcast(task) = &config.task;
    let setting = prepare::Setting {
        config: &task.prepare,
        quantizer: Quantizer::new(task.prepare.min_dbz, task.prepare.max_dbz)?,
        hashes: acquired.manifest.as_ref(),
        threads: threads(),
        stop: around.stop,
        progress: around.progress,
    };
    let prepared = prepare::prepare(&acquired.root, &prepared_folder(&config.data), &setting)?;
    name_set_aside(&prepared);
    let dataset = Dataset::open(&prepared.store, task)?;
    dataset.save_manifest(&prepared.store)?;
    dataset.plan.manifest.warnings.iter().for_each(|warning| warn!("{warning}"));
    Ok((prepared, dataset))
}

fn name_set_aside(prepared: &Prepared) {
    for line in prepared.report.examples(MOST_NAMED) {
        warn!("set aside {line}");
    }
    let more = prepared.report.bad().saturating_sub(MOST_NAMED);
    if more > 0 {
        warn!("{more} more were set aside; {} names all", Report::path(&prepared.store).display());
    }
}

/// What `inspect` shall draw.
#[derive(Clone, Debug)]
pub struct InspectOptions {
    /// Whether pictures are wanted.
    pub pictures: bool,
    /// Where they go, if not to their usual place.
    pub output: Option<PathBuf>,
    /// What of a volume is drawn.
    pub view: View,
}

/// Tells and shows what is in the prepared dataset.
///
/// # Errors
/// Where it is not prepared yet, can't be read, or a picture can't be written.
pub fn inspect(config: &Config, options: &InspectOptions, around: &Surroundings<'_>) -> Result<Inspection, WorkError> {
    let TaskConfig::Nowcast(task) = &config.task;
    let store = prepare::store_path(&prepared_folder(&config.data), &task.prepare);
    let folder = options.output.clone().unwrap_or_else(|| config.data.folder().join("inspect"));
    let setting = inspect::Setting {
        config: task,
        pictures: options.pictures.then_some(folder.as_path()),
        view: options.view,
        threads: threads(),
        stop: around.stop,
        progress: around.progress,
    };
    Ok(inspect::inspect(&store, &setting)?)
}

/// Writes a synthetic dataset into a new folder, and packs it where an archive is named.
///
/// # Errors
/// Where something is in the way, or the disk refuses.
pub fn synth(
    config: &Synthetic,
    into: &Path,
    archive: Option<(&Path, synth::Packing)>,
    around: &Surroundings<'_>,
) -> Result<synth::Summary, WorkError> {
    let summary = synth::write(config, into, around.stop, around.progress)?;
    if let Some((archive, packing)) = archive {
        synth::pack(into, archive, packing, around.stop)?;
    }
    Ok(summary)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether a dataset can be written: found out before hours of downloading, not after. Raw files are only read once they are
/// there, so whose they are is no matter.
fn check_data_writable(data: &DataConfig) -> Result<(), FsError> {
    check_writable(&data.folder())?;
    check_tree_writable(&prepared_folder(data), 1)
}

/// Whether a new run can be written, and those that lie there under its name.
fn check_runs_writable(config: &Config) -> Result<(), FsError> {
    let root = &config.output.root;
    check_writable(root)?;
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let is_of_family = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| number(&config.name, name).is_some());
    let family = entries.filter(|entry| is_of_family(&entry.file_name()) && entry.path().is_dir());
    family.map(|entry| entry.path()).try_for_each(|run| check_tree_writable(&run, 1))
}

/// The folder below which prepared datasets lie.
fn prepared_folder(data: &DataConfig) -> PathBuf {
    data.folder().join("prepared")
}
