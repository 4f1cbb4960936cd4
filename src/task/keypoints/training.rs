//! The classifier of sequences as something that the engine can train: its network, its loss, and the batches that go through.
//!
//! Tensors carry their dimensions: b samples, t frames, d numbers of a frame, c classes.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};
use thiserror::Error;

use super::augment::Shape;
use super::augment::feature::{width, with_differences};
use super::config::{KeypointsConfig, LossConfig};
use super::facts::ModelFacts;
use super::foreign::adaptations;
use super::model::{Forward, SequenceNetwork, Sequences, Sizes, Stream, sequence_network};
use super::pictures::{self as strips, Archive};
use super::samples::SequenceSample;
use super::shapes::shapes;
use super::{MOST_DRAWN, SEQUENCES, naming};
use crate::data::loader::Position;
use crate::metric::score::ScoreSpec;
use crate::native::said;
use crate::native::shortage::is_out_of_memory;
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::parameters::{LoadReport, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::nn::weights::Weights;
use crate::report::PictureError;
use crate::task::classes::called::called;
use crate::task::classes::long_tail::Training;
use crate::task::classes::loss::Criterion;
use crate::task::classes::rows::{Rows, arrange, last_layer};
use crate::task::classes::scores::ClassScoresSum;
use crate::task::classes::specs::parts;
use crate::task::classes::{pictures, tables};
use crate::train::task::{Depth, Plots, Task, TaskError};
use crate::util::exit::Exit;
use crate::util::progress::Unit;

/// What a classifier is made of.
pub struct Setting<'a> {
    /// What each phase of training changes; the first also holds if nothing is trained.
    pub phases: Vec<Phase>,
    /// The task's section.
    pub config: &'a KeypointsConfig,
    /// The classes and streams.
    pub facts: Arc<ModelFacts>,
    /// What training has of each class; none if nothing is evaluated.
    pub training: Option<Training>,
    /// The names of the sequences, by the numbers of their records.
    pub names: Arc<[String]>,
    /// Where it is computed.
    pub device: Device,
    /// What the network computes in.
    pub precision: Precision,
    /// What all randomness follows from.
    pub seed: u64,
}

/// What a phase of training changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// The loss.
    pub loss: LossConfig,
    /// Patterns of the names of parameters that don't learn.
    pub freeze: Vec<String>,
}

/// A classifier of sequences.
pub struct Classifier {
    parameters: Parameters,
    network: Box<dyn Forward>,
    precision: Precision,
    phases: Vec<Phase>,
    criterion: Criterion,
    facts: Arc<ModelFacts>,
    training: Option<Training>,
    shapes: Vec<Shape>,
    names: Arc<[String]>,
    device: Device,
    seed: u64,
    parts: Vec<ScoreSpec>,
    archive: Option<Archive>,
}

/// What the network says of sequences, one after another.
pub struct Outputs {
    /// The probabilities of all classes.
    pub probabilities: Vec<f32>,
    /// What describes a sequence: its pooled frames.
    pub embeddings: Vec<f32>,
}

/// A classifier that can't be set up.
#[derive(Debug, Error)]
pub enum ClassifierError {
    /// The parameters are not those of the network, or a pattern of `freeze` matches none.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// A phase freezes all there is.
    #[error("{}train.freeze freezes every parameter, so nothing would learn; leave some out", of(*phase, *phases))]
    AllFrozen {
        /// The phase, counted from 0.
        phase: usize,
        /// How many there are.
        phases: usize,
    },
    /// A phase that was not configured.
    #[error("phase {phase} was asked for, expected one of {phases}")]
    NoPhase {
        /// The phase, counted from 0.
        phase: usize,
        /// How many there are.
        phases: usize,
    },
    /// A sequence of another dataset.
    #[error(
        "{name} has class {class}, {frames} frames and {values} numbers, expected one of {classes} classes and {width} numbers for \
         each of at least 1 frame"
    )]
    Sequence {
        /// Its name.
        name: String,
        /// Its class.
        class: usize,
        /// Its frames.
        frames: usize,
        /// Its numbers.
        values: usize,
        /// The classes.
        classes: usize,
        /// The numbers of a frame.
        width: usize,
    },
    /// libtorch refused.
    #[error("libtorch failed: {}", said::error(.0))]
    Torch(#[from] tch::TchError),
}

/// Which phase, if there are several.
fn of(phase: usize, phases: usize) -> String {
    if phases == 1 { String::new() } else { format!("phase {phase} (counted from 0): ") }
}

impl ClassifierError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Parameters(error) => error.exit(),
            Self::Torch(error) if is_out_of_memory(&error.to_string()) => Exit::OutOfMemory,
            Self::AllFrozen { .. } => Exit::Configuration,
            Self::Torch(_) | Self::NoPhase { .. } | Self::Sequence { .. } => Exit::Bug,
        }
    }
}

crate::util::failures!("classifier": ClassifierError);

impl From<ClassifierError> for TaskError {
    fn from(error: ClassifierError) -> Self {
        let exit = error.exit();
        Self::Other { source: error.into(), exit }
    }
}

