//! What is trained: the task with its model, the samples of both sides, and the device that computes.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::TrainingError;
use super::initial;
use crate::config::Config;
use crate::data::loader::{Frames, LoadedWindow, Loader, LoaderConfig, Order, PreparedEvents, Sample};
use crate::task::TaskConfig;
use crate::task::nowcast::config::NowcastConfig;
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::plan::EventTimes;
use crate::task::nowcast::prepare::Prepared;
use crate::task::nowcast::split::Side;
use crate::task::nowcast::training::{Nowcast, Phase, Setting};
use crate::train::config::TrainConfig;
use crate::train::device::{self, Resolved};
use crate::train::engine::Feeds;

/// Finds the device that the configuration asks for.
pub(super) fn machine(config: &Config) -> Result<Resolved, TrainingError> {
    Ok(device::resolve(config.device, config.precision, &device::Machine::find())?)
}

/// A task with its samples, from which each attempt begins anew.
pub(super) struct Learner {
    config: NowcastConfig,
    /// The complete configuration of each phase.
    phases: Vec<Config>,
    machine: Resolved,
    seed: u64,
    shape: [usize; 3],
    events: Vec<EventTimes>,
    frames: Arc<PreparedEvents>,
    train: Vec<Sample>,
    val: Vec<Sample>,
    loader: LoaderConfig,
    /// The weights to start from, where they are not random.
    started_from: Option<PathBuf>,
    /// Whether it was told what these weights are: once is enough.
    told: Cell<bool>,
    prepared: Source,
}

/// The prepared dataset that the samples are from.
pub(super) struct Source {
    /// Its folder.
    pub(super) store: PathBuf,
    /// The fingerprint of its source files.
    pub(super) fingerprint: String,
}

impl Learner {
    /// Takes a prepared dataset.
    pub(super) fn new(
        config: &Config,
        machine: Resolved,
        (prepared, dataset): (&Prepared, Dataset),
        started_from: Option<PathBuf>,
    ) -> Result<Self, TrainingError> {
        let TaskConfig::Nowcast(task) = &config.task;
        let phases = config.phases().map_err(|error| TrainingError::Configuration(error.to_string()))?;
        Ok(Self {
            phases,
            machine,
            seed: config.seed,
            shape: dataset.shape(),
            events: dataset.times(),
            train: dataset.samples(Side::Train, task),
            val: dataset.samples(Side::Val, task),
            frames: Arc::new(dataset.frames),
            loader: config.data.loader.clone(),
            config: task.clone(),
            started_from,
            told: Cell::new(false),
            prepared: Source { store: prepared.store.clone(), fingerprint: prepared.report.fingerprint.to_string() },
        })
    }

    pub(super) fn machine(&self) -> &Resolved {
        &self.machine
    }

    pub(super) fn config(&self) -> &NowcastConfig {
        &self.config
    }

    pub(super) fn started_from(&self) -> Option<&Path> {
        self.started_from.as_deref()
    }

    pub(super) fn loader_config(&self) -> &LoaderConfig {
        &self.loader
    }

    /// Whether there are samples to validate on.
    pub(super) fn validates(&self) -> bool {
        !self.val.is_empty() || self.phases.iter().any(|phase| phase.train.overfit_single_batch)
    }

    pub(super) fn prepared(&self) -> &Source {
        &self.prepared
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The training configuration of each phase.
    pub(super) fn phases(&self) -> Vec<TrainConfig> {
        self.phases.iter().map(|phase| phase.train.clone()).collect()
    }

    /// The task with the weights that training starts from.
    pub(super) fn fresh_task(&self) -> Result<Nowcast, TrainingError> {
        let mut task = self.task()?;
        if let Some(path) = &self.started_from {
            initial::load(path, &mut task, !self.told.replace(true))?;
        }
        Ok(task)
    }

    /// The task with weights that a checkpoint will replace: those to start from need no longer be there.
    pub(super) fn task(&self) -> Result<Nowcast, TrainingError> {
        let phase = |config: &Config| {
            let TaskConfig::Nowcast(task) = &config.task;
            Phase { loss: task.loss.clone(), freeze: config.train.freeze.clone() }
        };
        let setting = Setting {
            phases: self.phases.iter().map(phase).collect(),
            config: &self.config,
            shape: self.shape,
            events: self.events.clone(),
            device: self.machine.device,
            precision: self.machine.precision,
            seed: self.seed,
        };
        Ok(Nowcast::new(setting)?)
    }

    /// The samples of both sides. Each side has its own frames in memory: as much of it as it has of the samples.
    pub(super) fn feeds(&self) -> Result<Feeds<LoadedWindow>, TrainingError> {
        let shuffle = self.phases.first().is_none_or(|phase| phase.train.shuffle);
        let order = |shuffle| Order { seed: self.seed, shuffle };
        let train = self.loader(&self.train, order(shuffle))?;
        let val = if self.val.is_empty() { None } else { Some(self.loader(&self.val, order(false))?) };
        Ok(Feeds { train: Box::new(train), val: val.map(|val| Box::new(val) as _) })
    }

    fn loader(&self, samples: &[Sample], order: Order) -> Result<Loader<Frames<PreparedEvents>>, TrainingError> {
        let share = samples.len() as f64 / (self.train.len() + self.val.len()).max(1) as f64;
        let cache_bytes = (self.loader.cache_bytes as f64 * share) as usize;
        let config = LoaderConfig { cache_bytes, ..self.loader.clone() };
        Ok(Loader::of_frames(Arc::clone(&self.frames), samples.to_vec(), order, config)?)
    }

    /// Holds less in memory from now on: the last start was killed for its memory.
    pub(super) fn hold_less(&mut self) {
        self.loader.queue_windows = self.loader.queue_windows.min(2);
        self.loader.cache_bytes /= 4;
    }
}
