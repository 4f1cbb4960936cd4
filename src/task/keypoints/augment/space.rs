//! Other places of points: the whole plane is turned, scaled and moved, and each point by itself.

use rand_chacha::ChaCha8Rng;

use super::config::AugmentConfig;
use super::landmark::{BodyPart, Shape, Value};
use super::{Key, Moving, Plane, between, happens};

/// Turns, scales and moves everything about the middle of the body.
pub(super) fn turn(moving: &mut Moving, shapes: &[Shape], config: &AugmentConfig, plane: Plane, key: Key) {
    let mut generator = key.generator("place");
    let does = happens(config.chances.place, &mut generator);
    let mut to = |most: f64| between([-most, most], &mut generator);
    let (angle, scale) = (to(config.rotate_degrees).to_radians(), 1.0 + to(config.scale));
    let [right, down] = [to(config.shift), to(config.shift)];
    if !does {
        return;
    }
    let [middle_x, middle_y] = middle(moving, shapes, plane);
    let (sine, cosine) = (scale * angle.sin(), scale * angle.cos());
    for_seen_points(moving, shapes, |point, part, [x, y, z]| {
        // What is relative to a wrist turns with it, wherever that goes.
        let is_relative = plane == Plane::Wrists && matches!(part, BodyPart::LeftHand | BodyPart::RightHand);
        let [about_x, about_y, right, down] = if is_relative { [0.0; 4] } else { [middle_x, middle_y, right, down] };
        if let [Some(x), Some(y)] = [x, y] {
            let (from_x, from_y) = (f64::from(point[x]) - about_x, f64::from(point[y]) - about_y);
            point[x] = (about_x + right + cosine * from_x - sine * from_y) as f32;
            point[y] = (about_y + down + sine * from_x + cosine * from_y) as f32;
        }
        if let Some(z) = z {
            point[z] *= scale as f32;
        }
    });
}

/// Moves each point by itself.
pub(super) fn add_noise(moving: &mut Moving, shapes: &[Shape], config: &AugmentConfig, key: Key) {
    let mut generator = key.generator("noise");
    if happens(config.chances.noise, &mut generator) && config.noise > 0.0 {
        for_seen_points(moving, shapes, |point, _, places| {
            for place in places.into_iter().flatten() {
                point[place] += (config.noise * normal(&mut generator)) as f32;
            }
        });
    }
}

/// For each point that is seen, with its part and the places of its x, its y and, unless it is the same everywhere, its z.
fn for_seen_points(
    moving: &mut Moving,
    shapes: &[Shape],
    mut work: impl FnMut(&mut [f32], BodyPart, [Option<usize>; 3]),
) {
    for (stream, shape) in moving.streams.iter_mut().zip(shapes) {
        let z = shape.place(Value::Z).filter(|z| varies(stream, shape, *z));
        let places = [shape.place(Value::X), shape.place(Value::Y), z];
        let points = stream.chunks_exact_mut(shape.values.len().max(1)).zip(shape.points.iter().cycle());
        let seen = points.filter(|(point, _)| !shape.is_missing(point));
        seen.for_each(|(point, landmark)| work(point, landmark.part, places));
    }
}

/// Whether a number is not the same for all points that are seen.
fn varies(stream: &[f32], shape: &Shape, place: usize) -> bool {
    let seen = stream.chunks_exact(shape.values.len()).filter(|point| !shape.is_missing(point));
    let mut values = seen.map(|point| point[place]);
    values.next().is_some_and(|first| values.any(|value| value != first))
}

/// The mean of all points of the body that are seen; without one of all points, and without any the middle of the plane.
fn middle(moving: &Moving, shapes: &[Shape], plane: Plane) -> [f64; 2] {
    let mean = |counts: &dyn Fn(BodyPart) -> bool| {
        let (mut sums, mut count) = ([0.0; 2], 0_usize);
        for (stream, shape) in moving.streams.iter().zip(shapes) {
            let [Some(x), Some(y)] = [Value::X, Value::Y].map(|value| shape.place(value)) else { continue };
            let points = stream.chunks_exact(shape.values.len()).zip(shape.points.iter().cycle());
            for (point, _) in points.filter(|(point, landmark)| counts(landmark.part) && !shape.is_missing(point)) {
                sums[0] += f64::from(point[x]);
                sums[1] += f64::from(point[y]);
                count += 1;
            }
        }
        (count > 0).then(|| sums.map(|sum| sum / count as f64))
    };
    let nowhere = if plane == Plane::Image { [0.5; 2] } else { [0.0; 2] };
    mean(&|part| part == BodyPart::Pose).or_else(|| mean(&|_| true)).unwrap_or(nowhere)
}

/// Normal with mean 0 and variance 1, by the polar method (Marsaglia and Bray 1964).
fn normal(generator: &mut ChaCha8Rng) -> f64 {
    loop {
        let [x, y] = [between([-1.0, 1.0], generator), between([-1.0, 1.0], generator)];
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            return x * (-2.0 * square.ln() / square).sqrt();
        }
    }
}
