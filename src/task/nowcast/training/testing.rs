//! What the tests share: frames in memory, and models small enough to be trained in seconds.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};
use thiserror::Error;

use super::collate::Batch;
use super::{Frames as TaskFrames, Nowcast, Phase, Setting};
use crate::data::loader::{FrameSource, Frames, LoadedWindow, Loader, LoaderConfig, Order, Position, Sample};
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{AbsoluteConfig, CsiConfig, FssConfig, LossConfig, NowcastConfig};
use crate::task::nowcast::loss::Expected;
use crate::task::nowcast::loss::expected::{OfSquares, OfThreshold};
use crate::task::nowcast::plan::EventTimes;
use crate::train::clip::{norm, shorten};
use crate::train::config::{AdamW, Optimizer as Rates};
use crate::train::optimizer::Optimizer;
use crate::train::scaler::LossScaler;
use crate::train::task::Task;
use crate::util::exit::Exit;
use crate::util::quantity::Quantity;

/// Frames of events, one behind the other.
pub(super) struct Memory {
    frame_bytes: usize,
    events: Vec<Vec<u8>>,
}

#[derive(Debug, Error)]
#[error("there is no such frame")]
pub(super) struct NoFrame;

impl NoFrame {
    fn exit(&self) -> Exit {
        Exit::DataRefused
    }
}

crate::util::failures!("test data": NoFrame);

impl FrameSource for Memory {
    type Error = NoFrame;

    fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), NoFrame> {
        let bytes = self.events.get(event).and_then(|event| event.chunks_exact(self.frame_bytes).nth(frame));
        into.copy_from_slice(bytes.ok_or(NoFrame)?);
        Ok(())
    }
}

/// A dataset with its configuration.
pub(super) struct Storms {
    pub(super) config: NowcastConfig,
    pub(super) levels: usize,
    pub(super) phases: Vec<Phase>,
    /// What the losses make expect.
    pub(super) expected: Expected,
    pub(super) source: Arc<Memory>,
}

/// A model that trains in seconds: 3 + 2 frames of 16 x 16 cells, two layers of 4 channels.
pub(super) fn small() -> NowcastConfig {
    let mut config = NowcastConfig::default();
    config.prepare.size = [16, 16];
    config.windows.input_frames = 3;
    config.windows.target_frames = 2;
    config.model.convlstm().hidden = vec![4, 4];
    config
}

impl Storms {
    /// Events of these bytes: frames of levels of rows of columns.
    pub(super) fn of(config: NowcastConfig, levels: usize, events: Vec<Vec<u8>>) -> Self {
        tch::set_num_threads(1);
        let [rows, columns] = config.prepare.size;
        let phases = vec![Phase { loss: config.loss.clone(), freeze: Vec::new() }];
        let source = Arc::new(Memory { frame_bytes: levels * rows * columns, events });
        Self { config, levels, phases, expected: Expected::default(), source }
    }

    /// One level of storms that drift, each event with a window.
    pub(super) fn drifting(config: NowcastConfig, events: usize) -> Self {
        let frames = config.windows.input_frames + config.windows.target_frames;
        let size = config.prepare.size;
        let event = |event: usize| (0..frames).flat_map(|frame| storm(size, event, frame)).collect();
        let events = (0..events).map(event).collect();
        Self::of(config, 1, events)
    }

    /// With unknown cells here and there, and what that means to be masked.
    pub(super) fn with_holes(self) -> Self {
        let mut config = self.config;
        config.prepare.missing = crate::task::nowcast::config::Missing::Mask;
        let mut events = self.source.events.clone();
        for event in &mut events {
            event.iter_mut().step_by(7).for_each(|byte| *byte = 0);
        }
        Self::of(config, self.levels, events)
    }

    /// With two fifths of the cells unknown, here alone and there side by side, in other places of every frame.
    pub(super) fn with_clouds_missing(self) -> Self {
        let mut config = self.config;
        config.prepare.missing = crate::task::nowcast::config::Missing::Mask;
        let mut events = self.source.events.clone();
        for event in &mut events {
            let is_missing = |cell: usize| (cell as f64 * 0.7).sin() + (cell as f64 * 0.031).sin() > 0.4;
            let cells = event.iter_mut().enumerate();
            cells.filter(|(cell, _)| is_missing(*cell)).for_each(|(_, byte)| *byte = 0);
        }
        Self::of(config, self.levels, events)
    }

    /// With a loss of every term but Huber and SSIM.
    pub(super) fn with_terms(mut self) -> Self {
        self.config.loss = every_term();
        self.phases = vec![Phase { loss: self.config.loss.clone(), freeze: Vec::new() }];
        let of = |threshold: f64| OfThreshold {
            threshold,
            event_share: 0.1,
            csi: vec![0.5; self.config.windows.target_frames],
            squares: [5, 15].map(|scale_px| OfSquares { scale_px, squared_share: 0.02 }).into(),
        };
        self.expected = Expected { windows: 1, thresholds: [20.0, 30.0, 35.0, 40.0].map(of).into() };
        self
    }

