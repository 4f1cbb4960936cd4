//! The prepared dataset as learners go through it: a task with its model, and loaders over the sequences of its sides.

use std::sync::Arc;

use serde_json::{Value, json};

use super::chapters::MEASURED;
use super::config::KeypointsConfig;
use super::dataset::Dataset;
use super::facts::ModelFacts;
use super::inspect::measured;
use super::pictures::{Archive, seen};
use super::samples::{Changes, SequenceSample, Sequences};
use super::training::{self, Classifier, network};
use crate::data::loader::{Loader, Order, Records};
use crate::data::split::Side;
use crate::task::classes::long_tail::Training;
use crate::task::{Data, LearnerSetting, Phase, Purpose};
use crate::train::engine::Feeds;
use crate::train::feed::Feed;
use crate::train::learner::{Learner, Learning, Samples};
use crate::train::task::Plots;
use crate::util::failure::Failed;

/// A prepared dataset, and what is done with it.
pub(super) struct Signs {
    pub(super) config: KeypointsConfig,
    pub(super) dataset: Dataset,
}

impl Signs {
    fn feed(&self, side: Side, setting: &LearnerSetting<'_>, trains: bool) -> Box<dyn Feed<Sample = SequenceSample>> {
        let chosen = self.dataset.of(side);
        let records = Records::new(Arc::clone(&self.dataset.records), chosen.clone());
        let facts = Arc::clone(&self.dataset.facts);
        let changes = trains.then(|| Changes::new(&self.config.augment, &facts.recipe, setting.seed));
        let source = Sequences::new(records, facts, Arc::clone(&self.dataset.class_of), changes);
        let first = setting.phases.first().map(|phase| &phase.train);
        let shuffle = trains && first.is_none_or(|train| train.shuffle);
        let loader = Loader::new(Arc::new(source), Order { seed: setting.seed, shuffle }, setting.loader.clone());
        let loader = loader.with_share(setting.fraction, 1);
        let Some(train) = first.filter(|_| shuffle) else { return Box::new(loader) };
        let samples = &self.dataset.facts.samples;
        let frames = |index: u32| samples[chosen[index as usize]].frames;
        Box::new(loader.with_buckets(train.batch_size(), self.config.bucket, frames))
    }
}

impl Data for Signs {
    fn samples(&self, side: Side) -> usize {
        self.dataset.of(side).len()
    }

    fn document(&self) -> Value {
        let facts = &self.dataset.facts;
        let side = |side: Side| {
            let names = self.dataset.of(side).into_iter().map(|record| facts.samples[record].name.as_str());
            names.collect::<Vec<_>>()
        };
        json!({
            "model": self.dataset.model,
            "sides": {"val": side(Side::Val), "test": side(Side::Test), "train": self.samples(Side::Train)},
            "dropped": self.dataset.dropped(), "tail": self.dataset.tail, "leaks": self.dataset.leaks.len(),
            MEASURED: measured(&self.dataset).ok(),
        })
    }

    fn facts(&self) -> Value {
        json!(self.dataset.model)
    }

    fn pictures(&self, seed: u64) -> Result<Plots, Failed> {
        Ok(vec![(seen::SEEN.to_owned(), seen::training(&self.dataset, &self.config.augment, seed)?)])
    }

    fn learner(&self, setting: &LearnerSetting<'_>, purpose: Purpose) -> Result<Box<dyn Learner>, Failed> {
        let names = self.dataset.facts.samples.iter().map(|sample| sample.name.clone()).collect();
        let facts = Arc::new(of_weights(&self.dataset.model, setting.facts));
        let archive = Archive::new(Arc::clone(&self.dataset.records), Arc::clone(&self.dataset.facts));
        let task = classifier(&self.config, setting, facts, Some(self.dataset.training()), names)?.drawing(archive);
        let samples = match purpose {
            Purpose::Train => {
                let val = (self.samples(Side::Val) > 0).then(|| self.feed(Side::Val, setting, false));
                Samples::Training(Feeds { train: self.feed(Side::Train, setting, true), val })
            }
            Purpose::Evaluate(side) => Samples::Evaluation(self.feed(side, setting, false)),
        };
        let multiplications = network(&self.config, &self.dataset.model).multiplications();
        Ok(Box::new(Learning { task, samples, multiplications }))
    }
}

/// What is known of the dataset, with the temperature of the weights and the differences that they were trained on.
fn of_weights(dataset: &ModelFacts, weights: Option<&Value>) -> ModelFacts {
    match weights.and_then(|facts| ModelFacts::read(facts).ok()) {
        Some(ModelFacts { temperature, differences, .. }) => ModelFacts { temperature, differences, ..dataset.clone() },
        None => ModelFacts { temperature: None, ..dataset.clone() },
    }
}

/// The task with its initial weights; what training has of each class is for scores, the names of sequences are for messages.
pub(super) fn classifier(
    config: &KeypointsConfig,
    setting: &LearnerSetting<'_>,
    facts: Arc<ModelFacts>,
    training: Option<Training>,
    names: Arc<[String]>,
) -> Result<Classifier, Failed> {
    let phase = |phase: &Phase| {
        let loss = &phase.task.section::<KeypointsConfig>().unwrap_or(config).loss;
        training::Phase { loss: loss.clone(), freeze: phase.train.freeze.clone() }
    };
    Ok(Classifier::new(training::Setting {
        phases: setting.phases.iter().map(phase).collect(),
        config,
        facts,
        training,
        names,
        device: setting.machine.device,
        precision: setting.machine.precision,
        seed: setting.seed,
    })?)
}
