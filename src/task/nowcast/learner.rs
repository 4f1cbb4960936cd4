//! The prepared dataset for learners: a task with its model, and loaders over the windows of its sides.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::config::{LossConfig, NowcastConfig};
use super::dataset::Dataset;
use super::draws::Draws;
use super::facts;
use super::loss::kept::TrainingWindows;
use super::loss::{Expected, Wanted};
use super::model::forecaster;
use super::motion::known::Known;
use super::plan::{EventTimes, Plan};
use super::training::{self, Nowcast};
use crate::data::loader::{Frames, Loader, LoaderConfig, Order, PreparedEvents, Sample, SampleError};
use crate::data::split::Side;
use crate::nn::network::Network;
use crate::task::{Data, LearnerSetting, Phase, Purpose};
use crate::train::engine::Feeds;
use crate::train::learner::{Learner, Learning, Samples};
use crate::train::task::Task;
use crate::util::failure::Failed;
use crate::util::quantity::Quantity;

/// A prepared dataset, and how it is cut into windows.
pub(super) struct Windows {
    config: NowcastConfig,
    shape: [usize; 3],
    events: Vec<EventTimes>,
    frames: Arc<PreparedEvents>,
    plan: Plan,
    /// The unit of the values, as it is written in the files.
    units: String,
    /// What was found out about the frames, if that is needed.
    known: Option<Arc<Known>>,
    train: Vec<Sample>,
    val: Vec<Sample>,
    test: Vec<Sample>,
    /// The folder of the dataset.
    store: PathBuf,
    /// Identifies all samples.
    fingerprint: String,
    /// What the training side makes expect, once it was asked for: each attempt of a training asks again.
    measured: RefCell<Option<(Wanted, Expected)>>,
}

impl Windows {
    /// Takes a dataset that was opened, with what is known of its frames, its folder, and what identifies its samples.
    pub(super) fn new(
        config: NowcastConfig,
        dataset: Dataset,
        known: Option<Arc<Known>>,
        (store, fingerprint): (&Path, String),
    ) -> Self {
        let [train, val, test] = [Side::Train, Side::Val, Side::Test].map(|side| dataset.samples(side, &config));
        let (shape, events) = (dataset.shape(), dataset.times());
        let Dataset { frames, plan, units, .. } = dataset;
        let (frames, store) = (Arc::new(frames), store.to_owned());
        let measured = RefCell::default();
        Self { config, shape, events, frames, plan, units, known, train, val, test, store, fingerprint, measured }
    }

    fn of(&self, side: Side) -> &[Sample] {
        match side {
            Side::Train => &self.train,
            Side::Val => &self.val,
            Side::Test => &self.test,
        }
    }

    /// What the training side makes expect, for the losses of all phases.
    fn expected(&self, losses: &[LossConfig]) -> Result<Expected, Failed> {
        let quantity = Quantity::of(&self.units);
        let Some(wanted) = Wanted::of(&self.config, &quantity, losses) else { return Ok(Expected::default()) };
        if let Some((_, expected)) = self.measured.borrow().as_ref().filter(|(of, _)| *of == wanted) {
            return Ok(expected.clone());
        }
        let windows = TrainingWindows {
            config: &self.config,
            quantity: &quantity,
            frames: self.frames.as_ref(),
            events: &self.events,
            samples: &self.train,
            fingerprint: &self.fingerprint,
        };
        let expected = windows.expected(&wanted, &self.store)?;
        self.measured.replace(Some((wanted, expected.clone())));
        Ok(expected)
    }

