//! Training: the parts of the engine that decide and compute, whatever the task. Holds the `train` section of the
//! configuration.

mod check;
pub mod clip;
pub mod config;
pub mod divergence;
pub mod ema;
pub mod grouping;
mod lerp;
pub mod micro_batch;
pub mod optimizer;
pub mod patience;
pub mod plateau;
pub mod scaler;
pub mod schedule;
//! Training: the `train` section of the configuration, the checkpoints and the run folder.

mod check;
pub mod checkpoint;
pub mod config;
pub mod run_folder;
