//! Forecasts held against what came, and against forecasts that nobody had to learn: persistence, where nothing changes,
//! and advection, where everything moves on as it did. All are measured on the same cells of the same windows.
//!
//! ```text
//! judge     one window: what it adds to the sums        tally     the sums over all windows, and by event
//! kinds     model, persistence, advection               findings  from sums to what metrics.json holds
//! pictures  what was found, drawn
//! ```
//!
//! A cell where nothing was observed is left out of every score. Where a baseline knows nothing, as the air came from
//! outside the frame or from a missing cell, it forecasts no echo: leaving such cells out would compare forecasts on
//! different cells.

mod findings;
mod judge;
mod kinds;
mod pictures;
mod tally;
#[cfg(test)]
mod tests;

pub use findings::{Findings, findings};
pub use judge::{Depth, Judge, Window};
pub use kinds::Kind;
pub use pictures::pictures;
pub use tally::Tally;
