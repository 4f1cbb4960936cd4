//! The `task.image_class` section: preparation and split of small images, the model, its loss, augmentation and scores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::task::classes::balance::Balancing;

/// The `task.image_class` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageClassConfig {
    /// From image files to the prepared dataset.
    pub prepare: PrepareConfig,
    /// Which images train, validate and test.
    pub split: SplitConfig,
    /// What is done about classes with few training images.
    pub balance: Balance,
    /// Each image of a class of n counts `n^-power`: 1 makes all classes equal, 0.5 takes the square root.
    pub balance_power: f64,
    /// If set, each image of a class of n counts by the effective number of images, `(1 - beta) / (1 - beta^n)`, instead.
    pub balance_beta: Option<f64>,
    /// Random changes of the training images.
    pub augment: AugmentConfig,
    /// The network.
    pub model: ModelConfig,
    /// What training minimises.
    pub loss: LossConfig,
}

impl Default for ImageClassConfig {
    fn default() -> Self {
        Self {
            prepare: PrepareConfig::default(),
            split: SplitConfig::default(),
            balance: Balance::None,
            balance_power: 1.0,
            balance_beta: None,
            augment: AugmentConfig::default(),
            model: ModelConfig::default(),
            loss: LossConfig::default(),
        }
    }
}

impl ImageClassConfig {
    /// How much more an image of a small class counts, if classes are balanced.
    #[must_use]
    pub fn balancing(&self) -> Balancing {
        Balancing { power: self.balance_power, beta: self.balance_beta }
    }
}

/// What is done about classes with few training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Nothing.
    None,
    /// Their images weigh more in the loss.
    Weights,
    /// Their images come more often, and those of large classes less often; an epoch keeps its length.
    Sampler,
}

/// From image files to the prepared dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareConfig {
    /// Rows and columns of a prepared image.
    pub size: [usize; 2],
    /// Gray levels only: 1.
    pub channels: usize,
    /// How an image of another shape is brought to this size.
    pub fit: Fit,
    /// Whether dark strokes on bright ground are inverted, so that the background is 0: auto, true or false.
    pub invert: Invert,
    /// What shows through where an image is transparent: white or black.
    pub background: Background,
    /// Whether rows and columns are swapped: the raw files of EMNIST need it.
    pub transpose: bool,
    /// The classes in the order of the model's outputs; null for those that the files show, in the usual order.
    pub classes: Option<Vec<String>>,
    /// The most images of a class that are used; null for all. Sides of the dataset's own for validation and test stay whole.
    pub max_per_class: Option<usize>,
    /// The share of unreadable images above which preparing stops.
    pub max_bad_share: f64,
}

impl Default for PrepareConfig {
    fn default() -> Self {
        Self {
            size: [28, 28],
            channels: 1,
            fit: Fit::Stretch,
            invert: Invert::Auto,
            background: Background::White,
            transpose: false,
            classes: None,
            max_per_class: None,
            max_bad_share: 0.05,
        }
    }
}

/// How an image of another shape is brought to the prepared size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Rows and columns are scaled independently.
    #[default]
    Stretch,
    /// The image keeps its proportions; the rest is filled with its background.
    Pad,
    /// For drawings: what is drawn is cut out, scaled to 20 of 28 parts of the size, and put into the middle.
    Digit,
}

/// What shows through where an image is transparent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Background {
    /// For dark drawings.
    #[default]
    White,
    /// For bright drawings.
    Black,
}

impl Background {
    /// Its gray level.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::White => u8::MAX,
            Self::Black => 0,
        }
    }

    /// Whether it is the usual one, which need not be written down.
    #[must_use]
    pub fn is_white(&self) -> bool {
        *self == Self::White
    }
}

/// Whether images are inverted, as it is written: `auto`, `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Invert {
    /// If the border of most images is bright. One decision for the whole dataset, stored with it.
    Auto,
    /// All of them.
    Always,
    /// None of them.
    Never,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Choice(bool),
    Word(String),
}

const AUTO: &str = "auto";

impl TryFrom<Written> for Invert {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Choice(true) => Ok(Self::Always),
            Written::Choice(false) => Ok(Self::Never),
            Written::Word(word) if word == AUTO => Ok(Self::Auto),
            Written::Word(word) => Err(format!("expected auto, true or false, got {word:?}")),
        }
    }
}

