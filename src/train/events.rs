//! Everything that happens in training, as plain values. The engine tells; whoever wants to print, plot or save listens.

mod observer;

use serde::{Deserialize, Serialize};

pub use self::observer::{Heard, Observer, Observers};
use super::drawing::Sketch;
use crate::metric::score::ScoreSpec;

/// A number with its name; none if it is undefined or not finite. What the name means, [`Started`] says once.
pub type Named = (String, Option<f64>);

/// Numbers with the names of what they are, in the same order.
pub fn named(specs: &[ScoreSpec], values: impl IntoIterator<Item = Option<f64>>) -> Vec<Named> {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    specs.iter().zip(values).map(|(spec, value)| (spec.name.clone(), finite(value))).collect()
}

/// The number of this name.
#[must_use]
pub fn value(values: &[Named], name: &str) -> Option<f64> {
    values.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Training begins, or goes on where it was stopped.
    Started(Started),
    /// A phase begins, or is resumed.
    PhaseStarted {
        /// Counted from 0.
        phase: usize,
        /// How many there are.
        phases: usize,
    },
    /// An epoch begins, or is resumed.
    EpochStarted {
        /// Counted from 0, all phases together.
        epoch: u64,
        /// The samples of it that were seen before.
        seen: usize,
    },
    /// The optimizer made a step.
    Stepped(Stepped),
    /// A step was left out, as its loss or gradient was no number.
    Skipped {
        /// The step that was not made.
        step: u64,
        /// The samples of the group.
        samples: Vec<String>,
        /// Whether that is how an fp16 loss scaler finds its scale, and no fault.
        expected: bool,
    },
    /// Weights and optimizer went back to what they were; the samples go on.
    RolledBack {
        /// The step that failed.
        step: u64,
        /// The step whose weights training goes on from.
        to_step: u64,
        /// What the learning rate is multiplied by from now on.
        lr_factor: f64,
        /// The samples of the group that failed.
        samples: Vec<String>,
    },
    /// Memory ran out, or there is room again: another number of samples goes through the model at once.
    MicroBatchChanged {
        /// Samples until now.
        from: usize,
        /// Samples from now on.
        to: usize,
        /// Whether the task's numbers depend on it beyond rounding: statistics over a micro-batch.
        statistics: bool,
    },
    /// Parameters that no gradient ever reaches.
    WithoutGradient {
        /// Their names.
        parameters: Vec<String>,
    },
    /// Validation begins.
    ValidationStarted {
        /// The epoch that it belongs to, counted from 0.
        epoch: u64,
    },
    /// A part of validation is done.
    Validated {
        /// Samples until now.
        done: usize,
        /// All samples.
        of: usize,
    },
    /// A validation in the midst of an epoch is over. One at the end of an epoch is told with the epoch.
    ValidationEnded {
        /// The epoch that it belongs to, counted from 0.
        epoch: u64,
        /// Steps until now.
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
    /// An epoch is over.
    EpochEnded {
        /// What is remembered of it.
        record: Record,
        /// What it cost.
        cost: Cost,
        /// Whether it is the best so far.
        improved: bool,
        /// The best so far.
        best: Option<Best>,
    },
    /// The weights are better than ever: this is what the model predicts.
    #[serde(skip)]
    Pictures {
        /// The epoch, counted from 0.
        epoch: u64,
        /// The folder of the run for the pictures of this task.
        folder: &'static str,
        /// What there is to see.
        pictures: Vec<Sketch>,
    },
    /// The state of training was handed over to be saved.
    Saving {
        /// Epochs that are complete in it.
        epoch: u64,
        /// Steps that are complete in it.
        step: u64,
    },
    /// Training is over, or was stopped.
    Ended(Ended),
}

/// How training begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Started {
    /// Numbers that are trained.
    pub parameters: u64,
    /// Samples of an epoch.
    pub train_samples: usize,
    /// Samples of a validation.
    pub val_samples: usize,
    /// Epochs of all phases.
    pub epochs: u64,
    /// Epochs that were complete before.
    pub epoch: u64,
    /// Steps that were complete before.
    pub step: u64,
    /// The numbers by which weights are the best; later ones break ties.
    pub best_by: Vec<String>,
    /// The best so far.
    pub best: Option<Best>,
    /// What the loss and its parts are; the first is the loss.
    pub parts: Vec<ScoreSpec>,
    /// What the scores of a validation are.
    pub scores: Vec<ScoreSpec>,
}

/// A step of the optimizer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stepped {
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// Steps until now, this one included.
    pub step: u64,
    /// Samples of this epoch until now.
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

/// What is remembered of an epoch, for ever. It holds nothing that a clock says, so a run that was stopped and resumed has
/// the same history, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counted from 1, all phases together.
    pub epoch: u64,
    /// Counted from 1.
    pub phase: usize,
    /// Steps until now.
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
    /// Seconds since training was started in this process.
    pub seconds: f64,
    /// Training samples per second in this epoch.
    pub samples_per_second: f64,
    /// The share of this epoch's time that went into waiting for data.
    pub data_wait: f64,
    /// Bytes of memory that the process holds.
    pub memory_bytes: u64,
    /// The GPU, where one computes and tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuUse>,
    /// Seconds until the last epoch ends, where that can be told.
    pub seconds_left: Option<f64>,
}

/// How busy a GPU is, with all that runs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GpuUse {
    /// Bytes of its memory that are in use.
    pub memory_bytes: u64,
    /// The share of the last moments in which it computed, in percent, where it tells.
    pub busy_percent: Option<u32>,
}

/// How training ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Why.
    pub reason: Reason,
    /// Epochs that are complete.
    pub epoch: u64,
    /// Steps that were made.
    pub step: u64,
    /// The best validation.
    pub best: Option<Best>,
}

/// The validation whose weights are the best. The engine decides which one it is; everything else reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The epoch that it belongs to, counted from 1.
    pub epoch: u64,
    /// The step after which it was found: that of the epoch's end, or one in the midst of it.
    pub step: u64,
    /// The numbers by which it is the best; later ones break ties.
    #[serde(with = "object")]
    pub by: Vec<Named>,
    /// The loss there: of the validation, or of training without one.
    pub loss: Option<f64>,
}

impl Best {
    /// By what it is the best, as text: "loss 0.20000".
    #[must_use]
    pub fn by_text(&self) -> String {
        let told = self.by.iter().filter_map(|(name, value)| Some(format!("{name} {:.5}", (*value)?)));
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
    /// The time is up.
    Time,
    /// The loss had not improved for long.
    Patience,
    /// A signal came; the state is saved.
    Stopped,
}
