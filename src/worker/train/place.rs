//! Which run folder a start uses: an unfinished run resumes, otherwise a new one starts. The folder is locked against
//! other workers from the first moment, and its content records what runs in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tracing::{info, warn};

use super::TrainOptions;
use super::alive::Alive;
use super::allowed::check_key;
use super::error::TrainingError;
use super::initial;
use super::mirror::Mirror;
use super::published::{digests, is_whole};
use super::subject::Subject;
use crate::config::{self, Config};
use crate::data::mirror::random_id;
use crate::native;
use crate::train::events::Reason;
use crate::train::patience::Restart;
use crate::train::run_folder::dataset::{Dataset, changes};
use crate::train::run_folder::decision::{Decision, decide, in_last_phase};
use crate::train::run_folder::difference::{Class, Difference, recipe};
use crate::train::run_folder::log::EventLog;
use crate::train::run_folder::name::number;
use crate::train::run_folder::problem::Problem;
use crate::train::run_folder::record::{Resumed, RunRecord, VERSION};
use crate::train::run_folder::status::{State, Status};
use crate::train::run_folder::used::Used;
use crate::train::run_folder::{RunError, RunFolder, listing};
use crate::util::fs::{FsError, check_tree_writable, remove_tree, write_atomic_together};
use crate::util::memory;
use crate::util::progress::Progress;

/// The file that lists the dataset of a run.
const DATASET: &str = "dataset.json";

/// The run folder of this start.
pub(super) struct Place {
    /// When this start of the program began: its time limit counts from here.
    began: Instant,
    folder: RunFolder,
    name: String,
    /// The record of the run; none for a new one.
    before: Option<RunRecord>,
    /// What changed in the configuration since.
    differences: Vec<Difference>,
    /// Its last known state.
    status: Option<Status>,
    /// Whether more is requested, if it is finished.
    asks_for_more: bool,
}

/// What to do.
pub(super) enum Found {
    /// Start a run, or resume one.
    Place(Box<Place>),
    /// Nothing: the run in this folder is finished, for this reason if it is known.
    Done(PathBuf, Option<Reason>),
}

/// Decides which run this start is for, and locks its folder. Until it is locked, another start may change what the
/// decision depends on, so the decision is made again after locking.
///
/// Runs in the mirror count like local ones: a run that is missing here, or is further advanced there, is restored first.
pub(super) fn find(
    config: &Config,
    options: &TrainOptions<'_>,
    mirror: Option<&Mirror<'_>>,
) -> Result<Found, TrainingError> {
    let began = Instant::now();
    let root = &config.output.root;
    let asked = value(config)?;
    options.allow_change.iter().try_for_each(|key| check_key(key, &asked))?;
    let decision = || -> Result<Decision, TrainingError> {
        let here = listing::existing(root, &config.name, options.no_resume)?;
        let existing = mirror.map_or(Ok(here.clone()), |mirror| mirror.join(here))?;
        Ok(decide(&config.name, &existing, &asked, options.no_resume, &options.allow_change)?)
    };
    let mut decided = decision()?;
    for _ in 0..MOST_ROUNDS {
        while mirror.map_or(Ok(false), |mirror| mirror.follow(&decided))? {
            decided = decision()?;
        }
        let (name, differences) = match decided.clone() {
            Decision::AlreadyDone { name, ended } if is_whole(&root.join(&name)) => {
                return Ok(Found::Done(root.join(name), ended));
            }
            // Training finds nothing left to do, publishes the weights again from their checkpoints, and evaluates them.
            Decision::AlreadyDone { name, .. } | Decision::New { name } => (name, Vec::new()),
            Decision::Resume { name, differences } => (name, differences),
        };
        let asks_for_more = matches!(decided, Decision::Resume { .. });
        if root.join(&config.name).is_dir()
            && !root.join(&config.name).join("run.json").is_file()
            && name != config.name
        {
            warn!("{} has no run.json, so it is left alone", root.join(&config.name).display());
        }
        let folder = RunFolder::open(&root.join(&name))?;
        let again = decision()?;
        if again != decided {
            decided = again;
            continue;
        }
        let before = RunRecord::read(&folder.file("run.json"))?;
        let status = Status::read(&folder.file("status.json"));
        if before.is_none()
            && let Some(death) = status.as_ref().and_then(Status::death_before_the_run)
        {
            warn!("{death}");
        }
        let status = status.filter(|_| before.is_some());
        if before.is_none() && !options.no_resume {
            warn_of_damaged(root, &config.name, &name)?;
        }
        return Ok(Found::Place(Box::new(Place { began, folder, name, before, differences, status, asks_for_more })));
    }
    let unsettled = std::io::Error::other("its folders keep changing; does another program change them?");
    Err(FsError::at("choose a run folder in", root)(unsettled).into())
}

