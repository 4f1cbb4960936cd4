//! What a configuration says about streams, for files that don't say it themselves: how many points a row has, and which values.

use crate::task::keypoints::clip::VALUES;

/// Parts that every reader knows by these names.
pub(super) const POSE: &str = "pose";
pub(super) const LEFT: &str = "left_hand";
pub(super) const RIGHT: &str = "right_hand";
pub(super) const FACE: &str = "face";

/// The points of a hand.
pub(super) const HAND: usize = 21;

/// All of x, y, z and the confidence; the first of them.
pub(super) const ALL: [bool; VALUES] = [true; VALUES];
pub(super) const XYZ: [bool; VALUES] = [true, true, true, false];
pub(super) const XY: [bool; VALUES] = [true, true, false, false];

/// The streams of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// Names and points: hand 42 (left, then right), body 33, face 468.
    pub streams: Vec<(String, usize)>,
    /// Which of x, y, z and the confidence a point has.
    pub values: [bool; VALUES],
}

impl Default for Hints {
    fn default() -> Self {
        let streams = [("hand", 42), ("body", 33), ("face", 468)];
        Self { streams: streams.map(|(name, points)| (name.to_owned(), points)).to_vec(), values: ALL }
    }
}

impl Hints {
    /// The points that the configuration gives to a stream.
    pub(super) fn points(&self, name: &str) -> Option<usize> {
        self.streams.iter().find(|(known, _)| known == name).map(|(_, points)| *points)
    }

    /// Which values a point of so many numbers has: as the configuration says, else the first ones; nothing for a number that none has.
    pub(super) fn values(&self, count: usize) -> Option<[bool; VALUES]> {
        match count {
            _ if count == self.count() => Some(self.values),
            2 => Some(XY),
            3 => Some(XYZ),
            4 => Some(ALL),
            _ => None,
        }
    }

    /// How many values a point has.
    pub(super) fn count(&self) -> usize {
        self.values.iter().filter(|has| **has).count()
    }
}
