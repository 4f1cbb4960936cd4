//! Points of one frame after the other into parts: every frame has the same points, and a part that a frame lacks is NaN there.

use super::Frames;
use super::hints::{FACE, LEFT, POSE, RIGHT};
use crate::task::keypoints::clip::{Part, VALUES};

/// The numbers of a point.
pub(super) type Point = [f32; VALUES];

/// A short file may spell a part that most frames lack: its numbers take no more memory than this many times its bytes.
const MOST_TIMES: usize = 64;
const ALWAYS_ALLOWED: usize = 16 << 20;

/// Parts in the making.
#[derive(Debug)]
pub(super) struct Parts {
    parts: Vec<Part>,
    frames: usize,
    most_bytes: usize,
}

impl Parts {
    /// For a file of so many bytes.
    pub fn new(file_bytes: usize) -> Self {
        let most_bytes = file_bytes.saturating_mul(MOST_TIMES).max(ALWAYS_ALLOWED);
        Self { parts: Vec::new(), frames: 0, most_bytes }
    }

    /// The next frame begins.
    pub fn frame(&mut self) -> Result<(), String> {
        self.frames += 1;
        let points: usize = self.parts.iter().map(|part| part.points).sum();
        let bytes = points.saturating_mul(self.frames).saturating_mul(VALUES * size_of::<f32>());
        match bytes <= self.most_bytes {
            true => Ok(()),
            false => Err(format!(
                "has {} frames of {points} points, most of them absent: more than {MOST_TIMES} times the bytes of the file",
                self.frames
            )),
        }
    }

    /// The points of a part in this frame. `has` is which numbers they have; the others are filled in.
    pub fn put(&mut self, name: &str, points: &[Point], has: [bool; VALUES]) -> Result<(), String> {
        if points.is_empty() {
            return Ok(());
        }
        let index = match self.parts.iter().position(|part| part.name == name) {
            Some(index) => index,
            None => self.begin(name, points.len(), has)?,
        };
        let (frame, part) = (self.frames - 1, &mut self.parts[index]);
        if part.points != points.len() {
            let (found, expected) = (points.len(), part.points);
            return Err(format!(
                "has {found} points of {name} in frame {frame}, expected {expected} as in the frames before"
            ));
        }
        let before = frame * part.points * VALUES;
        if part.values.len() > before {
            return Err(format!("has the part {name} twice in frame {frame}"));
        }
        part.values.resize(before, f32::NAN);
        part.values.extend(points.iter().flat_map(|point| filled(*point, has)));
        for (known, new) in part.has.iter_mut().zip(has) {
            *known |= new;
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, points: usize, has: [bool; VALUES]) -> Result<usize, String> {
        self.parts.push(Part { name: name.to_owned(), points, has, values: Vec::new() });
        self.frames -= 1;
        self.frame()?;
        Ok(self.parts.len() - 1)
    }

    /// All parts in their order: those of a body first.
    pub fn finish(mut self) -> Result<Frames, String> {
        if self.frames == 0 {
            return Err("has no frames; expected at least one".to_owned());
        }
        if self.parts.is_empty() {
            return Err(format!("has {} frames without any point", self.frames));
        }
        for part in &mut self.parts {
            part.values.resize(self.frames * part.points * VALUES, f32::NAN);
        }
        sort(&mut self.parts);
        Ok(Frames { count: self.frames, parts: self.parts, fps: None })
    }
}

/// Sorts parts: pose, left hand, right hand, face, then others by name.
pub(super) fn sort(parts: &mut [Part]) {
    let order = [POSE, LEFT, RIGHT, FACE];
    let place = |part: &Part| order.iter().position(|name| part.name == *name).unwrap_or(order.len());
    parts.sort_by(|one, other| place(one).cmp(&place(other)).then_with(|| one.name.cmp(&other.name)));
}

/// What a file lacks is 0 for x, y and z, and 1 for the confidence; NaN where the point is.
pub(super) fn filled(mut point: Point, has: [bool; VALUES]) -> Point {
    let is_absent = (0..VALUES).any(|value| has[value] && value < VALUES - 1 && point[value].is_nan());
    let lacks = |value: usize| match value {
        _ if is_absent => f32::NAN,
        value if value == VALUES - 1 => 1.0,
        _ => 0.0,
    };
    for (value, number) in point.iter_mut().enumerate() {
        if !has[value] {
            *number = lacks(value);
        }
    }
    point
}
