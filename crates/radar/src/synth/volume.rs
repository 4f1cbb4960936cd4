//! One scan as it is stored: the columns of a scene built up level by level, seen by the radar, turned into bytes.

use super::radar::Radar;
use super::scene::{Scene, greater, together};
use super::storm::Plan;
use super::texture::{Textures, mix};
use crate::lrose::grid::Grid;
use crate::lrose::{MISSING, OFFSET_DBZ, SCALE_DBZ};

/// Makes the volumes of any event.
pub(super) struct Painter<'a> {
    pub(super) seed: u64,
    pub(super) grid: &'a Grid,
    pub(super) radar: &'a Radar,
    pub(super) textures: &'a Textures,
}

/// The noise of a single measurement.
const MEASUREMENT_DB: f32 = 0.7;
/// What the inside of storms differs by from one level to the next few.
const LEVEL_DB: f32 = 1.5;
/// White noise above this is a false echo: one cell in a thousand.
const SPECKLE: f32 = 2.78;
const NOTHING_DBZ: f32 = -60.0;

/// Per level, what does not depend on the cell.
struct Level {
    z_km: f32,
    /// How the two noises of the scene mix here.
    mix: [f32; 2],
    freezing_km: f32,
    /// What the ground returns is weaker above the lowest level.
    clutter_loss_db: f32,
}

/// Cells that are worked on together: a length known to the compiler turns the loop over them into vector instructions.
pub(super) const LANES: usize = 16;

/// Everything that is known of the cells, in blocks.
struct Fields<'a> {
    lowest_km: &'a [[f32; LANES]],
    highest_km: &'a [[f32; LANES]],
    shadow_km: &'a [[f32; LANES]],
    loss_db: &'a [[f32; LANES]],
    weakest_dbz: &'a [[f32; LANES]],
    clutter_dbz: &'a [[f32; LANES]],
    clear_air_dbz: &'a [[f32; LANES]],
    core_dbz: &'a [[f32; LANES]],
    core_km: &'a [[f32; LANES]],
    tower: &'a [[f32; LANES]],
    below_db_km: &'a [[f32; LANES]],
    rain_dbz: &'a [[f32; LANES]],
    anvil_dbz: &'a [[f32; LANES]],
    noise: [&'a [[f32; LANES]]; 2],
}

impl Painter<'_> {
    /// The stored values of a scan, level by level from the lowest.
    pub(super) fn volume(&self, plan: &Plan, event: usize, seconds: i64) -> Vec<i8> {
        let size = self.grid.x_km.len();
        let scene = Scene::new(plan, self.textures, size, seconds as f32);
        let fields = Fields::new(self.radar, &scene);
        let key = mix(self.seed ^ mix((event as u64) << 32 ^ seconds.cast_unsigned()));
        let mut stored = vec![MISSING; self.grid.z_km.len() * size * size];
        for (index, (plane, &z_km)) in stored.chunks_exact_mut(size * size).zip(&self.grid.z_km).enumerate() {
            let (sin, cos) = (0.45 * index as f32).sin_cos();
            let clutter_loss_db = 16.0 * (z_km - 1.0);
            let mix = [LEVEL_DB * cos, LEVEL_DB * sin];
            let level = Level { z_km, mix, freezing_km: plan.freezing_km, clutter_loss_db };
            for (block, cells) in plane.chunks_mut(LANES).enumerate() {
                let white = self.textures.white::<LANES>(key ^ ((index as u64) << 32 | block as u64));
                cells.copy_from_slice(&fields.look(&level, block, white)[..cells.len()]);
            }
        }
        stored
    }
}

impl<'a> Fields<'a> {
    fn new(radar: &'a Radar, scene: &'a Scene) -> Self {
        let blocks = |field: &'a Vec<f32>| field.as_chunks::<LANES>().0;
        Self {
            lowest_km: blocks(&radar.lowest_km),
            highest_km: blocks(&radar.highest_km),
            shadow_km: blocks(&radar.shadow_km),
            loss_db: blocks(&radar.loss_db),
            weakest_dbz: blocks(&radar.weakest_dbz),
            clutter_dbz: blocks(&radar.clutter_dbz),
            clear_air_dbz: blocks(&radar.clear_air_dbz),
            core_dbz: blocks(&scene.core_dbz),
            core_km: blocks(&scene.core_km),
            tower: blocks(&scene.tower),
            below_db_km: blocks(&scene.below_db_km),
            rain_dbz: blocks(&scene.rain_dbz),
            anvil_dbz: blocks(&scene.anvil_dbz),
            noise: [blocks(&scene.noise[0]), blocks(&scene.noise[1])],
        }
    }

