//! The classifier as something that the engine can train: its network, its loss, and the images that go through.
//!
//! Tensors carry their dimensions: b samples, c channels or classes, y rows, x columns.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};
use thiserror::Error;

use super::config::{Balance, ImageClassConfig, LossConfig, SmoothingOver};
use super::facts::ModelFacts;
use super::foreign::naming;
use super::model::{Forward, ImageNetwork, image_network};
use super::pictures;
use super::prepare::IMAGES;
use super::samples::ImageSample;
use crate::data::loader::Position;
use crate::metric::score::ScoreSpec;
use crate::native::said;
use crate::native::shortage::is_out_of_memory;
use crate::nn::layer::{Mode, SampleKeys};
use crate::nn::parameters::{LoadReport, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::nn::weights::Weights;
use crate::report::PictureError;
use crate::task::classes::balance::weights;
use crate::task::classes::called::called;
use crate::task::classes::loss::Criterion;
use crate::task::classes::rows::{Rows, arrange, last_layer};
use crate::task::classes::scores::ClassScoresSum;
use crate::task::classes::specs::parts;
use crate::task::classes::tables;
use crate::train::task::{Depth, Plots, Task, TaskError};
use crate::util::exit::Exit;
use crate::util::progress::Unit;

/// Batch norm has no statistics of a single sample.
pub const ATOM: usize = 2;

/// What a classifier is made of.
pub struct Setting<'a> {
    /// What each phase of training changes; the first also holds if nothing is trained.
    pub phases: Vec<Phase>,
    /// The task's section.
    pub config: &'a ImageClassConfig,
    /// The classes.
    pub facts: Arc<ModelFacts>,
    /// The training images of each class; none if no loss is computed.
    pub counts: &'a [usize],
    /// The files of the images, by the numbers of their records.
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

/// A classifier of images.
pub struct Classifier {
    parameters: Parameters,
    network: Box<dyn Forward>,
    precision: Precision,
    phases: Vec<Phase>,
    phase: usize,
    /// The training images of each class.
    counts: Vec<usize>,
    /// The weights of the classes; none if all are 1.
    weights: Option<Vec<f64>>,
    criterion: Criterion,
    facts: Arc<ModelFacts>,
    names: Arc<[String]>,
    device: Device,
    seed: u64,
    parts: Vec<ScoreSpec>,
}

/// A classifier that can't be set up.
#[derive(Debug, Error)]
pub enum ClassifierError {
    /// The parameters are not those of the network, or a pattern of `freeze` matches none.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The weights of the classes can't be brought to the device.
    #[error("libtorch failed: {}", said::error(.0))]
    Torch(#[from] tch::TchError),
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
    /// An image of another dataset.
    #[error("{file} has class {class} and {bytes} levels, expected one of {classes} classes and {expected} levels")]
    Image {
        /// The file.
        file: String,
        /// Its class.
        class: usize,
        /// Its levels.
        bytes: usize,
        /// The classes.
        classes: usize,
        /// The levels of an image of the dataset.
        expected: usize,
    },
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
            Self::Torch(_) | Self::NoPhase { .. } | Self::Image { .. } => Exit::Bug,
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
pub fn network(config: &ImageClassConfig, facts: &ModelFacts) -> Box<dyn ImageNetwork> {
    image_network(&config.model, facts)
}

/// Images on the device.
#[derive(Debug)]
pub struct Batch {
    images_bcyx: Tensor,
    truth_b: Tensor,
    keys: SampleKeys,
    samples: Vec<ImageSample>,
}

impl Classifier {
    /// The classifier with its initial weights.
    ///
    /// # Errors
    /// If a phase freezes what is not there or everything, or memory is missing.
    pub fn new(setting: Setting<'_>) -> Result<Self, ClassifierError> {
        let Setting { phases, config, facts, counts, names, device, precision, seed } = setting;
        let network = network(config, &facts);
        let parameters = Parameters::new(&network.layout(), seed, device)?;
        let network = network.over(&parameters)?;
        let weighs = config.balance == Balance::Weights && !counts.is_empty();
        let mut classifier = Self {
            parameters,
            network,
            precision,
            phases,
            phase: 0,
            weights: weighs.then(|| weights(config.balancing(), counts)),
            counts: counts.to_vec(),
            criterion: Criterion::even(0.0),
            facts,
            names,
            device,
            seed,
            parts: parts(),
        };
        // A pattern of the last phase that matches nothing is found before the first one has run for hours.
        (0..classifier.phases.len()).rev().try_for_each(|phase| classifier.enter(phase))?;
        Ok(classifier)
    }

    /// What it knows of its classes.
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
        let freeze = &self.phases.get(phase).ok_or(ClassifierError::NoPhase { phase, phases })?.freeze;
        self.parameters.thaw();
        for pattern in freeze {
            self.parameters.freeze(pattern)?;
        }
        let frozen: usize = self.parameters.frozen().iter().map(ExactSizeIterator::len).sum();
        if frozen == self.parameters.count() {
            return Err(ClassifierError::AllFrozen { phase, phases });
        }
        self.criterion = self.criterion_of(&self.phases[phase].loss)?;
        self.phase = phase;
        Ok(())
    }

    fn criterion_of(&self, loss: &LossConfig) -> Result<Criterion, tch::TchError> {
        let is_partial = loss.smoothing_over == SmoothingOver::Present && !self.counts.is_empty();
        let counts = is_partial.then_some(&self.counts[..]);
        Criterion::new(loss.label_smoothing, self.weights.as_deref(), counts, self.device)
    }

    /// The probabilities of all classes, image by image, at the temperature of the weights.
    ///
    /// # Errors
    /// If memory runs out, or libtorch refuses.
    pub fn probabilities(&self, levels: &[u8]) -> Result<Vec<f32>, TaskError> {
        let _guard = tch::no_grad_guard();
        let logits_bc = self.network.forward(&self.images(levels)?, Mode::Evaluation, self.precision);
        plain(&logits_bc.f_to_kind(Kind::Float)?.f_div_scalar(self.temperature())?.f_softmax(1, Kind::Float)?)
    }

    /// Levels as values from 0 to 1, on the device.
    fn images(&self, levels: &[u8]) -> Result<Tensor, tch::TchError> {
        let [rows, columns] = self.facts.size.map(|side| side as i64);
        let bytes = Tensor::f_from_slice(levels)?.f_to_device(self.device)?;
        bytes.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?.f_view([-1, 1, rows, columns])
    }

    fn check(&self, sample: &ImageSample) -> Result<(), ClassifierError> {
        let (classes, expected) = (self.facts.classes.len(), self.facts.size.iter().product());
        if sample.class < classes && sample.levels.len() == expected {
            return Ok(());
        }
        let (file, class, bytes) = (self.name(sample), sample.class, sample.levels.len());
        Err(ClassifierError::Image { file, class, bytes, classes, expected })
    }
}

fn plain(values: &Tensor) -> Result<Vec<f32>, TaskError> {
    let values = values.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    Ok(Vec::try_from(values.f_flatten(0, -1)?)?)
}

impl Task for Classifier {
    type Sample = ImageSample;
    type Batch = Batch;
    type Scores = ClassScoresSum<Vec<u8>>;

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
        LoadReport { doubts, assumed, notes, ..self.parameters.load_named(&weights.tensors) }
    }

    fn parts(&self) -> &[ScoreSpec] {
        &self.parts
    }

    fn name(&self, sample: &ImageSample) -> String {
        self.names.get(sample.record).cloned().unwrap_or_else(|| format!("record {}", sample.record))
    }

    fn weight(&self, sample: &ImageSample) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights.get(sample.class).copied().unwrap_or(0.0))
    }

    fn atom(&self) -> usize {
        ATOM
    }

    fn depends_on_micro_batch(&self) -> bool {
        true
    }

    fn scales_loss(&self) -> bool {
        self.precision.needs_scaler()
    }

    fn begin_phase(&mut self, phase: usize) -> Result<(), TaskError> {
        Ok(self.enter(phase)?)
    }

    fn collate(&self, samples: &[ImageSample], place: Option<Position>) -> Result<Batch, TaskError> {
        samples.iter().try_for_each(|sample| self.check(sample))?;
        let levels: Vec<u8> = samples.iter().flat_map(|sample| sample.levels.iter().copied()).collect();
        let truth: Vec<i64> = samples.iter().map(|sample| sample.class as i64).collect();
        let epoch = place.map_or(0, |place| place.epoch);
        Ok(Batch {
            images_bcyx: self.images(&levels)?,
            truth_b: Tensor::f_from_slice(&truth)?.f_to_device(self.device)?,
            keys: SampleKeys::new(self.seed, epoch, samples.iter().map(ImageSample::key)),
            samples: samples.to_vec(),
        })
    }

    fn step(&mut self, batch: &Batch, scale: f64) -> Result<Tensor, TaskError> {
        let passed = self.network.learn(&batch.images_bcyx, &batch.keys, self.precision);
        let losses = self.criterion.losses(passed.output(), &batch.truth_b)?;
        passed.backward(&(losses.loss_b.f_sum(Kind::Float)? * scale))?;
        Ok(losses.sums()?)
    }

    fn scores(&self, depth: Depth) -> ClassScoresSum<Vec<u8>> {
        ClassScoresSum::none(called(&self.facts.classes, &self.facts.labels).into(), depth, self.temperature())
            .named(self.facts.classes.clone().into())
            .counting(IMAGES)
    }

    fn evaluate(&mut self, batch: &Batch, scores: &mut ClassScoresSum<Vec<u8>>) -> Result<Tensor, TaskError> {
        let _guard = tch::no_grad_guard();
        let logits_bc = self.network.forward(&batch.images_bcyx, Mode::Evaluation, self.precision);
        let sums = self.criterion.losses(&logits_bc, &batch.truth_b)?.sums()?;
        let logits = plain(&logits_bc)?;
        for (sample, logits) in batch.samples.iter().zip(logits.chunks_exact(self.facts.classes.len())) {
            scores.add(sample, logits);
        }
        Ok(sums)
    }

    fn unit(&self) -> Unit {
        IMAGES
    }

    fn plots(&self, scores: &ClassScoresSum<Vec<u8>>, about: &str) -> Result<Plots, PictureError> {
        pictures::plots(scores, self.facts.size, about)
    }

    fn tables(&self, scores: &ClassScoresSum<Vec<u8>>) -> Result<Plots, TaskError> {
        Ok(tables::tables(scores, &self.facts.classes)?)
    }
}
