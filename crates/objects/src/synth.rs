//! Shapes on textures: images to try a detector with, whose class is the shape alone. An image is a pure function of (seed,
//! number); some are empty, some shapes are small or lie on others.

use fragua_util::seed;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::boxes::{Object, Rect};
use crate::picture::Picture;

/// The shapes, by the numbers of their classes.
pub const NAMES: [&str; 5] = ["circle", "square", "triangle", "ring", "cross"];

/// Of so many images one is empty.
const EMPTY: u32 = 12;

/// The most shapes of an image.
const MOST: usize = 6;

/// Of so many shapes one is small.
const SMALL: u32 = 4;

/// An edge has so many steps across a pixel.
const STEPS: usize = 2;

/// How much of a shape must be seen.
const SEEN: f64 = 0.6;

/// The image of this number, of this side, with its boxes.
#[must_use]
pub fn image(seed: u64, number: u64, side: usize) -> (Picture, Vec<Object>) {
    let mut random = seed::generator(seed, "shapes", 0, number);
    let mut picture = texture(&mut random, side);
    let count = if random.random_range(0..EMPTY) == 0 { 0 } else { random.random_range(1..=MOST) };
    let mut shapes: Vec<Shape> = Vec::new();
    for _ in 0..count {
        let shape = Shape::any(&mut random, side as f64);
        // One that hides most of another would leave a label of what nobody sees.
        if shapes.iter().all(|other| shape.hidden(other) < 1.0 - SEEN && other.hidden(&shape) < 1.0 - SEEN) {
            shapes.push(shape);
        }
    }
    shapes.iter().for_each(|shape| shape.draw(&mut picture));
    let objects = shapes.iter().map(|shape| Object { class: shape.class, rect: shape.rect() }).collect();
    (picture, objects)
}

/// A shape in a square.
#[derive(Clone, Copy, Debug)]
struct Shape {
    class: u32,
    middle: [f64; 2],
    half: f64,
    color: [f64; 3],
}

impl Shape {
    fn any(random: &mut ChaCha8Rng, side: f64) -> Self {
        let half = match random.random_range(0..SMALL) {
            0 => side * random.random_range(0.04..0.06),
            _ => side * random.random_range(0.07..0.17),
        };
        let middle = [(); 2].map(|()| random.random_range(half + 1.0..side - half - 1.0));
        // Away from the gray of textures, in any hue.
        let bright = random.random_range(0..3);
        let color = [0, 1, 2].map(|part: usize| match part == bright {
            true => random.random_range(200.0..255.0),
            false => random.random_range(0.0..110.0),
        });
        Self { class: random.random_range(0..NAMES.len() as u32), middle, half, color }
    }

    fn rect(&self) -> Rect {
        let [x, y] = self.middle;
        let [left, top, right, bottom] = [x - self.half, y - self.half, x + self.half, y + self.half];
        Rect::new(left as f32, top as f32, right as f32, bottom as f32)
    }

    /// The share of it that the other's square covers.
    fn hidden(&self, other: &Self) -> f64 {
        let overlap = |axis: usize| {
            let apart = (self.middle[axis] - other.middle[axis]).abs();
            (self.half + other.half - apart).clamp(0.0, 2.0 * self.half.min(other.half))
        };
        overlap(0) * overlap(1) / (4.0 * self.half * self.half)
    }

    /// Whether it covers a place, from -1 to 1 across its square.
    fn covers(&self, [x, y]: [f64; 2]) -> bool {
        let radius = x.hypot(y);
        match self.class {
            0 => radius <= 1.0,
            1 => x.abs() <= 1.0 && y.abs() <= 1.0,
            2 => y <= 1.0 && x.abs() <= (y + 1.0) / 2.0,
            3 => (0.55..=1.0).contains(&radius),
            _ => x.abs().max(y.abs()) <= 1.0 && x.abs().min(y.abs()) <= 0.3,
        }
    }

