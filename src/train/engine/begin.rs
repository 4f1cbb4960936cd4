//! How training starts: from scratch, or from a snapshot.

use std::sync::Arc;
use std::time::Instant;

use super::meter::Meter;
use super::phase::Tools;
use super::read::Reads;
use super::saving::{Keeper, capture, restore_weights};
use super::state::State;
use super::validate::val_samples;
use super::{Engine, TrainError};
use crate::metric::score::ScoreSpec;
use crate::native::gpu::Gpu;
use crate::train::checkpoint::{Publish, Snapshot};
use crate::train::config::TrainConfig;
use crate::train::events::{Event, Observers, Started};
use crate::train::feed::Feed;
use crate::train::patience::Restart;
use crate::train::target::{BEST_BY, PATIENCE_BY, Target};
use crate::train::task::{Depth, Scores, Task};
use crate::util::stop::Stop;

/// The samples of both sides of the split.
pub struct Feeds<S> {
    /// The training samples.
    pub train: Box<dyn Feed<Sample = S>>,
    /// The validation samples; without them the training loss decides which epoch is the best.
    pub val: Option<Box<dyn Feed<Sample = S>>>,
}

/// The components of a run, beside its task and samples.
pub struct Setting {
    /// One complete configuration per phase, at least one.
    pub phases: Vec<TrainConfig>,
    /// The run's seed, kept with the checkpoints.
    pub seed: u64,
    /// When patience starts again.
    pub patience_restarts: Vec<Restart>,
    /// The place where snapshots are saved.
    pub keeper: Box<dyn Keeper>,
    /// The event listeners.
    pub observers: Observers,
    /// The stop request.
    pub stop: Stop,
    /// The GPU in use, to report how busy it is.
    pub gpu: Option<Gpu>,
    /// When this process started training: the time limit counts from then, however many attempts it takes.
    pub began: Instant,
}

impl<T: Task> Engine<T> {
    /// Sets up training from scratch, with the task's current weights.
    ///
    /// # Errors
    /// If there are no training samples, or not enough memory for the optimizer.
    pub fn begin(task: T, feeds: Feeds<T::Sample>, setting: Setting) -> Result<Self, TrainError> {
        let config = setting.phases.first().ok_or(TrainError::NoSamples)?;
        let state = State::new(config, task.atom(), task.scales_loss());
        Self::assemble(task, feeds, setting, state)
    }

    /// Sets up training from a snapshot, with its weights. If the snapshot is in the middle of an epoch,
    /// `epoch_start` is the one that this epoch started with: what a diverged run rolls back to.
    ///
    /// # Errors
    /// As [`Self::begin`], and if a snapshot does not match this task and these phases.
    pub fn resume(
        task: T,
        feeds: Feeds<T::Sample>,
        setting: Setting,
        snapshot: &Snapshot,
        epoch_start: Option<&Snapshot>,
    ) -> Result<Self, TrainError> {
        let state = State::of(snapshot)?;
        if state.phase >= setting.phases.len() {
            let (got, expected) = (state.phase + 1, setting.phases.len());
            let problem = format!("it is in phase {got}, the configuration has {expected}");
            return Err(TrainError::Misfit { checkpoint: snapshot.id.to_string(), problem });
        }
        let mut engine = Self::assemble(task, feeds, setting, state)?;
        engine.is_resumed = true;
        engine.last_good = Arc::new(engine.start_of_epoch(snapshot, epoch_start)?);
        engine.restore(snapshot)?;
        Ok(engine)
    }

