//! Everything that happens in training, as plain values. The engine emits events; listeners print, plot or save them.

mod observer;
pub mod words;

use serde::{Deserialize, Serialize};

pub use self::observer::{Heard, Observer, Observers};
use super::drawing::Sketch;
use crate::metric::score::ScoreSpec;
use crate::util::units;

/// A number with its name; `None` if it is undefined or not finite. [`Started`] defines the name once.
pub type Named = (String, Option<f64>);

/// Numbers with their names, in the same order.
pub fn named(specs: &[ScoreSpec], values: impl IntoIterator<Item = Option<f64>>) -> Vec<Named> {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    specs.iter().zip(values).map(|(spec, value)| (spec.name.clone(), finite(value))).collect()
}

/// The same for numbers of which some were not measured: those are left out, as they are not undefined.
pub fn measured(specs: &[ScoreSpec], values: impl IntoIterator<Item = Option<f64>>) -> Vec<Named> {
    let known = specs.iter().zip(values).filter_map(|(spec, value)| Some((spec.name.clone(), value?)));
    known.map(|(name, value)| (name, Some(value).filter(|value| value.is_finite()))).collect()
}

/// The number of this name.
#[must_use]
pub fn value(values: &[Named], name: &str) -> Option<f64> {
    values.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
}

/// Samples of a step that a message names; the rest is counted.
pub const MOST_SAMPLES: usize = 4;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Training starts or resumes.
    Started(Started),
    /// A phase starts or resumes.
    PhaseStarted {
        /// Counted from 0.
        phase: usize,
        /// How many there are.
        phases: usize,
    },
    /// An epoch starts or resumes.
    EpochStarted {
        /// Counted from 0, all phases together.
        epoch: u64,
        /// Its samples that were already seen.
        seen: usize,
    },
    /// The optimizer made a step.
    Stepped(Stepped),
    /// A step was skipped because its loss or gradient was not finite.
    Skipped {
        /// The step that was skipped.
        step: u64,
        /// The samples of the group.
        samples: Vec<String>,
        /// Whether this is an fp16 loss scaler searching for its scale, not a fault.
        expected: bool,
    },
    /// Weights and optimizer were rolled back; the samples continue from where they are.
    RolledBack {
        /// The step that failed.
        step: u64,
        /// The step whose weights training continues from.
        to_step: u64,
        /// What the learning rate is multiplied by from now on.
        lr_factor: f64,
        /// The samples of the group that failed.
        samples: Vec<String>,
    },
    /// Memory ran out, or there is room again: the micro-batch size changes.
    MicroBatchChanged {
        /// The previous size, in samples.
        from: usize,
        /// The new size, in samples.
        to: usize,
        /// Whether the task's numbers depend on it beyond rounding: statistics over a micro-batch.
        statistics: bool,
    },
    /// Parameters that no gradient has reached in the step in which all have one.
    WithoutGradient {
        /// Their names.
        parameters: Vec<String>,
    },
    /// Validation starts.
    ValidationStarted {
        /// The epoch that it belongs to, counted from 0.
        epoch: u64,
    },
    /// A part of validation is complete.
    Validated {
        /// Samples so far.
        done: usize,
        /// All samples.
        of: usize,
    },
    /// A validation in the middle of an epoch is complete. One at the end of an epoch is reported with the epoch.
    ValidationEnded {
        /// The epoch that it belongs to, counted from 0.
        epoch: u64,
        /// Steps so far.
        step: u64,
        /// The loss and its parts, averaged over the validation samples.
        #[serde(serialize_with = "object::serialize")]
        parts: Vec<Named>,
        /// The task's scores.
        #[serde(serialize_with = "object::serialize")]
        scores: Vec<Named>,
        /// Whether it is the best so far.
        improved: bool,
        /// The best so far.
        best: Option<Best>,
    },
    /// An epoch is complete.
    EpochEnded {
        /// Its permanent record.
        record: Record,
        /// What it cost.
        cost: Cost,
        /// Whether it is the best so far.
        improved: bool,
        /// The best so far.
        best: Option<Best>,
    },
    /// The weights are the best so far: this is what the model predicts.
    #[serde(skip)]
    Pictures {
        /// The epoch, counted from 0.
        epoch: u64,
        /// The folder of the run for the pictures of this task.
        folder: &'static str,
        /// The pictures.
        pictures: Vec<Sketch>,
    },
    /// The training state was handed over to be saved.
    Saving {
        /// Epochs that are complete in it.
        epoch: u64,
        /// Steps that are complete in it.
        step: u64,
    },
    /// Training has ended or was stopped.
    Ended(Ended),
}

