//! How forecasts of fields are measured: exact sums over any number of frames, from which every score follows. Plain arrays
//! only. What is common to all tasks is one level up.
//!
//! ```text
//! contingency  hits, misses and false alarms      errors     differences            fractions  agreement within squares
//! sums         all of these, lead by lead         scores     what follows from them, and what it means
//! reliability  intensities forecast and observed  error_map  where forecasts are wrong
//! verify       measures a forecast                pool       an event that can be drawn again
//! frames       scores of whole frames, as a benchmark defines them
//! ```

pub mod contingency;
pub mod error_map;
pub mod errors;
pub mod fractions;
pub mod frames;
pub mod pool;
pub mod reliability;
pub mod scores;
pub mod sums;
pub mod verify;
