//! A point as a list, `[x, y, z, c]`, or as an object, `{x, y, z, visibility}`. A number may be null, which is NaN.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::task::keypoints::clip::VALUES;
use crate::task::keypoints::read::parts::{Point, filled};

/// The points of a part in a frame.
#[derive(Debug, Default)]
pub(super) struct Points {
    pub points: Vec<Point>,
    /// Which of x, y, z and the confidence any of them has.
    pub has: [bool; VALUES],
}

/// A point with the numbers that it has.
struct Given(Point, [bool; VALUES]);

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(OfPart)
    }
}

struct OfPart;

impl<'de> Visitor<'de> for OfPart {
    type Value = Points;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Points, A::Error> {
        let mut all = Points::default();
        while let Some(Given(point, has)) = seq.next_element()? {
            all.points.push(filled(point, has));
            all.has.iter_mut().zip(has).for_each(|(known, has)| *known |= has);
        }
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(OfPoint)
    }
}

struct OfPoint;

impl<'de> Visitor<'de> for OfPoint {
    type Value = Given;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a point: [x, y], [x, y, z], [x, y, z, confidence] or {x, y, z, visibility}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Given, A::Error> {
        let (mut point, mut count) = ([0.0; VALUES], 0);
        while let Some(number) = seq.next_element::<Option<f32>>()? {
            *point.get_mut(count).ok_or_else(|| A::Error::invalid_length(count + 1, &self))? =
                number.unwrap_or(f32::NAN);
            count += 1;
        }
        if count < 2 {
            return Err(A::Error::invalid_length(count, &self));
        }
        Ok(Given(point, std::array::from_fn(|value| value < count)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        let (mut point, mut has) = ([0.0; VALUES], [false; VALUES]);
        while let Some(key) = map.next_key::<String>()? {
            let place = match key.as_str() {
                "x" => 0,
                "y" => 1,
                "z" => 2,
                "visibility" | "confidence" | "score" => 3,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            point[place] = map.next_value::<Option<f32>>()?.unwrap_or(f32::NAN);
            has[place] = true;
        }
        match has[0] && has[1] {
            true => Ok(Given(point, has)),
            false => Err(A::Error::custom("a point without x or y")),
        }
    }
}
