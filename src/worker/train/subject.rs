//! The subject of training: the prepared dataset and everything needed to make learners. Each attempt starts with a new
//! learner; there are never two at once, because a model and its gradients may fill the memory of a device.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use super::error::TrainingError;
use super::initial;
use crate::config::Config;
use crate::data::loader::LoaderConfig;
use crate::data::split::Side;
use crate::metric::score::ScoreSpec;
use crate::task::{LearnerSetting, Phase, Prepared, Purpose, parts};
use crate::train::config::TrainConfig;
use crate::train::device::{self, Resolved};
use crate::train::learner::Learner;
use crate::train::run_folder::dataset::Dataset;
use crate::worker::phases;

/// Finds the device that the configuration asks for.
pub(super) fn machine(config: &Config) -> Result<Resolved, TrainingError> {
    Ok(device::resolve(config.device, config.precision, &device::Machine::find())?)
}

/// A prepared dataset, from which each attempt makes its learner.
pub(super) struct Subject {
    prepared: Prepared,
    phases: Vec<Phase>,
    machine: Resolved,
    seed: u64,
    fraction: f64,
    loader: LoaderConfig,
    /// The weights to start from, unless they are random.
    started_from: Option<PathBuf>,
    /// Whether these weights were already reported: once is enough.
    reported: Cell<bool>,
    /// The learner that was used for the rehearsal, back in its initial state.
    rehearsed: RefCell<Option<Box<dyn Learner>>>,
}

impl Subject {
    /// Takes a prepared dataset.
    pub(super) fn new(
        config: &Config,
        machine: Resolved,
        prepared: Prepared,
        started_from: Option<PathBuf>,
    ) -> Result<Self, TrainingError> {
        Ok(Self {
            prepared,
            phases: phases(config).map_err(|error| TrainingError::Configuration(error.to_string()))?,
            machine,
            seed: config.seed,
            fraction: config.data.fraction,
            loader: config.data.loader.clone(),
            started_from,
            reported: Cell::new(false),
            rehearsed: RefCell::new(None),
        })
    }

    pub(super) fn machine(&self) -> &Resolved {
        &self.machine
    }

    /// Whether there are samples to validate on.
    pub(super) fn validates(&self) -> bool {
        let validates_on_training = |phase: &Phase| phase.train.overfit_single_batch;
        self.prepared.data.samples(Side::Val) > 0 || self.phases.iter().any(validates_on_training)
    }

    pub(super) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The dataset as the run folder keeps it.
    pub(super) fn dataset(&self) -> Dataset {
        let Prepared { fingerprint, files, data, .. } = &self.prepared;
        Dataset::new(fingerprint.clone(), files.clone(), data.document())
    }

    pub(super) fn started_from(&self) -> Option<&Path> {
        self.started_from.as_deref()
    }

    pub(super) fn loader(&self) -> &LoaderConfig {
        &self.loader
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The training configuration of each phase.
    pub(super) fn phases(&self) -> Vec<TrainConfig> {
        self.phases.iter().map(|phase| phase.train.clone()).collect()
    }

    /// What the losses of all phases and their parts are.
    pub(super) fn parts(&self) -> Vec<ScoreSpec> {
        parts(self.phases.iter().map(|phase| phase.task.kind()))
    }

    /// A learner whose weights a checkpoint will replace: the weights to start from may no longer exist.
    pub(super) fn learner(&self) -> Result<Box<dyn Learner>, TrainingError> {
        if let Some(rehearsed) = self.rehearsed.take() {
            return Ok(rehearsed);
        }
        let (phases, machine) = (&self.phases[..], &self.machine);
        let (seed, fraction, loader) = (self.seed, self.fraction, &self.loader);
        let setting = LearnerSetting { phases, machine, seed, fraction, loader, facts: None };
        Ok(self.prepared.data.learner(&setting, Purpose::Train)?)
    }

    /// The same, with the weights that training starts from.
    pub(super) fn fresh(&self) -> Result<Box<dyn Learner>, TrainingError> {
        let mut learner = self.learner()?;
        self.start(learner.as_mut())?;
        Ok(learner)
    }

    /// Loads the weights that training starts from into a learner.
    pub(super) fn start(&self, learner: &mut dyn Learner) -> Result<(), TrainingError> {
        match &self.started_from {
            Some(path) => {
                let kind = self.phases[0].task.kind();
                initial::load(path, kind, learner, !self.reported.replace(true))
            }
            None => Ok(()),
        }
    }

    /// Keeps the learner of the rehearsal for the first attempt, as building one takes time.
    pub(super) fn keep(&self, rehearsed: Box<dyn Learner>) {
        self.rehearsed.replace(Some(rehearsed));
    }

    /// Keeps less in memory from now on: the last start was killed for lack of memory.
    pub(super) fn hold_less(&mut self) {
        self.loader.queue_windows = self.loader.queue_windows.min(2);
        self.loader.cache_bytes /= 4;
    }
}