    /// What an uninterrupted run would roll back to. The caller must restore weights and optimizer afterwards.
    fn start_of_epoch(&mut self, snapshot: &Snapshot, epoch_start: Option<&Snapshot>) -> Result<Snapshot, TrainError> {
        if self.state.seen == 0 {
            return Ok(snapshot.clone());
        }
        let Some(start) = epoch_start else {
            let id = snapshot.id;
            tracing::warn!("the start of the epoch is lost: if training diverges, it goes back to {id} instead");
            return Ok(snapshot.clone());
        };
        let state = State::of(start)?;
        if state.phase == self.state.phase {
            return Ok(start.clone());
        }
        // A phase starts with the weights that the previous one ended with, and resets everything else.
        restore_weights(self.task.parameters(), start)?;
        self.tools = Tools::new(self.config(), self.task.parameters());
        capture(&self.task, &self.tools, &state.in_next_phase(self.config(), self.task.atom()), self.seed)
    }

    fn assemble(task: T, feeds: Feeds<T::Sample>, setting: Setting, state: State) -> Result<Self, TrainError> {
        let Setting { phases, seed, patience_restarts, keeper, observers, stop, gpu, began } = setting;
        let Some(config) = phases.get(state.phase).filter(|_| feeds.train.samples() > 0) else {
            return Err(TrainError::NoSamples);
        };
        fits_atom(task.atom(), feeds.train.samples(), &phases)?;
        let tools = Tools::new(config, task.parameters());
        // Nobody needs to load untrained weights.
        let start = Snapshot { publish: Publish::default(), ..capture(&task, &tools, &state, seed)? };
        let (saved, last_good) = (start.id, Arc::new(start));
        let scores = task.scores(Depth::Validation).specs();
        let samples = val_samples(&feeds, config);
        let trained = measured_in_all_steps(&task, phases.len());
        let target = |key| match samples {
            0 => Target::in_training(key, task.parts(), &trained, &scores),
            _ => Target::new(key, task.parts(), &scores, samples),
        };
        let (by, watched) = (&config.checkpoint.best_by.0, std::slice::from_ref(&config.patience_by));
        let (target, watched) = (target((BEST_BY, by))?, target((PATIENCE_BY, watched))?);
        let best = state.best.clone();
        Ok(Self {
            task,
            feeds,
            phases,
            seed,
            patience_restarts,
            state,
            tools,
            shown: Vec::new(),
            last_good,
            is_resumed: false,
            keeper,
            observers,
            reads: Reads::default(),
            stop,
            meter: Meter::start(gpu, began),
            last_saved: (saved, Instant::now()),
            target,
            watched,
            scores,
            best,
        })
    }

    pub(super) fn announce(&mut self) {
        let started = Started {
            parameters: self.task.parameters().count() as u64,
            train_samples: self.feeds.train.samples(),
            val_samples: self.val_samples(),
            epochs: self.phases.iter().map(|phase| phase.epochs as u64).sum(),
            limits: self.limits(),
            epoch: self.state.epoch,
            step: self.state.step,
            best_by: self.target.names().map(str::to_owned).collect(),
            best: self.best.clone(),
            parts: self.task.parts().to_vec(),
            scores: self.scores.clone(),
            rows: self.state.rows.clone(),
        };
        self.tell(&Event::Started(started));
    }
}

/// The parts that the steps of every phase measure.
fn measured_in_all_steps<T: Task>(task: &T, phases: usize) -> Vec<ScoreSpec> {
    let is_measured = |place: usize| (0..phases).all(|phase| task.measured_in_steps(phase).get(place) == Some(&true));
    let parts = task.parts().iter().enumerate();
    parts.filter(|(place, _)| is_measured(*place)).map(|(_, spec)| spec.clone()).collect()
}

/// Whether every step has as many samples as the task needs at once.
fn fits_atom(atom: usize, samples: usize, phases: &[TrainConfig]) -> Result<(), TrainError> {
    if samples < atom {
        return Err(TrainError::FewSamples { samples, atom });
    }
    let sizes = phases.iter().map(|phase| phase.batch_size().min(phase.micro_batch_size()));
    match sizes.min() {
        Some(at_once) if at_once < atom => Err(TrainError::SmallBatch { at_once, atom }),
        _ => Ok(()),
    }
}
