//! One life of the engine in a run folder: from the newest intact checkpoint, or from scratch, to the end.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tracing::warn;

use super::TrainOptions;
use super::error::TrainingError;
use super::place::Place;
use super::published::are_there;
use super::subject::Subject;
use crate::config::Config;
use crate::nn::parameters::Parameters;
use crate::train::checkpoint::disk::{Disk, RealDisk};
use crate::train::checkpoint::retention::Keep;
use crate::train::checkpoint::weights::{FACTS, Weights};
use crate::train::checkpoint::writer::Saver;
use crate::train::checkpoint::{CheckpointId, Found, Loaded, Snapshot, Store, differences};
use crate::train::config::{Optimizer, TrainConfig};
use crate::train::engine::{Background, Setting, State, TrainError, model_arrays};
use crate::train::events::{Ended, Event, Heard, Observer, Observers};
use crate::train::learner::Start;
use crate::train::observe::{
    Behind, Drawer, HistoryFile, LogFile, PageFile, PictureFiles, Plots, StatusFile, TensorBoard,
};
use crate::train::run_folder::RunError;
use crate::train::run_folder::log::EventLog;
use crate::train::run_folder::status::{Heartbeat, Status};
use crate::train::target::{BEST_BY, Target};
use crate::util::memory;
use crate::util::stop::Stop;
use crate::worker::evaluate::chapters;

/// A failed attempt, and the step it reached.
pub(super) struct Failed {
    pub(super) error: TrainingError,
    pub(super) step: u64,
}

/// Trains to the end.
pub(super) fn attempt(
    config: &Config,
    subject: &Subject,
    place: &Place,
    options: &TrainOptions<'_>,
    stop: &Stop,
) -> Result<Ended, Failed> {
    let pace = Rc::new(Cell::new(0));
    let ended = run(config, subject, place, options, stop, &pace);
    ended.map_err(|error| Failed { error: of_gpu(error, subject), step: pace.get() })
}

/// After a failure of libtorch on a GPU the process can't use it again.
fn of_gpu(error: TrainingError, subject: &Subject) -> TrainingError {
    match error {
        TrainingError::Engine(error) if error.kind() == "libtorch" && !subject.machine().is_cpu() => {
            TrainingError::Gpu(error)
        }
        other => other,
    }
}

fn run(
    config: &Config,
    subject: &Subject,
    place: &Place,
    options: &TrainOptions<'_>,
    stop: &Stop,
    pace: &Rc<Cell<u64>>,
) -> Result<Ended, TrainingError> {
    if !place.stands() {
        return Err(TrainingError::Vanished { folder: place.path().to_owned() });
    }
    let mut learner = subject.learner()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let record = place.record_now()?;
    let recipes = &record.recipes;
    let store = Store::open(Arc::clone(&disk), &place.file("checkpoints"), env!("CARGO_PKG_VERSION"))?;
    let store = store.of_recipe(recipes.last().map(String::as_str).unwrap_or_default());
    let found = newest(&store, learner.parameters(), recipes)?;
    let refused: Vec<_> = found.refused.iter().map(|(id, _)| *id).collect();
    let epoch_start = found.epoch_start.map(Snapshot::from);
    let from = found.loaded.map(|loaded| Start { snapshot: loaded.into(), epoch_start });
    store.check_space(checkpoint_bytes(&subject.phases(), learner.parameters()))?;
    if from.is_none() && are_there(place.path()) {
        return Err(TrainingError::LostCheckpoints { folder: place.file("checkpoints") });
    }
    if from.is_none() && !place.is_new() {
        warn!("there is no checkpoint to resume from: training starts from the beginning");
    }
    // On a slow disk each of these steps takes seconds.
    stop.check()?;
    let facts = subject.prepared().data.facts();
    let weights = Weights::open(Arc::clone(&disk), &place.file("weights"), metadata(config, &facts))?;
    match &from {
        // A process that died right after the checkpoint has not published its weights.
        Some(from) => {
            weights.publish(&from.snapshot)?;
            restore_best(&store, &weights, &from.snapshot)?;
        }
        None => subject.start(learner.as_mut())?,
    }
    stop.check()?;
    let keep = &config.train.checkpoint;
    let (kind, samples) = (config.task.kind(), usize::from(subject.validates()));
    let by = Target::new((BEST_BY, &keep.best_by.0), &subject.parts(), &kind.scores(Some(&facts)), samples)
        .map_err(TrainError::from)?;
    let keep = Keep { last: keep.keep_last, best: keep.keep_best, by };
    let setting = Setting {
        phases: subject.phases(),
        seed: subject.seed(),
        patience_restarts: record.patience_restarts.clone(),
        keeper: Box::new(Background::new(Saver::heeding(store, weights, keep, &refused, stop.clone())?)),
        observers: observers(config, &disk, place, options, (stop, pace))?,
        stop: stop.clone(),
        gpu: subject.machine().gpu.clone(),
        began: place.began(),
    };
    Ok(learner.train(setting, from)?)
}

