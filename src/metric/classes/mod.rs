//! How good a choice among classes is: counts of what was chosen for what, from which every score follows exactly, and
//! probabilities.
//!
//! ```text
//! confusion      how often each class was taken for each   interval     how sure a share is
//! probabilities  how good the probabilities are            calibration  whether confident choices are right as often
//! temperature    what makes probabilities honest           agreement    whether two models differ by more than chance
//! similarity     an order in which confused classes are neighbours
//! buckets        classes by their training samples         spread       over how many classes choices spread
//! learned        which classes are learned
//! ```

pub mod agreement;
pub mod buckets;
pub mod calibration;
pub mod confusion;
pub mod interval;
pub mod learned;
pub mod probabilities;
pub mod similarity;
pub mod spread;
pub mod temperature;
#[cfg(test)]
mod tests;
