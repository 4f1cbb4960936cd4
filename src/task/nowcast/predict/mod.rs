//! Forecasts for radar files that a model was not trained on: the last frames of an event, prepared as in training, through
//! the model, and back onto the radar's grid in files that TITAN's tools read.
//!
//! ```text
//! survey    the frames of every event, from headers alone     select  which of them a forecast is made from
//! input     those frames as the model sees them               cells   which cells can be forecast, what no echo is
//! planes    what the model returned, by lead time and level   regrid  from the model's grid back to the radar's
//! output    the forecast as it is stored                      write   files and pictures, complete or absent
//! report    the results                                       error   what failed, and why
//! work      all of it, for a folder of radar files
//! ```
//!
//! No second way of preparing: files are found, surveyed, resampled and quantised by [`super::prepare`].
//!
//! # Missing cells and no echo
//!
//! | the radar's files                                     | a forecast cell is missing where     | no echo is written as |
//! |-------------------------------------------------------|--------------------------------------|-----------------------|
//! | `missing: mask`                                       | the last frame was missing           | `min`                 |
//! | `missing: min`, no echo is stored as a number         | every frame used was missing         | `min`                 |
//! | `missing: min`, no echo is stored as missing (LROSE)  | (nowhere: missing is no echo)        | missing               |
//!
//! With `missing: min` a missing cell means no echo to the model. If the files also store no echo as a number, missing
//! cells that never change are outside the radar's range. If they don't, a cell that has been missing so far is where a
//! storm may go next, and must not be masked. In the last case a forecast is no echo if it is weaker than all that the
//! radar has reported in the frames used; otherwise if it rounds to `min`.

mod cells;
mod error;
mod input;
mod output;
mod planes;
mod regrid;
pub mod report;
pub mod select;
pub mod survey;
mod work;
mod write;

use std::path::Path;

pub use error::{PredictError, Refusal};
pub use input::{Input, read};
pub use output::{Forecast, Source, forecast};
pub use planes::Planes;
pub use survey::{Job, Plan, plan};
pub use work::predict;
pub use write::{check_output, write};

use super::config::NowcastConfig;
use super::lrose::Stored;
use super::quantize::Quantizer;
use crate::task::Layout;
use crate::util::quantity::Quantity;
use crate::util::stop::Stop;

/// What predicting gets from outside.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The section of the task that the model was trained with.
    pub config: &'a NowcastConfig,
    /// From values to bytes.
    pub quantizer: Quantizer,
    /// What is measured.
    pub quantity: &'a Quantity,
    /// Whether pictures are wanted.
    pub pictures: bool,
    /// The folder for all forecasts.
    pub output: &'a Path,
    /// How a forecast becomes files.
    pub layout: Layout,
    /// The wish to stop.
    pub stop: &'a Stop,
}

impl Setting<'_> {
    /// What the numbers in the files of forecasts mean: those of reflectivity are as the converter stores them.
    fn stored(&self) -> Stored {
        let prepare = &self.config.prepare;
        if self.quantity.is_reflectivity() { Stored::DBZ } else { Stored::over(prepare.min, prepare.max) }
    }
}
