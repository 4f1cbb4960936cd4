//! Finds a trained model by what the user names: a run, its name, `latest`, a checkpoint, a weights file. With the
//! configuration of its run, nothing else is needed to use it. How it is used is decided elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::prepared_folder;
use crate::config::{self, Config, ConfigError, Override};
use crate::nn::weights::Format;
use crate::task::{LearnerSetting, Phase};
use crate::train::checkpoint::disk::RealDisk;
use crate::train::checkpoint::weights::{FACTS, metadata};
use crate::train::checkpoint::{CheckpointError, Manifest};
use crate::train::config::TrainConfig;
use crate::train::device::{self, DeviceError, Resolved};
use crate::train::run_folder::record::RunRecord;
use crate::train::run_folder::{RunError, listing};
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::fs::FsError;
use crate::util::sha256::Digest;

/// The weights files of a run folder or a checkpoint, the best first.
const CANDIDATES: [&str; 4] =
    ["weights/best.safetensors", "weights/last.safetensors", "ema.safetensors", "model.safetensors"];

/// How many levels above a weights file its run is searched for: run/checkpoints/e0001-s000010/model.safetensors.
const LEVELS_UP: usize = 3;

/// A model that can't be used.
#[derive(Debug, Error)]
pub enum TrainedError {
    /// The run is not there.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The weights do not exist.
    #[error(
        "{} holds no weights, expected one of {}; train first, or name a file, .safetensors or .pth",
        folder.display(),
        CANDIDATES.join(", ")
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A weights file is outside a run.
    #[error("{} is not in a run folder, so its configuration is unknown; give it with --config", file.display())]
    NoConfig {
        /// The file.
        file: PathBuf,
    },
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The header of the weights can't be read.
    #[error(transparent)]
    Header(#[from] CheckpointError),
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// The weights are of another task.
    #[error("{} holds weights of the task {got}, the configuration has {expected}; give the configuration that they were trained with", file.display())]
    Task {
        /// The file.
        file: PathBuf,
        /// Its task.
        got: String,
        /// The configured one.
        expected: &'static str,
    },
    /// The weights were changed or damaged.
    #[error(
        "{} is damaged: its SHA-256 is {got}, expected {expected}; the same `fragua train` command publishes it again from its checkpoint",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Its digest.
        got: Digest,
        /// What its run or checkpoint recorded.
        expected: String,
    },
    /// It is not a weights file, or does not say what its task must know.
    #[error(transparent)]
    Foreign(#[from] Failed),
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl TrainedError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Run(error) => error.exit(),
            Self::NoWeights { .. } | Self::Task { .. } | Self::Damaged { .. } => Exit::DataRefused,
            Self::NoConfig { .. } => Exit::Usage,
            Self::Config(error) => error.exit(),
            // Only read, so nothing is wrong with an output folder.
            Self::Header(CheckpointError::Disk(error)) | Self::File(error) if is_denied(error) => Exit::DataRefused,
            Self::Header(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Foreign(error) => error.exit(),
            Self::Device(error) => error.exit(),
        }
    }
}

fn is_denied(error: &FsError) -> bool {
    error.source.kind() == std::io::ErrorKind::PermissionDenied
}

/// How the user names the model.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// A run folder, its name, `latest`, a checkpoint, or a file of weights.
    pub model: &'a str,
    /// The folder of all runs, where names are looked up.
    pub root: &'a Path,
    /// A configuration to use instead of that of the run.
    pub config: Option<&'a Path>,
    /// Values that override those of the configuration.
    pub overrides: &'a [Override],
    /// Values from the environment that override those of the configuration.
    pub variables: &'a [(String, String)],
}

/// A trained model that was found.
#[derive(Clone, Debug)]
pub struct TrainedModel {
    /// Its weights file.
    pub weights: PathBuf,
    /// The metadata of that file.
    pub says: BTreeMap<String, String>,
    /// What it must know about the dataset that it was trained on; null if it needs nothing.
    pub facts: Value,
    /// The folder of its run, if it is in one.
    pub run: Option<PathBuf>,
    /// The configuration that it was trained with.
    pub config: Config,
}

impl TrainedModel {
    /// Finds the model.
    ///
    /// # Errors
    /// If it does not exist, or its configuration can't be found.
    pub fn find(wanted: &Wanted<'_>) -> Result<Self, TrainedError> {
        let weights = weights_of(wanted)?;
        let run = run_of(&weights);
        warn_of_last(wanted.model, &weights);
        check(&weights, run.as_deref())?;
        let from_run = run.as_ref().map(|run| run.join("config.yaml"));
        let Some(file) = wanted.config.map(Path::to_owned).or(from_run) else {
            return Err(TrainedError::NoConfig { file: weights });
        };
        let config = config::load(Some(&file), wanted.variables.iter().cloned(), wanted.overrides)?.config;
        let says = says(&weights)?;
        let foreign = || config.task.kind().foreign_facts(&weights, &prepared_folder(&config.data));
        let facts = facts(&says, run.as_deref()).map_or_else(foreign, Ok)?;
        let expected = config.task.name();
        match says.get("task") {
            Some(got) if got != expected => Err(TrainedError::Task { file: weights, got: got.clone(), expected }),
            _ => Ok(Self { weights, says, facts, run, config }),
        }
    }

    /// The weights of a run that is already known.
    ///
    /// # Errors
    /// If the header of the weights can't be read.
    pub fn of_run(run: &Path, weights: &Path, config: &Config) -> Result<Self, TrainedError> {
        let says = metadata(&RealDisk, weights)?;
        let facts = facts(&says, Some(run)).unwrap_or(Value::Null);
        Ok(Self { weights: weights.to_owned(), says, facts, run: Some(run.to_owned()), config: config.clone() })
    }

