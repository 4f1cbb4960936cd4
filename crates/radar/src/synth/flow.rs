//! The air that carries everything: a steering wind that slowly turns, and a slow rotation about the moving centre.
//!
//! Particles are named by where they are in the middle of the event, so that position and particle are functions of each other
//! in closed form at any time: what drifts with the air needs no step-by-step integration and no order of frames.

use std::f32::consts::TAU;

use rand::Rng;

/// The wind of one event. Lengths are in km, times in seconds from the middle of the event.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    speed_km_s: f32,
    heading: f32,
    turn_per_s: f32,
    spin_per_s: f32,
}

/// A rigid motion: where the particles are at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    cos: f32,
    sin: f32,
    shift: [f32; 2],
}

impl Flow {
    /// 12 to 20 m/s, mostly towards the east, turning by up to 25 degrees an hour.
    pub(super) fn draw(rng: &mut impl Rng, size_km: f32) -> Self {
        let sign = |rng: &mut _| if Rng::random_bool(rng, 0.5) { 1.0 } else { -1.0 };
        let per_hour = TAU / 360.0 / 3600.0;
        let turn = rng.random_range(6.0..25.0) * sign(rng);
        // The rim of the picture must not outrun the wind, so large pictures spin slower.
        let spin = rng.random_range(2.0..7.0) * sign(rng) * (250.0 / size_km).min(2.0);
        Self {
            speed_km_s: rng.random_range(0.012..0.020),
            heading: rng.random_range(-50.0..60.0) * TAU / 360.0,
            turn_per_s: turn * per_hour,
            spin_per_s: spin * per_hour,
        }
    }

    /// Where all particles are at a time.
    pub(super) fn at(&self, seconds: f32) -> Motion {
        let (sin, cos) = (self.spin_per_s * seconds).sin_cos();
        let radius = self.speed_km_s / self.turn_per_s;
        let (sin_now, cos_now) = (self.heading + self.turn_per_s * seconds).sin_cos();
        let (sin_then, cos_then) = self.heading.sin_cos();
        Motion { cos, sin, shift: [radius * (sin_now - sin_then), radius * (cos_then - cos_now)] }
    }

    /// The direction of the wind at a time: towards the east, towards the north, length 1.
    pub(super) fn direction(&self, seconds: f32) -> [f32; 2] {
        let (sin, cos) = (self.heading + self.turn_per_s * seconds).sin_cos();
        [cos, sin]
    }
}

impl Motion {
    /// The place of a particle.
    #[inline]
    pub(super) fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [dx, dy] = self.rotate([x, y]);
        [dx + self.shift[0], dy + self.shift[1]]
    }

    /// The particle at a place.
    #[inline]
    pub(super) fn particle(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - self.shift[0], y - self.shift[1]);
        [self.cos * x + self.sin * y, self.cos * y - self.sin * x]
    }

    /// From a direction in the coordinates of the particles to one on the ground.
    #[inline]
    pub(super) fn rotate(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [self.cos * x - self.sin * y, self.sin * x + self.cos * y]
    }

    /// From a direction on the ground to one in the coordinates of the particles.
    #[inline]
    pub(super) fn unrotate(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [self.cos * x + self.sin * y, self.cos * y - self.sin * x]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fragua_util::seed;

    fn flow(index: u64) -> Flow {
        Flow::draw(&mut seed::generator(3, "flow test", 0, index), 250.0)
    }

    #[test]
    fn place_and_particle_are_inverse() {
        for index in 0..20 {
            let motion = flow(index).at(2500.0);
            let [x, y] = motion.particle(motion.place([31.0, -17.0]));
            assert!((x - 31.0).abs() < 1e-3 && (y + 17.0).abs() < 1e-3);
        }
    }

    #[test]
    fn the_centre_moves_with_the_wind() {
        for index in 0..20 {
            let flow = flow(index);
            let (before, after) = (flow.at(1190.0).place([0.0; 2]), flow.at(1210.0).place([0.0; 2]));
            let step = [after[0] - before[0], after[1] - before[1]];
            let direction = flow.direction(1200.0);
            let speed_m_s = f32::hypot(step[0], step[1]) / 20.0 * 1000.0;
            assert!((11.8..20.2).contains(&speed_m_s), "{speed_m_s}");
            let along = (step[0] * direction[0] + step[1] * direction[1]) / f32::hypot(step[0], step[1]);
            assert!(along > 0.999, "{along}");
        }
    }
}
