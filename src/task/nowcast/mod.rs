//! Radar nowcasting: the next frames of a radar sequence from the last ones.

mod check;
pub mod config;
pub mod dataset;
mod draws;
pub mod event_name;
mod facts;
pub mod inspect;
mod judged_at;
mod kind;
mod learner;
pub mod loss;
mod made;
mod manifest;
pub mod model;
pub mod motion;
mod needs;
pub mod plan;
pub mod predict;
pub mod prepare;
mod sides;
pub mod split;
mod split_in_time;
pub mod statistics;
pub mod synth;
pub mod training;
pub mod verification;
pub mod windows;

/// Reading radar files and forecasting by advection do not depend on a task: they are a separate crate.
pub use fragua_radar::{advection, lrose, quantize, resample, volume};

use crate::util::progress::Unit;

/// Frames: one time of one event.
pub const FRAMES: Unit = Unit { one: "frame", many: "frames" };
/// Windows: consecutive frames of an event.
pub const WINDOWS: Unit = Unit { one: "window", many: "windows" };
