//! A task small enough to be checked by hand, with faults if a test asks for them: y = w x + b over three inputs. Its
//! gradient is written out, without autograd.

mod rows;
mod witness;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use tch::{Device, Kind, TchError, Tensor};

use self::rows::Rows;
pub(super) use self::rows::{Row, rows};
pub(super) use self::witness::{Heard, Kept};
use super::saving::Keeper;
use super::{Engine, Feeds, Setting, TrainError};
use crate::data::loader::{Order, Position};
use crate::metric::better::Better;
use crate::metric::score::ScoreSpec;
use crate::nn::parameters::{BufferSpec, Layout, ParameterSpec, Parameters};
use crate::train::checkpoint::Snapshot;
use crate::train::config::TrainConfig;
use crate::train::drawing::{Drawing, Sketch};
use crate::train::events::{Event, Observers, Record};
use crate::train::patience::Restart;
use crate::train::task::{Depth, Scores, Task, TaskError};
use crate::util::stop::Stop;

/// What goes wrong, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// More samples at once than this do not fit.
    pub(super) memory: Option<usize>,
    /// Out-of-memory panics instead of returning an error.
    pub(super) panics: bool,
    /// Samples whose loss is not finite.
    pub(super) poisoned: BTreeSet<usize>,
    /// An epoch and the positions in it where every loss is not finite.
    pub(super) broken: Option<(u64, Range<usize>)>,
    /// Whether the gradient overflows while the loss scale is above this.
    pub(super) overflow_above: Option<f64>,
    /// The panic message of a picture.
    pub(super) pictures: Option<&'static str>,
    /// Asks to stop when this sample is taken.
    pub(super) stop: Option<(usize, Stop)>,
}

pub(super) struct Line {
    parameters: Parameters,
    /// The mean output, and the micro-batches that it was computed from: what batch norm keeps.
    running: [Tensor; 2],
    parts: [ScoreSpec; 2],
    pub(super) faults: Faults,
    /// The factor of the loss in each phase.
    factors: Vec<f64>,
    factor: f64,
    phase: usize,
    scales_loss: bool,
    habits: Habits,
}

/// What the task requires, or does with a micro-batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// The fewest samples at once.
    pub(super) atom: usize,
    /// Whether its numbers depend on the micro-batch.
    pub(super) takes_statistics: bool,
    /// Whether the loss is divided by a number known only after the forward pass: the samples with a positive prediction.
    pub(super) divides: bool,
    /// The phase whose steps measure nothing but the loss.
    pub(super) loss_alone_in: Option<usize>,
}

impl Default for Habits {
    fn default() -> Self {
        Self { atom: 1, takes_statistics: false, divides: false, loss_alone_in: None }
    }
}

#[derive(Default)]
pub(super) struct Worst(f64);

impl Scores for Worst {
    fn specs(&self) -> Vec<ScoreSpec> {
        vec![ScoreSpec::new("worst", "Worst error", Better::Lower)]
    }

    fn values(&self) -> Vec<Option<f64>> {
        vec![Some(self.0)]
    }

    fn merge(&mut self, other: &Self) {
        self.0 = self.0.max(other.0);
    }
}

pub(super) struct Batch {
    inputs_bi: Tensor,
    outputs_b: Tensor,
    poisoned: bool,
}

impl Line {
    /// Errors, `[b]`.
    pub(super) fn errors(&self, batch: &Batch) -> Tensor {
        let values = self.parameters.values().detach();
        batch.inputs_bi.matmul(&values.narrow(0, 0, 3)) + values.get(3) - &batch.outputs_b
    }

    /// The weight of a batch's squared error: its samples, divided by the number that the forward pass has found.
    pub(super) fn share(&self, batch: &Batch, errors_b: &Tensor) -> f64 {
        if !self.habits.divides {
            return 1.0;
        }
        let found = (errors_b + &batch.outputs_b).gt(0.0).sum(Kind::Float).double_value(&[]);
        errors_b.numel() as f64 / found.max(1.0)
    }

    fn sums(&self, errors_b: &Tensor, share: f64) -> Tensor {
        let squares = errors_b.square().sum(Kind::Float) * (self.factor * share);
        Tensor::stack(&[&squares, &errors_b.abs().sum(Kind::Float)], 0)
    }

    fn follow(&mut self, batch: &Batch) -> Result<(), TaskError> {
        let mean = batch.outputs_b.f_mean(Kind::Float)? * if batch.poisoned { f64::NAN } else { 1.0 };
        let [running, batches] = &mut self.running;
        drop(running.f_lerp_(&mean, 0.1)?);
        drop(batches.f_add_scalar_(1)?);
        Ok(())
    }

