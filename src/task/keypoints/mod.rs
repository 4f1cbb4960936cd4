//! Classification of sequences of keypoints, such as signs of a sign language.
//!
//! ```text
//! clip      a sequence as files have it         read     from files to clips
//! points    groups of points by their names     recipe   how a clip becomes streams
//! assemble  from a clip to streams              packed   their numbers as bytes
//! prepare   from files to records               facts    what is remembered beside the records
//! split     which sequence is on which side     tail     what becomes of small classes
//! leaks     what two sides have in common       dataset  all of that
//! augment   random changes of a sequence         shapes   which point of a stream is which of the body
//! samples   records on their way to training    model    the networks
//! training  the task as the engine sees it      learner  the dataset as learners go through it
//! synth     signs made on this machine          kind     the task as commands reach it
//! needs     memory that training takes at least    foreign  weights of other programs
//! measured  lengths, and what was not seen       pictures sequences as stick figures
//! chapters  what the page of a run says          charts   a dataset as charts
//! adapt     weights for points with other values   exported the model for other programs
//! inspect, predict  what commands do
//! ```

mod adapt;
pub mod assemble;
pub mod augment;
mod chapters;
mod charts;
mod check;
pub mod clip;
pub mod config;
pub mod dataset;
mod exported;
pub mod facts;
mod foreign;
pub mod inspect;
mod kind;
pub mod leaks;
mod learner;
pub mod measured;
pub mod model;
mod needs;
pub mod packed;
pub mod pictures;
pub mod points;
pub mod predict;
pub mod prepare;
pub mod read;
pub mod recipe;
pub mod samples;
mod shapes;
pub mod split;
pub mod synth;
pub mod tail;
#[cfg(test)]
mod testing;
pub mod training;
#[cfg(test)]
mod training_tests;

use self::facts::ModelFacts;
use crate::task::classes::rows::Naming;
use crate::util::progress::Unit;

/// What is counted.
pub const SEQUENCES: Unit = Unit { one: "sequence", many: "sequences" };

/// The classes of a picture of a matrix, those that are confused most: the file beside it has all.
const MOST_DRAWN: usize = 40;

/// How the rows of other weights are matched with our classes: by equal names, as upper and lower case are different classes.
fn naming(facts: &ModelFacts) -> Naming<'_> {
    Naming { classes: &facts.classes, labels: &facts.classes, key: str::to_owned, usual: |_| None }
}
