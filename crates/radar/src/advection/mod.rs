//! The advection baseline: the last frame of a sequence carried on along its motion. No training, no growth, no decay.
//!
//! The motion is found from the last three frames, from coarse to fine and by least squares ([`motion()`]); the frame is
//! then carried backward semi-Lagrangian: each cell of a forecast looks up where its echo is in the last frame. That is
//! the extrapolation nowcast of Germann and Zawadzki (2002, Mon. Wea. Rev. 130, 2859-2873), against which every other
//! nowcast has to prove itself. The numbers are held against those of pysteps on real sequences.

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

pub use carry::carry;
pub use motion::{Motion, motion};

/// When the frames were taken and for when a forecast is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// The minutes of the input frames on any clock, oldest first.
    pub input_minutes: &'a [f64],
    /// The lead times in minutes after the last input frame.
    pub lead_minutes: &'a [f64],
}

/// Forecasts frames by carrying the last input frame along the motion of the last ones.
///
/// Input frames come oldest first, each of `rows x columns` values on a scale that is linear in dBZ; NaN is missing.
/// `no_echo` is the value of a cell without echo. A missing cell counts as one without echo where motion is sought, and stays
/// missing where it is carried. Of fewer than two frames, or frames without echo, nothing moves: that is persistence.
///
/// Returns `lead_minutes.len() * rows * columns` values, lead by lead, on the scale of the input; NaN where nothing is
/// known, because it came from outside the frame or from a missing cell. The number of threads changes no value.
#[must_use]
pub fn forecast(input: &[&[f32]], rows: usize, columns: usize, times: &Times<'_>, no_echo: f32) -> Vec<f32> {
    match input.last() {
        Some(last) if last.len() == rows * columns => {
            carry(last, &motion(input, rows, columns, times.input_minutes, no_echo), times.lead_minutes)
        }
        _ => vec![f32::NAN; times.lead_minutes.len() * rows * columns],
    }
}
