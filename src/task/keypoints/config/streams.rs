//! The streams of a configuration: named inputs, in the order in which they are written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// The streams by their names, in the order in which the model joins them.
#[derive(Clone, Debug, PartialEq)]
pub struct Streams(pub Vec<(String, StreamConfig)>);

/// An input of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// Its points: how many its parts have, the name of a group (lips, eyes, nose, hands), or a list of names and numbers.
    pub points: Points,
    /// The parts of the body that it consists of, in this order; null for those that its name says: `hand` is both hands, `body`
    /// the pose, any other the part of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<String>>,
}

/// The points of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Points {
    /// All points of its parts, which are so many.
    All(usize),
    /// The points of a group.
    Group(String),
    /// The points of groups, and single ones, in this order.
    Listed(Vec<PointName>),
}

/// A point by its number among the points of the stream's parts, or a group of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PointName {
    /// Counted from 0.
    Number(usize),
    /// The name of a group.
    Group(String),
}

impl JsonSchema for Points {
    fn schema_name() -> Cow<'static, str> {
        "Points".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = serde_json::json!({"type": "integer", "format": "uint", "minimum": 0});
        let item = serde_json::json!({"anyOf": [number, {"type": "string"}]});
        json_schema!({
            "description": "A number of points, the name of a group, or a list of names and numbers.",
            "anyOf": [number, {"anyOf": [{"type": "string"}, {"type": "array", "items": item, "minItems": 1}]}],
        })
    }
}

impl Default for Streams {
    fn default() -> Self {
        let stream = |(name, points): (&str, usize)| {
            (name.to_owned(), StreamConfig { points: Points::All(points), parts: None })
        };
        Self([("hand", 42), ("body", 33), ("face", 468)].map(stream).to_vec())
    }
}

impl Serialize for Streams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, stream)| map.serialize_entry(name, stream))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Streams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Streams;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("streams by their names")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Streams, M::Error> {
        let mut streams = Vec::new();
        while let Some(entry) = map.next_entry()? {
            streams.push(entry);
        }
        Ok(Streams(streams))
    }
}

impl JsonSchema for Streams {
    fn schema_name() -> Cow<'static, str> {
        "Streams".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let stream = generator.subschema_for::<StreamConfig>();
        json_schema!({
            "description": "Streams by their names.",
            "type": "object",
            "additionalProperties": stream,
            "minProperties": 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn streams_keep_the_order_in_which_they_are_written() {
        let written = json!({
            "hand": {"points": 42}, "face": {"points": "lips"}, "a": {"points": [0, "eyes"], "parts": ["face"]}
        });
        let streams: Streams = from_value(written.clone()).unwrap();
        let names: Vec<&str> = streams.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["hand", "face", "a"]);
        assert_eq!(streams.0[2].1.points, Points::Listed(vec![PointName::Number(0), PointName::Group("eyes".into())]));
        assert_eq!(to_value(&streams).unwrap(), written);
        assert!(from_value::<Streams>(json!({"hand": {"points": 42, "colour": 1}})).is_err());
    }
}
