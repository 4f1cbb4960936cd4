//! The prepared dataset of a task, and the learners that are made of it.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::TaskConfig;
use crate::data::loader::LoaderConfig;
use crate::data::split::Side;
use crate::train::config::TrainConfig;
use crate::train::device::Resolved;
use crate::train::learner::Learner;
use crate::train::run_folder::dataset::FileDigest;
use crate::train::task::Plots;
use crate::util::exit::Exit;
use crate::util::failure::Failed;
use crate::util::readers::Reading;

/// A dataset that was prepared and opened.
pub struct Prepared {
    /// Its folder.
    pub store: PathBuf,
    /// Identifies all samples: changes with any source file that is used, and with nothing else.
    pub fingerprint: String,
    /// Every source file that is used.
    pub files: Vec<FileDigest>,
    /// What the command line shows of it.
    pub shown: Shown,
    /// The dataset itself.
    pub data: Box<dyn Data>,
    /// Keeps others from changing it while it is used.
    pub reading: Option<Reading>,
}

/// A result: for people, and as JSON for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: String,
}

impl Shown {
    /// A text, and a value that says the same.
    ///
    /// # Errors
    /// If the value has no form in JSON, which is a mistake of this program.
    pub fn new(text: String, value: &impl Serialize) -> Result<Self, Failed> {
        let json = serde_json::to_string_pretty(value).map_err(NoJson)?;
        Ok(Self { text, json })
    }
}

/// A value that JSON can't hold.
#[derive(Debug, thiserror::Error)]
#[error("the result can't be written as JSON: {0}")]
struct NoJson(#[source] serde_json::Error);

impl NoJson {
    fn exit(&self) -> Exit {
        Exit::Bug
    }
}

crate::util::failures!("bug": NoJson);

/// A prepared dataset: samples on sides.
pub trait Data {
    /// The samples of a side.
    fn samples(&self, side: Side) -> usize;

    /// What a run records besides its files: the sides of the split, and whatever else would have to be determined
    /// again.
    fn document(&self) -> Value;

    /// What a model of this dataset needs wherever it is used, such as the names of its classes. It is written into
    /// every published file of weights; null if it needs nothing.
    fn facts(&self) -> Value {
        Value::Null
    }

    /// Pictures of what is trained on, with their file names, for the folder of plots of a new run: what each class has, samples
    /// as training sees them.
    ///
    /// # Errors
    /// If samples can't be read, or a picture can't be encoded.
    fn pictures(&self, _seed: u64) -> Result<Plots, Failed> {
        Ok(Vec::new())
    }

    /// A model with its initial weights, and the samples for this purpose.
    ///
    /// # Errors
    /// If the dataset is not that of the settings, a phase freezes what is not there, or memory is missing.
    fn learner(&self, setting: &LearnerSetting<'_>, purpose: Purpose) -> Result<Box<dyn Learner>, Failed>;
}

/// The inputs of a learner, beside the dataset.
#[derive(Clone, Copy, Debug)]
pub struct LearnerSetting<'a> {
    /// The phases of training, at least one.
    pub phases: &'a [Phase],
    /// What computes, and in which numbers.
    pub machine: &'a Resolved,
    /// What initial weights and the order of samples follow from.
    pub seed: u64,
    /// The share of the samples of each side that takes part: every loader of a task is given it, with
    /// [`crate::data::loader::Loader::with_share`].
    pub fraction: f64,
    /// How samples are loaded from the disk.
    pub loader: &'a LoaderConfig,
    /// What the weights say that the learner will get: [`Data::facts`] of the dataset that they learned from, and what their
    /// validation found out. None in training, where they are not known yet.
    pub facts: Option<&'a Value>,
}

/// A phase of training: the task and the training as they are then.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// The task; of what a phase may change it has its own `loss`.
    pub task: TaskConfig,
    /// The training.
    pub train: TrainConfig,
}

/// What a learner is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Training, and validating meanwhile.
    Train,
    /// Evaluating on one side.
    Evaluate(Side),
}
