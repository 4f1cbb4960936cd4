//! Sequences by the numbers of their records, for pictures that are drawn long after they were looked at.

use std::sync::Arc;

use crate::data::store::records::{RecordError, RecordStore};
use crate::task::keypoints::facts::Facts;
use crate::task::keypoints::packed;

/// The sequences of a dataset.
#[derive(Clone)]
pub struct Archive {
    records: Arc<RecordStore>,
    facts: Arc<Facts>,
}

/// A sequence as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Its frames.
    pub frames: usize,
    /// Its numbers, as in a sample.
    pub values: Vec<f32>,
}

impl Archive {
    /// Those of a dataset.
    #[must_use]
    pub fn new(records: Arc<RecordStore>, facts: Arc<Facts>) -> Self {
        Self { records, facts }
    }

    /// A sequence; none if the dataset has no such record.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn sequence(&self, record: usize) -> Result<Option<Kept>, RecordError> {
        let Some(sample) = self.facts.samples.get(record) else { return Ok(None) };
        let values = packed::numbers(&self.records.read(record)?, self.facts.stored);
        Ok(Some(Kept { name: sample.name.clone(), frames: sample.frames, values }))
    }

    /// What is beside the numbers.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}
