//! The interface of a task for commands, worker and configuration.

use std::any::Any;
use std::path::Path;

use serde_json::Value;

use super::data::{Prepared, Shown};
use super::model::Model;
use super::needs::Needs;
use super::options::{InspectOptions, PredictOptions, Predicted, Wish};
use crate::data::acquire::Acquired;
use crate::data::config::DataConfig;
use crate::data::split::Side;
use crate::data::synthetic::Synthetic;
use crate::metric::pooled::Resample;
use crate::metric::score::ScoreSpec;
use crate::nn::network::Network;
use crate::nn::weights::{self, Weights};
use crate::train::config::TrainConfig;
use crate::train::observe::page::Chapters;
use crate::util::failure::Failed;
use crate::util::problem::Problem;
use crate::util::surroundings::Surroundings;

/// The other sections, for checks that need several sections.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The `data` section.
    pub data: &'a DataConfig,
    /// The `train` section.
    pub train: &'a TrainConfig,
}

/// What a task knows of an evaluation from its `metrics.json` alone.
pub trait Evaluated: Chapters + Resample {}

impl<T: Chapters + Resample> Evaluated for T {}

/// A task with its settings, each of which has a default. Every task has a section named `loss`, the only one that a phase of training may change.
pub trait Kind: Any {
    /// Its name, which is also its key below `task`.
    fn name(&self) -> &'static str;

    /// The name of its dataset, if the configuration gives none.
    fn default_name(&self) -> &'static str;

    /// What the loss and its parts are; the first is the loss.
    fn parts(&self) -> Vec<ScoreSpec>;

    /// Whether a step of training measures a part of its loss; a validation measures all of them.
    fn measures_in_steps(&self, part: &str) -> bool {
        self.parts().iter().any(|spec| spec.name == part)
    }

    /// The scores of a model that a validation measures. `facts` is what is known of the dataset ([`super::Data::facts`]);
    /// before it is opened, these are all scores that may be measured.
    fn scores(&self, facts: Option<&Value>) -> Vec<ScoreSpec>;

    /// The name of the score that evaluations on a dataset with these facts are compared by.
    fn primary(&self, facts: &Value) -> String;

    /// What it would have in the section `train` where nothing is written, with the same keys; null for nothing.
    fn train_defaults(&self) -> Value {
        Value::Null
    }

    /// What it knows of an evaluation from `metrics.json` alone, whatever its settings are.
    fn evaluated(&self) -> &'static dyn Evaluated;

    /// All mistakes in its section, alone or together with the others, with paths from the top.
    fn problems(&self, beside: &Beside<'_>) -> Vec<Problem>;

    /// The least memory that training takes. Nothing, if its sizes are bounded so that every machine has it.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// What makes no sense in its section `loss`, with paths that begin with `loss`.
    fn loss_problems(&self) -> Vec<Problem>;

    /// The key of the share of samples that this side gets.
    fn share_key(&self, side: Side) -> &'static str;

    /// Whether any samples are kept for the validation.
    fn validates(&self) -> bool;

    /// Its network, before it has weights. `facts` is what the weights say of the dataset that they learned from
    /// ([`super::Data::facts`]).
    ///
    /// # Errors
    /// If the facts are not those of such a network.
    fn network(&self, facts: &Value) -> Result<Box<dyn Network>, Failed>;

    /// What weights of another program say of the dataset that they learned from, as [`super::Data::facts`]; null if this task
    /// needs nothing. The dataset may be prepared below `prepared`.
    ///
    /// # Errors
    /// If the file can't be read, or does not say enough.
    fn foreign_facts(&self, _weights: &Path, _prepared: &Path) -> Result<Value, Failed> {
        Ok(Value::Null)
    }

    /// The weights of a file as this task takes them, with what other files say of them. `facts` is what the model knows of its
    /// dataset; none for one of the configured dataset.
    ///
    /// # Errors
    /// If they can't be read, or can't be used with this configuration.
    fn weights(&self, file: &Path, _facts: Option<&Value>) -> Result<Weights, Failed> {
        Ok(weights::read_all(file)?)
    }

    /// What commands may ask of it that not every task knows.
    fn wishes(&self) -> &'static [Wish];

    /// Makes a synthetic dataset in a new folder.
    ///
    /// # Errors
    /// If this task does not make this kind, the disk refuses, or a signal arrives.
    fn synthesise(&self, synthetic: &Synthetic, into: &Path, around: &Surroundings<'_>) -> Result<(), Failed>;

    /// Whether a file with this name and these first bytes is part of a dataset, and must not be unpacked.
    fn is_payload(&self, name: &Path, head: &[u8]) -> bool;

    /// Whether a file with this name and these first bytes can be a whole dataset.
    fn is_whole(&self, _name: &Path, _head: &[u8]) -> bool {
        false
    }

    /// Turns raw files into the prepared dataset, in a new folder below `into`, and opens it.
    ///
    /// # Errors
    /// If there is nothing to prepare, too much of it is unusable, a disk fails, or a signal arrives.
    fn prepare(&self, raw: &Acquired, into: &Path, around: &Surroundings<'_>) -> Result<Prepared, Failed>;

    /// Counts and shows what is in the prepared dataset in a folder below `prepared`.
    ///
    /// # Errors
    /// If it is not prepared yet, can't be read, or a picture can't be written.
    fn inspect(&self, prepared: &Path, options: &InspectOptions, around: &Surroundings<'_>) -> Result<Shown, Failed>;

    /// Predicts for files that the model has not seen.
    ///
    /// # Errors
    /// If there is nothing to predict, the model can't be used, the disk refuses, or a signal comes. What was finished before
    /// stays.
    fn predict(
        &self,
        model: &Model<'_>,
        options: &PredictOptions,
        around: &Surroundings<'_>,
    ) -> Result<Predicted, Failed>;
}

/// What the losses of all phases of a training and their parts are, each once. Of each phase it takes the task as it is then.
pub fn parts<'a>(phases: impl IntoIterator<Item = &'a dyn Kind>) -> Vec<ScoreSpec> {
    let mut found: Vec<ScoreSpec> = Vec::new();
    for spec in phases.into_iter().flat_map(Kind::parts) {
        if !found.contains(&spec) {
            found.push(spec);
        }
    }
    found
}