    /// The name of its run.
    #[must_use]
    pub fn run_name(&self) -> Option<String> {
        Some(self.run.as_ref()?.file_name()?.to_string_lossy().into_owned())
    }

    /// A description of the model, for people.
    #[must_use]
    pub fn described(&self) -> String {
        let step =
            self.says.get("checkpoint").map_or_else(String::new, |checkpoint| format!(", checkpoint {checkpoint}"));
        format!("{}{step}", self.weights.display())
    }

    /// The digest of its weights.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn digest(&self) -> Result<Digest, TrainedError> {
        Ok(Digest::of_file(&self.weights).map_err(FsError::at("read", &self.weights))?)
    }

    /// The configured device.
    ///
    /// # Errors
    /// If that is not available.
    pub fn machine(&self) -> Result<Resolved, TrainedError> {
        Ok(device::resolve(self.config.device, self.config.precision, &device::Machine::find())?)
    }

    /// The last phase that it was trained in, with nothing frozen, because nothing is trained here.
    #[must_use]
    pub fn last_phase(&self) -> [Phase; 1] {
        let last = self.config.phases().ok().and_then(|mut phases| phases.pop());
        let Config { task, train, .. } = last.unwrap_or_else(|| self.config.clone());
        [Phase { task, train: TrainConfig { freeze: Vec::new(), ..train } }]
    }

    /// What is needed to make learners of it.
    #[must_use]
    pub fn setting<'a>(&'a self, phases: &'a [Phase], machine: &'a Resolved) -> LearnerSetting<'a> {
        let data = &self.config.data;
        let (seed, facts) = (self.config.seed, Some(&self.facts));
        LearnerSetting { phases, machine, seed, fraction: data.fraction, loader: &data.loader, facts }
    }
}

/// The metadata of a weights file; none for one of PyTorch, whose task looks for what it needs.
fn says(file: &Path) -> Result<BTreeMap<String, String>, TrainedError> {
    match Format::of(file).map_err(Failed::from)? {
        Format::Safetensors => Ok(metadata(&RealDisk, file)?),
        Format::Pth => Ok(BTreeMap::new()),
    }
}

/// What a weights file says about its dataset. Checkpoints say nothing, but the weights published by their run do. None for a
/// file of another program.
fn facts(says: &BTreeMap<String, String>, run: Option<&Path>) -> Option<Value> {
    let own = |says: &BTreeMap<String, String>| serde_json::from_str(says.get(FACTS)?).ok();
    let published = || own(&metadata(&RealDisk, &within(run?)?).ok()?);
    own(says).or_else(|| published().filter(|_| !says.is_empty()))
}

/// Compares a weights file with the digest that its run or its checkpoint has recorded, if there is one.
fn check(weights: &Path, run: Option<&Path>) -> Result<(), TrainedError> {
    let Some(expected) = recorded(weights, run) else { return Ok(()) };
    let got = Digest::of_file(weights).map_err(FsError::at("read", weights))?;
    match got.to_string() == expected {
        true => Ok(()),
        false => Err(TrainedError::Damaged { file: weights.to_owned(), got, expected }),
    }
}

/// The digest that a weights file had when it was written; none for one outside a run, or of a run that is in training.
fn recorded(weights: &Path, run: Option<&Path>) -> Option<String> {
    let (folder, name) = (weights.parent()?, weights.file_name()?.to_str()?);
    if let Ok(text) = std::fs::read(folder.join("manifest.json")) {
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        let manifest = Manifest::parse(&folder.join("manifest.json"), id, &text).ok()?;
        return Some(manifest.files.get(name)?.sha256.to_string());
    }
    let record = RunRecord::read(&run?.join("run.json"));
    let record = record.inspect_err(|error| tracing::warn!("{error}; so the weights are not verified")).ok()??;
    record.weights.get(&format!("{}/{name}", folder.file_name()?.to_str()?)).cloned()
}

/// The weights file that the user named.
fn weights_of(wanted: &Wanted<'_>) -> Result<PathBuf, TrainedError> {
    let path = Path::new(wanted.model);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if let Some(weights) = within(path) {
        return Ok(weights);
    }
    let folder = listing::resolve(wanted.root, wanted.model)?;
    within(&folder).ok_or(TrainedError::NoWeights { folder })
}

/// The best weights of a run folder or a checkpoint.
pub(super) fn within(folder: &Path) -> Option<PathBuf> {
    CANDIDATES.map(|name| folder.join(name)).into_iter().find(|file| file.is_file())
}

/// Warns if the last weights are taken only because the best ones are missing.
fn warn_of_last(wanted: &str, weights: &Path) {
    if Path::new(wanted) != weights && weights.ends_with(CANDIDATES[1]) {
        let best = weights.with_file_name("best.safetensors");
        tracing::warn!("{} {}: {} is used instead", best.display(), instead_of_file(&best), weights.display());
    }
}

/// What there is in the place of a file.
fn instead_of_file(path: &Path) -> &'static str {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => "is a folder, not a file",
        Ok(_) => "is a pipe or a device, not a file",
        Err(_) if path.is_symlink() => "is a link that leads nowhere",
        Err(_) => "is missing",
    }
}

/// The run that contains a weights file.
fn run_of(weights: &Path) -> Option<PathBuf> {
    let above = |path: &Path| {
        let mut above = path.ancestors().skip(1).take(LEVELS_UP);
        above.find(|folder| folder.join("run.json").is_file()).map(Path::to_owned)
    };
    // As the user typed it, if possible, because messages show it.
    above(weights).filter(|run| run.file_name().is_some()).or_else(|| above(&std::path::absolute(weights).ok()?))
}
