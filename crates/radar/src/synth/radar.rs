//! The radar's view of the air: its range, its lowest beam, blockage, and ground clutter.

use super::texture::Textures;
use super::volume::LANES;
use crate::lrose::grid::Grid;

/// Per cell of the grid, row by row from the south, filled up to whole blocks.
pub(super) struct Radar {
    /// The lowest beam: lower levels repeat its value. Beyond the range it is above everything.
    pub(super) lowest_km: Vec<f32>,
    /// The highest beam: above it is the cone of silence.
    pub(super) highest_km: Vec<f32>,
    /// Nothing is seen below this: the mountains' shadow.
    pub(super) shadow_km: Vec<f32>,
    /// What a partly blocked beam loses.
    pub(super) loss_db: Vec<f32>,
    /// The weakest echo above the receiver's noise.
    pub(super) weakest_dbz: Vec<f32>,
    /// What the ground returns into the lowest beam.
    pub(super) clutter_dbz: Vec<f32>,
    /// Insects and dust around the radar.
    pub(super) clear_air_dbz: Vec<f32>,
}

/// Share of the picture's side that the radar reaches: 240 km of 500.
const RANGE: f32 = 0.48;
const ALTITUDE_KM: f32 = 0.55;
/// Twice 4/3 of the earth's radius: how beams rise over the curved earth.
const TWICE_EFFECTIVE_RADIUS_KM: f32 = 2.0 * 8495.0;
const LOWEST_SINE: f32 = 0.0087;
const HIGHEST_TANGENT: f32 = 0.62;
/// An altitude that nothing reaches.
const BEYOND_KM: f32 = 1000.0;
const NONE_DBZ: f32 = -60.0;

impl Radar {
    pub(super) fn new(grid: &Grid, textures: &Textures) -> Self {
        let cells = grid.x_km.len() * grid.y_km.len();
        let field = || Vec::with_capacity(cells.next_multiple_of(LANES));
        let mut radar = Self {
            lowest_km: field(),
            highest_km: field(),
            shadow_km: field(),
            loss_db: field(),
            weakest_dbz: field(),
            clutter_dbz: field(),
            clear_air_dbz: field(),
        };
        let size_km = grid.x_km.len() as f32;
        for &y in &grid.y_km {
            for &x in &grid.x_km {
                radar.push(View::new(x, y, size_km), textures);
            }
        }
        for _ in cells..cells.next_multiple_of(LANES) {
            radar.push(View::new(size_km, size_km, size_km), textures);
        }
        radar
    }

    fn push(&mut self, view: View, textures: &Textures) {
        let beam_km = |sine: f32| ALTITUDE_KM + view.range * sine + view.range * view.range / TWICE_EFFECTIVE_RADIUS_KM;
        let seen = view.range <= RANGE * 500.0;
        self.lowest_km.push(if seen { beam_km(LOWEST_SINE) } else { BEYOND_KM });
        self.highest_km.push((ALTITUDE_KM + view.true_range * HIGHEST_TANGENT).min(0.5 * BEYOND_KM));
        let (horizon_sine, loss_db) = view.horizon(textures);
        self.shadow_km.push(if horizon_sine > 0.0 { beam_km(horizon_sine) } else { 0.0 });
        self.loss_db.push(loss_db);
        self.weakest_dbz.push((-19.0 + 20.0 * (view.range.max(1.0) / 20.0).log10()).max(-29.0));
        self.clutter_dbz.push(view.clutter_dbz(textures));
        self.clear_air_dbz.push(-9.0 + 4.0 * textures.broad.at(view.x, view.y) - 0.3 * view.range);
    }
}

/// A cell as the radar sees it. Distances are as if the picture were 500 km wide, so that small pictures show all of it.
struct View {
    x: f32,
    y: f32,
    range: f32,
    true_range: f32,
    /// Clockwise from north.
    azimuth_degrees: f32,
}

impl View {
    fn new(x: f32, y: f32, size_km: f32) -> Self {
        let true_range = x.hypot(y);
        let azimuth_degrees = x.atan2(y).to_degrees().rem_euclid(360.0);
        Self { x, y, range: true_range * 500.0 / size_km, true_range, azimuth_degrees }
    }

    /// The mountains in the west hide the lowest beams behind them, their flanks weaken them; a mast weakens two degrees.
    fn horizon(&self, textures: &Textures) -> (f32, f32) {
        let ridge_km = 62.0;
        let outline = textures.ragged.at(self.azimuth_degrees * 4.0, 9.0);
        let inside = 11.0 + 1.5 * outline - (self.azimuth_degrees - 272.0).abs();
        let mast = 1.2 - (self.azimuth_degrees - 23.0).abs();
        match (self.range > ridge_km && inside > 0.0, self.range > ridge_km && inside > -3.0, mast > 0.0) {
            (true, ..) => (0.011 + 0.0022 * inside.min(5.0), 0.0),
            (_, true, _) => (0.0, 3.0 * (inside + 3.0)),
            (.., true) if self.range > 4.0 => (0.0, 7.0 * mast),
            _ => (0.0, 0.0),
        }
    }

    /// Hills near the radar, and the front range of the mountains outside their shadow.
    fn clutter_dbz(&self, textures: &Textures) -> f32 {
        let pattern =
            0.8 * textures.fine.at(self.x * 2.1 + 40.0, self.y * 2.1) + 0.6 * textures.ragged.at(self.x, self.y);
        let near = 17.0 + 13.0 * pattern - 1.1 * self.range;
        let ridge = 118.0 + 14.0 * textures.broad.at(self.azimuth_degrees * 1.4, 3.0);
        let from_west = (self.azimuth_degrees - 270.0).abs();
        let far = 4.0 + 15.0 * pattern - 1.6 * (self.range - ridge).abs() - 0.4 * (from_west - 35.0).max(0.0);
        let strongest = near.max(far);
        if strongest > 2.0 { strongest.min(48.0) } else { NONE_DBZ }
    }
}
