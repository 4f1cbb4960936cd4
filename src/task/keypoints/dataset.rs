//! A prepared dataset with its split: which sequence is on which side, and which class it has for the model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use super::config::KeypointsConfig;
use super::facts::{Facts, ModelFacts};
use super::leaks::{Leak, leaks};
use super::prepare::open;
use super::split::{SplitError, sides};
use super::tail::{Classes, classes};
use crate::data::split::Side;
use crate::data::store::records::{RecordError, RecordStore};
use crate::task::classes::long_tail::Training;
use crate::util::exit::Exit;

/// A prepared dataset.
pub struct Dataset {
    /// Its folder.
    pub store: PathBuf,
    /// The numbers of its sequences.
    pub records: Arc<RecordStore>,
    /// What is beside them.
    pub facts: Arc<Facts>,
    /// What models of it must know.
    pub model: ModelFacts,
    /// The side of each sequence; none if it takes no part.
    pub sides: Vec<Option<Side>>,
    /// The class of each sequence for the model; none if it takes no part.
    pub class_of: Arc<[Option<usize>]>,
    /// The classes that joined OTHER or are left out.
    pub tail: Vec<String>,
    /// What two sides have in common.
    pub leaks: Vec<Leak>,
}

/// Sequences by side.
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

/// A prepared dataset that can't be used.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// There is none, or it is damaged.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// It can't be split as asked.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Nothing is left to tell apart.
    #[error(
        "task.keypoints.tail leaves {classes} of {all} classes, as the others have at most {at_most} training sequences; \
         lower task.keypoints.tail.at_most"
    )]
    NoClasses {
        /// What is left.
        classes: usize,
        /// What there was.
        all: usize,
        /// The limit.
        at_most: usize,
    },
}

impl DatasetError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Records(error) => error.exit(),
            Self::Split(error) => error.exit(),
            Self::NoClasses { .. } => Exit::Configuration,
        }
    }
}

crate::util::failures!("dataset": DatasetError);

impl Dataset {
    /// Opens the dataset in a folder and splits it.
    ///
    /// # Errors
    /// If there is none, it is damaged, or it can't be split as asked.
    pub fn open(store: &Path, config: &KeypointsConfig) -> Result<Self, DatasetError> {
        let (records, facts) = open(store)?;
        Self::new(store.to_owned(), records, facts, config)
    }

    /// Splits a dataset that is open.
    ///
    /// # Errors
    /// If it can't be split as asked.
    pub fn new(
        store: PathBuf,
        records: RecordStore,
        facts: Facts,
        config: &KeypointsConfig,
    ) -> Result<Self, DatasetError> {
        let mut sides = sides(&facts, &config.split)?;
        let Classes { names, of, tail, other } = classes(&facts, &sides, &config.tail);
        if names.len() < 2 {
            let (classes, all, at_most) = (names.len(), facts.classes.len(), config.tail.at_most);
            return Err(DatasetError::NoClasses { classes, all, at_most });
        }
        sides.iter_mut().zip(&of).filter(|(_, class)| class.is_none()).for_each(|(side, _)| *side = None);
        let leaks = leaks(&facts.samples, &sides);
        let (recipe, differences) = (facts.recipe.clone(), config.differences.clone());
        let frames = median(&facts);
        let model = ModelFacts { classes: names, recipe, differences, other, frames, temperature: None };
        Ok(Self {
            store,
            records: Arc::new(records),
            facts: Arc::new(facts),
            model,
            sides,
            class_of: of.into(),
            tail,
            leaks,
        })
    }

    /// The records of a side, in their order.
    #[must_use]
    pub fn of(&self, side: Side) -> Vec<usize> {
        (0..self.sides.len()).filter(|&record| self.sides[record] == Some(side)).collect()
    }

    /// How many sequences each side has, of one class or of all.
    #[must_use]
    pub fn totals(&self, class: Option<usize>) -> Totals {
        let mut totals = Totals::default();
        for (side, _) in self.sides.iter().zip(self.class_of.iter()).filter(|(_, of)| class.is_none() || **of == class)
        {
            match side {
                Some(Side::Train) => totals.train += 1,
                Some(Side::Val) => totals.val += 1,
                Some(Side::Test) => totals.test += 1,
                None => {}
            }
        }
        totals
    }

    /// What training has of each class.
    #[must_use]
    pub fn training(&self) -> Training {
        let mut counts = vec![0; self.model.classes.len()];
        let trains = self.sides.iter().zip(self.class_of.iter()).filter(|(side, _)| **side == Some(Side::Train));
        trains.filter_map(|(_, class)| *class).for_each(|class| counts[class] += 1);
        Training { counts: counts.into(), other: self.model.other }
    }

    /// The sequences that take no part, as a split file does not name them or their class is left out.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.sides.iter().filter(|side| side.is_none()).count()
    }
}

/// The frames of a usual sequence.
fn median(facts: &Facts) -> usize {
    let mut frames: Vec<usize> = facts.samples.iter().map(|sample| sample.frames).collect();
    frames.sort_unstable();
    frames.get(frames.len() / 2).copied().unwrap_or(1)
}
