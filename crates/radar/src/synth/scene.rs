//! One time of an event seen from above: what each column of air holds, before the radar looks at it.

use super::cell::{Kind, Shape};
use super::flow::Motion;
use super::storm::Plan;
use super::texture::Textures;
use super::volume::LANES;

/// The columns of a square grid, row by row from the south, filled up to whole blocks. Reflectivities are in dBZ;
/// without echo they are far below what any radar detects.
pub(super) struct Scene {
    size: usize,
    /// The strongest echo of convection.
    pub(super) core_dbz: Vec<f32>,
    /// Its altitude.
    pub(super) core_km: Vec<f32>,
    /// The share of its full depth that the tower has reached.
    pub(super) tower: Vec<f32>,
    /// How fast it weakens below the core.
    pub(super) below_db_km: Vec<f32>,
    /// Layered rain.
    pub(super) rain_dbz: Vec<f32>,
    /// The anvil.
    pub(super) anvil_dbz: Vec<f32>,
    /// Two fields of noise with spread 1 that move with the air; every level mixes them differently.
    pub(super) noise: [Vec<f32>; 2],
    /// How far the noise bends the outlines of the cells.
    bend: [Vec<f32>; 2],
}

const NOTHING_DBZ: f32 = -60.0;

impl Scene {
    pub(super) fn new(plan: &Plan, textures: &Textures, size: usize, seconds: f32) -> Self {
        let field = |value| vec![value; (size * size).next_multiple_of(LANES)];
        let mut scene = Self {
            size,
            core_dbz: field(NOTHING_DBZ),
            core_km: field(2.5),
            tower: field(0.9),
            below_db_km: field(0.6),
            rain_dbz: field(NOTHING_DBZ),
            anvil_dbz: field(NOTHING_DBZ),
            noise: [field(0.0), field(0.0)],
            bend: [field(0.0), field(0.0)],
        };
        let motion = plan.flow.at(seconds);
        scene.draw_air(plan, textures, &motion, seconds);
        for cell in &plan.cells {
            if let Some(shape) = cell.at(&plan.flow, &motion, seconds) {
                scene.draw(&shape);
            }
        }
        scene.roughen();
        scene
    }

    /// What depends on the air alone: the noise, the bending and the scattered showers.
    fn draw_air(&mut self, plan: &Plan, textures: &Textures, motion: &Motion, seconds: f32) {
        let Textures { broad, ragged, fine, .. } = textures;
        let [offset_x, offset_y] = plan.texture_offset;
        let per_km = 1.0 / plan.scale;
        // Noise that is the sum of two sheets sliding over each other changes within half an hour.
        let slide = 0.0011 * seconds;
        for row in 0..self.size {
            for column in 0..self.size {
                let cell = row * self.size + column;
                let [x, y] = motion.particle([self.km(column), self.km(row)]);
                let (x, y) = (x * per_km + offset_x, y * per_km + offset_y);
                let coarse =
                    0.71 * (ragged.at(x + slide, y - slide) + ragged.at(y * 0.93 - slide + 77.0, 31.0 - x * 0.93));
                let grain = 0.71 * (fine.at(x - slide, y + 11.0) + fine.at(5.0 - y, x + slide + 140.0));
                let far = broad.at(0.28 * x + 200.0, 0.28 * y);
                self.noise[0][cell] = coarse;
                self.noise[1][cell] = grain;
                let bend_x = broad.at(x - slide, y + 260.0);
                let bend_y = broad.at(y + 33.0, x + slide);
                self.bend[0][cell] = plan.scale * (3.2 * bend_x + 1.5 * coarse);
                self.bend[1][cell] = plan.scale * (3.2 * bend_y + 1.5 * grain);
                let shower = 0.75 * coarse + 0.45 * grain + 0.5 * bend_x + 0.9 * far;
                self.core_dbz[cell] = 14.0 * (shower - 1.55) + plan.showers_dbz;
            }
        }
    }

    fn km(&self, cell: usize) -> f32 {
        cell as f32 - (self.size as f32 - 1.0) / 2.0
    }