/// The network that the configuration asks for.
#[must_use]
pub fn network(config: &KeypointsConfig, facts: &ModelFacts) -> Box<dyn SequenceNetwork> {
    let stream =
        |(stream, width): (&super::recipe::Stream, usize)| Stream { name: stream.name.clone(), inputs: width as i64 };
    let streams = facts.recipe.streams.iter().zip(widths(facts)).map(stream).collect();
    sequence_network(&config.model, Sizes { streams, labels: facts.classes.clone(), frames: facts.frames as i64 })
}

/// The numbers of each stream in a frame, with its differences.
pub(super) fn widths(facts: &ModelFacts) -> Vec<usize> {
    shapes(&facts.recipe).iter().map(|shape| width(shape, &facts.differences)).collect()
}

/// Sequences on the device.
#[derive(Debug)]
pub struct Batch {
    sequences: Sequences,
    truth_b: Tensor,
    keys: SampleKeys,
    /// Without their numbers.
    samples: Vec<SequenceSample>,
}

#[cfg(test)]
impl Batch {
    /// The numbers of each stream, `[b, t, d]`.
    pub fn streams(&self) -> impl Iterator<Item = &Tensor> {
        self.sequences.streams.iter()
    }
}

impl Classifier {
    /// The classifier with its initial weights.
    ///
    /// # Errors
    /// If a phase freezes what is not there or everything, or memory is missing.
    pub fn new(setting: Setting<'_>) -> Result<Self, ClassifierError> {
        let Setting { phases, config, facts, training, names, device, precision, seed } = setting;
        let network = network(config, &facts);
        let parameters = Parameters::new(&network.layout(), seed, device)?;
        let network = network.over(&parameters)?;
        let (criterion, shapes) = (Criterion::even(0.0), shapes(&facts.recipe));
        let mut classifier = Self {
            parameters,
            network,
            precision,
            phases,
            criterion,
            facts,
            training,
            shapes,
            names,
            device,
            seed,
            parts: parts(),
            archive: None,
        };
        // A pattern of the last phase that matches nothing is found before the first one has run for hours.
        (0..classifier.phases.len()).rev().try_for_each(|phase| classifier.enter(phase))?;
        Ok(classifier)
    }

    /// The same with sequences to draw its mistakes from.
    #[must_use]
    pub fn drawing(self, archive: Archive) -> Self {
        Self { archive: Some(archive), ..self }
    }

    /// What it knows of its classes and streams.
    #[must_use]
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// What logits are divided by before they become probabilities.
    fn temperature(&self) -> f64 {
        self.facts.temperature.unwrap_or(1.0)
    }

    fn enter(&mut self, phase: usize) -> Result<(), ClassifierError> {
        let phases = self.phases.len();
        let Phase { loss, freeze } = self.phases.get(phase).ok_or(ClassifierError::NoPhase { phase, phases })?;
        self.parameters.thaw();
        for pattern in freeze {
            self.parameters.freeze(pattern)?;
        }
        let frozen: usize = self.parameters.frozen().iter().map(ExactSizeIterator::len).sum();
        if frozen == self.parameters.count() {
            return Err(ClassifierError::AllFrozen { phase, phases });
        }
        self.criterion = Criterion::even(loss.label_smoothing);
        Ok(())
    }

    /// What the network says of each of these sequences: frames, and numbers as in [`SequenceSample`].
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn outputs(&self, sequences: &[(usize, &[f32])]) -> Result<Outputs, TaskError> {
        let _guard = tch::no_grad_guard();
        let computed = self.network.forward(&self.padded(sequences)?, Mode::Evaluation, self.precision);
        let scaled_bc = computed.logits_bc.f_to_kind(Kind::Float)?.f_div_scalar(self.temperature())?;
        let probabilities = plain(&scaled_bc.f_softmax(1, Kind::Float)?)?;
        Ok(Outputs { probabilities, embeddings: plain(&computed.pooled_be)? })
    }

    /// Each stream with its differences between frames, padded with zeros to the longest sequence.
    fn padded(&self, sequences: &[(usize, &[f32])]) -> Result<Sequences, tch::TchError> {
        let ModelFacts { recipe, differences, .. } = &*self.facts;
        let longest = sequences.iter().map(|(frames, _)| *frames).max().unwrap_or(0);
        let mut padded: Vec<Vec<f32>> = vec![Vec::new(); recipe.streams.len()];
        for (place, (frames, values)) in sequences.iter().enumerate() {
            let streams = padded.iter_mut().zip(&self.shapes).zip(recipe.split(values, *frames));
            for ((into, shape), own) in streams {
                with_differences(own, shape, differences, into);
                into.resize((place + 1) * longest * width(shape, differences), 0.0);
            }
        }
        let tensor = |(values, shape): (Vec<f32>, &Shape)| {
            let shape = [sequences.len() as i64, longest as i64, width(shape, differences) as i64];
            Tensor::f_from_slice(&values)?.f_view(shape)?.f_to_device(self.device)
        };
        let streams = padded.into_iter().zip(&self.shapes).map(tensor).collect::<Result<Vec<_>, _>>()?;
        Ok(Sequences { streams, lengths: sequences.iter().map(|(frames, _)| *frames as i64).collect() })
    }

