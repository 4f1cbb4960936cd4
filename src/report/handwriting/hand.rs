//! How a person writes: every image has a hand of its own, with a slant, a size, rounded corners, strokes that wobble and miss
//! their ends by a little, a pen of some width, pressure that changes along a stroke, and grain in the ink.

use std::f32::consts::{PI, TAU};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Stroke;

/// Samples along each side of a pixel.
const FINE: usize = 4;

/// The height of a capital letter as a share of the image, before a hand changes it.
const CAPITAL: f32 = 0.66;

/// Points of a stroke, however long.
const POINTS: usize = 48;

/// What one image looks like.
pub(super) struct Hand {
    /// From a character to the image.
    map: [[f32; 2]; 2],
    shift: [f32; 2],
    /// Two waves for each direction, over the whole character: amplitude, frequencies, phase.
    waves: [[[f32; 4]; 2]; 2],
    /// How often a stroke is smoothed, which rounds its corners.
    rounding: usize,
    /// How far a stroke is from where it should be.
    carelessness: f32,
    /// The radius of the pen as a share of the image.
    pen: f32,
    /// How much thinner a stroke begins and ends.
    taper: f32,
    darkness: f32,
    grain: f32,
}

impl Hand {
    pub(super) fn of(generator: &mut ChaCha8Rng) -> Self {
        let mut within = |low: f32, high: f32| low + (high - low) * generator.random::<f32>();
        let (turn, slant) = (within(-0.16, 0.16), within(-0.15, 0.4));
        let (wide, tall) = (CAPITAL * within(0.8, 1.3), CAPITAL * within(0.85, 1.15));
        let (cos, sin) = (turn.cos(), turn.sin());
        let mut wave = |most: f32| [within(0.2, 1.0) * most, within(-1.2, 1.2), within(-1.2, 1.2), within(0.0, TAU)];
        let waves = [[wave(0.07), wave(0.03)], [wave(0.07), wave(0.03)]];
        Self {
            // First slanted, then stretched, then turned.
            map: [[cos * wide, -slant * cos * wide - sin * tall], [sin * wide, -slant * sin * wide + cos * tall]],
            shift: [within(-0.05, 0.05), within(-0.05, 0.05)],
            waves,
            rounding: within(1.0, 40.0) as usize,
            carelessness: within(0.005, 0.03),
            pen: within(0.028, 0.06),
            taper: within(0.0, 0.5),
            darkness: within(0.8, 1.0),
            grain: within(2.0, 12.0),
        }
    }

    /// The levels of an image: bright strokes on a dark ground.
    pub(super) fn write(&self, strokes: &[Stroke], size: usize, generator: &mut ChaCha8Rng) -> Vec<u8> {
        let side = size * FINE;
        let mut ink = vec![0_f32; side * side];
        for stroke in strokes {
            self.follow(&self.written(stroke, generator), side, &mut ink, generator);
        }
        let level = |place: usize| {
            let (row, column) = (place / size * FINE, place % size * FINE);
            let cells = (0..FINE * FINE).map(|cell| ink[(row + cell / FINE) * side + column + cell % FINE]);
            let covered = cells.sum::<f32>() / (FINE * FINE) as f32;
            let grain = (generator.random::<f32>() - 0.5) * 2.0 * self.grain;
            (255.0 * self.darkness * covered + grain * covered.sqrt()).round().clamp(0.0, 255.0) as u8
        };
        (0..size * size).map(level).collect()
    }

    /// A stroke as this hand writes it, in shares of the image from its middle.
    fn written(&self, stroke: &Stroke, generator: &mut ChaCha8Rng) -> Stroke {
        let mut points = evenly(stroke);
        let is_closed = points.first() == points.last() && points.len() > 2;
        // A short stroke has fewer corners to round, and would shrink.
        let rounds = (self.rounding as f32 * length(stroke).min(1.0)) as usize;
        (0..rounds).for_each(|_| smooth(&mut points));
        let mut off = || (generator.random::<f32>() - 0.5) * 2.0 * self.carelessness;
        let (shift, bend, phase) = ([off(), off()], [off(), off()], off() * 100.0);
        let miss = if is_closed { [off() * 2.0, off() * 2.0] } else { [off(), off()] };
        let last = (points.len() - 1).max(1) as f32;
        let place = |(number, [x, y]): (usize, [f32; 2])| {
            let along = number as f32 / last;
            let swing = (PI * along + phase).sin();
            let x = x + shift[0] + bend[0] * swing + miss[0] * along;
            let y = y + shift[1] + bend[1] * swing + miss[1] * along;
            let wobble = |waves: &[[f32; 4]; 2]| -> f32 {
                let wave = |&[amplitude, along, across, phase]: &[f32; 4]| {
                    amplitude * (TAU * (along * x + across * y) + phase).sin()
                };
                waves.iter().map(wave).sum()
            };
            let [x, y] = [x + wobble(&self.waves[0]), y + wobble(&self.waves[1])];
            [0, 1].map(|axis| self.map[axis][0] * x + self.map[axis][1] * y + self.shift[axis])
        };
        points.into_iter().enumerate().map(place).collect()
    }

