//! Images on their way to training: records with their classes, changed by chance if they train.

use std::sync::Arc;

use super::config::AugmentConfig;
use super::facts::Facts;
use crate::data::loader::{Place, Records, SampleSource};
use crate::data::store::records::RecordError;
use crate::task::classes::sample::Sample;
use crate::util::seed;

/// An image as the task gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSample {
    /// The number of its record.
    pub record: usize,
    /// The number of its class.
    pub class: usize,
    /// How often the epoch had the same image before: more than 0 only if classes are balanced by drawing.
    pub repeat: u32,
    /// Its gray levels.
    pub levels: Vec<u8>,
}

impl ImageSample {
    /// What its random changes of an epoch follow from.
    #[must_use]
    pub fn key(&self) -> u64 {
        repeated(self.record, self.repeat)
    }
}

impl Sample for ImageSample {
    type Kept = Vec<u8>;

    fn record(&self) -> usize {
        self.record
    }

    fn class(&self) -> usize {
        self.class
    }

    fn keep(&self) -> Vec<u8> {
        self.levels.clone()
    }
}

/// A number for each repetition of a record; that of the first one is the record's own.
fn repeated(record: usize, repeat: u32) -> u64 {
    record as u64 | u64::from(repeat) << 40
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
                let key = repeated(record.number, place.repeat);
                let mut generator = seed::generator(*seed, "augment image", place.position.epoch, key);
                augment.apply(&record.bytes, self.facts.model.size, &mut generator)
            }
            None => record.bytes.to_vec(),
        };
        Ok(ImageSample { record: record.number, class, repeat: place.repeat, levels })
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{ImageFacts, VERSION};
    use super::*;
    use crate::data::loader::{Loader, LoaderConfig, Order, Position};
    use crate::data::store::records::{RecordStore, RecordWriter};
    use crate::util::sha256::Digest;

    /// Two images of class 0 and ten of class 1, all of the same levels.
    fn images(folder: &std::path::Path) -> Arc<Images> {
        let mut writer = RecordWriter::create(&folder.join("records")).unwrap();
        (0..12).for_each(|number| assert_eq!(writer.append(&[100; 64]).unwrap(), number));
        writer.finish(&["A", "B"]).unwrap();
        let store = RecordStore::open(&folder.join("records")).unwrap();
        let image = |number: usize| ImageFacts {
            file: number.to_string(),
            class: usize::from(number >= 2),
            content: Digest::of(&[number as u8]),
            side: None,
        };
        let model = serde_json::json!({
            "classes": ["A", "B"], "labels": ["A", "B"], "size": [8, 8], "fit": "stretch", "transposed": false,
            "inverted": false,
        });
        let model = serde_json::from_value(model).unwrap();
        let facts = Facts { version: VERSION, model, images: (0..12).map(image).collect(), sources: Vec::new() };
        let records = Records::new(Arc::new(store), (0..12).collect::<Vec<_>>());
        Arc::new(Images::new(records, Arc::new(facts), Some((AugmentConfig::default(), 42))))
    }

    #[test]
    fn an_image_that_comes_again_in_an_epoch_is_changed_in_another_way_each_time_wherever_it_is_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let source = images(folder.path());
        let facts = Arc::clone(&source.facts);
        let delivered = |threads, next| -> Vec<ImageSample> {
            let config = LoaderConfig { threads, ..LoaderConfig::default() };
            let loader = Loader::new(Arc::clone(&source), Order { seed: 42, shuffle: true }, config);
            let class = |index: u32| facts.images[index as usize].class;
            let loader = loader.with_balance(class, |_, count| 1.0 / count as f64);
            loader.start(Position { epoch: 3, next }).unwrap().map(Result::unwrap).collect()
        };
        let whole = delivered(0, 0);
        assert_eq!(whole.iter().filter(|sample| sample.class == 0).count(), 6);
        let of = |record: usize| whole.iter().filter(move |sample| sample.record == record).collect::<Vec<_>>();
        let again = of(0);
        assert_eq!(again.iter().map(|sample| sample.repeat).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(again[0].levels != again[1].levels && again[1].levels != again[2].levels);
        let plain = source.load(Place::in_epoch(3), 0).unwrap();
        assert_eq!(*again[0], plain, "the first time it is what it is without a balance");
        for (threads, next) in [(0, 5), (2, 0), (1, 9)] {
            assert_eq!(delivered(threads, next), whole[next..]);
        }
    }
}
