//! Training. Holds the `train` section of the configuration.

mod check;
pub mod config;
