//! The prepared dataset as learners go through it: a task with its model, and loaders over the images of its sides.

use std::sync::Arc;

use serde_json::{Value, json};

use super::config::{Balance, ImageClassConfig};
use super::dataset::Dataset;
use super::facts::ModelFacts;
use super::samples::{ImageSample, Images};
use super::samples_seen;
use super::training::{self, ATOM, Classifier, network};
use crate::data::loader::{Epochs, Loader, Order, Records};
use crate::data::split::Side;
use crate::task::classes::balance::chance;
use crate::task::{Data, LearnerSetting, Phase, Purpose};
use crate::train::engine::Feeds;
use crate::train::feed::Feed;
use crate::train::learner::{Learner, Learning, Samples};
use crate::train::task::Plots;
use crate::util::failure::Failed;

/// A prepared dataset, and what is done with it.
pub(super) struct Classes {
    pub(super) config: ImageClassConfig,
    pub(super) dataset: Dataset,
}

impl Classes {
    fn feed(&self, side: Side, setting: &LearnerSetting<'_>, trains: bool) -> Box<dyn Feed<Sample = ImageSample>> {
        let records = Records::new(Arc::clone(&self.dataset.records), self.dataset.of(side));
        let augment = trains.then(|| (self.config.augment.clone(), setting.seed));
        let source = Images::new(records, Arc::clone(&self.dataset.facts), augment);
        let shuffle = trains && setting.phases.first().is_none_or(|phase| phase.train.shuffle);
        let loader = Loader::new(Arc::new(source), Order { seed: setting.seed, shuffle }, setting.loader.clone());
        let loader = loader.with_share(setting.fraction, ATOM);
        if !trains || self.config.balance != Balance::Sampler {
            return Box::new(loader);
        }
        let (records, images) = (self.dataset.of(side), &self.dataset.facts.images);
        let class = |index: u32| images[records[index as usize]].class;
        Box::new(loader.with_balance(class, |_, count| chance(self.config.balancing(), count)))
    }

    /// The images of each class that training goes through.
    fn counts(&self, setting: &LearnerSetting<'_>) -> Vec<usize> {
        let records = self.dataset.of(Side::Train);
        // The order does not matter, but the seed decides which share of the images takes part.
        let order = Order { seed: setting.seed, shuffle: false };
        let all = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let mut counts = vec![0; self.dataset.facts.model.classes.len()];
        for index in Epochs::over(all, order).with_share(setting.fraction, ATOM).members() {
            counts[self.dataset.facts.images[records[index as usize]].class] += 1;
        }
        counts
    }
}

impl Data for Classes {
    fn samples(&self, side: Side) -> usize {
        self.dataset.of(side).len()
    }

    fn document(&self) -> Value {
        let facts = &self.dataset.facts;
        let side = |side: Side| {
            let files = self.dataset.of(side).into_iter().map(|record| facts.images[record].file.as_str());
            files.collect::<Vec<_>>()
        };
        json!({
            "model": facts.model,
            "sides": {"val": side(Side::Val), "test": side(Side::Test), "train": self.samples(Side::Train)},
        })
    }

    fn facts(&self) -> Value {
        json!(self.dataset.facts.model)
    }

    fn pictures(&self, seed: u64) -> Result<Plots, Failed> {
        Ok(samples_seen::pictures(&self.dataset, &self.config.augment, seed)?)
    }

    fn learner(&self, setting: &LearnerSetting<'_>, purpose: Purpose) -> Result<Box<dyn Learner>, Failed> {
        let facts = &self.dataset.facts;
        let names = facts.images.iter().map(|image| image.file.clone()).collect();
        let counts = self.counts(setting);
        let facts_of_weights = Arc::new(of_weights(&facts.model, setting.facts));
        let task = classifier(&self.config, setting, (facts_of_weights, &counts), names)?;
        let samples = match purpose {
            Purpose::Train => {
                let val = (self.samples(Side::Val) > 0).then(|| self.feed(Side::Val, setting, false));
                Samples::Training(Feeds { train: self.feed(Side::Train, setting, true), val })
            }
            Purpose::Evaluate(side) => Samples::Evaluation(self.feed(side, setting, false)),
        };
        let multiplications = network(&self.config, &facts.model).multiplications();
        Ok(Box::new(Learning { task, samples, multiplications }))
    }
}

/// What is known of the dataset, with the temperature of the weights.
fn of_weights(dataset: &ModelFacts, weights: Option<&Value>) -> ModelFacts {
    let weights = weights.and_then(|facts| ModelFacts::read(facts).ok());
    ModelFacts { temperature: weights.and_then(|facts| facts.temperature), ..dataset.clone() }
}

/// The task with its initial weights, for these classes with so many training images each, none if no loss is computed; the
/// names of images are for messages.
pub(super) fn classifier(
    config: &ImageClassConfig,
    setting: &LearnerSetting<'_>,
    (facts, counts): (Arc<ModelFacts>, &[usize]),
    names: Arc<[String]>,
) -> Result<Classifier, Failed> {
    let phase = |phase: &Phase| {
        let loss = &phase.task.section::<ImageClassConfig>().unwrap_or(config).loss;
        training::Phase { loss: loss.clone(), freeze: phase.train.freeze.clone() }
    };
    Ok(Classifier::new(training::Setting {
        phases: setting.phases.iter().map(phase).collect(),
        config,
        facts,
        counts,
        names,
        device: setting.machine.device,
        precision: setting.machine.precision,
        seed: setting.seed,
    })?)
}
