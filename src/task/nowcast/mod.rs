//! Radar nowcasting: the next frames of a radar sequence from the last ones.

mod check;
pub mod config;
pub mod volume;
pub mod quantize;
pub mod resample;
pub mod event_name;
pub mod plan;
pub mod split;
pub mod windows;
pub mod lrose;
pub mod synth;
