//! A task with its samples, without its types: training, rehearsal and evaluation exist once, for all tasks.

use serde_json::Value;

use super::checkpoint::Snapshot;
use super::engine::{self, Engine, Feeds, Rehearsal, Setting, TrainError};
use super::events::{Ended, Named};
use super::feed::Feed;
use super::task::{Depth, Plots, Scores, Task};
use crate::metric::document::{Basis, Measured};
use crate::metric::score::ScoreSpec;
use crate::nn::parameters::{LoadReport, Parameters};
use crate::nn::weights::Weights;
use crate::report::PictureError;
use crate::util::progress::Stage;
use crate::util::surroundings::Surroundings;

/// A model with its weights and its samples.
pub trait Learner {
    /// Weights and gradients.
    fn parameters(&self) -> &Parameters;

    /// Loads the weights that fit, and reports the rest.
    fn load(&mut self, weights: Weights) -> LoadReport;

    /// Multiplications for one sample, forward.
    fn multiplications(&self) -> f64;

    /// Samples to train on, and samples to validate on.
    fn samples(&self) -> [usize; 2];

    /// Rehearses one step without side effects: the learner is left as it was.
    ///
    /// # Errors
    /// If there are no training samples, they can't be read, or memory runs out with a single sample.
    fn rehearse(self: Box<Self>, setting: Setting) -> Result<(Box<dyn Learner>, Rehearsal), TrainError>;

    /// Trains to the end: from its current weights, or from the checkpoint of a run.
    ///
    /// # Errors
    /// See [`Engine::train`].
    fn train(self: Box<Self>, setting: Setting, from: Option<Start>) -> Result<Ended, TrainError>;

    /// Evaluates samples, at most this many at once, fewer if memory runs out.
    ///
    /// # Errors
    /// If there are none, they can't be read, a signal arrives, or memory runs out with a single sample.
    fn evaluate(&mut self, at_once: usize, side: &str, around: &Surroundings<'_>)
    -> Result<Evaluation<'_>, TrainError>;
}

/// If a run resumes: its newest checkpoint, and the one that its epoch started with.
pub struct Start {
    /// The newest.
    pub snapshot: Snapshot,
    /// What a diverged run rolls back to.
    pub epoch_start: Option<Snapshot>,
}

/// The result of an evaluation.
pub struct Evaluation<'a> {
    /// The scores, and the parts of the loss.
    pub measured: Vec<Measured>,
    /// What they were measured on.
    pub basis: Basis,
    /// Other results of the task, by name.
    pub sections: Value,
    /// The results as tables, with their file names.
    pub tables: Plots,
    /// Draws the results. Its argument describes what was evaluated on what.
    pub draw: Box<Draw<'a>>,
}

/// Pictures of the results, for this description of what was evaluated.
pub type Draw<'a> = dyn Fn(&str) -> Result<Plots, PictureError> + 'a;

/// The scores with their intervals, then the loss and its parts.
fn measured(parts: &[ScoreSpec], losses: &[Named], scores: &impl Scores) -> Vec<Measured> {
    let intervals = scores.intervals().into_iter().chain(std::iter::repeat(None));
    let scores = scores.specs().into_iter().zip(scores.values()).zip(intervals);
    let scores = scores.map(|((spec, value), interval)| (spec, value, interval));
    let losses = parts.iter().cloned().zip(losses).map(|(spec, (_, value))| (spec, *value, None));
    scores.chain(losses).collect()
}

/// The learner of any task.
pub struct Learning<T: Task> {
    /// The task with its model.
    pub task: T,
    /// Its samples.
    pub samples: Samples<T::Sample>,
    /// Multiplications for one sample, forward.
    pub multiplications: f64,
}

/// The samples of a learner.
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

    /// What an evaluation runs over: during training, the validation samples.
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

    fn load(&mut self, weights: Weights) -> LoadReport {
        self.task.take(weights)
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
            // The state to resume from takes at least as much memory as the model: it is dropped here.
            Some(Start { snapshot, epoch_start }) => {
                Engine::resume(task, feeds, setting, &snapshot, epoch_start.as_ref())?
            }
        };
        engine.train()
    }

    fn evaluate(
        &mut self,
        at_once: usize,
        side: &str,
        around: &Surroundings<'_>,
    ) -> Result<Evaluation<'_>, TrainError> {
        let feed = self.samples.evaluation()?;
        let unit = self.task.unit();
        around.progress.begin(Stage::Evaluate, Some(feed.samples() as u64), unit);
        let mut scores = self.task.scores(Depth::Evaluation);
        let mut before = 0;
        let mut report = |done: usize| {
            around.progress.advance((done - before) as u64);
            before = done;
        };
        let losses = engine::evaluate(&mut self.task, feed, at_once, &mut scores, around.stop, &mut report)?;
        around.progress.end(&format!("evaluated {} of the {side} side", unit.count(feed.samples() as u64)));
        let task = &self.task;
        Ok(Evaluation {
            measured: measured(task.parts(), &losses, &scores),
            basis: scores.basis(),
            sections: scores.sections(),
            tables: task.tables(&scores)?,
            draw: Box::new(move |about| task.plots(&scores, about)),
        })
    }
}
