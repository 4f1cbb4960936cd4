//! The seam between the engine and what it trains. The engine knows samples that it can count, opaque batches, a flat
//! gradient, and numbers with names.
//!
//! The engine does not know *how* the gradient is computed: [`Task::step`] adds it to the flat buffer, through autograd or
//! a backward pass written by hand.
//!
//! Checked against these tasks:
//!
//! | | sample | batch | weight | scores | pictures |
//! |---|---|---|---|---|---|
//! | radar sequences | a window, bytes | `[b, t, c, y, x]`, scaled on the device | 1 | counts per threshold and lead | observed, predicted |
//! | image classifier | an image, its class and its index | `[b, 1, y, x]`, `[b]`; augmented by epoch and index | 1 | confusion matrix | image, class |
//! | keypoint sequences | `[t, k, 2]` of its own length | padded to the longest of the batch, with a mask | 1 | confusion matrix | track |
//! | detector | an image, its boxes | images, and all boxes with the number of their image | 1; divides by assigned anchors | sorted matches | image, boxes |
//!
//! Every row's samples come through [`crate::data::loader::Loader`]: it asks a source for each by its index, and
//! neither asks for nor assumes a shape. What happens to a sample on the CPU (decoding, augmentation) belongs in
//! [`crate::data::loader::SampleSource::load`], what happens on the device into [`Task::collate`].
//!
//! Padding to the longest of a *batch* is fine, because a mask keeps it out of loss and gradient: halving the batch then
//! changes nothing but rounding.
//!
//! **The weight of a sample.** The engine divides the gradient of a step by the sum of [`Task::weight`] over its
//! samples, which is known before the forward pass. If a weight is known only after it (a detector divides by the
//! anchors that were assigned), the task divides by itself, micro-batch by micro-batch: every sample then has the
//! weight 1, and [`Task::step`] returns the loss of its micro-batch, divided by the task's own divisor, times the
//! number of its samples; the gradient likewise. The engine's average over a step is then one by samples: with `n`
//! samples and a loss of `sum / divisor` in each micro-batch, a step has the loss `(n1 * sum1 / divisor1 + n2 * sum2 /
//! divisor2) / (n1 + n2)`. It depends on the micro-batch, as in PyTorch with gradient accumulation, so
//! [`Task::depends_on_micro_batch`] is true.
//!
//! **Batch norm** takes its statistics over a micro-batch. Such a task has an [`Task::atom`] of 2 or more, and its
//! numbers [depend on the micro-batch](Task::depends_on_micro_batch). Running statistics are buffers of [`Parameters`]:
//! saved with the weights, never optimised, and not averaged. If a step is discarded, the engine undoes its changes to
//! them.
//!
//! **Dropout** takes its masks from [`crate::nn::layer::SampleKeys`], which [`Task::collate`] makes from the seed and the place of
//! the first sample, so that they survive a resume and another micro-batch.

use serde_json::Value;
use tch::Tensor;
use thiserror::Error;

use crate::data::loader::Position;
use crate::metric::document::Basis;
use crate::metric::score::ScoreSpec;
use crate::native::said;
use crate::native::shortage::is_out_of_memory;
use crate::nn::parameters::{LoadReport, Parameters};
use crate::nn::weights::Weights;
use crate::report::PictureError;
use crate::train::drawing::Sketch;
use crate::train::micro_batch::OutOfMemory;
use crate::util::exit::Exit;
use crate::util::progress::Unit;

/// Something that can be trained.
pub trait Task {
    /// A sample as the feed delivers it: plain values.
    type Sample: Clone + 'static;
    /// Samples on the device.
    type Batch;
    /// What validation adds up.
    type Scores: Scores;

    /// Weights and gradients.
    fn parameters(&self) -> &Parameters;

    /// The same, to be given other values.
    fn parameters_mut(&mut self) -> &mut Parameters;

    /// Takes the values of a file of weights as far as they fit, and reports the rest. A task whose outputs have a meaning of
    /// their own looks into what the file says of that beside its tensors.
    fn take(&mut self, weights: Weights) -> LoadReport {
        self.parameters_mut().load_named(&weights.tensors)
    }

    /// The numbers that [`Self::evaluate`] returns; the first is the loss.
    fn parts(&self) -> &[ScoreSpec];

    /// Which of the parts [`Self::step`] returns in a phase, in their order: a step need not pay for what it does not learn from.
    /// The loss is always among them.
    fn measured_in_steps(&self, _phase: usize) -> Vec<bool> {
        vec![true; self.parts().len()]
    }

    /// What a sample is called when something is wrong with it: enough to find it.
    fn name(&self, sample: &Self::Sample) -> String;

    /// What a sample counts in the average over a step or a validation.
    fn weight(&self, _sample: &Self::Sample) -> f64 {
        1.0
    }

    /// The fewest samples that can go through the model at once in training: batch norm has no statistics of a single one.
    /// When memory runs out with so few, the run ends. Samples that are left over join those before them.
    fn atom(&self) -> usize {
        1
    }

    /// Whether the numbers of a step depend on which samples go through the model together, beyond rounding: batch norm takes
    /// statistics of a micro-batch. When memory runs out, the smaller micro-batch is then reported as changing them.
    fn depends_on_micro_batch(&self) -> bool {
        false
    }

    /// The step in which every parameter has a gradient: the first, but for what is behind layers that start at zero.
    fn learns_at(&self) -> u64 {
        1
    }

    /// Whether gradients are so small in the numbers that the model computes with that the loss must be scaled: fp16.
    fn scales_loss(&self) -> bool {
        false
    }