    /// What the radar stores for a block of cells of a level.
    #[inline]
    fn look(&self, level: &Level, block: usize, white: &[f32; LANES]) -> [i8; LANES] {
        let (lowest, highest, shadow) = (&self.lowest_km[block], &self.highest_km[block], &self.shadow_km[block]);
        let (loss, weakest) = (&self.loss_db[block], &self.weakest_dbz[block]);
        let (clutter, clear_air) = (&self.clutter_dbz[block], &self.clear_air_dbz[block]);
        let (core, core_km) = (&self.core_dbz[block], &self.core_km[block]);
        let (tower, below) = (&self.tower[block], &self.below_db_km[block]);
        let (rain, anvil) = (&self.rain_dbz[block], &self.anvil_dbz[block]);
        let (coarse, grain) = (&self.noise[0][block], &self.noise[1][block]);
        let mut stored = [MISSING; LANES];
        for cell in 0..LANES {
            // If the lowest beam passes above the level, the level repeats what that beam sees.
            let z = greater(level.z_km, lowest[cell]);
            let convection = convective_dbz(z, core[cell], core_km[cell], tower[cell], below[cell]);
            let layered = together(rain_dbz(z, rain[cell], level.freezing_km), anvil_dbz(z, anvil[cell]));
            let texture = level.mix[0] * coarse[cell] + level.mix[1] * grain[cell];
            let loss_db = loss[cell];
            let dimmed = if z < 5.0 { loss_db } else { 0.0 };
            let weather = together(convection, layered) + texture - dimmed;
            let ground = clutter[cell] - level.clutter_loss_db + 3.0 * white[cell];
            let ground = if white[cell] > -0.8 { ground } else { NOTHING_DBZ };
            let insects = clear_air[cell] - 5.0 * level.z_km + 2.0 * white[cell];
            let speckle = weakest[cell] + 16.0 * (white[cell] - SPECKLE);
            let speckle = if white[cell] > SPECKLE { speckle } else { NOTHING_DBZ };
            let echo = greater(greater(weather, ground), greater(insects, speckle));
            let dbz = echo + MEASUREMENT_DB * white[cell];
            let seen = (dbz >= weakest[cell]) & (z <= highest[cell]) & (z >= shadow[cell]);
            let code = to_stored(dbz);
            stored[cell] = if seen { code } else { MISSING };
        }
        stored
    }
}

/// Strongest at the height of the core, weakening below it, and above it ever faster to the top of the tower, which is the
/// higher the stronger the core is.
#[inline]
fn convective_dbz(z_km: f32, core_dbz: f32, core_km: f32, tower: f32, below_db_km: f32) -> f32 {
    let strength = greater(core_dbz, 0.0);
    let depth_km = tower * (1.4 + 0.0027 * strength * strength);
    let risen = greater(z_km - core_km, 0.0) / depth_km;
    let fallen = greater(core_km - z_km, 0.0);
    core_dbz - below_db_km * fallen - greater(core_dbz - 18.0, 7.0) * risen * risen
}

/// Even below the melting layer, a little stronger in it, weakening quickly in the snow above.
#[inline]
fn rain_dbz(z_km: f32, dbz: f32, freezing_km: f32) -> f32 {
    let bright = greater(1.0 - (z_km - freezing_km + 0.3).abs() / 0.9, 0.0) * 5.5;
    dbz + bright - 3.4 * greater(z_km - freezing_km, 0.0) - 0.5 * greater(freezing_km - z_km, 0.0)
}

/// A layer around 9.5 km, sharper above than below.
#[inline]
fn anvil_dbz(z_km: f32, dbz: f32) -> f32 {
    dbz - 3.2 * greater(9.5 - z_km, 0.0) - 6.5 * greater(z_km - 9.5, 0.0)
}

