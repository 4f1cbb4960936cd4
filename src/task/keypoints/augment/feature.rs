//! Differences between frames beside what a frame has: where points move to.

use super::Moving;
use super::landmark::{Shape, Value};

/// How many frames later the other frame of each difference is; none for nothing but the frame itself.
#[must_use]
pub fn width(shape: &Shape, distances: &[usize]) -> usize {
    shape.width() + distances.len() * shape.points.len() * coordinates(shape).count()
}

/// The sequence with, behind the numbers of each frame, for each distance the coordinates of the frame so much later minus those
/// of this one, point by point. At the end, and if a point is missing in one of the two, they are 0.
#[must_use]
pub fn with_differences(moving: &Moving, shapes: &[Shape], distances: &[usize]) -> Moving {
    let stream = |(stream, shape): (&Vec<f32>, &Shape)| {
        let mut found = Vec::with_capacity(moving.frames * width(shape, distances));
        let rows: Vec<&[f32]> = stream.chunks_exact(shape.width().max(1)).collect();
        for (frame, row) in rows.iter().enumerate() {
            found.extend_from_slice(row);
            distances
                .iter()
                .for_each(|distance| difference(shape, row, rows.get(frame + distance).copied(), &mut found));
        }
        found
    };
    Moving { frames: moving.frames, streams: moving.streams.iter().zip(shapes).map(stream).collect() }
}

fn difference(shape: &Shape, row: &[f32], later: Option<&[f32]>, found: &mut Vec<f32>) {
    let count = shape.values.len().max(1);
    let point = |row: &[f32], place: usize| row[place * count..(place + 1) * count].to_vec();
    for place in 0..shape.points.len() {
        let now = point(row, place);
        let later = later.map(|later| point(later, place));
        let later = later.filter(|later| !shape.is_missing(&now) && !shape.is_missing(later));
        found.extend(coordinates(shape).map(|value| later.as_ref().map_or(0.0, |later| later[value] - now[value])));
    }
}

/// The places of the numbers of a point that are coordinates.
fn coordinates(shape: &Shape) -> impl Iterator<Item = usize> + '_ {
    shape.values.iter().enumerate().filter(|(_, value)| **value != Value::Confidence).map(|(place, _)| place)
}
