//! Differences between frames beside what a frame has: where points move to.

use super::landmark::{Shape, Value};

/// The numbers of a frame with the differences. How many frames later the other frame of each is, is a distance; without any, it
/// is the frame itself.
#[must_use]
pub fn width(shape: &Shape, distances: &[usize]) -> usize {
    shape.width() + distances.len() * shape.points.len() * coordinates(shape).count()
}

/// Appends the frames of a stream with, behind the numbers of each, for each distance the coordinates of the frame so much later
/// minus those of this one, point by point. At the end, and if a point is missing in one of the two, they are 0.
pub fn with_differences(stream: &[f32], shape: &Shape, distances: &[usize], into: &mut Vec<f32>) {
    if distances.is_empty() {
        return into.extend_from_slice(stream);
    }
    let (row, point) = (shape.width().max(1), shape.values.len().max(1));
    let coordinates: Vec<usize> = coordinates(shape).collect();
    let rows = stream.chunks_exact(row);
    into.reserve(rows.len() * width(shape, distances));
    for (frame, now) in rows.enumerate() {
        into.extend_from_slice(now);
        for distance in distances {
            let later = frame.checked_add(*distance).and_then(|later| stream.chunks_exact(row).nth(later));
            let Some(later) = later else {
                into.extend(std::iter::repeat_n(0.0, shape.points.len() * coordinates.len()));
                continue;
            };
            for (now, later) in now.chunks_exact(point).zip(later.chunks_exact(point)) {
                let is_known = !shape.is_missing(now) && !shape.is_missing(later);
                into.extend(coordinates.iter().map(|place| if is_known { later[*place] - now[*place] } else { 0.0 }));
            }
        }
    }
}

/// The places of the numbers of a point that are coordinates.
fn coordinates(shape: &Shape) -> impl Iterator<Item = usize> + '_ {
    shape.values.iter().enumerate().filter(|(_, value)| **value != Value::Confidence).map(|(place, _)| place)
}