/// A run that can't be read may be the one that the command means.
fn warn_of_damaged(root: &Path, family: &str, begun: &str) -> Result<(), TrainingError> {
    let damaged = listing::each(root)?.into_iter().filter(|(name, _)| number(family, name).is_some());
    for (name, error) in damaged.filter_map(|(name, run)| Some((name, run.err()?))) {
        warn!("{begun} begins from zero, although {name} may be meant: {error}");
    }
    Ok(())
}

/// How often other starts may change what the decision depends on.
const MOST_ROUNDS: usize = 50;

impl Place {
    /// When this start began.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file or folder in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// The record of the run, once it has begun.
    pub(super) fn record_now(&self) -> Result<RunRecord, TrainingError> {
        let path = self.file("run.json");
        let none = || FsError::at("read", &path)(std::io::ErrorKind::NotFound.into());
        Ok(RunRecord::read(&path)?.ok_or_else(none)?)
    }

    /// Whether the run starts now.
    pub(super) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// The weights that the run starts from: a resumed run keeps what it found at its start, even if the file changed since.
    pub(super) fn started_from(&self, config: &Config) -> Result<Option<PathBuf>, TrainingError> {
        match &self.before {
            Some(before) => Ok(before.started_from.clone()),
            None => initial::find(config),
        }
    }

    /// Whether the folder is still that of the run: a volume can vanish during training.
    pub(super) fn stands(&self) -> bool {
        self.file("run.json").is_file()
    }

    /// Whether the last start was killed, most likely because memory ran out.
    pub(super) fn died_of_memory(&self) -> bool {
        self.status.as_ref().is_some_and(Status::died_of_memory)
    }

    /// Checks that all files of the run can be written: some may belong to another user, and hours would be lost.
    pub(super) fn check_writable(&self) -> Result<(), FsError> {
        check_tree_writable(self.path(), 1)
    }

    /// Removes a run that could not start, and restores the state of one that could not resume.
    pub(super) fn abandon(&self) {
        let left = match &self.status {
            _ if self.is_new() => remove_tree(self.path()).map_err(RunError::from),
            Some(status) => status.write(&self.file("status.json")),
            None => Ok(()),
        };
        if let Err(error) = left {
            tracing::debug!("left for the next start: {error}");
        }
    }

