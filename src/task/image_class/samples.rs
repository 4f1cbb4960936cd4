//! Images on their way to training: records with their classes, changed by chance if they train.

use std::sync::Arc;

use super::config::AugmentConfig;
use super::facts::Facts;
use crate::data::loader::{Place, Records, SampleSource};
use crate::data::store::records::RecordError;
use crate::util::seed;

/// An image as the task gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSample {
    /// The number of its record.
    pub record: usize,
    /// The number of its class.
    pub class: usize,
    /// Its gray levels.
    pub levels: Vec<u8>,
}

/// The images of a side.
pub struct Images {
    records: Records,
    facts: Arc<Facts>,
    /// How they are changed, and what that follows from.
    augment: Option<(AugmentConfig, u64)>,
}

impl Images {
    /// These records; with a way to change them and a seed if they train.
    #[must_use]
    pub fn new(records: Records, facts: Arc<Facts>, augment: Option<(AugmentConfig, u64)>) -> Self {
        Self { records, facts, augment: augment.filter(|(augment, _)| !augment.is_off()) }
    }
}

impl SampleSource for Images {
    type Sample = ImageSample;
    type Error = RecordError;

    fn len(&self) -> usize {
        self.records.len()
    }

    fn bytes(&self, index: usize) -> usize {
        SampleSource::bytes(&self.records, index)
    }

    fn load(&self, place: Place<'_>, index: usize) -> Result<ImageSample, RecordError> {
        let record = self.records.load(place, index)?;
        let class = self.facts.images.get(record.number).map_or(usize::MAX, |image| image.class);
        let levels = match &self.augment {
            // By the record's number: another split or share of the dataset does not change how an image is changed.
            Some((augment, seed)) => {
                let mut generator = seed::generator(*seed, "augment image", place.position.epoch, record.number as u64);
                augment.apply(&record.bytes, self.facts.model.size, &mut generator)
            }
            None => record.bytes.to_vec(),
        };
        Ok(ImageSample { record: record.number, class, levels })
    }
}
