//! Carries a frame along a motion, backward semi-Lagrangian: each cell looks up the place in the frame that its echo comes from.

use rayon::prelude::*;

use super::motion::Motion;
use super::plane::{Plane, ROWS_PER_TASK, bilinear};
use super::ways::{SPACING, Ways};

/// The share of known cells around a place from which on they decide about its value.
pub const LEAST_KNOWN: f32 = 0.5;

/// Carries a frame of the motion's rows and columns on to each of the lead times, which are in minutes after it.
///
/// Returns the frames one after another. Values between cells are bilinear. If some cells around a place are missing (NaN),
/// the others decide if they weigh at least half ([`LEAST_KNOWN`]); the value is NaN if they weigh less or the place is outside.
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
        lines.for_each(|(row, line)| look_up(&ways, row, &padded, line));
    }
    carried
}

/// Fills a row with the values at the ends of its cells' trajectories.
fn look_up(ways: &Ways, row: usize, padded: &Plane, line: &mut [f32]) {
    let (last_x, last_y) = ((padded.columns - 2) as f32, (padded.rows - 2) as f32);
    ways.each_of_row(row, line.len(), |column, [dx, dy]| {
        let (x, y) = (column as f32 + dx, row as f32 + dy);
        let inside = x >= 0.0 && y >= 0.0 && x <= last_x && y <= last_y;
        line[column] = if inside { known_value(padded, x, y) } else { f32::NAN };
    });
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
    if weight >= LEAST_KNOWN { sum / weight } else { f32::NAN }
}
