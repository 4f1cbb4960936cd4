//! One body of echo: a convective core, the rain around and behind it, or the anvil above; its life, and its shape at a time.

use super::flow::{Flow, Motion};

/// What a body of echo is made of; its vertical profile follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An updraught with its precipitation.
    Core,
    /// Layered rain with a bright band.
    Rain,
    /// Ice that the upper wind blew away.
    Anvil,
}

/// A body of echo through its life. Lengths in km, times in seconds from the middle of the event.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    /// The air it is born in.
    pub(super) particle: [f32; 2],
    /// How it moves through the air, km/s.
    pub(super) drift: [f32; 2],
    pub(super) born: f32,
    pub(super) life: f32,
    pub(super) peak_dbz: f32,
    /// Across the wind, at full size.
    pub(super) side_km: f32,
    /// Downwind length as a multiple of the side: below 1 is a sharp leading edge.
    pub(super) front: f32,
    /// Upwind length as a multiple of the side.
    pub(super) back: f32,
    /// The angle between its axis and the wind.
    pub(super) turn: f32,
}

/// A body of echo at one time.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) centre: [f32; 2],
    /// Unit vector of its axis.
    pub(super) axis: [f32; 2],
    pub(super) front_km: f32,
    pub(super) back_km: f32,
    pub(super) side_km: f32,
    pub(super) peak_dbz: f32,
    /// The altitude of the core: high when young, sinking with age.
    pub(super) core_km: f32,
    /// How much of its depth the tower has: grows first, decays last.
    pub(super) tower: f32,
    /// How fast the echo weakens below the core: strongly while nothing has fallen yet.
    pub(super) below_db_km: f32,
}

/// What growth and decay take from the peak of a core; of the flat kinds, which fade more gently.
const BIRTH_LOSS_DBZ: f32 = 52.0;
const FLAT_LOSS_DBZ: f32 = 34.0;

impl Cell {
    /// The shape at a time; `None` before birth and after death.
    pub(super) fn at(&self, flow: &Flow, motion: &Motion, seconds: f32) -> Option<Shape> {
        let age = (seconds - self.born) / self.life;
        if !(0.0..1.0).contains(&age) {
            return None;
        }
        let lived = seconds - self.born;
        let particle = [self.particle[0] + self.drift[0] * lived, self.particle[1] + self.drift[1] * lived];
        let [east, north] = flow.direction(seconds);
        let (sin, cos) = self.turn.sin_cos();
        let vigour = ramp(age / 0.32) * (1.0 - ramp((age - 0.55) / 0.45));
        let loss = if self.kind == Kind::Core { BIRTH_LOSS_DBZ } else { FLAT_LOSS_DBZ };
        let side_km = self.side_km * (0.55 + 0.45 * ramp(age / 0.6));
        Some(Shape {
            kind: self.kind,
            centre: motion.place(particle),
            axis: [east * cos - north * sin, east * sin + north * cos],
            front_km: side_km * self.front,
            back_km: side_km * self.back,
            side_km,
            peak_dbz: self.peak_dbz - loss * (1.0 - vigour),
            core_km: 6.2 - 2.6 * ramp(age / 0.4) - 2.0 * ramp((age - 0.55) / 0.4),
            tower: 0.35 + 0.65 * ramp(age / 0.35) - 0.35 * ramp((age - 0.65) / 0.35),
            below_db_km: 5.0 * (1.0 - ramp(age / 0.35)) + 0.6,
        })
    }
}

/// 0 before 0, 1 after 1, smooth between.
fn ramp(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fragua_util::seed;

    fn cell() -> Cell {
        let (kind, particle, drift) = (Kind::Core, [0.0; 2], [0.0; 2]);
        Cell {
            kind,
            particle,
            drift,
            born: 0.0,
            life: 2400.0,
            peak_dbz: 55.0,
            side_km: 5.0,
            front: 0.6,
            back: 1.5,
            turn: 0.0,
        }
    }

    #[test]
    fn a_cell_grows_aloft_then_its_core_falls_and_it_fades() {
        let flow = Flow::draw(&mut seed::generator(1, "cell test", 0, 0), 250.0);
        let shape = |age: f32| cell().at(&flow, &flow.at(age * 2400.0), age * 2400.0).unwrap();
        let (young, ripe, old) = (shape(0.1), shape(0.45), shape(0.9));
        assert!(young.peak_dbz < ripe.peak_dbz && old.peak_dbz < ripe.peak_dbz);
        assert!((ripe.peak_dbz - 55.0).abs() < 1e-3);
        assert!(young.core_km > ripe.core_km && ripe.core_km > old.core_km);
        assert!(young.below_db_km > 3.0 && ripe.below_db_km < 1.0);
    }

    #[test]
    fn a_cell_is_nowhere_before_birth_and_after_death() {
        let flow = Flow::draw(&mut seed::generator(1, "cell test", 0, 0), 250.0);
        assert!(cell().at(&flow, &flow.at(-1.0), -1.0).is_none());
        assert!(cell().at(&flow, &flow.at(2400.0), 2400.0).is_none());
    }
}
