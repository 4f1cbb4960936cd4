//! Radar nowcasting: the next frames of a radar sequence from the last ones.

pub mod advection;
mod check;
pub mod config;
pub mod dataset;
pub mod event_name;
pub mod forecasts;
pub mod inspect;
pub mod loss;
pub mod lrose;
pub mod model;
pub mod plan;
pub mod predict;
pub mod prepare;
pub mod quantize;
pub mod resample;
mod sides;
pub mod split;
pub mod statistics;
pub mod synth;
pub mod training;
pub mod verification;
pub mod volume;
pub mod windows;
