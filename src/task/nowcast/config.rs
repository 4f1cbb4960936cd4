//! The `task.nowcast` section: preparation, windows and split of radar sequences.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `task.nowcast` section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NowcastConfig {
    /// From radar files to the prepared dataset.
    pub prepare: PrepareConfig,
    /// Sliding windows over the frames of an event.
    pub windows: WindowsConfig,
    /// Which events train, validate and test.
    pub split: SplitConfig,
}

/// From radar files to the prepared dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareConfig {
    /// The variable that holds the reflectivity.
    pub variable: String,
    /// Rows and columns of a prepared frame.
    pub size: [usize; 2],
    /// How cells are combined.
    pub method: Method,
    /// What a level is to the model.
    pub levels: Levels,
    /// What a missing cell means.
    pub missing: Missing,
    /// The reflectivity that is stored as 1 and normalised to 0; weaker echo is raised to it.
    pub min_dbz: f64,
    /// The reflectivity that is stored as 255 and normalised to 1; stronger echo is lowered to it.
    pub max_dbz: f64,
    /// The share of unusable files past which preparing stops.
    pub max_bad_share: f64,
}

impl Default for PrepareConfig {
    fn default() -> Self {
        Self {
            variable: "DBZ".into(),
            size: [250, 250],
            method: Method::Mean,
            levels: Levels::Each,
            missing: Missing::Min,
            min_dbz: -29.0,
            max_dbz: 65.0,
            max_bad_share: 0.05,
        }
    }
}

/// How the cells of the radar grid are combined into a cell of the prepared grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The area-weighted mean of the cells that are not missing.
    Mean,
    /// The strongest cell.
    Max,
    /// The cell whose centre is nearest.
    Nearest,
    /// Linear interpolation onto a grid from the first to the last cell centre.
    Bilinear,
}

/// What the levels of a volume are to the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Levels {
    /// Each level is a sequence of its own.
    Each,
    /// The maximum of each column.
    Composite,
    /// The levels with these numbers, counted from 0 at the ground, as channels of one sequence.
    Channels(Vec<usize>),
}

/// What a missing cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// No echo: it counts as the weakest value.
    Min,
    /// Unknown: it is left out of loss and scores.
    Mask,
}

/// Sliding windows over the frames of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WindowsConfig {
    /// Frames that the model sees.
    pub input_frames: usize,
    /// Frames that it predicts.
    pub target_frames: usize,
    /// Frames between the starts of two windows.
    pub stride: usize,
    /// An interval longer than this many times the event's median is a gap, which no window crosses.
    pub max_gap: f64,
}

impl Default for WindowsConfig {
    fn default() -> Self {
        Self { input_frames: 18, target_frames: 7, stride: 5, max_gap: 1.5 }
    }
}

/// Which events train, validate and test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// The share of windows that validate: the last days but those of the test.
    pub val_share: f64,
    /// The share of windows that test: the last days.
    pub test_share: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { val_share: 0.2, test_share: 0.0 }
    }
}