    /// Moves the pen along, pressed more in the middle of a stroke than at its ends.
    fn follow(&self, points: &[[f32; 2]], side: usize, ink: &mut [f32], generator: &mut ChaCha8Rng) {
        let (press, phase) = (generator.random_range(-0.25..0.25), generator.random_range(0.0..TAU));
        // A dot is pressed in one place.
        let all = if points.len() == 1 { 1.4 } else { 1.0 } * side as f32;
        let radius = |along: f32| {
            let ends = 1.0 - self.taper * (2.0 * along - 1.0).powi(4);
            all * self.pen * ends * (1.0 + press * (PI * 1.5 * along + phase).sin())
        };
        let place = |point: [f32; 2]| point.map(|at| (at + 0.5) * side as f32);
        let last = (points.len() - 1).max(1) as f32;
        for (number, &point) in points.iter().enumerate() {
            let (from, to) = (place(point), place(*points.get(number + 1).unwrap_or(&point)));
            let steps = ((to[0] - from[0]).hypot(to[1] - from[1]).ceil() as usize).max(1);
            for step in 0..steps {
                let part = step as f32 / steps as f32;
                let at = [0, 1].map(|axis| from[axis] + part * (to[axis] - from[axis]));
                dab(ink, side, at, radius((number as f32 + part) / last).max(1.0));
            }
        }
    }
}

/// A round spot of ink with a soft edge.
fn dab(ink: &mut [f32], side: usize, [x, y]: [f32; 2], radius: f32) {
    let reach = |at: f32| {
        let (low, high) = ((at - radius - 1.0).floor().max(0.0), (at + radius + 2.0).max(0.0));
        low as usize..(high as usize).min(side)
    };
    for row in reach(y) {
        for column in reach(x) {
            let distance = (column as f32 + 0.5 - x).hypot(row as f32 + 0.5 - y);
            let cell = &mut ink[row * side + column];
            *cell = cell.max((radius + 0.5 - distance).clamp(0.0, 1.0));
        }
    }
}

fn length(points: &[[f32; 2]]) -> f32 {
    points.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1])).sum()
}

/// The same line with points at equal distances.
fn evenly(points: &[[f32; 2]]) -> Stroke {
    let all = length(points);
    if all == 0.0 {
        return points.to_vec();
    }
    let (mut even, mut passed, mut number) = (Vec::with_capacity(POINTS), 0.0, 0);
    for place in 0..POINTS {
        let wanted = all * place as f32 / (POINTS - 1) as f32;
        let part = |number: usize| length(&points[number..number + 2]);
        while number + 2 < points.len() && passed + part(number) < wanted {
            passed += part(number);
            number += 1;
        }
        let share = ((wanted - passed) / part(number).max(f32::EPSILON)).clamp(0.0, 1.0);
        let [from, to] = [points[number], points[number + 1]];
        even.push([0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis])));
    }
    even
}

/// Moves every point but the ends towards the middle of its neighbours.
fn smooth(points: &mut [[f32; 2]]) {
    let old = points.to_vec();
    for (point, around) in points.iter_mut().skip(1).zip(old.windows(3)) {
        *point = [0, 1].map(|axis| 0.25 * (around[0][axis] + around[2][axis]) + 0.5 * around[1][axis]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_evenly_spaced_and_smoothing_rounds_a_corner_and_keeps_the_ends() {
        let corner = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
        let mut points = evenly(&corner);
        assert_eq!((points.len(), points[0]), (POINTS, [0.0, 0.0]));
        assert!((length(&points) - 2.0).abs() < 0.05 && (points[POINTS - 1][1] - 1.0).abs() < 1e-5);
        (0..30).for_each(|_| smooth(&mut points));
        assert!(length(&points) < 1.95 && points[0] == [0.0, 0.0]);
        assert_eq!(evenly(&[[0.5, 0.5]]), [[0.5, 0.5]], "a dot");
    }

    #[test]
    fn a_spot_of_ink_is_round_and_stays_inside() {
        let mut ink = vec![0.0; 100];
        dab(&mut ink, 10, [5.0, 5.0], 2.0);
        assert_eq!((ink[55], ink[44], ink[0]), (1.0, 1.0, 0.0));
        dab(&mut ink, 10, [-5.0, 50.0], 3.0);
        assert!((ink.iter().sum::<f32>() - PI * 4.0).abs() < 1.5);
    }
}
