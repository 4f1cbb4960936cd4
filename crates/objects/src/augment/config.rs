//! How much images are changed, with the names that trainers of detectors use, and what makes no sense.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Random changes of the training images; 0 switches one off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// The share of images that are made of four.
    pub mosaic: f64,
    /// So many epochs at the end have no mosaic; never more than a fifth of them.
    pub close_mosaic: usize,
    /// The share of images that are blended with another one.
    pub mixup: f64,
    /// The largest rotation to either side, degrees.
    pub degrees: f64,
    /// The largest shift, as a share of the side.
    pub translate: f64,
    /// The largest change of size, as a share.
    pub scale: f64,
    /// The largest slant to either side, degrees.
    pub shear: f64,
    /// The largest change of hue, as a share of the circle.
    pub hsv_h: f64,
    /// The largest change of saturation, as a share.
    pub hsv_s: f64,
    /// The largest change of brightness, as a share.
    pub hsv_v: f64,
    /// The share of images that are mirrored from left to right.
    pub fliplr: f64,
    /// The share of images that are mirrored upside down.
    pub flipud: f64,
    /// By how much the side of a batch may change, as a share, every few steps.
    pub multi_scale: f64,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            mosaic: 1.0,
            close_mosaic: 10,
            mixup: 0.0,
            degrees: 0.0,
            translate: 0.1,
            scale: 0.5,
            shear: 0.0,
            hsv_h: 0.015,
            hsv_s: 0.7,
            hsv_v: 0.4,
            fliplr: 0.5,
            flipud: 0.0,
            multi_scale: 0.0,
        }
    }
}

/// A key that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key.
    pub key: &'static str,
    /// What was found, and what was expected.
    pub message: String,
    /// What to write.
    pub remedy: &'static str,
}

impl AugmentConfig {
    /// No change at all.
    pub const OFF: Self = Self {
        mosaic: 0.0,
        close_mosaic: 0,
        mixup: 0.0,
        degrees: 0.0,
        translate: 0.0,
        scale: 0.0,
        shear: 0.0,
        hsv_h: 0.0,
        hsv_s: 0.0,
        hsv_v: 0.0,
        fliplr: 0.0,
        flipud: 0.0,
        multi_scale: 0.0,
    };

    /// Whether an epoch, counted from 0, of so many has mosaics.
    #[must_use]
    pub fn has_mosaic(&self, epoch: u64, epochs: u64) -> bool {
        let without = (self.close_mosaic as u64).min(epochs / 5);
        epoch + without < epochs
    }

    /// Everything that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Wrong> {
        let shares = "write a share from 0 to 1, such as 0.5";
        let ranges = [
            ("mosaic", self.mosaic, 1.0, shares),
            ("mixup", self.mixup, 1.0, shares),
            ("degrees", self.degrees, 180.0, "write degrees, such as 10"),
            ("translate", self.translate, 0.9, "write a share of the side, such as 0.1"),
            ("scale", self.scale, 0.95, "write a share, such as 0.5 for half to one and a half"),
            ("shear", self.shear, 60.0, "write degrees, such as 2"),
            ("hsv_h", self.hsv_h, 0.5, "write a share of the circle, such as 0.015"),
            ("hsv_s", self.hsv_s, 1.0, shares),
            ("hsv_v", self.hsv_v, 1.0, shares),
            ("fliplr", self.fliplr, 1.0, shares),
            ("flipud", self.flipud, 1.0, shares),
            ("multi_scale", self.multi_scale, 0.9, "write a share of the side, such as 0.25"),
        ];
        let wrong = ranges.into_iter().filter(|(_, value, most, _)| !(0.0..=*most).contains(value));
        wrong
            .map(|(key, value, most, remedy)| Wrong {
                key,
                message: format!("expected a number from 0 to {most}, got {value}"),
                remedy,
            })
            .collect()
    }
}
