//! Radar nowcasting: the next frames of a radar sequence from the last ones.

pub mod config;
pub mod lrose;
pub mod synth;
