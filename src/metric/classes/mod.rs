//! The quality of classification: counts of predicted and true classes, from which every score follows exactly.
//!
//! ```text
//! confusion    how often each class was predicted for each    interval   how sure a share is
//! calibration  whether confident choices are right as often
//! ```

pub mod calibration;
pub mod confusion;
pub mod interval;
