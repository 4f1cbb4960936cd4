//! A sample as the scores of a classifier know it, and a mistake as they remember it for pictures. Not what a sample consists of.

/// A sample that has a class.
pub trait Sample {
    /// What is kept of it for a picture, if its class was not recognised. Thousands are kept: where samples are large, enough to
    /// find them again.
    type Kept: Clone;

    /// The number of its record, which identifies it in its dataset.
    fn record(&self) -> usize;

    /// The number of its class.
    fn class(&self) -> usize;

    /// What is kept of it.
    fn keep(&self) -> Self::Kept;
}

/// A choice that was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake<K> {
    /// The number of the sample's record.
    pub record: usize,
    /// The true class.
    pub class: usize,
    /// The chosen class.
    pub predicted: usize,
    /// The probability that this was given.
    pub confidence: f64,
    /// What was kept of the sample.
    pub kept: K,
}

impl<K> Mistake<K> {
    /// Puts it in its place among the surest, of which there are at most so many. Of equally sure ones the first record comes first.
    pub(super) fn insert(self, among: &mut Vec<Self>, most: usize) {
        let is_surer = |other: &Self| {
            other.confidence.total_cmp(&self.confidence).reverse().then(other.record.cmp(&self.record)).is_lt()
        };
        let place = among.partition_point(is_surer);
        if place < most {
            among.insert(place, self);
            among.truncate(most);
        }
    }
}

/// Samples of tests, of which nothing is kept.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub struct Numbered {
    /// The number of its record.
    pub record: usize,
    /// The number of its class.
    pub class: usize,
}

#[cfg(test)]
impl Sample for Numbered {
    type Kept = ();

    fn record(&self) -> usize {
        self.record
    }

    fn class(&self) -> usize {
        self.class
    }

    fn keep(&self) {}
}
