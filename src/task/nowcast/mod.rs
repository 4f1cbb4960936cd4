//! Radar nowcasting: the next frames of a radar sequence from the last ones.

mod check;
pub mod config;
