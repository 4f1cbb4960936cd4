//! What tasks share that choose one of several classes, whatever their samples are. Not a task.
//!
//! ```text
//! class_names  classes and their order          called   classes as people read them
//! balance      what is done about small classes loss     what training minimises
//! sample       a sample as scores know it       scores   what an evaluation adds up
//! specs        which scores there are           section  what metrics.json has beyond them
//! tables       an evaluation as tables          pictures the same, drawn
//! charts       charts of an evaluation          chapters the same for the page of a run
//! resample     what may be chance               rows     the last layer of other weights
//! long_tail    what is measured of many classes with few samples
//! predictions  what a model says, as files      scored   how good that is, if the classes are known
//! ```

pub mod balance;
pub mod called;
pub mod chapters;
pub mod charts;
pub mod class_names;
pub mod long_tail;
pub mod loss;
pub mod pictures;
pub mod predictions;
mod resample;
pub mod rows;
pub mod sample;
pub mod scored;
pub mod scores;
pub mod section;
pub mod specs;
pub mod tables;
