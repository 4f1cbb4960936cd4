//! From a clip to the streams of a model: which parts, what becomes of those that were not seen, what coordinates are relative
//! to, which points and which of their numbers. Training and prediction come through here.

mod group;
mod relative;

use std::borrow::Cow;

use self::group::{Group, Place};
use self::relative::Origin;
use super::clip::{Clip, Part, VALUES};
use super::config::{Missing, PointValue};
use super::recipe::{Recipe, Stream};

/// A face with irises has so many points, of which those of a face come first.
const FACE_WITH_IRISES: usize = 478;
const FACE: usize = 468;

/// The largest number that can be stored in two bytes.
const LARGEST: f32 = 65_504.0;

/// The parts that have the points of a hand.
const HANDS: [&str; 2] = ["left_hand", "right_hand"];
const HAND: usize = 21;

/// A sequence as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembled {
    /// Its frames.
    pub frames: usize,
    /// Its numbers: stream after stream, frame after frame, point after point.
    pub values: Vec<f32>,
    /// The parts it was made of, with the number of frames in which each was not seen, of all frames of the clip.
    pub unseen: Vec<(String, usize)>,
    /// The frames of the clip.
    pub frames_before: usize,
}

impl Assembled {
    /// Refuses a sequence in which nothing was ever seen.
    ///
    /// # Errors
    /// What it lacks, as a fragment that follows its name.
    pub fn check_seen(&self) -> Result<(), String> {
        if self.unseen.iter().any(|(_, frames)| *frames < self.frames_before) {
            return Ok(());
        }
        let names: Vec<&str> = self.unseen.iter().map(|(name, _)| name.as_str()).collect();
        Err(format!("shows nothing of {} in any of its {} frames", names.join(", "), self.frames_before))
    }
}

/// The streams of a clip.
///
/// # Errors
/// Why it can't be used, as a fragment that follows its name.
pub fn assemble(clip: &Clip, recipe: &Recipe) -> Result<Assembled, String> {
    check(clip, recipe)?;
    let mut groups = Vec::new();
    for stream in &recipe.streams {
        groups.push(of_stream(clip, stream, recipe.missing)?);
    }
    let origin = Origin::of(clip, recipe, &groups)?;
    for group in groups.iter_mut().flatten() {
        origin.apply(group);
    }
    let frames = resampled(clip.frames, recipe.max_frames);
    let mut values = Vec::with_capacity(frames.len() * recipe.all_widths());
    for (stream, groups) in recipe.streams.iter().zip(&groups) {
        let all: usize = groups.iter().map(|group| group.points).sum();
        let chosen: Cow<'_, [usize]> = match &stream.chosen {
            Some(chosen) => chosen.as_slice().into(),
            None => (0..all).collect::<Vec<_>>().into(),
        };
        for &frame in &frames {
            for &point in chosen.iter() {
                put(&mut values, place(groups, frame, point), &recipe.values);
            }
        }
    }
    if let Some(value) = values.iter().find(|value| !value.is_finite() || value.abs() > LARGEST) {
        return Err(format!("has the number {value:e}, expected at most {LARGEST}: shares of the image, or pixels"));
    }
    // Two streams may take points of one part.
    let mut unseen: Vec<(String, usize)> = Vec::new();
    for group in groups.iter().flatten() {
        if !unseen.iter().any(|(name, _)| *name == group.name) {
            unseen.push((group.name.clone(), group.unseen()));
        }
    }
    Ok(Assembled { frames: frames.len(), values, unseen, frames_before: clip.frames })
}

/// The names of the streams that a clip has no part of.
#[must_use]
pub fn lacking<'a>(clip: &Clip, recipe: &'a Recipe) -> Vec<&'a str> {
    let has_none = |stream: &&Stream| parts(clip, stream).iter().all(|name| of_name(clip, name).is_none());
    recipe.streams.iter().filter(has_none).map(|stream| stream.name.as_str()).collect()
}

