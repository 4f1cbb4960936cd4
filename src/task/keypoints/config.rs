//! The `task.keypoints` section: preparation and split of sequences of keypoints, the model, its loss and the order of training.

mod streams;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::streams::{PointName, Points, StreamConfig, Streams};
pub use super::augment::AugmentConfig;
pub use super::model::config::{LstmConfig, ModelConfig, Pooling};

/// The `task.keypoints` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeypointsConfig {
    /// From files of keypoints to the prepared dataset.
    pub prepare: PrepareConfig,
    /// Which sequences train, validate and test.
    pub split: SplitConfig,
    /// What becomes of classes with few training sequences.
    pub tail: TailConfig,
    /// Random changes of the training sequences.
    pub augment: AugmentConfig,
    /// What a frame also has: where each point moves to, as its place so many frames later minus that of now; `[1]` is the next frame.
    pub differences: Vec<usize>,
    /// The network.
    pub model: ModelConfig,
    /// What training minimises.
    pub loss: LossConfig,
    /// So many batches at a time are sorted by length, so that little is padded; 1 sorts nothing.
    pub bucket: usize,
    /// Whether weights of `lstm` for points with other values are taken: columns of the values that both have are copied.
    pub adapt: bool,
}

impl Default for KeypointsConfig {
    fn default() -> Self {
        Self {
            prepare: PrepareConfig::default(),
            split: SplitConfig::default(),
            tail: TailConfig::default(),
            augment: AugmentConfig::default(),
            differences: Vec::new(),
            model: ModelConfig::default(),
            loss: LossConfig::default(),
            bucket: 8,
            adapt: false,
        }
    }
}

/// From files of keypoints to the prepared dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareConfig {
    /// The inputs of the model, each with a branch of its own, by their names.
    pub streams: Streams,
    /// The numbers of a point: some of x, y, z and confidence, in this order.
    pub values: Vec<PointValue>,
    /// What a part of the body that was not seen becomes.
    pub missing: Missing,
    /// What coordinates are relative to.
    pub normalise: Normalise,
    /// Longer sequences are resampled evenly to so many frames; null for none.
    pub max_frames: Option<usize>,
    /// How numbers are stored.
    pub store: Stored,
    /// The share of unusable sequences above which preparing stops.
    pub max_bad_share: f64,
}

impl Default for PrepareConfig {
    fn default() -> Self {
        Self {
            streams: Streams::default(),
            values: PointValue::ALL.to_vec(),
            missing: Missing::Mask,
            normalise: Normalise::None,
            max_frames: None,
            store: Stored::F32,
            max_bad_share: 0.05,
        }
    }
}

/// A number of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointValue {
    /// From left to right.
    X,
    /// From top to bottom.
    Y,
    /// The depth; 0 if the file has none.
    Z,
    /// How sure it is that the point was seen; 1 if the file does not say, 0 if it was not seen.
    Confidence,
}

impl PointValue {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::X, Self::Y, Self::Z, Self::Confidence];

    /// Its name in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Y => "y",
            Self::Z => "z",
            Self::Confidence => "confidence",
        }
    }
}

/// What a part of the body that was not seen becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Zeros, also for the confidence.
    Mask,
    /// The last frame in which it was seen, with confidence 0; before the first one as `mask`.
    Hold,
    /// What the file has in its place, as if it had been seen. Only what is no number becomes 0.
    Keep,
}

/// What coordinates are relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// The image, as in the files.
    None,
    /// In each frame the middle of the shoulders, in units of their distance; hands are relative to their wrists.
    Frame,
    /// The mean place of the nose, or of the first frame if there is none, in units of the deviation over the whole sequence.
    Sequence,
}

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// In 4 bytes.
    F32,
    /// In 2 bytes, with three digits.
    F16,
}

/// Which sequences train, validate and test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// What stays together on one side.
    pub by: SplitBy,
    /// The share that validates: of each class, of the signers, or of the recordings.
    pub val_share: f64,
    /// The share that tests.
    pub test_share: f64,
    /// The signers or recordings that validate; null to choose them by chance, `val_share` of them.
    pub val: Option<Vec<String>>,
    /// The signers or recordings that test; null to choose them by chance, `test_share` of them.
    pub test: Option<Vec<String>>,
    /// The JSON file of `by: file`: lists of names under train, val and test; null for the sides that the dataset itself gives. A
    /// side that is missing is taken from the training side, by its share.
    pub file: Option<PathBuf>,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { by: SplitBy::Class, val_share: 0.2, test_share: 0.0, val: None, test: None, file: None }
    }
}

/// What stays together on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// Nothing: each class gives the same share.
    Class,
    /// All sequences of a person: the scores then hold for people that were never seen.
    Signer,
    /// All sequences of a recording.
    Video,
    /// What a file says.
    File,
}

/// What becomes of classes with few training sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TailConfig {
    /// A class with at most so many training sequences is one of them.
    pub at_most: usize,
    /// What becomes of it.
    pub action: TailAction,
}

impl Default for TailConfig {
    fn default() -> Self {
        Self { at_most: 2, action: TailAction::Keep }
    }
}

/// What becomes of a class with few training sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TailAction {
    /// It is a class like any other.
    Keep,
    /// It joins the class OTHER, which is the last one.
    Other,
    /// Its sequences are left out, of every side.
    Drop,
}

/// What training minimises: the cross entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// The share of the target that is spread evenly over classes.
    pub label_smoothing: f64,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { label_smoothing: 0.1 }
    }
}
