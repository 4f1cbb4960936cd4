//! Classification of small images, such as 28 x 28 handwritten characters.
//!
//! ```text
//! class_names  classes and their order          prepare  from image files to records
//! decode       an image file as gray levels     packed   files that hold many images
//! fit          gray levels at another size      facts    what is remembered beside the records
//! dataset      the split                        samples  records on their way to training
//! augment      random changes of an image       model    the networks
//! loss         what training minimises          training the task as the engine sees it
//! balance      what is done about small classes
//! scores       what an evaluation adds up       learner  the dataset as learners go through it
//! specs        which scores there are           section  what metrics.json has beyond them
//! pictures     an evaluation, drawn             tables   the same as tables
//! called       classes as people read them      chapters the same for the page of a run
//! samples_seen what training sees, drawn        kind     the task as commands reach it
//! resample     what may be chance               charts   charts of an evaluation
//! synth        characters made on this machine  inspect, predict  what commands do
//! foreign      weights of other programs        exported  the network for other programs
//! ```

pub mod augment;
pub mod balance;
mod called;
mod chapters;
mod charts;
mod check;
pub mod class_names;
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
pub mod loss;
pub mod model;
pub mod packed;
mod pictures;
pub mod predict;
pub mod prepare;
mod resample;
pub mod samples;
mod samples_seen;
pub mod scores;
mod section;
pub mod specs;
pub mod synth;
mod tables;
pub mod training;
#[cfg(test)]
mod training_tests;
