//! The ways that the echo of each cell has come: followed back along the motion, from the last frame or from a forecast.

use rayon::prelude::*;

use super::motion::Motion;
use super::plane::{Plane, bilinear};

/// Ways are followed for one cell in this many along each axis and interpolated between them, as motion is smooth.
pub const SPACING: usize = 4;

/// The longest step along a way in cells; longer ones take several steps of equal length.
pub const LONGEST_STEP: f32 = 8.0;

/// The most steps to the next time: a limit on the work for a time far ahead.
pub const MOST_STEPS: f32 = 256.0;

/// Rows and columns of the mesh over a frame: every [`SPACING`]th cell from the first, and one at the last or beyond it.
#[must_use]
pub fn mesh(rows: usize, columns: usize) -> [usize; 2] {
    [rows, columns].map(|cells| cells.saturating_sub(1).div_ceil(SPACING) + 1)
}

/// Where the echo of each cell of the mesh was, these minutes before: the offset in cells along the columns, then along
/// the rows, row by row of the mesh. Minutes ascend from 0; one field after another.
#[must_use]
pub fn ways(motion: &Motion, minutes: &[f64]) -> Vec<f32> {
    let [rows, columns] = mesh(motion.rows, motion.columns);
    let mut offsets = Vec::with_capacity(minutes.len() * 2 * rows * columns);
    let mut ways = Ways::new(motion, SPACING);
    let mut before = 0.0;
    for &minutes in minutes {
        ways.go_back((minutes - before) as f32);
        before = minutes;
        for axis in 0..2 {
            offsets.extend(ways.of_mesh().iter().map(|way| way[axis]));
        }
    }
    offsets
}

/// The distance to the origin of each cell's echo, for the cells of a coarse grid.
pub(super) struct Ways {
    rows: usize,
    columns: usize,
    u: Plane,
    v: Plane,
    fastest: f32,
    spacing: usize,
    mesh_columns: usize,
    /// Along the columns and along the rows, in cells.
    ways: Vec<[f32; 2]>,
}

impl Ways {
    /// Nothing has been followed yet: each way is 0. One cell in `spacing` along each axis is followed.
    pub fn new(motion: &Motion, spacing: usize) -> Self {
        let (rows, columns) = (motion.rows, motion.columns);
        let [mesh_rows, mesh_columns] = [rows, columns].map(|cells| (cells - 1).div_ceil(spacing) + 1);
        let fastest = motion.u.iter().chain(&motion.v).fold(0.0_f32, |most, speed| most.max(speed.abs()));
        let [u, v] = [&motion.u, &motion.v].map(|speeds| Plane::padded(speeds, rows, columns));
        Self { rows, columns, u, v, fastest, spacing, mesh_columns, ways: vec![[0.0; 2]; mesh_rows * mesh_columns] }
    }

    /// Follows the trajectories back for some more minutes, each step by the midpoint rule.
    pub fn go_back(&mut self, minutes: f32) {
        let steps = (self.fastest * minutes.abs() / LONGEST_STEP).ceil().clamp(1.0, MOST_STEPS);
        let step_minutes = minutes / steps;
        let mut ways = std::mem::take(&mut self.ways);
        ways.par_iter_mut().with_min_len(1024).enumerate().for_each(|(index, way)| {
            let [x, y] =
                [index % self.mesh_columns, index / self.mesh_columns].map(|mesh| (mesh * self.spacing) as f32);
            for _ in 0..steps as usize {
                let [first_x, first_y] = self.motion_at(x + way[0], y + way[1]);
                let half = 0.5 * step_minutes;
                let [u, v] = self.motion_at(x + way[0] - half * first_x, y + way[1] - half * first_y);
                *way = [way[0] - step_minutes * u, way[1] - step_minutes * v];
            }
        });
        self.ways = ways;
    }

    /// The motion at a place; outside the frame, that of the nearest cell.
    fn motion_at(&self, x: f32, y: f32) -> [f32; 2] {
        let (x, y) = (x.clamp(0.0, (self.columns - 1) as f32), y.clamp(0.0, (self.rows - 1) as f32));
        [bilinear(self.u.around(x, y)), bilinear(self.v.around(x, y))]
    }

    /// Hands over the way of each cell of a row.
    pub fn each_of_row(&self, row: usize, columns: usize, mut take: impl FnMut(usize, [f32; 2])) {
        let ways = self.ways_of_row(row);
        for (mesh, first) in (0..columns).step_by(self.spacing).enumerate() {
            let [start, end] = [ways[mesh], ways[(mesh + 1).min(ways.len() - 1)]];
            for offset in 0..self.spacing.min(columns - first) {
                take(first + offset, mixed(start, end, offset as f32 / self.spacing as f32));
            }
        }
    }

    /// The ways themselves, one for each cell of the mesh.
    pub fn of_mesh(&self) -> &[[f32; 2]] {
        &self.ways
    }

    fn ways_of_row(&self, row: usize) -> Vec<[f32; 2]> {
        let mut lines = self.ways[row / self.spacing * self.mesh_columns..].chunks(self.mesh_columns);
        let start = lines.next().unwrap_or_default();
        let end = lines.next().unwrap_or(start);
        let share = (row % self.spacing) as f32 / self.spacing as f32;
        start.iter().zip(end).map(|(&start, &end)| mixed(start, end, share)).collect()
    }
}

fn mixed(start: [f32; 2], end: [f32; 2], share: f32) -> [f32; 2] {
    [start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])]
}