    /// A phase begins, or training is resumed in it: its settings hold from now on.
    ///
    /// # Errors
    /// If the phase can't be set up.
    fn begin_phase(&mut self, _phase: usize) -> Result<(), TaskError> {
        Ok(())
    }

    /// Brings samples to the device. In training the place of the first one is given, for random changes that are made on
    /// the device: they are a function of the seed, the epoch and each sample's index in its list, and of nothing else
    /// (see [`crate::util::seed::generator`]), so that neither a resume, nor another batch size or order changes them.
    ///
    /// # Errors
    /// If memory runs out, or a sample is invalid.
    fn collate(&self, samples: &[Self::Sample], place: Option<Position>) -> Result<Self::Batch, TaskError>;

    /// Adds `scale` times the gradient of the loss, summed over the batch, to the flat gradient. Returns the sum over the
    /// batch, weighted, of each part that is [measured](Self::measured_in_steps), as a vector on the device of the parameters.
    /// Nothing may be read from the device here: the host would wait.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses. The gradient is then invalid; the engine clears it.
    fn step(&mut self, batch: &Self::Batch, scale: f64) -> Result<Tensor, TaskError>;

    /// The initial, empty scores of a validation or evaluation.
    fn scores(&self, depth: Depth) -> Self::Scores;

    /// All parts, as in [`Self::step`], without a gradient. Adds to the scores when nothing can fail any more.
    ///
    /// # Errors
    /// Where memory runs out, or libtorch refuses.
    fn evaluate(&mut self, batch: &Self::Batch, scores: &mut Self::Scores) -> Result<Tensor, TaskError>;

    /// What people call its samples.
    fn unit(&self) -> Unit {
        Unit::SAMPLES
    }

    /// The results of an evaluation as pictures with their file names. `about` says what was evaluated on what.
    ///
    /// # Errors
    /// If a picture can't be encoded.
    fn plots(&self, _scores: &Self::Scores, _about: &str) -> Result<Plots, PictureError> {
        Ok(Vec::new())
    }

    /// What an evaluation found, as tables with their file names, for other programs.
    ///
    /// # Errors
    /// If one can't be encoded, which is a mistake of this program.
    fn tables(&self, _scores: &Self::Scores) -> Result<Plots, TaskError> {
        Ok(Vec::new())
    }

    /// How many samples of the validation are shown in pictures, evenly spread.
    fn shown(&self) -> usize {
        0
    }

    /// The folder of the run for its pictures.
    fn pictures(&self) -> &'static str {
        "pictures"
    }

    /// Predicts, and returns what a person would want to see: arrays that have left the device, and how they are drawn. Drawing
    /// happens on another thread, while training continues.
    ///
    /// # Errors
    /// Where memory runs out, or libtorch refuses.
    fn draw(&mut self, _batch: &Self::Batch) -> Result<Vec<Sketch>, TaskError> {
        Ok(Vec::new())
    }
}

/// Pictures or tables with their file names.
pub type Plots = Vec<(String, Vec<u8>)>;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What is worth knowing while training.
    Validation,
    /// Everything: each group of samples separately, more baselines, data for pictures.
    Evaluation,
}

/// What validation adds up: plain numbers, so that any order of batches gives the same.
pub trait Scores {
    /// What each score is. Nothing needs to be added up for that.
    fn specs(&self) -> Vec<ScoreSpec>;

    /// The scores, in the order of [`Self::specs`]; `None` if undefined.
    fn values(&self) -> Vec<Option<f64>>;

    /// Adds other scores of the same depth.
    fn merge(&mut self, other: &Self);

    /// The 95 % interval of each score, in the order of [`Self::specs`]; empty if a validation does not ask for them.
    fn intervals(&self) -> Vec<Option<[f64; 2]>> {
        Vec::new()
    }

    /// What was measured: how many samples, in how many groups, how.
    fn basis(&self) -> Basis {
        Basis::default()
    }

    /// What `metrics.json` has beyond scores: an object with a key for each section.
    fn sections(&self) -> Value {
        Value::Null
    }

    /// What a validation found out about the weights that must travel with them, such as the temperature of a classifier: an
    /// object whose keys join those that are known of the dataset in every published file of these weights; null for nothing.
    fn learned(&self) -> Value {
        Value::Null
    }
}

/// No scores beside the loss.
impl Scores for () {
    fn specs(&self) -> Vec<ScoreSpec> {
        Vec::new()
    }

    fn values(&self) -> Vec<Option<f64>> {
        Vec::new()
    }

    fn merge(&mut self, (): &Self) {}
}

/// A task that failed.
#[derive(Debug, Error)]
pub enum TaskError {
    /// libtorch refused; memory that ran out is among these and is recognised by the text.
    #[error("libtorch failed: {}", said::error(.0))]
    Torch(#[from] tch::TchError),
    /// Anything else, with the code to exit with.
    #[error("{source}")]
    Other {
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// The code to exit with.
        exit: Exit,
    },
}

impl TaskError {
    /// Memory ran out with the fewest samples; what libtorch said.
    #[must_use]
    pub fn no_memory(error: OutOfMemory, text: &str) -> Self {
        Self::Other { source: format!("{error}; libtorch says: {text}").into(), exit: error.exit() }
    }

    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Torch(error) if is_out_of_memory(&error.to_string()) => Exit::OutOfMemory,
            Self::Torch(_) => Exit::Bug,
            Self::Other { exit, .. } => *exit,
        }
    }
}
