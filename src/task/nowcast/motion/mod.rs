//! The motion of a window's last frames, and the ways of its echo: what moving coordinates are made of. The targets have no
//! part in it.
//!
//! ```text
//! finder   from frames to motion, and from motion to ways
//! known    the motion and the amount of echo of every prepared frame, found once and kept beside the dataset
//! ```

mod finder;
pub mod known;
#[cfg(test)]
mod tests;

pub use self::finder::{LEAST_ECHO, MOTION_FRAMES, MeshWays, MotionFinder, normalised};
