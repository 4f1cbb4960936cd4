//! A prepared dataset with its split: which image is on which side.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::config::SplitConfig;
use super::facts::Facts;
use super::prepare::open;
use crate::data::split::{Item, Shares, Side, stratified};
use crate::data::store::records::{RecordError, RecordStore};

/// What the split follows from, beside the images: not the seed of a run, so that all runs are validated on the same images.
const SEED: u64 = 42;

/// A prepared dataset.
pub struct Dataset {
    /// Its folder.
    pub store: PathBuf,
    /// The gray levels of its images.
    pub records: Arc<RecordStore>,
    /// What is beside them.
    pub facts: Arc<Facts>,
    /// The side of each image.
    pub sides: Vec<Side>,
}

/// Images by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Those that train.
    pub train: usize,
    /// Those that validate.
    pub val: usize,
    /// Those that test.
    pub test: usize,
}

impl Totals {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> usize {
        self.train + self.val + self.test
    }
}

impl Dataset {
    /// Opens the dataset in a folder and splits it.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn open(store: &Path, split: &SplitConfig) -> Result<Self, RecordError> {
        let (records, facts) = open(store)?;
        Ok(Self::new(store.to_owned(), records, facts, split))
    }

    /// Splits a dataset that is open.
    #[must_use]
    pub fn new(store: PathBuf, records: RecordStore, facts: Facts, split: &SplitConfig) -> Self {
        let sides = sides(&facts, split);
        Self { store, records: Arc::new(records), facts: Arc::new(facts), sides }
    }

    /// The records of a side, in their order.
    #[must_use]
    pub fn of(&self, side: Side) -> Vec<usize> {
        (0..self.sides.len()).filter(|&record| self.sides[record] == side).collect()
    }

    /// How many images each side has, of one class or of all.
    #[must_use]
    pub fn totals(&self, class: Option<usize>) -> Totals {
        let mut totals = Totals::default();
        let images = self.facts.images.iter().zip(&self.sides);
        for (_, side) in images.filter(|(image, _)| class.is_none_or(|class| image.class == class)) {
            match side {
                Side::Train => totals.train += 1,
                Side::Val => totals.val += 1,
                Side::Test => totals.test += 1,
            }
        }
        totals
    }
}

/// The sides that the dataset has of its own; what it has no side for is taken from its training side.
fn sides(facts: &Facts, split: &SplitConfig) -> Vec<Side> {
    let has = |side: Side| facts.images.iter().any(|image| image.side == Some(side));
    let share = |side: Side, share: f64| if has(side) { 0.0 } else { share };
    let shares = Shares { val: share(Side::Val, split.val_share), test: share(Side::Test, split.test_share) };
    let is_free = |record: &usize| matches!(facts.images[*record].side, None | Some(Side::Train));
    let free: Vec<usize> = (0..facts.images.len()).filter(is_free).collect();
    let items: Vec<Item> = free
        .iter()
        .map(|&record| Item { class: facts.images[record].class, content: facts.images[record].content })
        .collect();
    let mut sides: Vec<Side> = facts.images.iter().map(|image| image.side.unwrap_or(Side::Train)).collect();
    for (record, side) in free.into_iter().zip(stratified(&items, &facts.model.classes, shares, SEED)) {
        sides[record] = side;
    }
    sides
}

#[cfg(test)]
mod tests {
    use super::super::config::{Background, Fit};
    use super::super::facts::{ImageFacts, ModelFacts, VERSION};
    use super::*;
    use crate::util::sha256::Digest;

    fn facts(images: &[(usize, u8, Option<Side>)]) -> Facts {
        let image = |&(class, content, side): &(usize, u8, Option<Side>)| ImageFacts {
            file: format!("{class}/{content}.png"),
            class,
            content: Digest::of(&[content]),
            side,
        };
        let names = ["A".to_owned(), "B".to_owned()];
        Facts {
            version: VERSION,
            model: ModelFacts {
                classes: names.to_vec(),
                labels: names.to_vec(),
                size: [8, 8],
                fit: Fit::Stretch,
                transposed: false,
                packed_transposed: false,
                background: Background::White,
                inverted: false,
                temperature: None,
            },
            images: images.iter().map(image).collect(),
            sources: Vec::new(),
        }
    }

    #[test]
    fn every_class_gives_its_share_and_equal_images_stay_together() {
        let mut images: Vec<_> = (0..40).map(|content| (usize::from(content % 2), content, None)).collect();
        images.push((0, 6, None));
        let sides = sides(&facts(&images), &SplitConfig { val_share: 0.25, test_share: 0.1 });
        let count =
            |side, class| images.iter().zip(&sides).filter(|(image, got)| **got == side && image.0 == class).count();
        assert_eq!((count(Side::Test, 1), count(Side::Val, 1), count(Side::Train, 1)), (2, 5, 13));
        assert_eq!(sides[6], sides[40]);
    }

    #[test]
    fn sides_of_the_dataset_are_kept_and_only_what_is_missing_is_split_off() {
        let sided = |content: u8, side| (usize::from(content % 2), content, Some(side));
        let train = (0..20).map(|content| sided(content, Side::Train));
        let images: Vec<_> = train.chain((20..24).map(|content| sided(content, Side::Test))).collect();
        let sides = sides(&facts(&images), &SplitConfig { val_share: 0.2, test_share: 0.5 });
        assert!(sides[20..].iter().all(|side| *side == Side::Test));
        let count = |side| sides[..20].iter().filter(|got| **got == side).count();
        assert_eq!((count(Side::Train), count(Side::Val), count(Side::Test)), (16, 4, 0));
    }
}
