//! The `train` section: what drives the engine, whatever the task. Each part is a file with its type, its defaults and its
//! checks. With the choice of device and of precision, which are at the top of a configuration.

mod batch;
mod bounds;
mod checkpoint;
mod device;
mod limits;
mod optimizer;
mod phase;
mod schedule;
mod validate;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::batch::MicroBatch;
use self::bounds::positive_or_off;
pub use self::checkpoint::CheckpointConfig;
pub use self::device::{DeviceChoice, Precision};
pub use self::optimizer::{Adam, AdamW, Optimizer, Sgd};
pub use self::phase::Phase;
pub use self::schedule::{Cosine, Linear, OneCycle, Plateau, Schedule, Step, Warmup};
pub use self::validate::ValidateConfig;
use crate::util::problem::Problem;

/// The `train` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("not" = {
    "required": ["batch", "accumulate"],
    "properties": {"batch": {"type": "integer"}, "accumulate": {"type": "integer"}},
}))]
pub struct TrainConfig {
    /// Times that every sample is seen; in a phase, times within that phase.
    pub epochs: usize,
    /// Optimizer steps after which training ends, whatever `epochs` says.
    pub max_steps: Option<u64>,
    /// Minutes after which training ends with a checkpoint, whatever `epochs` says.
    pub max_minutes: Option<f64>,
    /// Samples of one optimizer step, whose gradients are averaged.
    #[schemars(extend("default" = 8))]
    pub batch: Option<usize>,
    /// Samples that go through the model at once: auto (the whole batch) or a number; halved when memory runs out.
    pub micro_batch: MicroBatch,
    /// Micro-batches of one step: another way of writing batch = micro_batch x accumulate.
    pub accumulate: Option<usize>,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// Whether only the first batch is trained, over and over: a model that can't learn it by heart has a fault.
    pub overfit_single_batch: bool,
    /// What turns gradients into steps.
    pub optimizer: Optimizer,
    /// How the learning rate changes from epoch to epoch.
    pub schedule: Schedule,
    /// A slow start, before `schedule` begins.
    pub warmup: Warmup,
    /// The norm that a longer gradient is shortened to.
    pub clip_norm: Option<f64>,
    /// The size that no number of a gradient exceeds: larger ones are set to it, after `clip_norm`.
    pub clip_value: Option<f64>,
    /// Validated epochs without a better `patience_by` after which training stops early.
    pub patience: Option<usize>,
    /// What patience watches: loss, a part of it, or a score. A task may choose another default.
    pub patience_by: String,
    /// By how much it must improve to count as better.
    pub min_delta: f64,
    /// The decay of a running average of the weights, which is then what is evaluated and exported.
    pub ema_decay: Option<f64>,
    /// Weights to start from: a file (.safetensors, or .pth and .pt of torch.save), a checkpoint or a run folder.
    pub init_from: Option<PathBuf>,
    /// Parameters that stay as they are, by name, where `*` stands for anything.
    pub freeze: Vec<String>,
    /// Parts of training that follow each other, each with what it changes.
    pub phases: Vec<Phase>,
    /// How often the other samples are looked at.
    pub validate: ValidateConfig,
    /// Times that a failed run restarts from its last checkpoint.
    pub max_retries: u32,
    /// When the state of training is saved, and how much of it is kept.
    pub checkpoint: CheckpointConfig,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 50,
            max_steps: None,
            max_minutes: None,
            batch: None,
            micro_batch: MicroBatch::Auto,
            accumulate: None,
            shuffle: true,
            overfit_single_batch: false,
            optimizer: Optimizer::Adamw(AdamW::default()),
            schedule: Schedule::Plateau(Plateau::default()),
            warmup: Warmup::default(),
            clip_norm: Some(1.0),
            clip_value: None,
            patience: Some(8),
            patience_by: "loss".into(),
            min_delta: 0.0,
            ema_decay: None,
            init_from: None,
            freeze: Vec::new(),
            phases: Vec::new(),
            validate: ValidateConfig::default(),
            max_retries: 5,
            checkpoint: CheckpointConfig::default(),
        }
    }
}

impl TrainConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = self.limit_problems();
        found.extend(self.batch_problems());
        positive_or_off("clip_norm", self.clip_norm, &mut found);
        positive_or_off("clip_value", self.clip_value, &mut found);
        if let Some(decay) = self.ema_decay.filter(|decay| !(*decay > 0.0 && *decay < 1.0)) {
            let message = format!("the decay must be between 0 and 1, got {decay}");
            found.push(Problem::new("ema_decay", message, "write a decay such as 0.999, or null for no average"));
        }
        if self.init_from.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            let remedy = "write the path of the weights, or null to start from random ones";
            found.push(Problem::new("init_from", "the path is empty", remedy));
        }
        for (index, pattern) in self.freeze.iter().enumerate().filter(|(_, pattern)| pattern.trim().is_empty()) {
            let message = format!("the name of a parameter is empty, got {pattern:?}");
            let remedy = "write a name such as layers.0.*, or [] to freeze nothing";
            found.push(Problem::new(format!("freeze.{index}"), message, remedy));
        }
        let sections = [
            ("optimizer", self.optimizer.problems()),
            ("schedule", self.schedule.problems(self.optimizer.lr())),
            ("warmup", self.warmup.problems(self.epochs, &self.schedule)),
            ("validate", self.validate.problems()),
            ("checkpoint", self.checkpoint.problems()),
        ];
        found.extend(sections.into_iter().flat_map(|(key, list)| list.into_iter().map(|problem| problem.below(key))));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(config: &TrainConfig) -> Vec<String> {
        config.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(TrainConfig::default().problems(), []);
    }

    #[test]
    fn every_section_is_checked_below_its_key() {
        let config = TrainConfig {
            epochs: 0,
            batch: Some(0),
            optimizer: Optimizer::Sgd(Sgd { lr: 0.0, ..Sgd::default() }),
            schedule: Schedule::Step(Step { every_epochs: 0, ..Step::default() }),
            warmup: Warmup { epochs: -1.0, ..Warmup::default() },
            validate: ValidateConfig { every_epochs: 0, ..ValidateConfig::default() },
            checkpoint: CheckpointConfig { keep_last: 0, ..CheckpointConfig::default() },
            ..TrainConfig::default()
        };
        let keys = [
            "epochs",
            "batch",
            "optimizer.sgd.lr",
            "schedule.step.every_epochs",
            "warmup.epochs",
            "validate.every_epochs",
            "checkpoint.keep_last",
        ];
        assert_eq!(paths(&config), keys);
    }

    #[test]
    fn an_average_that_never_moves_and_a_parameter_without_a_name_are_refused() {
        let freeze = ["layers.0.*", "", " "].map(String::from).to_vec();
        let config = TrainConfig { ema_decay: Some(1.0), freeze, ..TrainConfig::default() };
        assert_eq!(paths(&config), ["ema_decay", "freeze.1", "freeze.2"]);
    }
}
