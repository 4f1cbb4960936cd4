//! A task with its samples, without its types: whatever trains, rehearses or evaluates exists once, for all tasks.

use std::collections::BTreeMap;

use tch::Tensor;

use super::checkpoint::Snapshot;
use super::engine::{self, Engine, Feeds, Rehearsal, Setting, TrainError};
use super::events::{Ended, Named};
use super::feed::Feed;
use super::target::Target;
use super::task::Task;
use crate::metric::document::{Metric, Verification};
use crate::nn::parameters::{LoadReport, Parameters};
use crate::report::PictureError;
use crate::util::progress::Stage;
use crate::util::surroundings::Surroundings;

/// A model with its weights, and the samples that it goes through.
pub trait Learner {
    /// Weights and gradients.
    fn parameters(&self) -> &Parameters;

    /// Takes the weights that fit, and reports what was left.
    fn load(&mut self, tensors: &[(String, Tensor)]) -> LoadReport;

    /// Multiplications for one sample, forward.
    fn multiplications(&self) -> f64;

    /// Samples to train on, and samples to validate on.
    fn samples(&self) -> [usize; 2];

    /// Rehearses one step without consequences: the learner comes back as it was.
    ///
    /// # Errors
    /// If there are no training samples, they can't be read, or memory runs out with a single sample.
    fn rehearse(self: Box<Self>, setting: Setting) -> Result<(Box<dyn Learner>, Rehearsal), TrainError>;

    /// Trains to the end: from the weights that it has, or from where a run stands.
    ///
    /// # Errors
    /// See [`Engine::train`].
    fn train(self: Box<Self>, setting: Setting, from: Option<Start>) -> Result<Ended, TrainError>;

    /// Goes over the samples of an evaluation, so many at once or fewer if memory runs out.
    ///
    /// # Errors
    /// If there are none, they can't be read, a signal comes, or memory runs out with a single sample.
    fn evaluate(&mut self, at_once: usize, seed: u64, around: &Surroundings<'_>) -> Result<Evaluation, TrainError>;
}

/// Where a run stands: its newest checkpoint, and the one that its epoch began with.
pub struct Start {
    /// The newest.
    pub snapshot: Snapshot,
    /// What a diverged run goes back to.
    pub epoch_start: Option<Snapshot>,
}

/// What an evaluation found.
pub struct Evaluation {
    /// The scores of the model, with what the baselines have.
    pub metrics: BTreeMap<String, Metric>,
    /// The name of the score that decides.
    pub primary: String,
    /// Scores by lead time.
    pub verification: Option<Verification>,
    /// What it was measured on.
    pub measured: Measured,
    /// Draws what was found. It is told what was evaluated on what.
    pub draw: Box<Draw>,
}

impl Evaluation {
    /// Scores and the parts of the loss alone; the loss decides.
    #[must_use]
    pub fn of(scores: &[Named], losses: &[Named]) -> Self {
        let metric = |(name, value): &Named| {
            let value = Some(*value).filter(|value| value.is_finite());
            (
                name.clone(),
                Metric { value, better: Target::new(name).better(), interval: None, baselines: BTreeMap::new() },
            )
        };
        Self {
            metrics: losses.iter().chain(scores).map(metric).collect(),
            primary: "loss".into(),
            verification: None,
            measured: Measured::default(),
            draw: Box::new(|_| Ok(Vec::new())),
        }
    }
}

/// Pictures with their file names.
pub type Draw = dyn Fn(&str) -> Result<Vec<(String, Vec<u8>)>, PictureError>;

/// What scores were measured on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Samples.
    pub samples: usize,
    /// Groups of samples.
    pub events: usize,
    /// Cells that were compared.
    pub cells: u64,
    /// Cells that were left out.
    pub excluded_cells: u64,
    /// What a missing cell means.
    pub missing: String,
}

/// The learner of any task.
pub struct Learning<T: Task> {
    /// The task with its model.
    pub task: T,
    /// What it goes through.
    pub samples: Samples<T::Sample>,
    /// Multiplications for one sample, forward.
    pub multiplications: f64,
}

/// What a learner goes through.
pub enum Samples<S> {
    /// Both sides of a training.
    Training(Feeds<S>),
    /// The side of an evaluation.
    Evaluation(Box<dyn Feed<Sample = S>>),
}

impl<S> Samples<S> {
    fn training(self) -> Result<Feeds<S>, TrainError> {
        match self {
            Self::Training(feeds) => Ok(feeds),
            Self::Evaluation(_) => Err(TrainError::NoSamples),
        }
    }

    /// What an evaluation goes over: while training, what validates.
    fn evaluation(&self) -> Result<&dyn Feed<Sample = S>, TrainError> {
        match self {
            Self::Training(feeds) => feeds.val.as_deref().ok_or(TrainError::NoSamples),
            Self::Evaluation(feed) => Ok(feed.as_ref()),
        }
    }
}

impl<T: Task + 'static> Learner for Learning<T> {
    fn parameters(&self) -> &Parameters {
        self.task.parameters()
    }

    fn load(&mut self, tensors: &[(String, Tensor)]) -> LoadReport {
        self.task.parameters_mut().load_named(tensors)
    }

    fn multiplications(&self) -> f64 {
        self.multiplications
    }

    fn samples(&self) -> [usize; 2] {
        match &self.samples {
            Samples::Training(feeds) => [feeds.train.samples(), feeds.val.as_ref().map_or(0, |val| val.samples())],
            Samples::Evaluation(feed) => [0, feed.samples()],
        }
    }

    fn rehearse(self: Box<Self>, setting: Setting) -> Result<(Box<dyn Learner>, Rehearsal), TrainError> {
        let Self { task, samples, multiplications } = *self;
        let mut engine = Engine::begin(task, samples.training()?, setting)?;
        let found = engine.rehearse()?;
        let (task, feeds) = engine.into_parts();
        Ok((Box::new(Self { task, samples: Samples::Training(feeds), multiplications }), found))
    }

    fn train(self: Box<Self>, setting: Setting, from: Option<Start>) -> Result<Ended, TrainError> {
        let Self { task, samples, .. } = *self;
        let feeds = samples.training()?;
        let engine = match from {
            None => Engine::begin(task, feeds, setting)?,
            // What is resumed from takes as much memory as the model and more: it ends here.
            Some(Start { snapshot, epoch_start }) => {
                Engine::resume(task, feeds, setting, &snapshot, epoch_start.as_ref())?
            }
        };
        engine.train()
    }

    fn evaluate(&mut self, at_once: usize, seed: u64, around: &Surroundings<'_>) -> Result<Evaluation, TrainError> {
        let feed = self.samples.evaluation()?;
        let unit = self.task.unit();
        around.progress.begin(Stage::Evaluate, Some(feed.samples() as u64), unit);
        let mut scores = self.task.all_scores();
        let mut before = 0;
        let mut report = |done: usize| {
            around.progress.advance((done - before) as u64);
            before = done;
        };
        let losses = engine::evaluate(&mut self.task, feed, at_once, &mut scores, around.stop, &mut report)?;
        around.progress.end(&format!("evaluated {}", unit.count(feed.samples() as u64)));
        Ok(self.task.evaluation(&scores, &losses, seed))
    }
}
