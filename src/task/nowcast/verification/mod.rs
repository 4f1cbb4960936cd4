//! Forecasts compared with what was observed, and with forecasts that need no training: persistence, where nothing
//! changes, and advection, where everything keeps moving as it did. All are measured on the same cells of the same windows.
//!
//! ```text
//! judge     one window: what it adds to the sums        tally     the sums over all windows, and by event
//! advected  the sums of advection, once per window      ahead     how far the model is ahead of advection, and where
//! kinds     model, persistence, advection               section   from sums to what metrics.json holds beyond scores
//! charts    what was found, as charts                   pictures  the same as files
//! chapters  the same for the page of a run              resample  how much two evaluations differ by chance
//! said      the model beside advection, in words
//! ```
//!
//! A cell without an observation is left out of every score. If a baseline knows nothing, as the air came from outside the
//! frame or from a missing cell, it forecasts no echo: leaving such cells out would compare forecasts on different cells.

mod advected;
mod ahead;
mod chapters;
mod charts;
mod judge;
mod kinds;
mod pictures;
mod resample;
mod said;
mod section;
mod tally;
#[cfg(test)]
mod tests;

pub use advected::Place;
pub use ahead::{Ahead, AheadAbove, AheadIn, gains};
pub use chapters::Evaluated;
pub use judge::{Judge, Window};
pub use kinds::Kind;
pub use pictures::pictures;
pub use section::{EventSums, ForecastScores, SECTION, Verification};
pub use tally::Tally;
