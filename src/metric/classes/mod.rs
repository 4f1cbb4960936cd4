//! How good a choice among classes is: counts of what was chosen for what, from which every score follows exactly.
//!
//! ```text
//! confusion    how often each class was taken for each        interval   how sure a share is
//! calibration  whether confident choices are right as often
//! ```

pub mod calibration;
pub mod confusion;
pub mod interval;
