//! Which places of a detector learn which object. Decided on plain numbers: candidates follow from the objects alone, so that of what
//! a network says only that of candidates has to leave its device. Not a loss.
//!
//! ```text
//! grid   the places, level by level        ciou     overlap with distance and shape
//! tal    task-aligned assignment (YOLOv9)  simota   cheapest places (YOLOX)
//! ```

mod ciou;
mod grid;
mod simota;
mod tal;
#[cfg(test)]
mod tests;

pub use ciou::ciou;
pub use grid::Grid;
pub use simota::{Cheapest, Said};
pub use tal::{Aligned, Guess};

use crate::boxes::Object;

/// A place that may learn an object of its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The number of the image in the batch.
    pub image: usize,
    /// The number of the place.
    pub place: usize,
    /// The number of the object in the image.
    pub object: usize,
}

/// A place that learns an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Positive {
    /// The place and its object.
    pub pair: Pair,
    /// What the score of its class is to be.
    pub target: f64,
}

/// The objects of each image of a batch.
pub type Truths<'a> = &'a [Vec<Object>];
