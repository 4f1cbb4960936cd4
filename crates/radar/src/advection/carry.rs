//! Carries a frame along a motion, backward semi-Lagrangian: each cell looks up the place in the frame that its echo comes from.

use rayon::prelude::*;

use super::motion::Motion;
use super::plane::{Plane, ROWS_PER_TASK, bilinear};

/// Trajectories are followed for one cell in this many along each axis and interpolated between them, as motion is smooth.
const SPACING: usize = 4;

/// The longest step along a trajectory in cells; longer ones take several steps of equal length.
const LONGEST_STEP: f32 = 8.0;

/// The most steps to the next lead time: a limit on the work for a time far ahead.
const MOST_STEPS: f32 = 256.0;

/// Carries a frame of the motion's rows and columns on to each of the lead times, which are in minutes after it.
///
/// Returns the frames one after another. Values between cells are bilinear. If some cells around a place are missing (NaN),
/// the others decide if they weigh at least half; the value is NaN if they weigh less or the place is outside.
#[must_use]
pub fn carry(frame: &[f32], motion: &Motion, lead_minutes: &[f64]) -> Vec<f32> {
    carry_along_mesh(frame, motion, lead_minutes, SPACING)
}

/// Follows the trajectories of one cell in `spacing` along each axis.
pub(super) fn carry_along_mesh(frame: &[f32], motion: &Motion, lead_minutes: &[f64], spacing: usize) -> Vec<f32> {
    let (rows, columns) = (motion.rows, motion.columns);
    let cells = rows * columns;
    let mut carried = vec![f32::NAN; lead_minutes.len() * cells];
    if cells == 0 || [frame.len(), motion.u.len(), motion.v.len()] != [cells; 3] {
        return carried;
    }
    let padded = Plane::padded(frame, rows, columns);
    let mut ways = Ways::new(motion, spacing);
    let mut minutes = 0.0;
    for (lead, into) in lead_minutes.iter().zip(carried.chunks_mut(cells)) {
        ways.go_back((lead - minutes) as f32);
        minutes = *lead;
        let lines = into.par_chunks_mut(columns).with_min_len(ROWS_PER_TASK).enumerate();
        lines.for_each(|(row, line)| ways.look_up(row, &padded, line));
    }
    carried
}

/// The distance to the origin of each cell's echo, for the cells of a coarse grid.
struct Ways {
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
    fn new(motion: &Motion, spacing: usize) -> Self {
        let (rows, columns) = (motion.rows, motion.columns);
        let [mesh_rows, mesh_columns] = [rows, columns].map(|cells| (cells - 1).div_ceil(spacing) + 1);
        let fastest = motion.u.iter().chain(&motion.v).fold(0.0_f32, |most, speed| most.max(speed.abs()));
        let [u, v] = [&motion.u, &motion.v].map(|speeds| Plane::padded(speeds, rows, columns));
        Self { rows, columns, u, v, fastest, spacing, mesh_columns, ways: vec![[0.0; 2]; mesh_rows * mesh_columns] }
    }

    /// Follows the trajectories back for some more minutes, each step by the midpoint rule.
    fn go_back(&mut self, minutes: f32) {
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

    /// Fills a row with the values at the ends of its cells' trajectories.
    fn look_up(&self, row: usize, padded: &Plane, line: &mut [f32]) {
        let (last_x, last_y) = ((self.columns - 1) as f32, (self.rows - 1) as f32);
        let ways = self.ways_of_row(row);
        for (mesh, cells) in line.chunks_mut(self.spacing).enumerate() {
            let [start, end] = [ways[mesh], ways[(mesh + 1).min(ways.len() - 1)]];
            for (offset, value) in cells.iter_mut().enumerate() {
                let [dx, dy] = mixed(start, end, offset as f32 / self.spacing as f32);
                let (x, y) = ((mesh * self.spacing + offset) as f32 + dx, row as f32 + dy);
                let inside = x >= 0.0 && y >= 0.0 && x <= last_x && y <= last_y;
                *value = if inside { known_value(padded, x, y) } else { f32::NAN };
            }
        }
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

/// The value at a place of a padded frame with missing cells.
#[inline]
fn known_value(padded: &Plane, x: f32, y: f32) -> f32 {
    let around = padded.around(x, y);
    let value = bilinear(around);
    if value.is_nan() { mean_of_known(around) } else { value }
}

#[cold]
fn mean_of_known((values, down, across): ([f32; 4], f32, f32)) -> f32 {
    let weights = [(1.0 - down) * (1.0 - across), (1.0 - down) * across, down * (1.0 - across), down * across];
    let known = weights.iter().zip(values).filter(|(_, value)| !value.is_nan());
    let (weight, sum) = known.fold((0.0, 0.0), |(weight, sum), (more, value)| (weight + more, sum + more * value));
    if weight >= 0.5 { sum / weight } else { f32::NAN }
}
