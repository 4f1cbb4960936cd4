//! Rows of numbers into parts: by the name of the array that they are in, or by how wide a row is.

use super::Frames;
use super::hints::{ALL, FACE, HAND, Hints, LEFT, POSE, RIGHT, XYZ};
use super::parts::{Point, filled, sort};
use crate::task::keypoints::clip::{Part, VALUES};

/// Some columns of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub name: String,
    pub points: usize,
    pub has: [bool; VALUES],
}

/// Names of arrays, what the part is called, and how many points it may have.
const KNOWN: [(&str, &str, &[usize]); 12] = [
    ("hand", "hand", &[2 * HAND, HAND]),
    ("hands", "hand", &[2 * HAND, HAND]),
    ("hand_keypoints", "hand", &[2 * HAND, HAND]),
    ("left_hand", LEFT, &[HAND]),
    ("lh", LEFT, &[HAND]),
    ("right_hand", RIGHT, &[HAND]),
    ("rh", RIGHT, &[HAND]),
    ("body", POSE, &[33, 25]),
    ("body_keypoints", POSE, &[33, 25]),
    ("pose", POSE, &[33, 25]),
    ("face", FACE, &[468, 478]),
    ("face_keypoints", FACE, &[468, 478]),
];

/// A part, its points and their values.
type Described = (&'static str, usize, [bool; VALUES]);

/// Rows of MediaPipe's landmarks as they are usually concatenated: pose, face, left hand, right hand.
const ROWS: [(usize, &[Described]); 3] = [
    (1662, &[(POSE, 33, ALL), (FACE, 468, XYZ), (LEFT, HAND, XYZ), (RIGHT, HAND, XYZ)]),
    (258, &[(POSE, 33, ALL), (LEFT, HAND, XYZ), (RIGHT, HAND, XYZ)]),
    (226, &[(POSE, 25, ALL), (LEFT, HAND, XYZ), (RIGHT, HAND, XYZ)]),
];

impl Columns {
    fn new(name: &str, points: usize, has: [bool; VALUES]) -> Self {
        Self { name: name.to_owned(), points, has }
    }

    pub fn width(&self) -> usize {
        self.points * self.has.iter().filter(|has| **has).count()
    }
}

/// Whether the array of this name is of a stream of the configuration.
pub(super) fn is_wanted(name: &str, hints: &Hints) -> bool {
    let part = |name: &str| match KNOWN.iter().find(|(known, ..)| *known == name) {
        Some((_, LEFT | RIGHT, _)) => "hand".to_owned(),
        Some((_, part, _)) => (*part).to_owned(),
        None => name.to_owned(),
    };
    hints.streams.iter().any(|(stream, _)| part(stream) == part(name))
}

/// What the columns of the array of this name are.
pub(super) fn of_array(name: &str, width: usize, hints: &Hints) -> Result<Vec<Columns>, String> {
    let known = KNOWN.iter().find(|(known, ..)| *known == name);
    let part = known.map_or(name, |(_, part, _)| part);
    let allowed = hints.points(name).into_iter().chain(known.iter().flat_map(|(.., points)| points.iter().copied()));
    let fitting = allowed.filter(|points| *points > 0 && width.is_multiple_of(*points)).find_map(|points| {
        let has = hints.values(width / points)?;
        Some(Columns::new(part, points, has))
    });
    let columns = fitting.ok_or_else(|| match hints.points(name).or(known.map(|(.., points)| points[0])) {
        Some(points) => format!(
            "has {width} columns in {name:?}, expected {points} points with 2, 3 or 4 values each: {}, {} or {}; set the points of the stream",
            2 * points, 3 * points, 4 * points
        ),
        None => format!(
            "has {width} columns in {name:?}, a stream that is not configured; say how many points it has, such as streams: {{{name}: {{points: {}}}}}",
            width / 2
        ),
    })?;
    Ok(if columns.name == "hand" && columns.points == 2 * HAND { hands(columns.has) } else { vec![columns] })
}

/// What the columns of a row of this width are.
pub(super) fn of_row(width: usize, hints: &Hints) -> Result<Vec<Columns>, String> {
    if let Some((_, columns)) = ROWS.iter().find(|(known, _)| *known == width) {
        return Ok(columns.iter().map(|(name, points, has)| Columns::new(name, *points, *has)).collect());
    }
    let points: usize = hints.streams.iter().map(|(_, points)| points).sum();
    let is_whole = points > 0 && width.is_multiple_of(points);
    if is_whole && hints.values(width / points).is_some() {
        let each = hints.streams.iter().map(|(name, points_of)| of_array(name, points_of * (width / points), hints));
        return each.collect::<Result<Vec<_>, _>>().map(|columns| columns.concat());
    }
    let streams: Vec<String> = hints.streams.iter().map(|(name, points)| format!("{name} {points}")).collect();
    let known: Vec<String> = ROWS.iter().map(|(width, _)| width.to_string()).collect();
    Err(format!(
        "has {width} numbers in a row, expected {}, or 2, 3 or 4 for each of the {points} points of the configured streams ({})",
        known.join(", "),
        streams.join(", ")
    ))
}

/// The left hand, then the right one.
fn hands(has: [bool; VALUES]) -> Vec<Columns> {
    [LEFT, RIGHT].map(|name| Columns::new(name, HAND, has)).to_vec()
}

/// Rows of numbers into parts; each row has the columns one after the other.
pub(super) fn parts(rows: &[f32], columns: &[Columns]) -> Frames {
    let width: usize = columns.iter().map(Columns::width).sum();
    let count = rows.len().checked_div(width).unwrap_or(0);
    let mut parts = Vec::with_capacity(columns.len());
    let mut start = 0;
    for part in columns {
        let each = part.width().checked_div(part.points).unwrap_or(0).max(1);
        let mut values = Vec::with_capacity(count * part.points * VALUES);
        for row in rows.chunks_exact(width) {
            for numbers in row[start..start + part.width()].chunks_exact(each) {
                values.extend(filled(point(numbers, part.has), part.has));
            }
        }
        start += part.width();
        parts.push(Part { name: part.name.clone(), points: part.points, has: part.has, values });
    }
    sort(&mut parts);
    Frames { count, parts, fps: None }
}

/// The numbers at their places.
fn point(numbers: &[f32], has: [bool; VALUES]) -> Point {
    let mut point = [0.0; VALUES];
    let places = (0..VALUES).filter(|place| has[*place]);
    places.zip(numbers).for_each(|(place, number)| point[place] = *number);
    point
}