    pub(super) fn setting(&self, precision: Precision) -> Setting<'_> {
        let [rows, columns] = self.config.prepare.size;
        let frames = |event: &Vec<u8>| event.len() / self.source.frame_bytes;
        let times = |event| (0..frames(event)).map(|frame| 1.3e9 + 180.0 * frame as f64).collect();
        let events = self.source.events.iter().enumerate();
        Setting {
            phases: self.phases.clone(),
            config: &self.config,
            expected: self.expected.clone(),
            frames: TaskFrames {
                shape: [self.levels, rows, columns],
                events: events.map(|(n, event)| EventTimes { path: format!("day/{n}"), times: times(event) }).collect(),
                quantity: Quantity::default(),
                known: None,
            },
            device: Device::Cpu,
            precision,
            seed: 42,
        }
    }

    pub(super) fn task(&self, precision: Precision) -> Nowcast {
        Nowcast::new(self.setting(precision)).unwrap()
    }

    /// The first window of each of these events, with this part of each frame.
    pub(super) fn loader(
        &self,
        events: std::ops::Range<usize>,
        slice: std::ops::Range<usize>,
    ) -> Loader<Frames<Memory>> {
        let length = self.config.windows.input_frames + self.config.windows.target_frames;
        let samples = events.map(|event| Sample { event, start: 0, length, slice: slice.clone() }).collect();
        let config = LoaderConfig { threads: 0, ..LoaderConfig::default() };
        Loader::of_frames(Arc::clone(&self.source), samples, Order { seed: 1, shuffle: false }, config).unwrap()
    }

    /// The windows of all events with whole frames.
    pub(super) fn windows(&self) -> Vec<LoadedWindow> {
        let loader = self.loader(0..self.source.events.len(), 0..self.source.frame_bytes);
        loader.start(Position::default()).unwrap().map(Result::unwrap).collect()
    }
}

/// A round storm on a weak background.
fn storm([rows, columns]: [usize; 2], event: usize, frame: usize) -> Vec<u8> {
    let phase = event as f64 * 2.4;
    let along = |size: usize, turn: f64, speed: f64| size as f64 * (0.5 + 0.2 * turn) + speed * frame as f64;
    let (y, x) = (along(rows, phase.sin(), 0.8 * phase.cos()), along(columns, phase.cos(), 1.1 * phase.sin()));
    let width = 6.0 + 3.0 * (1.7 * phase).sin();
    let strength = 170.0 + 60.0 * (0.9 * phase).cos();
    let cell = |row: usize, column: usize| {
        let distance = (row as f64 - y).powi(2) + (column as f64 - x).powi(2);
        (20.0 + strength * (-distance / width).exp()) as u8
    };
    (0..rows).flat_map(|row| (0..columns).map(move |column| cell(row, column))).collect()
}

/// Trains as the engine does, with a loss scaler if the task requests one.
pub(super) struct Trainer {
    pub(super) task: Nowcast,
    optimizer: Optimizer,
    lr: f64,
    clip_norm: Option<f64>,
    scaler: Option<LossScaler>,
}

/// What a step found.
pub(super) struct Stepped {
    pub(super) loss: f64,
    pub(super) norm: f64,
}

impl Trainer {
    pub(super) fn new(task: Nowcast, rates: AdamW, clip_norm: Option<f64>) -> Self {
        let lr = rates.lr;
        let optimizer = Optimizer::new(&Rates::Adamw(rates), &task.parameters().values());
        let scaler = task.scales_loss().then(LossScaler::default);
        Self { task, optimizer, lr, clip_norm, scaler }
    }

    /// One step over these micro-batches.
    pub(super) fn step(&mut self, batches: &[&[LoadedWindow]]) -> Stepped {
        let samples = batches.iter().map(|batch| batch.len()).sum::<usize>() as f64;
        let parameters = || self.task.parameters();
        parameters().zero_gradients();
        let (mut gradients, mut values) = (parameters().gradients(), parameters().values().detach());
        let decay = parameters().decayed();
        let scale = self.scaler.as_ref().map_or(1.0, LossScaler::scale) / samples;
        let mut loss = 0.0;
        for windows in batches {
            let batch = self.task.collate(windows, None).unwrap();
            loss += self.task.step(&batch, scale).unwrap().double_value(&[0]) / samples;
        }
        if let Some(scaler) = &self.scaler {
            scaler.unscale(&mut gradients);
        }
        let norm = norm(&gradients).unwrap().double_value(&[0]);
        shorten(&mut gradients, norm, self.clip_norm).unwrap();
        if let Some(scaler) = &mut self.scaler {
            scaler.update(norm.is_finite());
        }
        if norm.is_finite() {
            self.optimizer.step(&mut values, &gradients, self.lr, &decay).unwrap();
        }
        Stepped { loss, norm }
    }

    /// The losses of this many steps over one batch.
    pub(super) fn losses(&mut self, windows: &[LoadedWindow], steps: usize) -> Vec<f64> {
        (0..steps).map(|_| self.step(&[windows]).loss).collect()
    }
}

/// The flat gradient that these batches leave, and the sums of their parts.
pub(super) fn gradient(task: &mut Nowcast, batches: &[Batch]) -> (Tensor, Vec<f64>) {
    task.parameters().zero_gradients();
    let sums = batches.iter().map(|batch| task.step(batch, 1.0).unwrap()).reduce(|sum, next| sum + next).unwrap();
    (task.parameters().gradients().copy(), Vec::try_from(sums.to_kind(Kind::Double)).unwrap())
}

/// The length of the difference as a share of the length of the second.
pub(super) fn distance(got: &Tensor, expected: &Tensor) -> f64 {
    let (got, expected) = (got.to_kind(Kind::Double), expected.to_kind(Kind::Double));
    ((got - &expected).norm() / expected.norm()).double_value(&[])
}

/// The loss of a phase that differs from the default.
pub(super) fn huber_only() -> LossConfig {
    LossConfig { ssim_weight: 0.0, high_weight: 1.0, ..LossConfig::default() }
}

/// All terms that are off by default, without Huber and SSIM.
fn every_term() -> LossConfig {
    LossConfig {
        huber_ssim_weight: 0.0,
        absolute: Some(AbsoluteConfig::default()),
        csi: Some(CsiConfig::default()),
        fss: Some(FssConfig::default()),
        ..LossConfig::default()
    }
}
