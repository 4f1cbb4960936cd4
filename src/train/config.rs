//! The `train` section: what drives the engine, whatever the task. With the choice of device and of precision, which
//! stand at the top of a configuration.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::best_by::BestBy;

/// The `train` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Times that every window is seen; in a phase, times within that phase.
    pub epochs: usize,
    /// Optimizer steps after which training ends, whatever `epochs` says.
    pub max_steps: Option<u64>,
    /// Minutes after which training ends with a checkpoint, whatever `epochs` says.
    pub max_minutes: Option<f64>,
    /// Windows that go through the model at once; halved by itself when memory runs out.
    pub micro_batch: usize,
    /// Micro-batches whose gradients are averaged into one step.
    pub accumulate: usize,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// Whether only the first micro-batch is trained, over and over: a model that can't learn it by heart has a fault.
    pub overfit_single_batch: bool,
    /// What turns gradients into steps.
    pub optimizer: Optimizer,
    /// How the learning rate changes from epoch to epoch.
    pub schedule: Schedule,
    /// A slow start, before `schedule` begins.
    pub warmup: Warmup,
    /// The norm that a longer gradient is shortened to.
    pub clip_norm: Option<f64>,
    /// Validated epochs without a better validation loss after which training stops early.
    pub patience: Option<usize>,
    /// How much smaller a validation loss must be to count as better.
    pub min_delta: f64,
    /// The decay of a running average of the weights, which is then what is evaluated and exported.
    pub ema_decay: Option<f64>,
    /// Weights to start from: a safetensors file, a checkpoint or a run folder.
    pub init_from: Option<PathBuf>,
    /// Parameters that stay as they are, by name, where `*` stands for anything.
    pub freeze: Vec<String>,
    /// Parts of training that follow each other, each with what it changes.
    pub phases: Vec<Phase>,
    /// How often the other samples are looked at.
    pub validate: ValidateConfig,
    /// Times that a failed run starts again by itself from its last checkpoint.
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
            micro_batch: 2,
            accumulate: 4,
            shuffle: true,
            overfit_single_batch: false,
            optimizer: Optimizer::Adamw(AdamW::default()),
            schedule: Schedule::Plateau(Plateau::default()),
            warmup: Warmup::default(),
            clip_norm: Some(1.0),
            patience: Some(8),
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

/// What turns gradients into steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019).
    Adamw(AdamW),
    /// Adam (Kingma and Ba 2015).
    Adam(Adam),
    /// Gradient descent with momentum.
    Sgd(Sgd),
}

impl Optimizer {
    /// The learning rate that the schedule starts from.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match self {
            Self::Adamw(adamw) => adamw.lr,
            Self::Adam(adam) => adam.lr,
            Self::Sgd(sgd) => sgd.lr,
        }
    }
}

/// Adam with weight decay apart from the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// The learning rate.
    pub lr: f64,
    /// The share of a weight, times the learning rate, that each step takes away.
    pub weight_decay: f64,
    /// The decays of the running means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-5, weight_decay: 1e-5, betas: [0.9, 0.999], eps: 1e-8 }
    }
}

/// Adam, with weight decay as a part of the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// The learning rate.
    pub lr: f64,
    /// The share of a weight that is added to its gradient.
    pub weight_decay: f64,
    /// The decays of the running means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { lr: 1e-3, weight_decay: 0.0, betas: [0.9, 0.999], eps: 1e-8 }
    }
}

/// Gradient descent with momentum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// The learning rate.
    pub lr: f64,
    /// The share of a weight that is added to its gradient.
    pub weight_decay: f64,
    /// The share of the last step that is repeated.
    pub momentum: f64,
    /// Whether the gradient is taken as if the momentum had acted already.
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 1e-2, weight_decay: 0.0, momentum: 0.9, nesterov: false }
    }
}

/// How the learning rate changes from epoch to epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// It stays.
    Constant,
    /// Half a cosine from the optimizer's rate down to `min_lr` at the last epoch.
    Cosine(Cosine),
    /// A multiplication every few epochs.
    Step(Step),
    /// A multiplication whenever the validation loss has stopped falling.
    Plateau(Plateau),
}

