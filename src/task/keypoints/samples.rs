//! Sequences on their way to training: records with their classes, changed by chance if they train.

use std::sync::Arc;

use super::augment::{AugmentConfig, Key, Mirror, Moving, Plane, Shape, augment};
use super::config::Normalise;
use super::facts::Facts;
use super::packed;
use super::recipe::Recipe;
use super::shapes::shapes;
use crate::data::loader::{Place, Records, SampleSource};
use crate::data::store::records::RecordError;
use crate::task::classes::sample::Sample;

/// A sequence as the task gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceSample {
    /// The number of its record.
    pub record: usize,
    /// The number of its class for the model.
    pub class: usize,
    /// Its frames.
    pub frames: usize,
    /// Its numbers: stream after stream, frame after frame.
    pub values: Vec<f32>,
}

impl Sample for SequenceSample {
    type Kept = usize;

    fn record(&self) -> usize {
        self.record
    }

    fn class(&self) -> usize {
        self.class
    }

    /// The number of its record: sequences are too large to keep thousands.
    fn keep(&self) -> usize {
        self.record
    }
}

/// How sequences are changed by chance.
pub struct Changes {
    config: AugmentConfig,
    shapes: Vec<Shape>,
    plane: Plane,
    mirror: Option<Mirror>,
    seed: u64,
}

impl Changes {
    /// Those of a configuration.
    #[must_use]
    pub fn new(config: &AugmentConfig, recipe: &Recipe, seed: u64) -> Self {
        let shapes = shapes(recipe);
        // Checks have refused a mirror that is asked for and not possible.
        let mirror = Mirror::of(&shapes).ok();
        let plane = match recipe.normalise {
            Normalise::None => Plane::Image,
            Normalise::Sequence => Plane::Centred,
            Normalise::Frame => Plane::Wrists,
        };
        Self { config: config.clone(), shapes, plane, mirror, seed }
    }

    /// The frames and the numbers of a sequence as training sees them in an epoch.
    fn of(&self, recipe: &Recipe, (frames, values): (usize, &[f32]), epoch: u64, sample: usize) -> (usize, Vec<f32>) {
        let streams = recipe.split(values, frames).into_iter().map(<[f32]>::to_vec).collect();
        let key = Key { seed: self.seed, epoch, sample: sample as u64 };
        let original = Moving { frames, streams };
        let changed = augment(original, &self.shapes, &self.config, (self.plane, self.mirror.as_ref()), key);
        (changed.frames, changed.streams.concat())
    }
}

/// The sequences of a side.
pub struct Sequences {
    records: Records,
    facts: Arc<Facts>,
    class_of: Arc<[Option<usize>]>,
    changes: Option<Changes>,
}

impl Sequences {
    /// These records, with their classes for the model, and how they are changed if they train.
    #[must_use]
    pub fn new(records: Records, facts: Arc<Facts>, class_of: Arc<[Option<usize>]>, changes: Option<Changes>) -> Self {
        Self { records, facts, class_of, changes }
    }
}

impl SampleSource for Sequences {
    type Sample = SequenceSample;
    type Error = RecordError;

    fn len(&self) -> usize {
        self.records.len()
    }

    fn bytes(&self, index: usize) -> usize {
        SampleSource::bytes(&self.records, index) / packed::width(self.facts.stored) * size_of::<f32>()
    }

    fn load(&self, place: Place<'_>, index: usize) -> Result<SequenceSample, RecordError> {
        let record = self.records.load(place, index)?;
        let class = self.class_of.get(record.number).copied().flatten().unwrap_or(usize::MAX);
        let frames = self.facts.samples.get(record.number).map_or(0, |sample| sample.frames);
        let values = packed::numbers(&record.bytes, self.facts.stored);
        let (frames, values) = match &self.changes {
            // A record that is not of these facts is refused later, with its name.
            Some(changes) if values.len() == frames * self.facts.recipe.all_widths() && frames > 0 => {
                changes.of(&self.facts.recipe, (frames, &values), place.position.epoch, record.number)
            }
            _ => (frames, values),
        };
        Ok(SequenceSample { record: record.number, class, frames, values })
    }
}
