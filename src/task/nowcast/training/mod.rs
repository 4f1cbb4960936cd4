//! Nowcasting as a task of the engine: its network, its loss in each phase, and its windows. Contains neither the
//! engine nor the source of windows.
//!
//! ```text
//! collate  windows of bytes to tensors on the device    draw   forecasts as plain arrays for pictures
//! augment  random changes of training windows
//! scores   hits, misses and errors, with baselines      names  what windows are called, and when they were
//! ```

mod augment;
mod collate;
mod draw;
mod error;
mod names;
mod scores;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tch::{Device, Kind, Tensor};

pub use collate::Batch;
pub use error::NowcastError;
pub use scores::{NowcastScores, measured};

use self::collate::Collate;
use self::names::Names;
use self::scores::Origin;
use super::WINDOWS;
use super::advection::NodeMotion;
use super::config::{LossConfig, NowcastConfig};
use super::loss::{self, Expected, NowcastLoss, Reported};
use super::model::{Forecasting, forecaster};
use super::motion::known::Known;
use super::plan::EventTimes;
use super::quantize::Quantizer;
use super::verification::{Judge, pictures};
use crate::data::loader::{LoadedWindow, Position};
use crate::metric::ordered::Ordered;
use crate::metric::score::ScoreSpec;
use crate::nn::network::Network;
use crate::nn::parameters::Parameters;
use crate::nn::precision::Precision;
use crate::report::PictureError;
use crate::report::radar::colours::Scale;
use crate::train::drawing::Sketch;
use crate::train::task::{Depth, Plots, Task, TaskError};
use crate::util::progress::Unit;
use crate::util::quantity::Quantity;

/// Forecasts that are shown in pictures.
const SHOWN: usize = 4;

/// What a nowcast is made of.
#[derive(Debug)]
pub struct Setting<'a> {
    /// What each phase of training changes; the first also applies if nothing is trained.
    pub phases: Vec<Phase>,
    /// The task's section.
    pub config: &'a NowcastConfig,
    /// What the training windows make expect, as the losses of all phases need it.
    pub expected: Expected,
    /// The frames of the dataset.
    pub frames: Frames,
    /// The device.
    pub device: Device,
    /// What the network computes in. fp16 works on a CPU too, but much slower than the others.
    pub precision: Precision,
    /// What the initial weights follow from.
    pub seed: u64,
}

/// What is known of the frames of a dataset.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Levels, rows and columns of each.
    pub shape: [usize; 3],
    /// The events, in the order of the frames' source.
    pub events: Vec<EventTimes>,
    /// What is measured.
    pub quantity: Quantity,
    /// The motion that was found in them before.
    pub known: Option<Arc<Known>>,
}

/// What a phase of training changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// What is made small.
    pub loss: LossConfig,
    /// Patterns of the names of parameters that don't learn, as [`Parameters::freeze`] takes them.
    pub freeze: Vec<String>,
}

/// A model that learns to continue radar sequences.
#[derive(Debug)]
pub struct Nowcast {
    parameters: Parameters,
    network: Forecasting,
    /// The step in which every parameter has a gradient.
    learns_at: u64,
    precision: Precision,
    /// The loss of each phase, and what it freezes.
    phases: Vec<(Losses, Vec<String>)>,
    phase: usize,
    collate: Collate,
    judge: Judge,
    names: Names,
    quantizer: Quantizer,
    scale: Arc<Scale>,
    parts: Vec<ScoreSpec>,
    /// How forecasts are measured.
    facts: Ordered<String>,
    /// The score that evaluations are compared by.
    primary: String,
    /// Rows and columns of a frame.
    size: [usize; 2],
    seed: u64,
}

/// The loss of a phase.
#[derive(Debug)]
struct Losses {
    /// On what is trained on: a part of each frame, perhaps.
    training: NowcastLoss,
    /// On whole frames.
    whole: NowcastLoss,
    /// Which parts are measured in training.
    weighted: Vec<bool>,
}

