//! Points that are seen or missed together, frame by frame, with what becomes of those that were not seen.

use crate::task::keypoints::clip::{Part, VALUES};
use crate::task::keypoints::config::Missing;

/// Both hands in one part, the left one first.
const BOTH_HANDS: (&str, usize) = ("hand", 42);

/// A point in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Where it is: x, y, z.
    pub at: [f32; 3],
    /// How sure it is that it was seen.
    pub confidence: f32,
    /// Whether it is anywhere; otherwise all of its numbers are 0.
    pub is_there: bool,
}

impl Place {
    /// It was never seen.
    pub const ABSENT: Self = Self { at: [0.0; 3], confidence: 0.0, is_there: false };
}

/// The points of a part, or of one hand of a part that has both.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its part.
    pub name: String,
    /// How many points it has.
    pub points: usize,
    places: Vec<Place>,
    seen: Vec<bool>,
}

impl Group {
    /// The first points of a part. Of a part that has both hands each is a group.
    pub fn of_part(part: &Part, points: usize, frames: usize, missing: Missing) -> Vec<Self> {
        match (part.name.as_str(), points) == BOTH_HANDS {
            true => {
                let half = points / 2;
                let of = |name: &str, first| Self::new(name, part, first..first + half, frames, missing);
                vec![of("left_hand", 0), of("right_hand", half)]
            }
            false => vec![Self::new(&part.name, part, 0..points, frames, missing)],
        }
    }

    /// A part that a clip lacks.
    pub fn unseen_part(name: &str, points: usize, frames: usize) -> Self {
        let places = vec![Place::ABSENT; points * frames];
        Self { name: name.to_owned(), points, places, seen: vec![false; frames] }
    }

    fn new(name: &str, part: &Part, points: std::ops::Range<usize>, frames: usize, missing: Missing) -> Self {
        let mut group =
            Self { name: name.to_owned(), points: points.len(), places: Vec::new(), seen: Vec::with_capacity(frames) };
        for frame in 0..frames {
            let row = &part.values[frame * part.points * VALUES..][points.start * VALUES..points.end * VALUES];
            let is_seen = is_seen(row);
            group.seen.push(is_seen);
            for (point, values) in row.chunks_exact(VALUES).enumerate() {
                let before = || frame.checked_sub(1).map(|before| group.places[before * group.points + point]);
                let place = match missing {
                    Missing::Mask if !is_seen => Place::ABSENT,
                    Missing::Hold if !is_seen || !is_number(values) => {
                        before().map_or(Place::ABSENT, |last| Place { confidence: 0.0, ..last })
                    }
                    _ if !is_number(values) => Place::ABSENT,
                    _ => read(values, part.has),
                };
                group.places.push(place);
            }
        }
        group
    }

    /// A point in a frame.
    pub fn at(&self, frame: usize, point: usize) -> Place {
        self.places[frame * self.points + point]
    }

    /// The points of all frames, frame by frame.
    pub fn frames_mut(&mut self) -> impl Iterator<Item = &mut [Place]> {
        self.places.chunks_exact_mut(self.points.max(1))
    }

    /// The same to look at.
    pub fn frames(&self) -> impl Iterator<Item = &[Place]> {
        self.places.chunks_exact(self.points.max(1))
    }

    /// The frames in which it was not seen.
    pub fn unseen(&self) -> usize {
        self.seen.iter().filter(|seen| !**seen).count()
    }
}

fn read(values: &[f32], has: [bool; VALUES]) -> Place {
    let or = |value: f32, other: f32| if value.is_finite() { value } else { other };
    let confidence = if has[3] { or(values[3], 1.0) } else { 1.0 };
    Place { at: [values[0], values[1], or(values[2], 0.0)], confidence, is_there: true }
}

fn is_number(values: &[f32]) -> bool {
    values[0].is_finite() && values[1].is_finite()
}

/// Whether points were seen. Where a detector found nothing, files have zeros, the same place for all points, or nothing. A
/// single point may be anywhere.
fn is_seen(row: &[f32]) -> bool {
    let mut points = row.chunks_exact(VALUES);
    let Some(first) = points.clone().find(|values| is_number(values)) else { return false };
    row.len() == VALUES || points.any(|values| is_number(values) && values[..2] != first[..2])
}
