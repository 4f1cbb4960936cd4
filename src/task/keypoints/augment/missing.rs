//! A hand, the body or the face that is missing for a while, as when it leaves the image.

use rand::Rng;

use super::config::AugmentConfig;
use super::landmark::{BodyPart, Shape};
use super::{Key, Moving, between, happens};

/// Takes one part away for a span of time, in all streams.
pub(super) fn take_away(moving: &mut Moving, shapes: &[Shape], config: &AugmentConfig, key: Key) {
    let mut generator = key.generator("point drop");
    let does = happens(config.point_drop, &mut generator);
    let (share, start, choice) =
        (between(config.point_drop_span, &mut generator), generator.random::<f64>(), generator.random::<u32>());
    let parts = parts(shapes);
    if !does || parts.is_empty() {
        return;
    }
    let span = (share * moving.frames as f64).round() as usize;
    let first = (start * (moving.frames - span + 1) as f64) as usize;
    let gone = parts[choice as usize % parts.len()];
    for (stream, shape) in moving.streams.iter_mut().zip(shapes) {
        let rows = stream.chunks_exact_mut(shape.width().max(1)).skip(first).take(span);
        for row in rows {
            let points = row.chunks_exact_mut(shape.values.len()).zip(&shape.points);
            points.filter(|(_, landmark)| landmark.part == gone).for_each(|(point, _)| point.fill(0.0));
        }
    }
}

/// What may be missing by itself.
fn parts(shapes: &[Shape]) -> Vec<BodyPart> {
    let mut parts: Vec<_> = shapes.iter().flat_map(|shape| &shape.points).map(|landmark| landmark.part).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}