    fn check_memory(&self, samples: usize) -> Result<(), TaskError> {
        let text = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.";
        if self.faults.memory.is_none_or(|most| samples <= most) {
            return Ok(());
        }
        assert!(!self.faults.panics, "{text}");
        Err(TchError::Torch(text.into()).into())
    }
}

impl Task for Line {
    type Sample = Row;
    type Batch = Batch;
    type Scores = Worst;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    fn parts(&self) -> &[ScoreSpec] {
        &self.parts
    }

    fn measured_in_steps(&self, phase: usize) -> Vec<bool> {
        vec![true, self.habits.loss_alone_in != Some(phase)]
    }

    fn name(&self, row: &Row) -> String {
        format!("row {}", row.number)
    }

    fn scales_loss(&self) -> bool {
        self.scales_loss
    }

    fn atom(&self) -> usize {
        self.habits.atom
    }

    fn depends_on_micro_batch(&self) -> bool {
        self.habits.takes_statistics
    }

    fn begin_phase(&mut self, phase: usize) -> Result<(), TaskError> {
        self.factor = self.factors.get(phase).copied().unwrap_or(1.0);
        self.phase = phase;
        Ok(())
    }

    fn collate(&self, rows: &[Row], place: Option<Position>) -> Result<Batch, TaskError> {
        let stop = self.faults.stop.iter().find(|(number, _)| rows.iter().any(|row| row.number == *number));
        stop.into_iter().for_each(|(_, stop)| stop.request());
        let inputs: Vec<f32> = rows.iter().flat_map(|row| row.inputs).collect();
        let outputs: Vec<f32> = rows.iter().map(|row| row.output).collect();
        let inputs_bi = Tensor::from_slice(&inputs).f_reshape([-1, 3])?;
        let broken = |(epoch, places): &(u64, Range<usize>)| {
            place.is_some_and(|place| place.epoch == *epoch && places.contains(&place.next))
        };
        let poisoned = rows.iter().any(|row| self.faults.poisoned.contains(&row.number))
            || self.faults.broken.as_ref().is_some_and(broken);
        Ok(Batch { inputs_bi, outputs_b: Tensor::from_slice(&outputs), poisoned })
    }

    fn step(&mut self, batch: &Batch, scale: f64) -> Result<Tensor, TaskError> {
        let errors_b = self.errors(batch);
        let share = self.share(batch, &errors_b);
        let slopes_b = &errors_b * (2.0 * self.factor * share * scale);
        self.follow(batch)?;
        let mut gradients = self.parameters.gradients();
        drop(gradients.narrow(0, 0, 3).f_add_(&batch.inputs_bi.tr().matmul(&slopes_b))?);
        drop(gradients.narrow(0, 3, 1).f_add_(&slopes_b.sum(Kind::Float))?);
        // Only now, so that part of the gradient has already been added.
        self.check_memory(errors_b.numel())?;
        let samples = errors_b.numel() as f64;
        if self.faults.overflow_above.is_some_and(|most| scale * samples > most) {
            drop(gradients.f_mul_scalar_(f64::INFINITY)?);
        }
        let measured = self.measured_in_steps(self.phase).into_iter().filter(|is| *is).count();
        let sums = self.sums(&errors_b, share).narrow(0, 0, measured as i64);
        Ok(if batch.poisoned { sums * f64::NAN } else { sums })
    }

    fn scores(&self, _depth: Depth) -> Worst {
        Worst::default()
    }

    fn evaluate(&mut self, batch: &Batch, scores: &mut Worst) -> Result<Tensor, TaskError> {
        let errors_b = self.errors(batch);
        self.check_memory(errors_b.numel())?;
        scores.0 = scores.0.max(errors_b.abs().max().double_value(&[]));
        Ok(self.sums(&errors_b, self.share(batch, &errors_b)))
    }

    fn shown(&self) -> usize {
        2
    }

    fn draw(&mut self, batch: &Batch) -> Result<Vec<Sketch>, TaskError> {
        assert!(self.faults.pictures.is_none(), "{}", self.faults.pictures.unwrap_or_default());
        let values = Vec::<f32>::try_from(self.errors(batch))?;
        let draw = move |of: &str| {
            let text = format!("{of}: {values:?}").into_bytes();
            Ok(Drawing { name: "row".into(), caption: "An error".into(), files: vec![("txt", text)] })
        };
        Ok(vec![Sketch::new("row", draw)])
    }
}

/// One run with everything that is known about it afterwards.
pub(super) struct Run {
    pub(super) config: Vec<TrainConfig>,
    pub(super) faults: Faults,
    pub(super) factors: Vec<f64>,
    pub(super) scales_loss: bool,
    pub(super) habits: Habits,
    pub(super) patience_restarts: Vec<Restart>,
    pub(super) train_rows: usize,
    pub(super) stops_at: fn(&Event, u64) -> bool,
    pub(super) number: u64,
    pub(super) began: Instant,
    pub(super) from: Option<Snapshot>,
    pub(super) epoch_start: Option<Snapshot>,
    pub(super) kept: Kept,
    pub(super) events: Rc<RefCell<Vec<Event>>>,
}