impl From<Invert> for Written {
    fn from(invert: Invert) -> Self {
        match invert {
            Invert::Auto => Self::Word(AUTO.to_owned()),
            Invert::Always => Self::Choice(true),
            Invert::Never => Self::Choice(false),
        }
    }
}

impl JsonSchema for Invert {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Invert".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Whether images are inverted: auto, true or false.",
            "anyOf": [{"const": AUTO}, {"type": "boolean"}],
        })
    }
}

/// Which images train, validate and test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// The share of each class that validates.
    pub val_share: f64,
    /// The share of each class that tests.
    pub test_share: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { val_share: 0.15, test_share: 0.0 }
    }
}

/// Random changes of the training images; 0 switches one off. They are made in this order; the geometric ones are one map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// The largest rotation to either side, degrees.
    pub rotate_degrees: f64,
    /// The largest slant to either side, degrees.
    pub shear_degrees: f64,
    /// The largest shift, as a share of the image's width and height. Without rotation, slant, zoom and distortion it is by
    /// whole pixels, which keeps an image sharp.
    pub shift: f64,
    /// The largest change of size, as a share.
    pub zoom: f64,
    /// The share of images that are mirrored from left to right: for objects, never for characters.
    pub hflip: f64,
    /// The strength of an elastic distortion, pixels: what a random field from -1 to 1 is multiplied by once it is smoothed.
    pub elastic_px: f64,
    /// The standard deviation of the Gaussian that smooths this field, pixels.
    pub elastic_sigma_px: f64,
    /// The largest standard deviation of a Gaussian blur, pixels.
    pub blur_px: f64,
    /// The share of images that are blurred.
    pub blur_probability: f64,
    /// The largest change of brightness to either side, as a share of the full scale.
    pub brightness: f64,
    /// The largest change of contrast, as a share of each level.
    pub contrast: f64,
    /// The share of images whose brightness and contrast change.
    pub tone_probability: f64,
    /// The share of images that get a hole of background.
    pub erase_probability: f64,
    /// The largest height and width of the hole, pixels.
    pub erase_px: usize,
    /// The standard deviation of the noise, as a share of the full scale.
    pub noise: f64,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self { rotate_degrees: 15.0, shift: 0.1, zoom: 0.1, noise: 0.05, ..Self::OFF }
    }
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelConfig {
    /// CharCNN_v2: four convolutions and four linear layers, each with batch norm.
    CharCnn(CharCnnConfig),
    /// A residual network: more accurate with many images, and about forty times as much work.
    Resnet(ResNetConfig),
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::CharCnn(CharCnnConfig::default())
    }
}

/// CharCNN_v2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CharCnnConfig {
    /// The share of values that dropout clears after linear layers; after the first convolutions half of it.
    pub dropout: f64,
}

impl Default for CharCnnConfig {
    fn default() -> Self {
        Self { dropout: 0.2 }
    }
}

/// A residual network of basic blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetConfig {
    /// The channels of each stage. Every stage but the first halves rows and columns.
    pub widths: Vec<usize>,
    /// The blocks of each stage, of two convolutions each.
    pub blocks: Vec<usize>,
    /// The outputs of the linear layer before the last.
    pub hidden: usize,
    /// The share of values that dropout clears before the first linear layer; before the second half of it.
    pub dropout: f64,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self { widths: vec![64, 128, 256, 512], blocks: vec![2; 4], hidden: 256, dropout: 0.4 }
    }
}

/// What training minimises: the cross entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// The share of the target that is spread evenly over classes.
    pub label_smoothing: f64,
    /// The classes that it is spread over.
    pub smoothing_over: SmoothingOver,
}

/// The classes that label smoothing spreads a share of the target over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmoothingOver {
    /// All classes.
    All,
    /// Those with training images: a class that never occurs is then not held at a probability above 0.
    Present,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { label_smoothing: 0.1, smoothing_over: SmoothingOver::All }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn whether_to_invert_is_auto_or_a_boolean() {
        for (written, invert) in
            [(json!("auto"), Invert::Auto), (json!(true), Invert::Always), (json!(false), Invert::Never)]
        {
            assert_eq!(from_value::<Invert>(written.clone()).unwrap(), invert);
            assert_eq!(to_value(invert).unwrap(), written);
        }
        assert!(from_value::<Invert>(json!("always")).unwrap_err().to_string().contains("auto, true or false"));
    }
}
