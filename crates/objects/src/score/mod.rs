//! How good detections are: average precision in three definitions, precision and recall by confidence, the confusion of classes.
//!
//! ```text
//! size      small, medium, large          matching   which detection of an image is which object
//! tally     what is added up              curve      precision over recall, and the area below it
//! summary   all scores of a tally         best       precision and recall at the best confidence
//! confusion which class was taken for which
//! ```
//!
//! Sums are kept image by image, so they don't depend on the order in which images come, and the scores of a resampled set of
//! images follow from them.

mod best;
mod confusion;
mod curve;
mod matching;
mod size;
mod summary;
mod tally;
#[cfg(test)]
mod tests;

pub use best::Best;
pub use confusion::{Confusion, Pairing};
pub use curve::Definition;
pub use size::Size;
pub use summary::{ByClass, Coco, Means, Summary};
pub use tally::Tally;

/// From which overlap on a detection counts: 0.50, 0.55, ... 0.95.
pub const OVERLAPS: usize = 10;

/// The overlap number so much.
#[must_use]
pub fn overlap(number: usize) -> f64 {
    // As NumPy has them: 0.5 and steps of 0.05.
    0.5 + 0.05 * number as f64
}