impl Run {
    pub(super) fn new(config: &TrainConfig) -> Self {
        Self {
            config: vec![config.clone()],
            faults: Faults::default(),
            factors: Vec::new(),
            scales_loss: false,
            habits: Habits::default(),
            patience_restarts: Vec::new(),
            train_rows: 22,
            stops_at: |_, _| false,
            number: 0,
            began: Instant::now(),
            from: None,
            epoch_start: None,
            kept: Kept::default(),
            events: Rc::default(),
        }
    }

    pub(super) fn engine(&self) -> Engine<Line> {
        self.engine_with(Box::new(self.kept.clone()), Observers::default())
    }

    pub(super) fn engine_with(&self, keeper: Box<dyn Keeper>, observers: Observers) -> Engine<Line> {
        self.try_engine_with(keeper, observers).unwrap()
    }

    pub(super) fn try_engine_with(
        &self,
        keeper: Box<dyn Keeper>,
        observers: Observers,
    ) -> Result<Engine<Line>, TrainError> {
        tch::set_num_threads(1);
        let stop = Stop::default();
        let heard =
            Heard { events: Rc::clone(&self.events), stop: stop.clone(), stops_at: self.stops_at, number: self.number };
        let order = |shuffle| Order { seed: 42, shuffle };
        let feeds = Feeds {
            train: Box::new(Rows { rows: rows("train", self.train_rows), order: order(true) }),
            val: Some(Box::new(Rows { rows: rows("val", 9), order: order(false) })),
        };
        let setting = Setting {
            phases: self.config.clone(),
            seed: 42,
            patience_restarts: self.patience_restarts.clone(),
            keeper,
            observers: observers.with(heard),
            stop,
            gpu: None,
            began: self.began,
        };
        let buffers = vec![BufferSpec::statistic("mean", &[], 0.0), BufferSpec::counter("batches")];
        let layout = Layout {
            parameters: vec![ParameterSpec::weight("weight", &[1, 3]), ParameterSpec::bias("bias", &[1])],
            buffers: buffers.clone(),
        };
        let parameters = Parameters::new(&layout, 42, Device::Cpu).unwrap();
        let task = Line {
            parts: ["loss", "absolute"].map(|name| ScoreSpec::new(name, name, Better::Lower)),
            running: [0, 1].map(|buffer| parameters.buffer_of(&buffers[buffer]).unwrap()),
            parameters,
            faults: self.faults.clone(),
            factors: self.factors.clone(),
            factor: 1.0,
            phase: 0,
            scales_loss: self.scales_loss,
            habits: self.habits,
        };
        match &self.from {
            None => Engine::begin(task, feeds, setting),
            Some(snapshot) => Engine::resume(task, feeds, setting, snapshot, self.epoch_start.as_ref()),
        }
    }

    /// The same run, resumed from a snapshot; recorded events and snapshots are kept.
    pub(super) fn resumed_from(&self, snapshot: Snapshot) -> Self {
        let is_start = |start: &&Snapshot| start.progress.position == 0 && start.id.epoch == snapshot.id.epoch;
        let kept = self.kept.0.borrow();
        let epoch_start = kept.iter().chain(&self.epoch_start).find(is_start).filter(|start| start.id < snapshot.id);
        Self {
            epoch_start: epoch_start.cloned(),
            config: self.config.clone(),
            faults: self.faults.clone(),
            factors: self.factors.clone(),
            patience_restarts: self.patience_restarts.clone(),
            stops_at: |_, _| false,
            from: Some(snapshot),
            kept: Kept::default(),
            events: Rc::clone(&self.events),
            ..*self
        }
    }

    /// Each epoch once, as in a history.
    pub(super) fn history(&self) -> BTreeMap<u64, Record> {
        let records = self.events.borrow();
        let ended = records.iter().filter_map(|event| match event {
            Event::EpochEnded { record, .. } => Some((record.epoch, record.clone())),
            _ => None,
        });
        ended.collect()
    }

    pub(super) fn values(&self) -> Vec<f32> {
        let floats = |array: &crate::train::checkpoint::NamedArray| {
            let floats = array.bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
            floats.collect::<Vec<_>>()
        };
        let model = self.kept.last().model;
        ["weight", "bias"]
            .iter()
            .flat_map(|name| model.iter().filter(|array| array.name == *name))
            .flat_map(floats)
            .collect()
    }

    pub(super) fn losses(&self) -> Vec<f64> {
        let events = self.events.borrow();
        let loss = |event: &Event| match event {
            Event::Stepped(step) => step.parts[0].1,
            _ => None,
        };
        events.iter().filter_map(loss).collect()
    }
}
