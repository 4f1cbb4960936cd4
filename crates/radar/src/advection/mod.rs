//! Forecasts by advection: the last frame of a sequence carried along its motion. No growth, no decay.
//!
//! The motion is found from the last three frames, from coarse to fine and by least squares ([`motion()`]); the frame is
//! then carried along it, backward semi-Lagrangian: each cell of a forecast looks up its echo in the last frame. This is
//! the extrapolation nowcast of Germann and Zawadzki (2002, Mon. Wea. Rev. 130, 2859-2873), the usual baseline for other
//! nowcasts. On real sequences its skill is tested against that of pysteps.

mod carry;
mod evidence;
mod motion;
mod nodes;
mod plane;
mod prepared;

#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod tests;
mod ways;

pub use carry::{LEAST_KNOWN, carry};
pub use motion::{Motion, NodeMotion, motion, node_motion};
pub use ways::{LONGEST_STEP, MOST_STEPS, SPACING, mesh, ways};

/// The times of the input frames and of the forecasts.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// The minutes of the input frames on any clock, oldest first.
    pub input_minutes: &'a [f64],
    /// The lead times in minutes after the last input frame.
    pub lead_minutes: &'a [f64],
}

/// Forecasts frames by carrying the last input frame along the motion of the last frames.
///
/// Input frames come oldest first, each of `rows x columns` values on a scale that is linear in dBZ; NaN is missing.
/// `no_echo` is the value of a cell without echo. The motion is found as if missing cells had no echo, but
/// what is carried stays missing. With fewer than two frames, or frames without echo, nothing moves: that is persistence.
///
/// Returns `lead_minutes.len() * rows * columns` values, lead by lead, on the scale of the input; NaN if the
/// echo came from outside the frame or from a missing cell. The result does not depend on the number of threads.
#[must_use]
pub fn forecast(input: &[&[f32]], rows: usize, columns: usize, times: &Times<'_>, no_echo: f32) -> Vec<f32> {
    match input.last() {
        Some(last) if last.len() == rows * columns => {
            carry(last, &motion(input, rows, columns, times.input_minutes, no_echo), times.lead_minutes)
        }
        _ => vec![f32::NAN; times.lead_minutes.len() * rows * columns],
    }
}