    fn draw(&mut self, shape: &Shape) {
        let steep = shape.kind == Kind::Core;
        let farthest = if steep { ((shape.peak_dbz + 35.0) / 24.0).max(0.0) } else { 1.45 };
        // Bent outlines reach farther than straight ones.
        let reach = farthest * shape.front_km.max(shape.back_km).max(shape.side_km) + 8.0;
        let (rows, columns) = (self.span(shape.centre[1], reach), self.span(shape.centre[0], reach));
        let [east, north] = shape.axis;
        let (in_front, in_back, in_side) = (1.0 / shape.front_km, 1.0 / shape.back_km, 1.0 / shape.side_km);
        for row in rows {
            let y = self.km(row) - shape.centre[1];
            for column in columns.clone() {
                let cell = row * self.size + column;
                let dx = self.km(column) - shape.centre[0] + self.bend[0][cell];
                let dy = y + self.bend[1][cell];
                let ahead = dx * east + dy * north;
                let aside = (dy * east - dx * north) * in_side;
                let ahead = ahead * if ahead > 0.0 { in_front } else { in_back };
                let distance_squared = ahead * ahead + aside * aside;
                match shape.kind {
                    Kind::Core => self.raise_core(cell, shape, core_dbz(shape.peak_dbz, distance_squared)),
                    Kind::Rain => raise(&mut self.rain_dbz[cell], shape.peak_dbz - 20.0 * distance_squared),
                    Kind::Anvil => raise(&mut self.anvil_dbz[cell], shape.peak_dbz - 20.0 * distance_squared),
                }
            }
        }
    }

    fn span(&self, centre_km: f32, reach_km: f32) -> std::ops::Range<usize> {
        let middle = centre_km + (self.size as f32 - 1.0) / 2.0;
        let bound = |cell: f32| cell.clamp(0.0, self.size as f32) as usize;
        bound(middle - reach_km)..bound(middle + reach_km + 1.0)
    }

    /// The stronger echo decides the column's profile; between two alike, the profile is in between.
    #[inline]
    fn raise_core(&mut self, cell: usize, shape: &Shape, dbz: f32) {
        let weight = ((dbz - self.core_dbz[cell] + 6.0) / 12.0).clamp(0.0, 1.0);
        self.core_km[cell] += weight * (shape.core_km - self.core_km[cell]);
        self.tower[cell] += weight * (shape.tower - self.tower[cell]);
        self.below_db_km[cell] += weight * (shape.below_db_km - self.below_db_km[cell]);
        raise(&mut self.core_dbz[cell], dbz);
    }

    /// Noise inside the echoes, and no echo stronger than hail.
    fn roughen(&mut self) {
        let [coarse, grain] = &self.noise;
        for cell in 0..self.core_dbz.len() {
            let (coarse, grain) = (coarse[cell], grain[cell]);
            let rough = ((self.core_dbz[cell] + 15.0) / 50.0).clamp(0.2, 1.0);
            let dbz = self.core_dbz[cell] + rough * (2.8 * coarse + 2.4 * grain);
            self.core_dbz[cell] = dbz.min(57.0 + 0.45 * (dbz - 57.0));
            self.rain_dbz[cell] += 3.4 * coarse + 1.6 * grain;
            self.anvil_dbz[cell] += 3.4 * coarse + 1.0 * grain;
        }
    }
}

/// Round at the top, then falling in a straight line: the outlines of storms in dBZ are evenly spaced.
#[inline]
fn core_dbz(peak_dbz: f32, distance_squared: f32) -> f32 {
    peak_dbz - 13.0 * ((1.0 + 3.4 * distance_squared).sqrt() - 1.0)
}

/// Adds an echo: the stronger wins; two alike give a little more than either.
#[inline]
pub(super) fn raise(dbz: &mut f32, other: f32) {
    *dbz = together(*dbz, other);
}

/// Two echoes in the same place, near the sum of their powers without its logarithm.
#[inline]
pub(super) fn together(a: f32, b: f32) -> f32 {
    let alike = greater(1.0 - (a - b).abs() * 0.125, 0.0);
    greater(a, b) + 2.5 * alike * alike
}

/// The greater of two numbers that are not NaN: one instruction instead of the six of `f32::max`.
#[inline]
pub(super) fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