/// The newest checkpoint that is intact, of this run and of this model, and the one that its epoch started from.
fn newest(store: &Store, parameters: &Parameters, recipes: &[String]) -> Result<Found, TrainingError> {
    let found = store.newest(|loaded| fits(parameters, recipes, loaded))?;
    if let (None, Some((id, reason))) = (&found.loaded, found.refused.first()) {
        let folder = store.path(*id).parent().map(Path::to_owned).unwrap_or_default();
        return Err(TrainingError::NoCheckpoint { folder, reason: reason.clone() });
    }
    Ok(found)
}

/// The best weights may have been damaged or lost since they were published.
fn restore_best(store: &Store, weights: &Weights, newest: &Snapshot) -> Result<(), TrainingError> {
    let Some(best) = State::of(newest)?.best else { return Ok(()) };
    // At the end of its epoch, or in the middle of it.
    let ids = [best.epoch, best.epoch.saturating_sub(1)].map(|epoch| CheckpointId { epoch, step: best.step });
    if let Some(of) = store.first_of(&ids)
        && weights.restore_best(&of.into())?
    {
        warn!("{} did not match its checkpoint: it is published again", weights.best().display());
    }
    Ok(())
}

fn fits(parameters: &Parameters, recipes: &[String], loaded: &Loaded) -> Result<(), String> {
    if !recipes.contains(&loaded.manifest.recipe) {
        return Err("it belongs to a run with another seed, configuration or dataset".into());
    }
    match differences(&model_arrays(parameters), &loaded.model) {
        found if found.is_empty() => Ok(()),
        found => Err(found.join("; ")),
    }
}

/// Approximate bytes of a checkpoint, in the phase in which it is largest: weights, moments, average, buffers.
fn checkpoint_bytes(phases: &[TrainConfig], parameters: &Parameters) -> u64 {
    let moments = |optimizer: &Optimizer| match optimizer {
        Optimizer::Adamw(_) | Optimizer::Adam(_) => 2,
        Optimizer::Sgd(_) => 1,
    };
    let copies = |phase: &TrainConfig| 1 + moments(&phase.optimizer) + u64::from(phase.ema_decay.is_some());
    let buffers = 16 * parameters.buffers().numel() as u64;
    4 * phases.iter().map(copies).max().unwrap_or(1) * parameters.count() as u64 + buffers
}

/// The metadata of a weights file.
fn metadata(config: &Config, facts: &Value) -> BTreeMap<String, String> {
    let program = format!("fragua {}", env!("CARGO_PKG_VERSION"));
    let says = [("format", "pt".to_owned()), ("program", program), ("task", config.task.name().to_owned())];
    let facts = (!facts.is_null()).then(|| (FACTS, facts.to_string()));
    says.into_iter().chain(facts).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// All event listeners. The history comes first: its row is on disk before any other listener reports the epoch. The
/// status is written by a thread of its own while the log is synced. Plots are drawn on a background thread; the page
/// comes last, because it shows them.
fn observers(
    config: &Config,
    disk: &Arc<dyn Disk>,
    place: &Place,
    options: &TrainOptions<'_>,
    (stop, pace): (&Stop, &Rc<Cell<u64>>),
) -> Result<Observers, RunError> {
    let drawers: Vec<Drawer> = vec![
        Box::new(Plots::new(place.path())),
        Box::new(PictureFiles::new(place.path())),
        Box::new(PageFile::new(place.path(), chapters(config))),
    ];
    let used = place.record_now().ok().map(|record| record.used);
    let stage = "train".into();
    let status = Status { stage, used, memory_limit_bytes: memory::limit_bytes(), ..Status::default() };
    Ok(Observers::default()
        .with(Pace(Rc::clone(pace)))
        .with(HistoryFile::new(Arc::clone(disk), place.file("history.json")).heeding(stop.clone()))
        .with(StatusFile::new(Heartbeat::start(&place.file("status.json"))?, status).heeding(stop.clone()))
        .with(LogFile::new(EventLog::open(&place.file("log.jsonl"))?).heeding(stop.clone()))
        .with(TensorBoard::create(&place.file("tensorboard"))?)
        .with((options.console)())
        .with(Behind::heeding(place.path(), drawers, stop.clone())?))
}

/// Remembers how far an attempt got.
struct Pace(Rc<Cell<u64>>);

impl Observer for Pace {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::Started(started) => self.0.set(started.step),
            Event::Stepped(stepped) => self.0.set(stepped.step),
            _ => {}
        }
        Ok(Heard::Ignored)
    }
}
