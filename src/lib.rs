//! fragua: a containerized batch training worker.
//!
//! The layers; each uses only those to its right (`ARCHITECTURE.md` gives the reasons):
//!
//! ```text
//! main -> cli -> worker -> config -> task -> train -> { data  nn  metric  report } -> { native  util }
//! ```

pub mod cli;
pub mod config;
pub mod data;
pub mod metric;
pub mod native;
pub mod nn;
pub mod report;
pub mod task;
pub mod train;
pub mod worker;

pub use fragua_util as util;
