//! The prepared dataset as learners go through it: a task with its model, and loaders over the images of its sides.

use std::sync::Arc;

use serde_json::{Value, json};

use super::config::ImageClassConfig;
use super::dataset::Dataset;
use super::facts::ModelFacts;
use super::samples::{ImageSample, Images};
use super::training::{self, ATOM, Classifier, network};
use crate::data::loader::{Loader, Order, Records};
use crate::data::split::Side;
use crate::task::{Data, LearnerSetting, Phase, Purpose};
use crate::train::engine::Feeds;
use crate::train::feed::Feed;
use crate::train::learner::{Learner, Learning, Samples};
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
        Box::new(loader.with_share(setting.fraction, ATOM))
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

    fn learner(&self, setting: &LearnerSetting<'_>, purpose: Purpose) -> Result<Box<dyn Learner>, Failed> {
        let facts = &self.dataset.facts;
        let names = facts.images.iter().map(|image| image.file.clone()).collect();
        let task = classifier(&self.config, setting, Arc::new(facts.model.clone()), names)?;
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

/// The task with its initial weights, for these classes; the names of images are for messages.
pub(super) fn classifier(
    config: &ImageClassConfig,
    setting: &LearnerSetting<'_>,
    facts: Arc<ModelFacts>,
    names: Arc<[String]>,
) -> Result<Classifier, Failed> {
    let phase = |phase: &Phase| {
        let loss = &phase.task.section::<ImageClassConfig>().unwrap_or(config).loss;
        training::Phase { label_smoothing: loss.label_smoothing, freeze: phase.train.freeze.clone() }
    };
    Ok(Classifier::new(training::Setting {
        phases: setting.phases.iter().map(phase).collect(),
        config,
        facts,
        names,
        device: setting.machine.device,
        precision: setting.machine.precision,
        seed: setting.seed,
    })?)
}