fn check(clip: &Clip, recipe: &Recipe) -> Result<(), String> {
    if clip.frames == 0 {
        return Err("has no frames, expected at least 1".into());
    }
    if let Some(part) = clip.parts.iter().find(|part| part.values.len() != clip.frames * part.points * VALUES) {
        return Err(format!(
            "has {} numbers for {}, expected {} frames of {} points with {VALUES} each",
            part.values.len(),
            part.name,
            clip.frames,
            part.points,
        ));
    }
    if lacking(clip, recipe).len() < recipe.streams.len() {
        return Ok(());
    }
    let names: Vec<&str> = clip.parts.iter().map(|part| part.name.as_str()).collect();
    let streams: Vec<&str> = recipe.streams.iter().map(|stream| stream.name.as_str()).collect();
    Err(format!(
        "has nothing for the streams {}; it has the parts [{}]: name them under task.keypoints.prepare.streams",
        streams.join(", "),
        names.join(", ")
    ))
}

/// The parts of a stream, one group of points after another. A part that the clip lacks was not seen.
fn of_stream(clip: &Clip, stream: &Stream, missing: Missing) -> Result<Vec<Group>, String> {
    let names = parts(clip, stream);
    let is_all = stream.chosen.is_none();
    let mut groups = Vec::new();
    for name in &names {
        let Some(part) = of_name(clip, name) else {
            groups.push(Group::unseen_part(name, points_of(name, names.len(), stream), clip.frames));
            continue;
        };
        let is_face = is_all && names.len() == 1 && part.points == FACE_WITH_IRISES && stream.points == FACE;
        let used = if is_face { FACE } else { part.points };
        groups.extend(Group::of_part(part, used, clip.frames, missing));
    }
    let all: usize = groups.iter().map(|group| group.points).sum();
    let named = names.join(" and ");
    match &stream.chosen {
        None if all != stream.points => Err(format!(
            "has {all} points of {named}, expected {} for the stream {}; set task.keypoints.prepare.streams.{}.points",
            stream.points, stream.name, stream.name
        )),
        Some(chosen) if chosen.iter().any(|point| *point >= all) => Err(format!(
            "has {all} points of {named}, and the stream {} chooses number {}; numbers count from 0 within the stream's parts",
            stream.name,
            chosen.iter().max().copied().unwrap_or(0)
        )),
        _ => Ok(groups),
    }
}

/// The parts that the configuration names, or those that the stream's name says.
fn parts<'a>(clip: &Clip, stream: &'a Stream) -> Vec<&'a str> {
    let usual: &[&str] = match stream.name.as_str() {
        "hand" => &HANDS,
        "body" => &["pose"],
        _ => &[],
    };
    match &stream.parts {
        Some(parts) => parts.iter().map(String::as_str).collect(),
        None if of_name(clip, &stream.name).is_some() || usual.is_empty() => vec![stream.name.as_str()],
        None => usual.to_vec(),
    }
}

fn of_name<'a>(clip: &'a Clip, name: &str) -> Option<&'a Part> {
    clip.parts.iter().find(|part| part.name == name)
}

/// How many points a part has that the clip lacks.
fn points_of(name: &str, parts: usize, stream: &Stream) -> usize {
    match &stream.chosen {
        _ if HANDS.contains(&name) => HAND,
        None => stream.points / parts,
        Some(chosen) => chosen.iter().max().map_or(0, |most| most + 1),
    }
}

/// The numbers of the frames that stay.
fn resampled(frames: usize, most: Option<usize>) -> Vec<usize> {
    match most {
        Some(most) if most < frames => {
            let steps = most.saturating_sub(1).max(1);
            (0..most).map(|place| (2 * place * (frames - 1) + steps) / (2 * steps)).collect()
        }
        _ => (0..frames).collect(),
    }
}

fn place(groups: &[Group], frame: usize, point: usize) -> Place {
    let mut point = point;
    for group in groups {
        if point < group.points {
            return group.at(frame, point);
        }
        point -= group.points;
    }
    Place::ABSENT
}

fn put(values: &mut Vec<f32>, place: Place, which: &[PointValue]) {
    for value in which {
        values.push(match value {
            _ if !place.is_there => 0.0,
            PointValue::X => place.at[0],
            PointValue::Y => place.at[1],
            PointValue::Z => place.at[2],
            PointValue::Confidence => place.confidence,
        });
    }
}

#[cfg(test)]
mod tests;
