//! Where each point of a sequence is in each frame, and which were not seen. Hands that are relative to their wrists go back to
//! the wrists of the pose, or beside each other if there is none.

use super::skeleton::WRISTS;
use crate::task::keypoints::augment::{BodyPart, Landmark, Value};
use crate::task::keypoints::config::Normalise;
use crate::task::keypoints::recipe::Recipe;
use crate::task::keypoints::shapes::shapes;

/// The wrist of a hand.
const WRIST: usize = 0;

/// The distance of the wrists if nothing says where they are, in widths of a hand.
const BESIDE: f64 = 1.2;

/// So many points of a pose at exactly one place were not seen.
const STAND_INS: usize = 3;

/// A point in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) at: [f64; 2],
    /// Whether it is as sure as can be said that it is there: a pen that is up is not.
    pub(super) is_sure: bool,
}

/// Points that are seen or missed together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) part: BodyPart,
    /// The stream, if this is no part of the body.
    pub(super) stream: String,
    /// The numbers of the points.
    pub(super) numbers: Vec<usize>,
    /// The points of each frame.
    pub(super) frames: Vec<Vec<Option<Spot>>>,
}

impl Group {
    /// Whether anything of it is seen in a frame.
    pub(super) fn is_seen(&self, frame: usize) -> bool {
        self.frames.get(frame).is_some_and(|spots| spots.iter().any(Option::is_some))
    }

    /// The place of a point among the numbers.
    pub(super) fn place(&self, number: usize) -> Option<usize> {
        self.numbers.iter().position(|known| *known == number)
    }

    fn at(&self, frame: usize, number: usize) -> Option<[f64; 2]> {
        Some(self.frames.get(frame)?.get(self.place(number)?)?.as_ref()?.at)
    }
}

/// The parts of a sequence: hands, pose, face, and each stream of something else.
pub(super) fn placed(recipe: &Recipe, (frames, values): (usize, &[f32])) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let is_relative = recipe.normalise == Normalise::Frame;
    let streams = recipe.streams.iter().zip(shapes(recipe)).zip(recipe.split(values, frames));
    for ((stream, shape), values) in streams {
        let rows: Vec<&[f32]> = values.chunks_exact(shape.width().max(1)).collect();
        for part in parts(&shape.points) {
            let name = if part == BodyPart::Other { stream.name.as_str() } else { "" };
            let chosen: Vec<usize> = (0..shape.points.len()).filter(|at| shape.points[*at].part == part).collect();
            let numbers: Vec<usize> = chosen.iter().map(|at| shape.points[*at].number).collect();
            let of = |row: &&[f32]| {
                let points = row.chunks_exact(shape.values.len().max(1));
                let points: Vec<Point> = points.map(|point| Point::of(point, &shape.values)).collect();
                spots(
                    part,
                    &chosen.iter().map(|at| points[*at]).zip(numbers.iter().copied()).collect::<Vec<_>>(),
                    is_relative,
                )
            };
            let own: Vec<_> = rows.iter().map(of).collect();
            match groups.iter_mut().find(|group| group.part == part && group.stream == name) {
                Some(group) => {
                    group.numbers.extend(numbers);
                    group.frames.iter_mut().zip(own).for_each(|(frame, spots)| frame.extend(spots));
                }
                None => groups.push(Group { part, stream: name.to_owned(), numbers, frames: own }),
            }
        }
    }
    if is_relative {
        put_back(&mut groups);
    }
    groups
}