/// Half a cosine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cosine {
    /// The learning rate at the end.
    pub min_lr: f64,
}

/// A multiplication every few epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Epochs between multiplications.
    pub every_epochs: usize,
    /// What the learning rate is multiplied by.
    pub factor: f64,
}

impl Default for Step {
    fn default() -> Self {
        Self { every_epochs: 10, factor: 0.1 }
    }
}

/// A multiplication whenever the validation loss has stopped falling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plateau {
    /// What the learning rate is multiplied by.
    pub factor: f64,
    /// Epochs without a better loss that are forgiven.
    pub patience: usize,
    /// The share of the best loss by which a loss must be smaller to count as better.
    pub threshold: f64,
    /// The learning rate never falls below this.
    pub min_lr: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 0.5, patience: 3, threshold: 1e-4, min_lr: 0.0 }
    }
}

/// A slow start: the learning rate grows linearly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Warmup {
    /// Epochs until the full learning rate, in fractions too; 0 is no warm-up.
    pub epochs: f64,
    /// The share of the learning rate that the first step has.
    pub start_factor: f64,
}

impl Default for Warmup {
    fn default() -> Self {
        Self { epochs: 0.0, start_factor: 0.1 }
    }
}

/// One part of training, as what it changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Phase {
    /// What changes in `train`, with the same keys.
    pub train: serde_json::Map<String, serde_json::Value>,
    /// What changes in the task's `loss`, with the same keys.
    pub loss: serde_json::Map<String, serde_json::Value>,
}

/// How often the model is validated. The last epoch of a phase always is, and so is what a limit cuts short.
///
/// Patience and the schedule `plateau` count validations at the end of an epoch only. Those inside an epoch tell how
/// training goes, and which weights are the best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidateConfig {
    /// Epochs from one validation at the end of an epoch to the next.
    pub every_epochs: u64,
    /// Optimizer steps from one validation inside an epoch to the next, counted from the beginning of the epoch.
    pub every_steps: Option<u64>,
}

impl Default for ValidateConfig {
    fn default() -> Self {
        Self { every_epochs: 1, every_steps: None }
    }
}

/// When the state of training is saved, and how much of it is kept. The end of an epoch always saves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Minutes between checkpoints inside an epoch.
    pub every_minutes: Option<f64>,
    /// Optimizer steps between checkpoints inside an epoch.
    pub every_steps: Option<u64>,
    /// The newest checkpoints that are kept.
    pub keep_last: usize,
    /// The best checkpoints that are kept besides.
    pub keep_best: usize,
    /// What the best weights are chosen by: loss, a part of it, a score such as csi_35, or a list, where later ones break ties.
    pub best_by: BestBy,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every_minutes: Some(5.0), every_steps: None, keep_last: 2, keep_best: 3, best_by: BestBy::default() }
    }
}

/// The type of the numbers that the model computes with; weights and sums are fp32 in every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// bf16 where the device is fast at it, else fp32.
    #[default]
    Auto,
    /// 32 bits.
    Fp32,
    /// 16 bits with the range of fp32.
    Bf16,
    /// 16 bits with a small range, which needs a loss scaler.
    Fp16,
}

/// What a run computes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first GPU, or the CPU where there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, by its number where one is given.
    Cuda(Option<u32>),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(None) => out.write_str("cuda"),
            Self::Cuda(Some(number)) => write!(out, "cuda:{number}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(None)),
            _ => {
                let number =
                    text.strip_prefix("cuda:").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                let wrong = || format!("expected auto, cpu, cuda or cuda:N, got {text:?}");
                number.and_then(|digits| digits.parse().ok()).map(|number| Self::Cuda(Some(number))).ok_or_else(wrong)
            }
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(device: DeviceChoice) -> Self {
        device.to_string()
    }
}

impl JsonSchema for DeviceChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DeviceChoice".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a run computes on: auto, cpu, cuda or cuda:N.",
            "type": "string",
            "format": "device",
            "pattern": "^(auto|cpu|cuda(:[0-9]{1,9})?)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_written_as_it_is_read() {
        for text in ["auto", "cpu", "cuda", "cuda:0", "cuda:11"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        for text in ["gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "CPU", ""] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }
}
