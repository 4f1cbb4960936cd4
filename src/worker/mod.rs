//! The stages of a run. Each is completed once, durably, and then skipped; each can be killed and started again. The
//! task-specific parts are implemented by the task, see [`crate::task::Kind`].

pub mod compare;
pub mod doctor;
mod error;
pub mod evaluate;
pub mod export;
pub mod health;
pub mod predict;
pub mod room;
pub mod runs;
pub mod train;
pub mod trained;
pub mod watch;

use std::path::{Path, PathBuf};

pub use self::error::WorkError;
pub use self::trained::{TrainedError, TrainedModel, Wanted};
use crate::config::Config;
use crate::data::acquire::{self, Acquired};
use crate::data::config::DataConfig;
use crate::data::pack::{Packing, pack};
use crate::data::synthetic::Synthetic;
use crate::task::{InspectOptions, Phase, Prepared, Shown, TaskConfig};
use crate::train::run_folder::RunError;
use crate::train::run_folder::name::number;
use crate::util::fs::{FsError, check_tree_writable, check_writable};
use crate::util::readers::Reading;
use crate::util::surroundings::Surroundings;

/// Downloads and unpacks the dataset, or verifies that it is already here.
///
/// # Errors
/// See [`acquire::AcquireError`].
pub fn fetch(config: &Config, around: &Surroundings<'_>) -> Result<Acquired, WorkError> {
    let kind = config.task.kind();
    let synthesise = |synthetic: &Synthetic, into: &Path| kind.synthesise(synthetic, into, around);
    let is_payload = |name: &Path, head: &[u8]| kind.is_payload(name, head);
    let is_whole = |name: &Path, head: &[u8]| kind.is_whole(name, head);
    let context = acquire::Context { whole: &is_whole, ..acquire::Context::new(around, &synthesise, &is_payload) };
    Ok(acquire::acquire(&config.data, &context)?)
}

/// Fetches, turns the raw files into the prepared dataset, and assigns the samples to sides.
///
/// # Errors
/// See [`fetch`] and [`crate::task::Kind::prepare`].
pub fn prepare(config: &Config, around: &Surroundings<'_>) -> Result<Prepared, WorkError> {
    // Its lock is held until the prepared dataset is locked, so that nobody can change it in between.
    let acquired = fetch(config, around)?;
    let prepared = config.task.kind().prepare(&acquired, &prepared_folder(&config.data), around)?;
    let reading = Reading::begin(&prepared.store).map_err(RunError::from)?;
    Ok(Prepared { reading: Some(reading), ..prepared })
}

/// Reports and shows the content of the prepared dataset.
///
/// # Errors
/// If it is not prepared yet, comes from another source, can't be read, or a picture can't be written.
pub fn inspect(config: &Config, options: &InspectOptions, around: &Surroundings<'_>) -> Result<Shown, WorkError> {
    acquire::check_source(&config.data)?;
    Ok(config.task.kind().inspect(&prepared_folder(&config.data), options, around)?)
}

/// The default folder for the pictures of a dataset.
#[must_use]
pub fn pictures_folder(config: &Config) -> PathBuf {
    config.data.folder().join("inspect")
}

/// Writes a synthetic dataset of a task into a new folder, and packs it if an archive is named.
///
/// # Errors
/// If something else has that name, or writing fails.
pub fn synth(
    task: &TaskConfig,
    synthetic: &Synthetic,
    into: &Path,
    archive: Option<(&Path, Packing)>,
    around: &Surroundings<'_>,
) -> Result<(), WorkError> {
    task.kind().synthesise(synthetic, into, around)?;
    if let Some((archive, packing)) = archive {
        pack(into, archive, packing, around.stop)?;
    }
    Ok(())
}

/// The phases of a training, as needed to make learners.
fn phases(config: &Config) -> Result<Vec<Phase>, serde_json::Error> {
    let phases = config.phases()?.into_iter();
    Ok(phases.map(|phase| Phase { task: phase.task, train: phase.train }).collect())
}

/// Whether a dataset can be written: checked before hours of downloading, not after. Raw files are only read once they
/// are there, so their owner does not matter. A dataset that is complete and was prepared before may be read-only: with these
/// options it may have been prepared too, and then nothing is written.
fn check_data_writable(data: &DataConfig) -> Result<(), FsError> {
    let prepared = prepared_folder(data);
    let written = check_writable(&data.folder()).and_then(|()| check_tree_writable(&prepared, 1));
    let has_any = || std::fs::read_dir(&prepared).is_ok_and(|mut entries| entries.next().is_some());
    if written.is_err() && acquire::is_complete(data) && has_any() { Ok(()) } else { written }
}

/// Whether a new run, and the existing runs of its name, can be written.
fn check_runs_writable(config: &Config) -> Result<(), FsError> {
    let root = &config.output.root;
    check_writable(root)?;
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let is_of_family = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| number(&config.name, name).is_some());
    let family = entries.filter(|entry| is_of_family(&entry.file_name()) && entry.path().is_dir());
    family.map(|entry| entry.path()).try_for_each(|run| check_tree_writable(&run, 1))
}

/// The folder that contains prepared datasets.
fn prepared_folder(data: &DataConfig) -> PathBuf {
    data.folder().join("prepared")
}