impl Nowcast {
    /// The task with its initial weights.
    ///
    /// # Errors
    /// If the dataset is not that of the configuration, a phase freezes what is not there or everything, a loss needs to know
    /// what was not measured, or memory is missing.
    pub fn new(setting: Setting<'_>) -> Result<Self, NowcastError> {
        let Setting { phases, config, expected, frames, device, precision, seed } = setting;
        let Frames { shape, events, quantity, known } = frames;
        let prepare = &config.prepare;
        let model = forecaster(config, &quantity);
        let collate = Collate::new(config, shape, device, seed)?.knowing(known);
        let parameters = Parameters::new(&model.layout(), seed, device)?;
        let network = model.over(&parameters)?;
        let reported = Reported::of(phases.iter().map(|phase| &phase.loss));
        let loss = |phase: Phase| {
            let loss = |[rows, columns]: [usize; 2]| {
                let mut config = NowcastConfig { loss: phase.loss.clone(), ..config.clone() };
                config.prepare.size = [rows, columns];
                let (quantity, expected, reported) = (&quantity, &expected, &reported);
                NowcastLoss::new(&loss::Setting { config: &config, quantity, expected, reported, device })
            };
            let (training, whole) = (loss(collate.training_size())?, loss(config.prepare.size)?);
            let weighted = reported.weighted(&phase.loss);
            Ok((Losses { training, whole, weighted }, phase.freeze))
        };
        let [_, rows, columns] = shape;
        let levels = config.prepare.levels.clone();
        let mut nowcast = Self {
            parameters,
            network,
            learns_at: model.learns_at(),
            precision,
            phases: phases.into_iter().map(loss).collect::<Result<_, NowcastError>>()?,
            phase: 0,
            judge: Judge::new(config, &quantity),
            names: Names::new(events, levels, rows * columns, config.windows.input_frames),
            quantizer: Quantizer::new(prepare.min, prepare.max)?,
            scale: Arc::new(Scale::of(&quantity, prepare.min, prepare.max)),
            parts: reported.specs(),
            facts: scores::facts(config, &quantity),
            primary: config.scores.primary_for(&quantity, prepare),
            size: [rows, columns],
            seed,
            collate,
        };
        // A pattern of the last phase that matches nothing is reported before the first one has run for days.
        (0..nowcast.phases.len()).rev().try_for_each(|phase| nowcast.enter(phase))?;
        nowcast.loss()?;
        Ok(nowcast)
    }

    /// What follows the frames of one or more windows, on the scale where 0 to 1 is the whole range of values: windows,
    /// frames, channels, rows and columns. The bytes are those of windows, frames, levels, rows and columns; the minutes are
    /// those of each window's frames and forecasts, from its last frame. With the motion of each window that its frames were
    /// carried along; without any if the model takes frames as they are.
    ///
    /// # Errors
    /// If the bytes are not those of whole windows, memory runs out, or libtorch refuses.
    pub fn forecast(&self, bytes: &[u8], minutes: &[Vec<f32>]) -> Result<(Vec<f32>, Vec<NodeMotion>), TaskError> {
        let _guard = tch::no_grad_guard();
        let (seen, motions) = self.collate.input(bytes, minutes)?;
        let prediction_btcyx = self.network.forecast(&seen, self.precision);
        let plain = prediction_btcyx.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
        Ok((Vec::try_from(plain.f_flatten(0, -1)?)?, motions))
    }

    fn enter(&mut self, phase: usize) -> Result<(), NowcastError> {
        let phases = self.phases.len();
        let (_, freeze) = self.phases.get(phase).ok_or(NowcastError::NoPhase { phase, phases })?;
        self.parameters.thaw();
        for pattern in freeze {
            self.parameters.freeze(pattern).map_err(|source| NowcastError::Freeze { phase, phases, source })?;
        }
        let frozen: usize = self.parameters.frozen().iter().map(ExactSizeIterator::len).sum();
        if frozen == self.parameters.count() {
            return Err(NowcastError::AllFrozen { phase, phases });
        }
        self.phase = phase;
        Ok(())
    }

    fn loss(&self) -> Result<&Losses, NowcastError> {
        let (phase, phases) = (self.phase, self.phases.len());
        Ok(&self.phases.get(phase).ok_or(NowcastError::NoPhase { phase, phases })?.0)
    }

    fn check(&self, window: &LoadedWindow) -> Result<(), NowcastError> {
        let sample = &window.sample;
        let (got, expected) = ((sample.length, sample.slice.len()), self.collate.window());
        if got == expected && self.names.know(sample) {
            return Ok(());
        }
        Err(NowcastError::Window { name: self.names.of_window(sample), got, expected })
    }
}

