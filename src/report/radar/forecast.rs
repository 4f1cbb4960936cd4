//! A forecast of radar frames beside what was observed: a sheet of all lead times ([`png()`]) and a film ([`gif()`]).
//! It takes plain arrays from any kind of forecast.

pub mod ahead;
pub(super) mod error_colours;
mod film;
mod minutes;
mod sheet;
mod strip;
#[cfg(test)]
mod tests;

pub use film::gif;
pub use sheet::png;
pub use strip::strip;

use super::colours::Scale;
use super::frame::RadarFrame;
use crate::report::PictureError;

/// A forecast: frames in the order of time, each with its rows from south to north; `NaN` is missing.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    /// What is written above it.
    pub title: &'a str,
    /// The colours of the values.
    pub scale: &'a Scale,
    /// Rows of a frame.
    pub height: usize,
    /// Columns of a frame.
    pub width: usize,
    /// What the forecast was made from.
    pub seen: &'a [f32],
    /// When that was, in minutes before the forecast: zero and below.
    pub seen_minutes: &'a [f32],
    /// What was observed.
    pub observed: &'a [f32],
    /// What was forecast.
    pub predicted: &'a [f32],
    /// What a simple method forecasts, for comparison.
    pub compared: &'a [f32],
    /// The name of that method.
    pub compared_name: &'a str,
    /// When that was, in minutes after the forecast was made.
    pub lead_minutes: &'a [f32],
}

impl<'a> Forecast<'a> {
    /// Every array must have a frame for each of its times, and there must be something to show.
    fn check(&self) -> Result<(), PictureError> {
        let Self { title, height, width, .. } = *self;
        if self.seen_minutes.is_empty() || self.lead_minutes.is_empty() || height * width == 0 {
            return Err(PictureError::NoFrames(title.to_owned()));
        }
        let leads = self.lead_minutes.len();
        let arrays = [
            ("seen", self.seen, self.seen_minutes.len()),
            ("observed", self.observed, leads),
            ("predicted", self.predicted, leads),
            ("compared", self.compared, leads),
        ];
        match arrays.into_iter().find(|(_, values, frames)| values.len() != frames * height * width) {
            None => Ok(()),
            Some((array, values, frames)) => Err(PictureError::Forecast {
                title: title.to_owned(),
                array,
                got: values.len(),
                expected: [frames, height, width],
            }),
        }
    }

    fn frames(&self, values: &'a [f32]) -> impl Iterator<Item = RadarFrame<'a>> + use<'a> {
        let Self { height, width, .. } = *self;
        values.chunks_exact(height * width).map(move |dbz| RadarFrame { dbz, height, width, time_seconds: 0 })
    }
}