    /// The cleanup if the process ends before this new run has begun: nothing of it may stay.
    pub(super) fn leaving(&self) -> impl FnOnce() + Send + 'static {
        let path = self.path().to_owned();
        move || {
            if let Err(error) = remove_tree(&path) {
                tracing::debug!("left for the next start: {error}");
            }
        }
    }

    /// The heartbeats of a stage other than training. They don't change the recorded state of the run: if this start is
    /// killed here, the next one decides by the same state.
    pub(super) fn alive<'a>(&self, stage: &str, audience: &'a dyn Progress) -> Result<Alive<'a>, RunError> {
        let path = self.file("status.json");
        let fresh = || Status { memory_limit_bytes: memory::limit_bytes(), ..Status::default() };
        let last = Status::read(&path).filter(|_| self.stands()).unwrap_or_else(fresh);
        Alive::start(&path, last, stage, audience)
    }

    /// Records what runs here from now on. A resumed run must have the same dataset.
    pub(super) fn begin(&self, config: &Config, subject: &Subject) -> Result<(), TrainingError> {
        let dataset = subject.dataset();
        let now = self.record(config, subject, &dataset)?;
        let record = match &self.before {
            None => now,
            Some(before) => self.resumed(before, now, &dataset)?,
        };
        let named = Config { name: self.name.clone(), ..config.clone() };
        let text = config::show(&named).map_err(|error| TrainingError::Configuration(error.to_string()))?;
        let last = self.status.clone().unwrap_or_default();
        let (state, stage) = (State::Running, "train".into());
        let used = Some(record.used.clone());
        let status = Status { state, stage, used, ended: None, problem: None, peak_memory_bytes: 0, ..last };
        let [data_path, config_path, status_path] = [DATASET, "config.yaml", "status.json"].map(|name| self.file(name));
        let (data, status) = (dataset.text(&data_path)?, status.signed().text(&status_path)?);
        write_atomic_together(&[(&data_path, &data), (&config_path, text.as_bytes()), (&status_path, &status)])?;
        // Last: it makes the folder that of a run.
        Ok(record.write(&self.file("run.json"))?)
    }

    fn record(&self, config: &Config, subject: &Subject, dataset: &Dataset) -> Result<RunRecord, TrainingError> {
        Ok(RunRecord {
            format_version: VERSION,
            id: Some(random_id()),
            used: used(config, subject),
            started: jiff::Timestamp::now(),
            stage: "train".into(),
            problem: None,
            config: value(config)?,
            started_from: subject.started_from().map(Path::to_owned),
            dataset: dataset.summary(config.data.fraction),
            recipes: vec![recipe(&value(config)?, &dataset.fingerprint).to_string()],
            patience_restarts: Vec::new(),
            weights: BTreeMap::new(),
            resumed: Vec::new(),
        })
    }

    /// The record of a resumed run: when it was first started, and what has changed since.
    fn resumed(&self, before: &RunRecord, now: RunRecord, dataset: &Dataset) -> Result<RunRecord, TrainingError> {
        let changes = changes(&Dataset::read(&self.file(DATASET))?.files, &dataset.files);
        if !changes.is_empty() {
            return Err(RunError::DatasetDiffers { run: self.name.clone(), changes }.into());
        }
        if let Some(death) = self.status.as_ref().and_then(Status::death) {
            warn!("{death}");
        }
        let mut changes = before.used.changes(&now.used);
        for change in &changes {
            info!("{change}; the run resumes, but not to the same bytes");
        }
        for difference in &self.differences {
            match difference.class {
                Class::Free => info!("{difference}"),
                Class::Warn | Class::Fixed => warn!("{difference}"),
            }
            changes.push(difference.to_string());
        }
        let mut resumed = before.resumed.clone();
        resumed.push(Resumed { at: jiff::Timestamp::now(), changes });
        let (id, started_from) = (before.id.clone(), before.started_from.clone());
        let earlier = before.recipes.iter().filter(|recipe| !now.recipes.contains(recipe)).cloned();
        let recipes = earlier.chain(now.recipes.iter().cloned()).collect();
        let patience_restarts = self.patience_restarts(before);
        let has_stopped_early = self.status.as_ref().is_some_and(|status| status.ended == Some(Reason::Patience));
        if has_stopped_early && patience_restarts.len() > before.patience_restarts.len() {
            info!("training had stopped early and more is requested: patience starts again");
        }
        Ok(RunRecord { id, started: before.started, started_from, recipes, patience_restarts, resumed, ..now })
    }

    /// When patience starts again. It is recorded before training resumes, so that a start that is killed resumes in
    /// the same way. A run is continued after its end only if more is requested.
    fn patience_restarts(&self, before: &RunRecord) -> Vec<Restart> {
        let mut restarts = before.patience_restarts.clone();
        let has_ended = |status: &&Status| {
            self.asks_for_more
                && status.state == State::Finished
                && matches!(status.ended, Some(Reason::Patience | Reason::Epochs))
        };
        let patience = in_last_phase(&before.config, "patience").as_u64();
        if let (Some(status), Some(patience)) = (self.status.as_ref().filter(has_ended), patience) {
            let restart = Restart { epoch: status.epoch, patience };
            restarts.extend((!restarts.contains(&restart)).then_some(restart));
        }
        restarts
    }

    /// Records how the run ended, for the next start.
    pub(super) fn end(&self, state: State, ended: Option<Reason>, stage: &str) -> Result<(), TrainingError> {
        let (record, weights) = (self.record_now()?, digests(self.path())?);
        RunRecord { weights, ..record }.write(&self.file("run.json"))?;
        self.mark(state, ended, stage)
    }

    /// The same, without a new record: on a slow disk there may be no time for it. The record of a run that trains names no
    /// published weights.
    pub(super) fn end_in_a_hurry(&self, state: State, stage: &str) -> Result<(), TrainingError> {
        self.mark(state, None, stage)
    }

    fn mark(&self, state: State, ended: Option<Reason>, stage: &str) -> Result<(), TrainingError> {
        let path = self.file("status.json");
        let last = Status::read(&path);
        let before = last.clone().unwrap_or_default();
        let now = Status { state, ended, stage: stage.into(), eta_seconds: None, ..before }.signed();
        // The last beat may have said it already.
        match last.is_some_and(|last| Status { written: now.written, ..last } == now) {
            true => Ok(()),
            false => Ok(now.write(&path)?),
        }
    }

    /// Records why the run failed: in its state, its record and its log.
    pub(super) fn fail(&self, problem: &Problem, stage: &str) -> Result<(), TrainingError> {
        let path = self.file("status.json");
        let last = Status::read(&path).unwrap_or_default();
        let used = last.used.clone();
        let (problem_of, state) = (Some(problem.clone()), State::Failed);
        let status =
            Status { state, ended: None, problem: problem_of.clone(), stage: stage.into(), eta_seconds: None, ..last };
        status.signed().write(&path)?;
        let path = self.file("run.json");
        if let Some(record) = RunRecord::read(&path)? {
            let used = used.unwrap_or_else(|| record.used.clone());
            let weights = digests(self.path())?;
            RunRecord { problem: problem_of, used, weights, ..record }.write(&path)?;
        }
        let mut log = EventLog::open(&self.file("log.jsonl"))?;
        log.append(&failed_line(problem))?;
        Ok(log.sync()?)
    }

    /// Writes the current stage of the run to `status.json`, for outside observers.
    pub(super) fn stage(&self, stage: &str) -> Result<(), TrainingError> {
        self.mark(State::Running, None, stage)
    }

    /// Records the current stage of the run in `run.json`.
    pub(super) fn enter(&self, stage: &str) -> Result<(), TrainingError> {
        let record = self.record_now()?;
        let used = Status::read(&self.file("status.json")).and_then(|status| status.used);
        let used = used.unwrap_or_else(|| record.used.clone());
        Ok(RunRecord { stage: stage.into(), used, ..record }.write(&self.file("run.json"))?)
    }
}

/// The hardware and settings of the run. The micro-batch is the configured one: the one really used is known only in
/// training.
fn used(config: &Config, subject: &Subject) -> Used {
    let machine = subject.machine();
    Used {
        program: native::versions::PROGRAM.into(),
        commit: native::versions::commit().map(str::to_owned),
        libtorch: native::versions::LIBTORCH.into(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        device: machine.description.clone(),
        threads: machine.threads,
        precision: machine.precision.name().into(),
        micro_batch: config.train.micro_batch_size(),
    }
}

/// The line of the log that says why the run failed.
fn failed_line(problem: &Problem) -> Value {
    let mut line = json!(problem);
    if let Some(line) = line.as_object_mut() {
        line.shift_insert(0, "time".into(), json!(jiff::Timestamp::now()));
        line.shift_insert(1, "event".into(), "failed".into());
    }
    line
}

/// The configuration as a value, for comparing two of them.
pub(super) fn value(config: &Config) -> Result<Value, TrainingError> {
    serde_json::to_value(config).map_err(|error| TrainingError::Configuration(error.to_string()))
}
