//! The `augment` section: how training sequences are changed at random.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;

/// Random changes of training sequences: how large each can be, and below `chances` how often it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// The most frames that are dropped at one end.
    pub time_shift: usize,
    /// The least and the most that the number of frames is multiplied by.
    pub speed: [f64; 2],
    /// The share of the frames that are dropped, each by itself; half of them always stay.
    pub frame_drop: f64,
    /// The standard deviation of noise, in shares of the image.
    pub noise: f64,
    /// The largest angle that the whole sequence is turned by, to both sides.
    pub rotate_degrees: f64,
    /// The largest change of the size, as a share of it.
    pub scale: f64,
    /// The largest way, in shares of the image.
    pub shift: f64,
    /// The probability that left and right change places. Off, because some signs are made with a certain hand.
    pub mirror: f64,
    /// The probability that a hand, the body or the face is missing for a while.
    pub point_drop: f64,
    /// The least and the largest share of the frames in which it is missing.
    pub point_drop_span: [f64; 2],
    /// How often the changes above happen that have no probability of their own.
    pub chances: Chances,
}

/// Probabilities of changes. One of 0 switches a change off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chances {
    /// That frames are dropped at one end.
    pub time_shift: f64,
    /// That the speed is another one.
    pub speed: f64,
    /// That single frames are dropped.
    pub frame_drop: f64,
    /// That there is noise.
    pub noise: f64,
    /// That the whole sequence is turned, scaled and moved.
    pub place: f64,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            time_shift: 2,
            speed: [0.8, 1.2],
            frame_drop: 0.1,
            noise: 0.01,
            rotate_degrees: 13.0,
            scale: 0.1,
            shift: 0.05,
            mirror: 0.0,
            point_drop: 0.0,
            point_drop_span: [0.2, 0.4],
            chances: Chances::default(),
        }
    }
}

impl Default for Chances {
    fn default() -> Self {
        Self { time_shift: 0.5, speed: 0.5, frame_drop: 0.3, noise: 0.5, place: 0.5 }
    }
}

impl Chances {
    /// Nothing happens.
    pub const NONE: Self = Self { time_shift: 0.0, speed: 0.0, frame_drop: 0.0, noise: 0.0, place: 0.0 };
}

impl AugmentConfig {
    /// Changes nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { chances: Chances::NONE, ..Self::default() }
    }

    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let chances = &self.chances;
        let limits = [
            ("frame_drop", self.frame_drop, 0.5, "write 0.1 for every tenth frame"),
            ("noise", self.noise, 1.0, "write 0.01 for a hundredth of the image"),
            ("rotate_degrees", self.rotate_degrees, 180.0, "write 13"),
            ("scale", self.scale, 0.9, "write 0.1 for a tenth larger or smaller"),
            ("shift", self.shift, 1.0, "write 0.05 for a twentieth of the image"),
            ("mirror", self.mirror, 1.0, "write 0.5 to mirror every other sequence, or 0 for none"),
            ("point_drop", self.point_drop, 1.0, "write 0.2, or 0 for none"),
            ("chances.time_shift", chances.time_shift, 1.0, "write 0.5, or 0 for none"),
            ("chances.speed", chances.speed, 1.0, "write 0.5, or 0 for none"),
            ("chances.frame_drop", chances.frame_drop, 1.0, "write 0.3, or 0 for none"),
            ("chances.noise", chances.noise, 1.0, "write 0.5, or 0 for none"),
            ("chances.place", chances.place, 1.0, "write 0.5, or 0 for none"),
        ];
        let outside = |(key, value, most, remedy): (&str, f64, f64, &str)| {
            let message = || format!("expected a value from 0 to {most}, got {value}");
            (!(0.0..=most).contains(&value)).then(|| Problem::new(key, message(), remedy))
        };
        let ranges = [
            ("speed", self.speed, [0.1, 10.0], "write [0.8, 1.2]"),
            ("point_drop_span", self.point_drop_span, [0.0, 1.0], "write [0.2, 0.4]"),
        ];
        let wrong = |(key, [least, most], [low, high], remedy): (&str, [f64; 2], [f64; 2], &str)| {
            let fits = low <= least && least <= most && most <= high;
            let message = || format!("expected two values from {low} to {high} in order, got [{least}, {most}]");
            (!fits).then(|| Problem::new(key, message(), remedy))
        };
        limits.into_iter().filter_map(outside).chain(ranges.into_iter().filter_map(wrong)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_found_with_what_to_write() {
        assert_eq!(AugmentConfig::default().problems(), []);
        assert_eq!(AugmentConfig::off().problems(), []);
        let config = AugmentConfig {
            mirror: 1.5,
            noise: f64::NAN,
            speed: [1.2, 0.8],
            point_drop_span: [0.2, 1.1],
            chances: Chances { place: -0.5, ..Chances::default() },
            ..AugmentConfig::default()
        };
        let found: Vec<_> = config.problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(found, ["noise", "mirror", "chances.place", "speed", "point_drop_span"]);
        let message = &config.problems()[3];
        assert_eq!(message.message, "expected two values from 0.1 to 10 in order, got [1.2, 0.8]");
        assert_eq!(message.remedy, "write [0.8, 1.2]");
    }
}
