//! What coordinates are relative to.

use super::group::{Group, Place};
use crate::task::keypoints::clip::Clip;
use crate::task::keypoints::config::{Missing, Normalise};
use crate::task::keypoints::recipe::Recipe;

/// The points of a pose that coordinates are relative to.
const NOSE: usize = 0;
const SHOULDERS: [usize; 2] = [11, 12];

/// The point of a hand that the others are relative to.
const WRIST: usize = 0;

/// Parts of the body that have these points.
const POSES: [&str; 2] = ["pose", "body"];
const HANDS: [&str; 2] = ["left_hand", "right_hand"];

/// Shoulders that are closer were not seen.
const CLOSEST: f32 = 1e-6;

/// Where zero is, and how long one is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    zero: [f32; 2],
    unit: f32,
}

/// What coordinates are relative to.
pub struct Origin {
    normalise: Normalise,
    /// In each frame; one for all frames of a sequence.
    frames: Vec<Frame>,
}

impl Origin {
    /// That of a clip.
    ///
    /// # Errors
    /// If the clip lacks what coordinates are relative to.
    pub fn of(clip: &Clip, recipe: &Recipe, groups: &[Vec<Group>]) -> Result<Self, String> {
        let pose = clip.parts.iter().find(|part| POSES.contains(&part.name.as_str()));
        let pose = pose.and_then(|pose| Group::of_part(pose, pose.points, clip.frames, Missing::Mask).pop());
        let frames = match recipe.normalise {
            Normalise::None => Vec::new(),
            Normalise::Frame => shoulders(pose.as_ref())?,
            Normalise::Sequence => vec![whole(pose.as_ref(), groups)],
        };
        Ok(Self { normalise: recipe.normalise, frames })
    }

    /// Moves and scales the points of a group.
    pub fn apply(&self, group: &mut Group) {
        let is_hand = HANDS.contains(&group.name.as_str());
        let is_by_frame = self.normalise == Normalise::Frame;
        let Some(first) = self.frames.first().copied() else { return };
        for (number, places) in group.frames_mut().enumerate() {
            let frame = if is_by_frame { self.frames.get(number).copied().unwrap_or(first) } else { first };
            let wrist = places.get(WRIST).filter(|wrist| is_hand && is_by_frame && wrist.is_there);
            let zero = wrist.map_or([frame.zero[0], frame.zero[1], 0.0], |wrist| wrist.at);
            for place in places.iter_mut().filter(|place| place.is_there) {
                place.at.iter_mut().zip(zero).for_each(|(value, zero)| *value = (*value - zero) / frame.unit);
            }
        }
    }
}

/// The middle of the shoulders and their distance, in each frame; where they were not seen, those of the last frame in which they
/// were, or of the first.
fn shoulders(pose: Option<&Group>) -> Result<Vec<Frame>, String> {
    const NEEDED: &str = "normalise: frame needs the shoulders, points 11 and 12 of the pose";
    let pose =
        pose.ok_or_else(|| format!("has no pose, and {NEEDED}; set task.keypoints.prepare.normalise: sequence"))?;
    if pose.points <= SHOULDERS[1] {
        return Err(format!("has a pose of {} points, and {NEEDED}", pose.points));
    }
    let seen: Vec<Option<Frame>> = pose
        .frames()
        .map(|places| {
            let [left, right] = SHOULDERS.map(|point| places[point]);
            let [dx, dy] = [left.at[0] - right.at[0], left.at[1] - right.at[1]];
            let (unit, is_seen) = (dx.hypot(dy), left.is_there && right.is_there);
            let zero = [(left.at[0] + right.at[0]) / 2.0, (left.at[1] + right.at[1]) / 2.0];
            (is_seen && unit > CLOSEST).then_some(Frame { zero, unit })
        })
        .collect();
    let mut last =
        seen.iter().flatten().next().copied().ok_or_else(|| format!("never shows both shoulders, and {NEEDED}"))?;
    let frames = seen.into_iter().map(|frame| {
        last = frame.unwrap_or(last);
        last
    });
    Ok(frames.collect())
}

/// The mean place of the nose, or of the points of the first frame that has some, and the deviation over the whole sequence.
fn whole(pose: Option<&Group>, groups: &[Vec<Group>]) -> Frame {
    let nose = pose.map(|pose| pose.frames().filter_map(|places| there(places.get(NOSE)?)).collect::<Vec<_>>());
    let all: Vec<Vec<[f32; 2]>> = frames(groups);
    let zero = match nose.filter(|places| !places.is_empty()) {
        Some(places) => mean(&places),
        None => all.iter().find(|places| !places.is_empty()).map_or([0.0; 2], |places| mean(places)),
    };
    let all = all.concat();
    let middle = mean(&all);
    let squares = all.iter().map(|place| {
        let [dx, dy] = [place[0] - middle[0], place[1] - middle[1]].map(f64::from);
        dx * dx + dy * dy
    });
    let unit = (squares.sum::<f64>() / (2 * all.len().max(1)) as f64).sqrt() as f32;
    Frame { zero, unit: if unit > CLOSEST { unit } else { 1.0 } }
}

/// The places of all points that are somewhere, in each frame.
fn frames(groups: &[Vec<Group>]) -> Vec<Vec<[f32; 2]>> {
    let mut frames: Vec<Vec<[f32; 2]>> = Vec::new();
    for group in groups.iter().flatten() {
        for (number, places) in group.frames().enumerate() {
            if frames.len() <= number {
                frames.push(Vec::new());
            }
            frames[number].extend(places.iter().filter_map(there));
        }
    }
    frames
}

fn there(place: &Place) -> Option<[f32; 2]> {
    place.is_there.then_some([place.at[0], place.at[1]])
}

fn mean(places: &[[f32; 2]]) -> [f32; 2] {
    let count = places.len().max(1) as f64;
    [0, 1].map(|axis| (places.iter().map(|place| f64::from(place[axis])).sum::<f64>() / count) as f32)
}