    fn check(&self, sample: &SequenceSample) -> Result<(), ClassifierError> {
        let (classes, width) = (self.facts.classes.len(), self.facts.recipe.all_widths());
        if sample.class < classes && sample.frames > 0 && sample.values.len() == sample.frames * width {
            return Ok(());
        }
        let (class, frames, values) = (sample.class, sample.frames, sample.values.len());
        Err(ClassifierError::Sequence { name: self.name(sample), class, frames, values, classes, width })
    }
}

fn plain(values: &Tensor) -> Result<Vec<f32>, TaskError> {
    let values = values.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    Ok(Vec::try_from(values.f_flatten(0, -1)?)?)
}

impl Task for Classifier {
    type Sample = SequenceSample;
    type Batch = Batch;
    type Scores = ClassScoresSum<usize>;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The rows of the last layer are matched by the names of classes.
    fn take(&mut self, mut weights: Weights) -> LoadReport {
        let layer = self.parameters.names().last().map_or_else(String::new, last_layer);
        let Rows { doubts, assumed, notes } = arrange(&mut weights, &naming(&self.facts), &self.parameters, &layer);
        let notes = [adaptations(&weights.beside), notes].concat();
        LoadReport { doubts, assumed, notes, ..self.parameters.load_named(&weights.tensors) }
    }

    fn parts(&self) -> &[ScoreSpec] {
        &self.parts
    }

    fn name(&self, sample: &SequenceSample) -> String {
        self.names.get(sample.record).cloned().unwrap_or_else(|| format!("record {}", sample.record))
    }

    fn scales_loss(&self) -> bool {
        self.precision.needs_scaler()
    }

    fn begin_phase(&mut self, phase: usize) -> Result<(), TaskError> {
        Ok(self.enter(phase)?)
    }

    fn collate(&self, samples: &[SequenceSample], place: Option<Position>) -> Result<Batch, TaskError> {
        samples.iter().try_for_each(|sample| self.check(sample))?;
        let truth: Vec<i64> = samples.iter().map(|sample| sample.class as i64).collect();
        let sequences: Vec<(usize, &[f32])> =
            samples.iter().map(|sample| (sample.frames, &sample.values[..])).collect();
        let epoch = place.map_or(0, |place| place.epoch);
        let light = |sample: &SequenceSample| SequenceSample { values: Vec::new(), ..*sample };
        Ok(Batch {
            sequences: self.padded(&sequences)?,
            truth_b: Tensor::f_from_slice(&truth)?.f_to_device(self.device)?,
            keys: SampleKeys::new(self.seed, epoch, samples.iter().map(|sample| sample.record as u64)),
            samples: samples.iter().map(light).collect(),
        })
    }

    fn step(&mut self, batch: &Batch, scale: f64) -> Result<Tensor, TaskError> {
        let passed = self.network.learn(&batch.sequences, &batch.keys, self.precision);
        let losses = self.criterion.losses(passed.output(), &batch.truth_b)?;
        passed.backward(&(losses.loss_b.f_sum(Kind::Float)? * scale))?;
        Ok(losses.sums()?)
    }

    fn scores(&self, depth: Depth) -> ClassScoresSum<usize> {
        let classes = &self.facts.classes;
        let scores = ClassScoresSum::none(called(classes, classes).into(), depth, self.temperature())
            .named(classes.clone().into())
            .counting(SEQUENCES)
            .drawing(MOST_DRAWN);
        match &self.training {
            Some(training) => scores.trained_on(training.clone()),
            None => scores,
        }
    }

    fn evaluate(&mut self, batch: &Batch, scores: &mut ClassScoresSum<usize>) -> Result<Tensor, TaskError> {
        let _guard = tch::no_grad_guard();
        let logits_bc = self.network.forward(&batch.sequences, Mode::Evaluation, self.precision).logits_bc;
        let sums = self.criterion.losses(&logits_bc, &batch.truth_b)?.sums()?;
        let logits = plain(&logits_bc)?;
        for (sample, logits) in batch.samples.iter().zip(logits.chunks_exact(self.facts.classes.len())) {
            scores.add(sample, logits);
        }
        Ok(sums)
    }

    fn unit(&self) -> Unit {
        SEQUENCES
    }

    fn plots(&self, scores: &ClassScoresSum<usize>, about: &str) -> Result<Plots, PictureError> {
        let mut plots = pictures::matrices(scores, about)?;
        if let Some(archive) = &self.archive
            && let Some(sheet) = strips::mistakes(archive, scores, about)?
        {
            plots.push((strips::MISTAKES.to_owned(), sheet));
        }
        plots.extend(pictures::honesty(scores, about)?);
        Ok(plots)
    }

    fn tables(&self, scores: &ClassScoresSum<usize>) -> Result<Plots, TaskError> {
        Ok(tables::tables(scores, &self.facts.classes)?)
    }
}