    fn draw(&self, picture: &mut Picture) {
        let range = |axis: usize, most: usize| {
            let [from, to] = [self.middle[axis] - self.half, self.middle[axis] + self.half];
            from.floor().max(0.0) as usize..(to.ceil().max(0.0) as usize).min(most)
        };
        let (rows, columns) = (range(1, picture.height), range(0, picture.width));
        for y in rows {
            for x in columns.clone() {
                let step = |pixel: usize, number: usize| pixel as f64 + (number as f64 + 0.5) / STEPS as f64;
                let places = (0..STEPS * STEPS).map(|number| [step(x, number % STEPS), step(y, number / STEPS)]);
                let covered = places
                    .filter(|place| self.covers([0, 1].map(|axis| (place[axis] - self.middle[axis]) / self.half)));
                let share = covered.count() as f64 / (STEPS * STEPS) as f64;
                let pixel = &mut picture.rgb[3 * (y * picture.width + x)..][..3];
                for (level, color) in pixel.iter_mut().zip(self.color) {
                    *level = (f64::from(*level) * (1.0 - share) + color * share).round() as u8;
                }
            }
        }
    }
}

/// Gray waves with noise.
fn texture(random: &mut ChaCha8Rng, side: usize) -> Picture {
    let ground: f64 = random.random_range(70.0..190.0);
    let waves: Vec<[f64; 4]> = (0..3)
        .map(|_| {
            let angle = random.random_range(0.0..std::f64::consts::TAU);
            let length = side as f64 * random.random_range(0.08..0.6);
            let turns = std::f64::consts::TAU / length;
            [turns * angle.cos(), turns * angle.sin(), random.random_range(0.0..6.0), random.random_range(4.0..16.0)]
        })
        .collect();
    let mut rgb = Vec::with_capacity(3 * side * side);
    for y in 0..side {
        for x in 0..side {
            let wave = |[a, b, c, height]: &[f64; 4]| (a * x as f64 + b * y as f64 + c).sin() * height;
            let level: f64 = ground + waves.iter().map(wave).sum::<f64>() + random.random_range(-8.0..8.0);
            rgb.extend([(); 3].map(|()| (level + random.random_range(-4.0..4.0)).clamp(0.0, 255.0) as u8));
        }
    }
    Picture { width: side, height: side, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_follows_from_its_seed_and_number() {
        assert_eq!(image(42, 3, 96), image(42, 3, 96));
        assert_ne!(image(42, 3, 96), image(42, 4, 96));
        assert_ne!(image(42, 3, 96), image(43, 3, 96));
    }

    #[test]
    fn all_shapes_occur_some_are_small_some_overlap_and_some_images_are_empty() {
        let images: Vec<Vec<Object>> = (0..200).map(|number| image(42, number, 64).1).collect();
        let all: Vec<&Object> = images.iter().flatten().collect();
        for class in 0..NAMES.len() as u32 {
            let own = all.iter().filter(|object| object.class == class).count();
            assert!(own * NAMES.len() * 2 > all.len(), "{own} of {}", all.len());
        }
        let small = all.iter().filter(|object| object.rect.width() < 64.0 * 0.12).count();
        let overlapping = images.iter().filter(|own| {
            own.iter().enumerate().any(|(place, one)| own[..place].iter().any(|other| one.rect.iou(&other.rect) > 0.0))
        });
        let empty = images.iter().filter(|own| own.is_empty()).count();
        assert!(small > 60 && overlapping.count() > 20 && (5..40).contains(&empty), "{small} {empty}");
        assert!(all.iter().all(|object| object.rect == object.rect.clipped(64.0, 64.0)));
    }

    #[test]
    fn a_box_is_tight_around_its_shape() {
        let (picture, objects) = (0..).map(|number| image(7, number, 128)).find(|(_, own)| own.len() == 1).unwrap();
        let is_shape = |x: usize, y: usize| {
            let pixel = picture.pixel(x, y);
            pixel.iter().max().unwrap() - pixel.iter().min().unwrap() > 60
        };
        let places: Vec<[usize; 2]> =
            (0..128).flat_map(|y| (0..128).map(move |x| [x, y])).filter(|[x, y]| is_shape(*x, *y)).collect();
        let of = |axis: usize| places.iter().map(move |place| place[axis] as f32);
        let (least, most) = (|axis| of(axis).fold(f32::MAX, f32::min), |axis| of(axis).fold(0.0, f32::max) + 1.0);
        let seen = Rect::new(least(0), least(1), most(0), most(1));
        assert!(seen.iou(&objects[0].rect) > 0.8, "{seen:?}, {:?}", objects[0]);
    }
}
