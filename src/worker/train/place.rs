//! Which run folder a start is for: an unfinished run goes on, otherwise a new one begins. The folder is held against
//! other workers from the first moment, and what is in it says what runs in it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tracing::{info, warn};

use super::TrainOptions;
use super::error::TrainingError;
use super::learner::Learner;
use crate::config::{self, Config};
use crate::native;
use crate::task::nowcast::prepare::report::Report;
use crate::train::run_folder::dataset::{FileDigest, changes};
use crate::train::run_folder::decision::{Decision, decide};
use crate::train::run_folder::difference::Difference;
use crate::train::run_folder::record::{Resumed, RunRecord, VERSION};
use crate::train::run_folder::status::{State, Status};
use crate::train::run_folder::{RunError, RunFolder, listing};
use crate::util::fs::{FsError, remove_tree, write_atomic};

/// The run folder of this start.
pub(super) struct Place {
    folder: RunFolder,
    name: String,
    /// What the run says about itself; none for a new one.
    before: Option<RunRecord>,
    /// What changed in the configuration since.
    differences: Vec<Difference>,
    /// How it stood when it was last seen.
    status: Option<Status>,
}

/// What there is to do.
pub(super) enum Found {
    /// A run to begin, or to go on with.
    Place(Box<Place>),
    /// Nothing: the run in this folder is finished.
    Done(PathBuf),
}

/// Decides what this start is for, and holds its folder.
pub(super) fn find(config: &Config, options: &TrainOptions<'_>) -> Result<Found, TrainingError> {
    let root = &config.output.root;
    let asked = value(config)?;
    let existing = listing::existing(root)?;
    let (name, differences) = match decide(&config.name, &existing, &asked, options.no_resume, &options.allow_change)? {
        Decision::AlreadyDone { name } => return Ok(Found::Done(root.join(name))),
        Decision::New { name } => (name, Vec::new()),
        Decision::Resume { name, differences } => (name, differences),
    };
    let folder = RunFolder::open(&root.join(&name))?;
    // Read again now that nobody else writes.
    let before = RunRecord::read(&folder.file("run.json"))?;
    let status = Status::read(&folder.file("status.json")).filter(|_| before.is_some());
    Ok(Found::Place(Box::new(Place { folder, name, before, differences, status })))
}

impl Place {
    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Whether the run begins now.
    pub(super) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Whether the last start was killed, most likely because memory ran out.
    pub(super) fn died_of_memory(&self) -> bool {
        self.status.as_ref().is_some_and(Status::died_of_memory)
    }

    /// Leaves nothing of a run that could not begin.
    pub(super) fn abandon(&self) {
        if self.is_new()
            && let Err(error) = remove_tree(self.path())
        {
            tracing::debug!("left for the next start: {error}");
        }
    }

    /// Writes down what runs here from now on. A run that goes on must have the dataset that it had.
    pub(super) fn begin(&self, config: &Config, learner: &Learner, report: &Report) -> Result<(), TrainingError> {
        let now = self.record(config, learner, report)?;
        let record = match &self.before {
            None => now,
            Some(before) => self.resumed(before, now)?,
        };
        let named = Config { name: self.name.clone(), ..config.clone() };
        let text = config::show(&named).map_err(|error| TrainingError::Configuration(error.to_string()))?;
        write_atomic(&self.file("config.yaml"), text.as_bytes())?;
        let status = Status { state: State::Running, stage: "train".into(), ..self.status.clone().unwrap_or_default() };
        status.write(&self.file("status.json"))?;
        Ok(record.write(&self.file("run.json"))?)
    }

    fn record(&self, config: &Config, learner: &Learner, report: &Report) -> Result<RunRecord, TrainingError> {
        Ok(RunRecord {
            format_version: VERSION,
            code_version: env!("CARGO_PKG_VERSION").into(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            device: learner.machine().description.clone(),
            libtorch: native::versions().libtorch.into(),
            started: jiff::Timestamp::now(),
            stage: "train".into(),
            config: value(config)?,
            dataset: files(report),
            resumed: Vec::new(),
        })
    }

    /// The record of a run that goes on: when it was started first, and what is no longer as it was.
    fn resumed(&self, before: &RunRecord, now: RunRecord) -> Result<RunRecord, TrainingError> {
        let changes = changes(&before.dataset, &now.dataset);
        if !changes.is_empty() {
            return Err(RunError::DatasetDiffers { run: self.name.clone(), changes }.into());
        }
        if let Some(death) = self.status.as_ref().and_then(Status::death) {
            warn!("{death}");
        }
        let mut changes = before.environment_changes(&now);
        for change in &changes {
            info!("{change}; the run goes on, but not to the same bytes");
        }
        for difference in &self.differences {
            let Difference { key, old, new, .. } = difference;
            info!("{key}: was {old}, is {new}");
            changes.push(format!("{key}: was {old}, is {new}"));
        }
        let mut resumed = before.resumed.clone();
        resumed.push(Resumed { at: jiff::Timestamp::now(), changes });
        Ok(RunRecord { started: before.started, resumed, ..now })
    }

    /// Marks how the run ended: the next start reads it.
    pub(super) fn mark(&self, state: State, stage: &str) -> Result<(), TrainingError> {
        let path = self.file("status.json");
        let last = Status::read(&path).unwrap_or_default();
        let written = Some(jiff::Timestamp::now());
        Ok(Status { state, stage: stage.into(), eta_seconds: None, written, ..last }.write(&path)?)
    }

    /// Notes the stage that the run is in.
    pub(super) fn enter(&self, stage: &str) -> Result<(), TrainingError> {
        let path = self.file("run.json");
        match RunRecord::read(&path)? {
            Some(record) => Ok(RunRecord { stage: stage.into(), ..record }.write(&path)?),
            None => Err(FsError::at("read", &path)(std::io::ErrorKind::NotFound.into()).into()),
        }
    }
}

/// The configuration as a value, in which two are compared.
pub(super) fn value(config: &Config) -> Result<Value, TrainingError> {
    serde_json::to_value(config).map_err(|error| TrainingError::Configuration(error.to_string()))
}

/// Every source file that is used.
fn files(report: &Report) -> Vec<FileDigest> {
    let events = report.events.iter().filter(|event| event.frames > 0);
    let file = |event: &str, (name, sha256): &(String, _)| {
        let path = if event.is_empty() { name.clone() } else { format!("{event}/{name}") };
        FileDigest { path, sha256: *sha256 }
    };
    events.flat_map(|event| event.used.iter().map(|used| file(&event.path, used))).collect()
}
