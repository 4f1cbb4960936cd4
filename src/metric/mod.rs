//! How good a forecast is, in numbers: sums over any number of forecasts, from which every score follows exactly. Plain
//! arrays only: it sees no tensor and no task, and of files only `metrics.json`.
//!
//! ```text
//! contingency  hits, misses and false alarms    errors      differences in dBZ        fractions  agreement within squares
//! sums         all of these, lead by lead       better      which way a score gets better
//! naming       what the names of scores mean    verify      measures a forecast       bootstrap  how sure a score is
//! reliability  intensities forecast and come    error_map   where forecasts are wrong
//! document     metrics.json                     comparison  two of them, and what may be chance
//! ```

pub mod better;
pub mod bootstrap;
pub mod comparison;
pub mod contingency;
pub mod document;
pub mod error_map;
pub mod errors;
pub mod fractions;
pub mod naming;
pub mod reliability;
pub mod sums;
pub mod verify;
