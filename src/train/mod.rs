//! Training: the `train` section of the configuration, the checkpoints and the run folder.

mod check;
pub mod checkpoint;
pub mod config;
pub mod run_folder;