/// How training starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Started {
    /// Number of trainable parameters.
    pub parameters: u64,
    /// Samples of an epoch.
    pub train_samples: usize,
    /// Samples of a validation.
    pub val_samples: usize,
    /// Epochs of all phases.
    pub epochs: u64,
    /// The limits that may end training before.
    pub limits: Limits,
    /// Epochs that were already complete.
    pub epoch: u64,
    /// Steps that were already complete.
    pub step: u64,
    /// The metrics that decide which weights are best; later ones break ties.
    pub best_by: Vec<String>,
    /// The best so far.
    pub best: Option<Best>,
    /// What the loss and its parts are; the first is the loss.
    pub parts: Vec<ScoreSpec>,
    /// What the scores of a validation are.
    pub scores: Vec<ScoreSpec>,
    /// The records of the complete epochs, as the checkpoint has them.
    #[serde(skip)]
    pub rows: Vec<Record>,
}

/// The limits that end training regardless of the number of epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Steps.
    pub max_steps: Option<u64>,
    /// Minutes since this start began.
    pub max_minutes: Option<f64>,
}

/// A step of the optimizer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stepped {
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// Steps so far, this one included.
    pub step: u64,
    /// Samples of this epoch so far.
    pub seen: usize,
    /// Samples of an epoch.
    pub of: usize,
    /// The loss and its parts, averaged over the samples of this step.
    #[serde(serialize_with = "object::serialize")]
    pub parts: Vec<Named>,
    /// The learning rate.
    pub lr: f64,
    /// The norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Samples that went through the model at once.
    pub micro_batch: usize,
    /// What it cost.
    pub cost: Cost,
}

/// The permanent record of an epoch. It contains no clock readings, so the history of a run that was stopped and resumed is
/// byte-identical to that of an uninterrupted one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counted from 1, all phases together.
    pub epoch: u64,
    /// Counted from 1.
    pub phase: usize,
    /// Steps so far.
    pub step: u64,
    /// The learning rate of the last step.
    pub lr: f64,
    /// The loss and its parts, averaged over the epoch's training samples.
    #[serde(with = "object")]
    pub train: Vec<Named>,
    /// The same over the validation samples; empty without any, or if the epoch was not validated.
    #[serde(with = "object")]
    pub val: Vec<Named>,
    /// The task's scores over the validation samples; empty as above.
    #[serde(with = "object")]
    pub scores: Vec<Named>,
}

/// Time and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Seconds since training started in this process.
    pub seconds: f64,
    /// Training samples per second in this epoch.
    pub samples_per_second: f64,
    /// The share of this epoch's time that went into waiting for data.
    pub data_wait: f64,
    /// Bytes of memory that the process holds.
    pub memory_bytes: u64,
    /// The GPU, if one is used and reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuUse>,
    /// Seconds until the last epoch ends, if they can be estimated.
    pub seconds_left: Option<f64>,
}

/// How busy a GPU is, counting everything that runs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GpuUse {
    /// Bytes of its memory that are in use.
    pub memory_bytes: u64,
    /// Its recent utilisation in percent, if it reports one.
    pub busy_percent: Option<u32>,
}

/// How training ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Why.
    pub reason: Reason,
    /// Epochs that are complete.
    pub epoch: u64,
    /// The share of the next epoch that was done before a limit or a signal cut it short, from 0 to 1.
    pub epoch_share: f64,
    /// Steps that were made.
    pub step: u64,
    /// The best validation.
    pub best: Option<Best>,
}

/// The validation whose weights are the best. The engine decides which one it is; all other code reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The epoch that it belongs to, counted from 1.
    pub epoch: u64,
    /// The step after which it was found: at the end of the epoch, or in the middle of it.
    pub step: u64,
    /// The metrics that make it the best; later ones break ties.
    #[serde(with = "object")]
    pub by: Vec<Named>,
    /// The loss at that point: of the validation, or of training if nothing is validated.
    pub loss: Option<f64>,
}

impl Best {
    /// The metrics that make it the best, as text: "loss 0.20000".
    #[must_use]
    pub fn by_text(&self) -> String {
        let told = self.by.iter().filter_map(|(name, value)| Some(format!("{name} {}", units::decimals((*value)?, 5))));
        told.collect::<Vec<_>>().join(", ")
    }
}

/// Numbers by name as an object, in their order.
mod object {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Named;
    use crate::metric::ordered::Ordered;

    pub(super) fn serialize<S: Serializer>(values: &[Named], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(values.iter().map(|(name, value)| (name, value)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Named>, D::Error> {
        let values = Ordered::<Option<f64>>::deserialize(deserializer)?;
        Ok(values.iter().map(|(name, value)| (name.to_owned(), *value)).collect())
    }
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// All epochs are done.
    Epochs,
    /// All steps are done.
    Steps,
    /// The time limit is reached.
    Time,
    /// The loss has not improved for too long.
    Patience,
    /// A signal arrived; the state is saved.
    Stopped,
}
