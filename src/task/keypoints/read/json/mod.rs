//! Frames as JSON: landmarks of MediaPipe, `{frames: [{poseLandmarks: [{x, y, z, visibility}], leftHandLandmarks, ..}]}`, in camel or
//! snake case, and the export of the original, `{clip_id, frames: [{hand_keypoints: [[x, y, z, c]], body_keypoints, face_keypoints}]}`.
//! Frames become parts as they come: what a file spells shortly takes no more memory for it.
//!
//! ```text
//! point   a list of numbers or an object    hands   which of the hands in one list is the left one
//! rate    frames of a second
//! ```

mod hands;
mod point;
mod rate;

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use self::point::Points;
use self::rate::Rate;
use super::Frames;
use super::hints::{FACE, LEFT, POSE, RIGHT};
use super::parts::Parts;

const EXPECTED: &str = "expected {\"frames\": [..]}, each frame with poseLandmarks, leftHandLandmarks, rightHandLandmarks and \
                        faceLandmarks, or with hand_keypoints, body_keypoints and face_keypoints";

/// A frame; a part that was not seen is absent, null or empty.
#[derive(Deserialize)]
struct Frame {
    #[serde(default, alias = "poseLandmarks", alias = "pose_landmarks", alias = "body_keypoints", alias = "body")]
    pose: Option<Points>,
    #[serde(default, alias = "leftHandLandmarks", alias = "left_hand_landmarks")]
    left_hand: Option<Points>,
    #[serde(default, alias = "rightHandLandmarks", alias = "right_hand_landmarks")]
    right_hand: Option<Points>,
    #[serde(default, alias = "faceLandmarks", alias = "face_landmarks", alias = "face_keypoints")]
    face: Option<Points>,
    /// Both hands in one list, in the order in which they were found.
    #[serde(default)]
    hand_keypoints: Option<Points>,
}

/// Reads the frames of a file.
pub(super) fn read(bytes: &[u8]) -> Result<Frames, String> {
    let mut parts = Parts::new(bytes.len());
    let mut fps = None;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = File(&mut parts, &mut fps).deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| format!("is no JSON of frames: {error}; {EXPECTED}"))?;
    Ok(Frames { fps, ..parts.finish()? })
}

/// The whole file: an object with frames and how many a second has, or the frames alone.
struct File<'p>(&'p mut Parts, &'p mut Option<f64>);

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object with frames")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_frames = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "frames" if has_frames => return Err(Error::custom("it has \"frames\" twice")),
                "frames" => {
                    map.next_value_seed(List(&mut *self.0))?;
                    has_frames = true;
                }
                "fps" => *self.1 = map.next_value::<Rate>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_frames { Ok(()) } else { Err(Error::custom("it has no \"frames\"")) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        List(self.0).visit_seq(seq)
    }
}

/// The list of frames.
struct List<'p>(&'p mut Parts);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list of frames")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(frame) = seq.next_element::<Frame>()? {
            put(self.0, frame).map_err(Error::custom)?;
        }
        Ok(())
    }
}

fn put(parts: &mut Parts, frame: Frame) -> Result<(), String> {
    parts.frame()?;
    let Frame { pose, left_hand, right_hand, face, hand_keypoints } = frame;
    if let Some(both) = hand_keypoints {
        if left_hand.is_some() || right_hand.is_some() {
            return Err("has hand_keypoints beside the landmarks of single hands; expected one of them".to_owned());
        }
        for (name, hand) in hands::sides(&both, pose.as_ref())? {
            parts.put(name, hand, both.has)?;
        }
    }
    for (name, points) in [(POSE, pose), (LEFT, left_hand), (RIGHT, right_hand), (FACE, face)] {
        if let Some(points) = points {
            parts.put(name, &points.points, points.has)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