    /// The samples of both sides. Each has its own frames in memory: as much of it as it has of the samples.
    fn training(&self, setting: &LearnerSetting<'_>) -> Result<Samples<<Nowcast as Task>::Sample>, SampleError> {
        let shuffle = setting.phases.first().is_none_or(|phase| phase.train.shuffle);
        let all = (self.train.len() + self.val.len()).max(1);
        let loader = |samples: &[Sample], shuffle| {
            let share = samples.len() as f64 / all as f64;
            let cache_bytes = (setting.loader.cache_bytes as f64 * share) as usize;
            self.loader(samples, shuffle, LoaderConfig { cache_bytes, ..setting.loader.clone() }, setting)
        };
        let train = loader(&self.train, shuffle)?;
        let train = match self.draws() {
            Some(draws) => train.with_balance(|sample| draws.group(sample), |group, _| draws.chance(group)),
            None => train,
        };
        let val = if self.val.is_empty() { None } else { Some(loader(&self.val, false)?) };
        Ok(Samples::Training(Feeds { train: Box::new(train), val: val.map(|val| Box::new(val) as _) }))
    }

    /// How often each training window is drawn, if not once an epoch.
    fn draws(&self) -> Option<Draws> {
        let (wet, known) = (self.config.sampling.wet.as_ref()?, self.known.as_deref()?);
        Some(Draws::new(wet, &self.config, &self.train, known))
    }

    fn loader(
        &self,
        samples: &[Sample],
        shuffle: bool,
        config: LoaderConfig,
        setting: &LearnerSetting<'_>,
    ) -> Result<Loader<Frames<PreparedEvents>>, SampleError> {
        let order = Order { seed: setting.seed, shuffle };
        let loader = Loader::of_frames(Arc::clone(&self.frames), samples.to_vec(), order, config)?;
        Ok(loader.with_share(setting.fraction, 1))
    }
}

impl Data for Windows {
    fn samples(&self, side: Side) -> usize {
        self.of(side).len()
    }

    fn document(&self) -> Value {
        let times = self.events.iter().map(|event| json!({"path": event.path, "seconds": event.times}));
        json!({"windows": self.plan.manifest, "times": times.collect::<Value>()})
    }

    fn facts(&self) -> Value {
        facts::of(&self.units)
    }

    fn learner(&self, setting: &LearnerSetting<'_>, purpose: Purpose) -> Result<Box<dyn Learner>, Failed> {
        let data = training::Frames {
            shape: self.shape,
            events: self.events.clone(),
            quantity: Quantity::of(&self.units),
            known: self.known.clone(),
        };
        let losses = losses(&self.config, setting);
        let expected = self.expected(&losses)?;
        let task = nowcast(&self.config, setting, data, (losses, expected))?;
        let samples = match purpose {
            Purpose::Train => self.training(setting)?,
            Purpose::Evaluate(side) => {
                Samples::Evaluation(Box::new(self.loader(self.of(side), false, setting.loader.clone(), setting)?))
            }
        };
        let multiplications = forecaster(&self.config, &Quantity::of(&self.units)).multiplications();
        Ok(Box::new(Learning { task, samples, multiplications }))
    }
}

/// The loss of each phase.
fn losses(config: &NowcastConfig, setting: &LearnerSetting<'_>) -> Vec<LossConfig> {
    let loss = |phase: &Phase| phase.task.section::<NowcastConfig>().unwrap_or(config).loss.clone();
    setting.phases.iter().map(loss).collect()
}

/// The task with its weights, to forecast these frames: without the losses of its phases, which need to know the training
/// windows.
pub(super) fn forecasting(
    config: &NowcastConfig,
    setting: &LearnerSetting<'_>,
    frames: training::Frames,
) -> Result<Nowcast, Failed> {
    let losses = vec![LossConfig::default(); setting.phases.len()];
    nowcast(config, setting, frames, (losses, Expected::default()))
}

/// The task with its initial weights, for these frames.
fn nowcast(
    config: &NowcastConfig,
    setting: &LearnerSetting<'_>,
    frames: training::Frames,
    (losses, expected): (Vec<LossConfig>, Expected),
) -> Result<Nowcast, Failed> {
    let phase = |(phase, loss): (&Phase, LossConfig)| training::Phase { loss, freeze: phase.train.freeze.clone() };
    Ok(Nowcast::new(training::Setting {
        phases: setting.phases.iter().zip(losses).map(phase).collect(),
        config,
        expected,
        frames,
        device: setting.machine.device,
        precision: setting.machine.precision,
        seed: setting.seed,
    })?)
}
