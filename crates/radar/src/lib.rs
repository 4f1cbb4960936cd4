//! Weather radar without a deep-learning library: volumes in netCDF files, grids, bytes, advection forecasts, and
//! synthetic storms to try everything out with.
//!
//! Nothing here trains or knows the program around it.

pub mod advection;
pub mod lrose;
pub mod quantize;
pub mod resample;
pub mod synth;
pub mod volume;
