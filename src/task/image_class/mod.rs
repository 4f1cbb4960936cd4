//! Classification of small images, such as 28 x 28 handwritten characters.
//!
//! ```text
//! prepare      from image files to records      packed   files that hold many images
//! decode       an image file as gray levels     facts    what is remembered beside the records
//! fit          gray levels at another size      samples  records on their way to training
//! dataset      the split                        model    the networks
//! augment      random changes of an image       training the task as the engine sees it
//! learner      the dataset as learners go through it
//! pictures     an evaluation, drawn             chapters the same for the page of a run
//! samples_seen what training sees, drawn        kind     the task as commands reach it
//! synth        characters made on this machine  inspect, predict  what commands do
//! foreign      weights of other programs        exported the network for other programs
//! ```
//!
//! What does not depend on images (classes and their names, loss, scores, tables, charts) is in `task/classes`.

pub mod augment;
mod chapters;
mod check;
pub mod config;
pub mod dataset;
pub mod decode;
mod exported;
pub mod facts;
pub mod fit;
mod foreign;
pub mod inspect;
mod kind;
mod learner;
pub mod model;
pub mod packed;
mod pictures;
pub mod predict;
pub mod prepare;
pub mod samples;
mod samples_seen;
pub mod synth;
pub mod training;
#[cfg(test)]
mod training_tests;
