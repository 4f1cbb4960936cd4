//! The `task.nowcast` section: preparation, windows and split of radar sequences, the model, its loss and its scores.

mod model;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::loss::config::{AbsoluteConfig, CsiConfig, CsiForm, FssConfig};
pub use super::resample::Method;
use crate::metric::forecast::frames::Convention;
pub use model::{
    Attention, ConvLstmConfig, ModelConfig, Norm, PredrnnConfig, SimvpConfig, TrajGruConfig, UnetConfig, UnetNorm,
};

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
    /// What the network sees, and what its output means.
    pub coordinates: Coordinates,
    /// The network.
    pub model: ModelConfig,
    /// Random changes of the training windows.
    pub augment: AugmentConfig,
    /// How often training windows are drawn.
    pub sampling: SamplingConfig,
    /// What training makes small.
    pub loss: LossConfig,
    /// What forecasts are judged by.
    pub scores: ScoresConfig,
}

/// From radar files to the prepared dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareConfig {
    /// The variable that holds reflectivity, a rain rate, an amount of rain, or anything else: its units attribute says.
    pub variable: String,
    /// Rows and columns of a prepared frame.
    pub size: [usize; 2],
    /// How cells are combined.
    pub method: Method,
    /// What a level is to the model.
    pub levels: Levels,
    /// What a missing cell means.
    pub missing: Missing,
    /// The value that is stored as 1 and normalised to 0, in the unit of the data; smaller ones are raised to it.
    #[serde(alias = "min_dbz")]
    #[schemars(extend("x-former" = "min_dbz"))]
    pub min: f64,
    /// The value that is stored as 255 and normalised to 1, in the unit of the data; larger ones are lowered to it.
    #[serde(alias = "max_dbz")]
    #[schemars(extend("x-former" = "max_dbz"))]
    pub max: f64,
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
            min: -29.0,
            max: 65.0,
            max_bad_share: 0.05,
        }
    }
}

/// What the levels of a volume are to the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Levels {
    /// Each level is its own sequence.
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
    /// What is never split: days and events, or nothing.
    pub by: SplitBy,
    /// The share of windows that validate: the last ones but those of the test.
    pub val_share: f64,
    /// The share of windows that test: the last ones.
    pub test_share: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { by: SplitBy::Event, val_share: 0.2, test_share: 0.0 }
    }
}

/// What a split divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// Whole days and events are on one side; a single event is divided in time all the same.
    Event,
    /// Every event is divided in time, with a gap of one window between the sides.
    Time,
}

/// What the network sees, and what its output means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// It sees the frames as they are, and returns the frames that follow.
    #[default]
    Eulerian,
    /// It sees the frames carried along the motion to the time of the last one, and returns what grows and decays.
    Lagrangian,
}

/// Random changes of the training windows: a function of the seed, the epoch and the sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Whether windows are mirrored along both axes and, if they are square, turned.
    pub flips: bool,
    /// What is added to the echo of a window, between these, in the unit of the data: -4 to 10 dB.
    #[serde(alias = "shift_db")]
    #[schemars(extend("x-former" = "shift_db"))]
    pub shift: Option<[f64; 2]>,
    /// Rows and columns of the part that is trained on; half of the time, of two parts the one with more echo.
    pub crop: Option<[usize; 2]>,
}

/// How often training windows are drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingConfig {
    /// Windows with much echo more often than others.
    pub wet: Option<WetConfig>,
}

/// Windows with much echo more often than others; an epoch keeps its length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WetConfig {
    /// The value above which a cell of the targets counts, in the unit of the data.
    pub above: f64,
    /// The share of an epoch that is drawn in proportion to those cells; the rest is drawn evenly.
    pub share: f64,
}

impl Default for WetConfig {
    fn default() -> Self {
        Self { above: 25.0, share: 0.5 }
    }
}

/// What training makes small: a sum of terms, by default only a weighted Huber loss with the structural similarity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// The weight of Huber loss and SSIM together; 0 turns them off; validation still reports both.
    pub huber_ssim_weight: f64,
    /// The error, on the normalised scale, from which the Huber loss grows linearly.
    pub huber_delta: f64,
    /// The share of 1 - SSIM in Huber loss and SSIM together; the rest is the Huber loss.
    pub ssim_weight: f64,
    /// The value above which an echo is strong, in the unit of the data; two fifths of the range if 8.6 is outside of it.
    #[serde(alias = "high_dbz")]
    #[schemars(extend("x-former" = "high_dbz"))]
    pub high: f64,
    /// The weight of the error at strong echo; elsewhere it is 1.
    pub high_weight: f64,
    /// What the last frame counts in every term; the first counts 1, those between grow linearly.
    pub last_lead_weight: f64,
    /// The absolute error, with weights by intensity.
    pub absolute: Option<AbsoluteConfig>,
    /// The soft critical success index.
    pub csi: Option<CsiConfig>,
    /// The soft fractions skill score.
    pub fss: Option<FssConfig>,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            huber_ssim_weight: 1.0,
            huber_delta: 1.0,
            ssim_weight: 0.5,
            high: 8.6,
            high_weight: 10.0,
            last_lead_weight: 1.0,
            absolute: None,
            csi: None,
            fss: None,
        }
    }
}

/// What forecasts are judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScoresConfig {
    /// The values above which a cell counts as an event, in the unit of the data; by default those usual for that unit.
    #[serde(alias = "thresholds_dbz")]
    #[schemars(extend("x-former" = "thresholds_dbz"))]
    pub thresholds: Option<Vec<f64>>,
    /// The side lengths of the squares that the fractions skill score compares.
    pub fss_scales_px: Vec<usize>,
    /// The score that evaluations are compared by; by default the CSI at the threshold nearest to 35 dBZ, 5 mm/h or 1 mm.
    pub primary: Option<String>,
    /// By whose definitions whole frames are measured too: MSE and MAE summed over the cells, SSIM and PSNR.
    pub frames: Option<Convention>,
}

impl Default for ScoresConfig {
    fn default() -> Self {
        Self { thresholds: None, fss_scales_px: vec![1, 5, 15, 31], primary: None, frames: None }
    }
}