/// As [`crate::lrose::packed`] stores it, for numbers between -100 and 100 only; rounding by adding a large number
/// turns into vector instructions.
#[inline]
fn to_stored(dbz: f32) -> i8 {
    const ROUNDS: f32 = 12_582_912.0;
    let steps = (dbz - OFFSET_DBZ) * (1.0 / SCALE_DBZ);
    let steps = -greater(-greater(steps, -127.0), -127.0) + ROUNDS;
    (steps.to_bits() as u8).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::super::calendar;
    use super::*;
    use crate::lrose::grid::SAN_RAFAEL;
    use crate::lrose::{packed, unpacked};

    #[test]
    fn fast_packing_agrees_with_packing() {
        for step in -300..300 {
            let dbz = step as f32 * 0.3 + 0.1;
            assert_eq!(to_stored(dbz), packed(dbz), "{dbz}");
        }
    }

    #[test]
    fn stronger_towers_reach_higher_and_a_young_core_has_nothing_below_it() {
        let top =
            |core_dbz: f32| (1..=20).filter(|&z| convective_dbz(z as f32, core_dbz, 3.6, 1.0, 0.6) > 18.0).count();
        assert!(top(35.0) < top(48.0) && top(48.0) < top(60.0));
        assert!((12..=16).contains(&top(60.0)), "{}", top(60.0));
        assert!(convective_dbz(1.0, 30.0, 6.0, 0.5, 5.0) < 10.0);
    }

    #[test]
    fn the_bright_band_is_at_the_melting_layer() {
        let strongest = (2..16)
            .max_by(|&a, &b| rain_dbz(a as f32 * 0.5, 25.0, 4.0).total_cmp(&rain_dbz(b as f32 * 0.5, 25.0, 4.0)));
        assert!(matches!(strongest, Some(7 | 8)), "{strongest:?}");
    }

    const SIZE: usize = 96;

    /// Volumes of one event, some minutes apart, in dBZ; -30 is no echo.
    fn event(index: usize, levels: usize, minutes: &[i64]) -> Vec<Vec<f32>> {
        let textures = Textures::new(11);
        let grid = Grid::square(SAN_RAFAEL, SIZE, levels);
        let radar = Radar::new(&grid, &textures);
        let plan = Plan::new(11, &calendar::events(11, 4, 40)[index], SIZE);
        let painter = Painter { seed: 11, grid: &grid, radar: &radar, textures: &textures };
        let dbz = |stored: i8| if stored == MISSING { -30.0 } else { unpacked(stored) };
        minutes.iter().map(|m| painter.volume(&plan, index, m * 60).into_iter().map(dbz).collect()).collect()
    }

    fn share_above(dbz: &[f32], threshold: f32) -> f64 {
        dbz.iter().filter(|&&dbz| dbz > threshold).count() as f64 / dbz.len() as f64
    }

    #[test]
    fn echoes_are_as_strong_and_as_common_as_those_of_a_stormy_day() {
        let volumes: Vec<f32> = (0..4).flat_map(|index| event(index, 2, &[-40, -20, 0, 20, 40]).concat()).collect();
        let shares = [20.0, 35.0, 45.0, 55.0].map(|threshold| share_above(&volumes, threshold));
        assert!((0.03..0.25).contains(&shares[0]), "{shares:?}");
        assert!((0.008..0.08).contains(&shares[1]), "{shares:?}");
        assert!((0.001..0.03).contains(&shares[2]), "{shares:?}");
        assert!(shares[3] > 0.0 && shares[3] < 0.004, "{shares:?}");
        assert!(volumes.iter().all(|&dbz| dbz < 72.0));
    }

    #[test]
    fn echoes_thin_out_with_height() {
        let volume = &event(1, 16, &[0])[0];
        let shares: Vec<_> = volume.chunks(SIZE * SIZE).map(|level| share_above(level, 30.0)).collect();
        assert!(shares[2] > 2.0 * shares[7] && shares[7] > shares[12], "{shares:?}");
        assert!(share_above(&volume[15 * SIZE * SIZE..], 30.0) < 0.001);
    }

    #[test]
    fn moving_the_picture_along_beats_leaving_it_as_it_is() {
        for index in 0..4 {
            let frames = event(index, 1, &[0, 10]);
            let inner = 14..SIZE as i64 - 14;
            let error = |dx: i64, dy: i64| -> f32 {
                let at = |frame: usize, x: i64, y: i64| frames[frame][y as usize * SIZE + x as usize].max(0.0);
                let cells = inner.clone().flat_map(|y| inner.clone().map(move |x| (x, y)));
                cells.map(|(x, y)| (at(1, x, y) - at(0, x - dx, y - dy)).powi(2)).sum()
            };
            let shifts = (-14..=14).flat_map(|dx| (-14..=14).map(move |dy| (dx, dy)));
            let (best, dx, dy) =
                shifts.map(|(dx, dy)| (error(dx, dy), dx, dy)).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            assert!(best < 0.8 * error(0, 0), "event {index}: {best} at ({dx}, {dy}), {} at rest", error(0, 0));
            let speed_m_s = f64::hypot(dx as f64, dy as f64) * 1000.0 / 600.0;
            assert!((6.0..24.0).contains(&speed_m_s), "event {index}: {speed_m_s} m/s");
        }
    }

    #[test]
    fn the_radar_sees_nothing_beyond_its_range_nor_above_itself() {
        let volume = &event(2, 10, &[0])[0];
        let at = |level: usize, x: usize, y: usize| volume[level * SIZE * SIZE + y * SIZE + x];
        assert!((0..10).all(|level| at(level, 1, 1) == -30.0 && at(level, SIZE - 2, SIZE - 2) == -30.0));
        assert!((3..10).all(|level| at(level, SIZE / 2, SIZE / 2) == -30.0), "cone of silence");
    }
}
