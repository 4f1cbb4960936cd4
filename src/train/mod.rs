//! Training of any task: the engine and its events ([`engine`], [`events`], [`observe`]), what it requires of a task
//! and its data ([`task`], [`feed`]), the parts that compute and the parts that decide, the checkpoints and the run
//! folder. Holds the `train` section of the configuration.

pub mod best_by;
pub mod checkpoint;
pub mod clip;
pub mod config;
pub mod device;
pub mod divergence;
pub mod drawing;
pub mod ema;
pub mod engine;
pub mod events;
pub mod fault;
pub mod feed;
pub mod grouping;
pub mod learner;
mod lerp;
pub mod micro_batch;
pub mod observe;
pub mod optimizer;
pub mod patience;
pub mod plateau;
pub mod retries;
pub mod run_folder;
pub mod scaler;
pub mod schedule;
pub mod seal;
pub mod target;
pub mod task;