/// The parts that the points belong to, in order.
fn parts(points: &[Landmark]) -> Vec<BodyPart> {
    let mut parts: Vec<BodyPart> = points.iter().map(|point| point.part).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// The numbers of a point that a picture needs.
#[derive(Clone, Copy, Debug)]
struct Point {
    at: [f64; 2],
    confidence: Option<f64>,
}

impl Point {
    fn of(point: &[f32], values: &[Value]) -> Self {
        let number = |value: Value| {
            let place = values.iter().position(|known| *known == value)?;
            point.get(place).map(|number| f64::from(*number))
        };
        let at = [Value::X, Value::Y].map(|value| number(value).unwrap_or(0.0));
        Self { at, confidence: number(Value::Confidence) }
    }
}

/// The points of a part in a frame, with their numbers: those that were seen.
fn spots(part: BodyPart, points: &[(Point, usize)], is_relative: bool) -> Vec<Option<Spot>> {
    let first = points.first().map_or([0.0; 2], |(point, _)| point.at);
    // Where a detector found nothing, files have the same place for all points, and `missing: keep` keeps that.
    let is_one_place = points.len() > 1 && points.iter().all(|(point, _)| point.at == first);
    // Legs outside of the image are at one place too.
    let is_stand_in = |part: BodyPart, point: &Point| {
        part == BodyPart::Pose && points.iter().filter(|(other, _)| other.at == point.at).count() >= STAND_INS
    };
    let is_hand = matches!(part, BodyPart::LeftHand | BodyPart::RightHand);
    let spot = |(point, number): &(Point, usize)| {
        let is_sure = point.confidence.is_none_or(|confidence| confidence > 0.0);
        let is_zero = point.at == [0.0; 2];
        let is_there = match part {
            // A pen that is up has a place and no confidence.
            BodyPart::Other => !is_zero || point.confidence.is_some_and(|confidence| confidence > 0.0),
            _ if point.confidence.is_some() => is_sure,
            _ => !is_zero || is_relative && is_hand && *number == WRIST,
        };
        (is_there && !is_one_place && !is_stand_in(part, point)).then_some(Spot { at: point.at, is_sure })
    };
    points.iter().map(spot).collect()
}

/// Moves hands to the wrists of the pose.
fn put_back(groups: &mut [Group]) {
    let pose = groups.iter().find(|group| group.part == BodyPart::Pose).cloned();
    let reach =
        groups.iter().filter(|group| hand(group.part).is_some()).flat_map(|group| group.frames.iter().flatten());
    let reach = reach.flatten().map(|spot| spot.at[0].abs()).filter(|at| at.is_finite()).fold(0.0, f64::max);
    for group in groups {
        let Some(side) = hand(group.part) else { continue };
        // Seen from the front, the left hand is on the right.
        let beside = [[BESIDE * reach, 0.0], [-BESIDE * reach, 0.0]][side];
        let wrists = pose.as_ref().map_or_else(Vec::new, |pose| wrists(pose, WRISTS[side], group.frames.len()));
        for frame in 0..group.frames.len() {
            let to = wrists.get(frame).copied().unwrap_or(beside);
            let from = group.at(frame, WRIST).unwrap_or([0.0; 2]);
            for spot in group.frames[frame].iter_mut().flatten() {
                spot.at = [0, 1].map(|axis| spot.at[axis] - from[axis] + to[axis]);
            }
        }
    }
}

/// Which hand it is: 0 is the left one.
fn hand(part: BodyPart) -> Option<usize> {
    match part {
        BodyPart::LeftHand => Some(0),
        BodyPart::RightHand => Some(1),
        BodyPart::Pose | BodyPart::Face | BodyPart::Other => None,
    }
}

/// Where a wrist of the pose is in each frame, or where it was last, or will be first; empty if it is never seen.
fn wrists(pose: &Group, number: usize, frames: usize) -> Vec<[f64; 2]> {
    let seen: Vec<Option<[f64; 2]>> = (0..frames).map(|frame| pose.at(frame, number)).collect();
    let Some(mut last) = seen.iter().flatten().next().copied() else { return Vec::new() };
    let at = |wrist: Option<[f64; 2]>| {
        last = wrist.unwrap_or(last);
        last
    };
    seen.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::task::keypoints::config::PrepareConfig;

    fn recipe(streams: Json, values: Json, normalise: &str) -> Recipe {
        let config = json!({"streams": streams, "values": values, "normalise": normalise, "missing": "keep"});
        Recipe::of(&serde_json::from_value::<PrepareConfig>(config).unwrap())
    }

    fn of(groups: &[Group], part: BodyPart) -> &Group {
        groups.iter().find(|group| group.part == part).unwrap()
    }

    #[test]
    fn hands_go_back_to_the_wrists_of_the_pose_or_beside_each_other() {
        let streams = json!({"hand": {"points": [0, 8, 21, 29]}, "body": {"points": [15, 16]}});
        let with_pose = recipe(streams, json!(["x", "y"]), "frame");
        let hands = [0.0, 0.0, 0.1, -0.2, 0.0, 0.0, 0.0, 0.0];
        // The left wrist is not seen in the second frame, and no right hand at all.
        let values: Vec<f32> = [&hands[..], &hands, &[1.0, 0.5, -1.0, 0.5], &[0.0, 0.0, -1.0, 0.7]].concat();
        // Streams need the parts they choose from.
        let groups = placed(&with_pose, (2, &values));
        let left = of(&groups, BodyPart::LeftHand);
        for frame in 0..2 {
            assert_eq!(left.at(frame, 0), Some([1.0, 0.5]));
            let tip = left.at(frame, 8).unwrap();
            assert!((tip[0] - 1.1).abs() < 1e-6 && (tip[1] - 0.3).abs() < 1e-6, "{tip:?}");
        }
        assert!(!of(&groups, BodyPart::RightHand).is_seen(0));
        let alone = recipe(json!({"hand": {"points": [0, 8, 21, 29]}}), json!(["x", "y"]), "frame");
        let groups = placed(&alone, (1, &[0.0, 0.0, 0.1, -0.2, 0.0, 0.0, -0.1, -0.2]));
        let at = |part| of(&groups, part).at(0, 0).unwrap()[0];
        assert!(at(BodyPart::LeftHand) > 0.1 && at(BodyPart::RightHand) < -0.1);
    }

    #[test]
    fn what_was_not_seen_is_known_in_every_spelling() {
        let seen = |values: Json, numbers: &[f32]| {
            let recipe = recipe(json!({"left_hand": {"points": [0, 4, 8]}}), values, "none");
            let groups = placed(&recipe, (1, numbers));
            groups[0].frames[0].iter().map(Option::is_some).collect::<Vec<_>>()
        };
        let (plain, sure) = (json!(["x", "y"]), json!(["x", "y", "confidence"]));
        assert_eq!(seen(plain.clone(), &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), [true; 3]);
        assert_eq!(seen(plain.clone(), &[0.0; 6]), [false; 3]);
        assert_eq!(seen(plain.clone(), &[1.0; 6]), [false; 3], "kept as the file has it");
        assert_eq!(seen(plain, &[0.1, 0.2, 0.0, 0.0, 0.5, 0.6]), [true, false, true]);
        assert_eq!(seen(sure, &[0.1, 0.2, 1.0, 0.3, 0.4, 0.0, 0.5, 0.6, 0.5]), [true, false, true]);
    }

    #[test]
    fn legs_that_are_all_at_one_place_were_not_seen() {
        let recipe = recipe(json!({"body": {"points": [11, 12, 25, 26, 27]}}), json!(["x", "y"]), "none");
        let groups = placed(&recipe, (1, &[0.4, 0.5, 0.6, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
        let seen: Vec<bool> = groups[0].frames[0].iter().map(Option::is_some).collect();
        assert_eq!(seen, [true, true, false, false, false]);
    }

    #[test]
    fn a_pen_that_is_up_has_a_place() {
        let recipe = recipe(json!({"pen": {"points": 1}}), json!(["x", "y", "confidence"]), "none");
        let groups = placed(&recipe, (3, &[0.1, 0.2, 1.0, 0.3, 0.4, 0.0, 0.0, 0.0, 0.0]));
        let sure: Vec<Option<bool>> = groups[0].frames.iter().map(|spots| spots[0].map(|spot| spot.is_sure)).collect();
        assert_eq!((groups[0].stream.as_str(), sure), ("pen", vec![Some(true), Some(false), None]));
    }
}
