//! Which point of a stream is which point of the body.

use super::augment::{BodyPart, Landmark, Shape, Value};
use super::config::PointValue;
use super::recipe::{Recipe, Stream};

/// The points of a hand, of a body and of a face.
const HAND: usize = 21;
const POSE: usize = 33;
const FACE: usize = 468;

/// The points of each stream.
#[must_use]
pub(super) fn shapes(recipe: &Recipe) -> Vec<Shape> {
    let value = |value: &PointValue| match value {
        PointValue::X => Value::X,
        PointValue::Y => Value::Y,
        PointValue::Z => Value::Z,
        PointValue::Confidence => Value::Confidence,
    };
    let values: Vec<Value> = recipe.values.iter().map(value).collect();
    recipe.streams.iter().map(|stream| Shape { points: points(stream), values: values.clone() }).collect()
}

fn points(stream: &Stream) -> Vec<Landmark> {
    let all: Vec<Landmark> = match &stream.parts {
        Some(parts) => parts.iter().flat_map(|part| of_part(part, stream.points)).collect(),
        None => of_part(&stream.name, stream.points),
    };
    let at = |number: usize| all.get(number).copied().unwrap_or(Landmark { part: BodyPart::Other, number });
    match &stream.chosen {
        Some(chosen) => chosen.iter().map(|number| at(*number)).collect(),
        None => (0..stream.points).map(at).collect(),
    }
}

/// The points of a part, or of a stream that is named for what it consists of.
fn of_part(name: &str, points: usize) -> Vec<Landmark> {
    let row = |part: BodyPart, count: usize| (0..count).map(|number| Landmark { part, number }).collect::<Vec<_>>();
    match name {
        "hand" => [row(BodyPart::LeftHand, HAND), row(BodyPart::RightHand, HAND)].concat(),
        "left_hand" => row(BodyPart::LeftHand, HAND),
        "right_hand" => row(BodyPart::RightHand, HAND),
        "body" | "pose" => row(BodyPart::Pose, POSE),
        "face" => row(BodyPart::Face, FACE),
        _ => row(BodyPart::Other, points),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{PrepareConfig, Streams};
    use super::*;

    #[test]
    fn points_are_those_of_the_parts_that_streams_consist_of() {
        let streams = serde_json::json!({
            "hand": {"points": 42}, "pen": {"points": 2}, "few": {"points": [21, 0, 22], "parts": ["left_hand", "pose"]}
        });
        let streams: Streams = serde_json::from_value(streams).unwrap();
        let shapes = shapes(&Recipe::of(&PrepareConfig { streams, ..PrepareConfig::default() }));
        let counts: Vec<usize> = shapes.iter().map(Shape::width).collect();
        assert_eq!(counts, [168, 8, 12]);
        assert_eq!(shapes[0].points[22], Landmark { part: BodyPart::RightHand, number: 1 });
        assert_eq!(shapes[1].points[1], Landmark { part: BodyPart::Other, number: 1 });
        let few = [(BodyPart::Pose, 0), (BodyPart::LeftHand, 0), (BodyPart::Pose, 1)];
        assert_eq!(shapes[2].points, few.map(|(part, number)| Landmark { part, number }));
    }
}