impl Task for Nowcast {
    type Sample = LoadedWindow;
    type Batch = Batch;
    type Scores = NowcastScores;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    fn parts(&self) -> &[ScoreSpec] {
        &self.parts
    }

    fn name(&self, window: &LoadedWindow) -> String {
        self.names.of_window(&window.sample)
    }

    fn measured_in_steps(&self, phase: usize) -> Vec<bool> {
        self.phases.get(phase).map(|(losses, _)| losses.weighted.clone()).unwrap_or_default()
    }

    fn learns_at(&self) -> u64 {
        self.learns_at
    }

    fn scales_loss(&self) -> bool {
        self.precision.needs_scaler()
    }

    fn begin_phase(&mut self, phase: usize) -> Result<(), TaskError> {
        Ok(self.enter(phase)?)
    }

    fn collate(&self, windows: &[LoadedWindow], place: Option<Position>) -> Result<Batch, TaskError> {
        windows.iter().try_for_each(|window| self.check(window))?;
        let minutes: Vec<_> = windows.iter().map(|window| self.names.minutes(&window.sample)).collect();
        Ok(self.collate.batch(windows, &minutes, place.map(|place| place.epoch))?)
    }

    fn step(&mut self, batch: &Batch, scale: f64) -> Result<Tensor, TaskError> {
        let (passed, forecast_btcyx) = self.network.learn(&batch.seen, self.precision);
        let loss = &self.loss()?.training;
        let parts = loss.weighted_parts(&forecast_btcyx, &batch.target_btcyx, batch.known_btcyx.as_ref());
        passed.backward(&(parts.loss_b.f_sum(Kind::Float)? * scale))?;
        Ok(parts.sums())
    }

    fn unit(&self) -> Unit {
        WINDOWS
    }

    fn scores(&self, depth: Depth) -> NowcastScores {
        let (facts, primary) = (self.facts.clone(), self.primary.clone());
        let origin = Origin { events: self.names.events(), facts, seed: self.seed, primary };
        NowcastScores::none(&self.judge, depth, origin)
    }

    fn plots(&self, scores: &NowcastScores, about: &str) -> Result<Plots, PictureError> {
        pictures(&scores.verification(), scores.map(), about, (self.size, &self.scale))
    }

    fn evaluate(&mut self, batch: &Batch, scores: &mut NowcastScores) -> Result<Tensor, TaskError> {
        let _guard = tch::no_grad_guard();
        let unclamped_btcyx = self.network.unclamped(&batch.seen, self.precision);
        let prediction_btcyx = unclamped_btcyx.f_clamp(0.0, 1.0)?;
        let loss = &self.loss()?.whole;
        let (target_btcyx, known_btcyx) = (&batch.target_btcyx, batch.known_btcyx.as_ref());
        let parts = loss.parts(&unclamped_btcyx, target_btcyx, known_btcyx).sums();
        // Of persistence only the loss is shown.
        let persistence = loss.weighted_parts(&batch.persistence(), target_btcyx, known_btcyx).sums();
        // One transfer, so that the host waits once. What is returned is already in main memory.
        let losses = Tensor::f_cat(&[parts, persistence.f_narrow(0, 0, 1)?], 0)?.f_to_kind(Kind::Double)?;
        let losses = Vec::<f64>::try_from(losses)?;
        let (parts, persistence) = losses.split_at(self.parts.len());
        let parts = Tensor::f_from_slice(parts)?;
        let windows = scores::windows(batch, &prediction_btcyx, &self.judge, &self.names)?;
        scores.add(&self.judge, &windows, persistence[0]);
        Ok(parts)
    }

    fn shown(&self) -> usize {
        SHOWN
    }

    fn pictures(&self) -> &'static str {
        "forecasts"
    }

    fn draw(&mut self, batch: &Batch) -> Result<Vec<Sketch>, TaskError> {
        let _guard = tch::no_grad_guard();
        let prediction_btcyx = self.network.forecast(&batch.seen, self.precision);
        let frames = draw::frames(batch, &prediction_btcyx, &self.names, (self.quantizer, &self.scale))?;
        Ok(frames.into_iter().map(draw::Frames::sketch).collect())
    }
}
