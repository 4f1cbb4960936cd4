//! A grid of numbers that can be smoothed and halved.

use rayon::prelude::*;

/// The fewest rows that a thread takes: handing over fewer costs more than it saves.
pub(super) const ROWS_PER_TASK: usize = 32;

/// Numbers on a grid, columns fastest.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub columns: usize,
    /// The numbers.
    pub values: Vec<f32>,
}

impl Plane {
    /// Nothing but zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// A plane whose rows a function fills in.
    pub fn from_rows(rows: usize, columns: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        let mut plane = Self::zeros(rows, columns);
        let lines = plane.values.par_chunks_mut(columns.max(1)).with_min_len(ROWS_PER_TASK);
        lines.enumerate().for_each(|(row, line)| fill(row, line));
        plane
    }

    /// How far each cell of a frame is above "no echo"; 0 for a missing cell.
    pub fn of_echo(frame: &[f32], rows: usize, columns: usize, no_echo: f32) -> Self {
        let echo = |&value: &f32| {
            let above = value - no_echo;
            if above > 0.0 && above.is_finite() { above } else { 0.0 }
        };
        Self { rows, columns, values: frame.iter().map(echo).collect() }
    }

    /// Whether any cell is above zero.
    pub fn has_echo(&self) -> bool {
        self.values.iter().any(|&value| value > 0.0)
    }

    /// A row; the last one for a number beyond it.
    pub fn row(&self, row: usize) -> &[f32] {
        let start = row.min(self.rows.saturating_sub(1)) * self.columns;
        &self.values[start..start + self.columns]
    }

    /// The means of tiles of 2 x 2 cells; at an odd edge the last cells count twice.
    pub fn halved(&self) -> Self {
        Self::from_rows(self.rows.div_ceil(2), self.columns.div_ceil(2), |row, line| {
            let (upper, lower) = (self.row(2 * row), self.row(2 * row + 1));
            for ((mean, upper), lower) in line.iter_mut().zip(upper.chunks(2)).zip(lower.chunks(2)) {
                let last = upper.len() - 1;
                *mean = 0.25 * (upper[0] + upper[last] + lower[0] + lower[last]);
            }
        })
    }

    /// Smoothed with the weights 1 2 1 along both axes, so that differences between neighbours are meaningful.
    pub fn smoothed(&self) -> Self {
        Self::from_rows(self.rows, self.columns, |row, line| {
            let [above, here, below] = [self.row(row.saturating_sub(1)), self.row(row), self.row(row + 1)];
            let sums = above.iter().zip(here).zip(below).map(|((above, here), below)| above + 2.0 * here + below);
            // The sums down the columns, with those at the edges twice.
            let mut down: Vec<f32> = Vec::with_capacity(line.len() + 2);
            down.push(0.0);
            down.extend(sums);
            down.push(down[line.len()]);
            down[0] = down[1];
            for (value, near) in line.iter_mut().zip(down.windows(3)) {
                *value = (near[0] + 2.0 * near[1] + near[2]) * 0.0625;
            }
        })
    }

    /// With the last row and column once more, so that every cell has one to the right and one above.
    pub fn padded(values: &[f32], rows: usize, columns: usize) -> Self {
        Self::from_rows(rows + 1, columns + 1, |row, line| {
            let start = row.min(rows - 1) * columns;
            line[..columns].copy_from_slice(&values[start..start + columns]);
            line[columns] = line[columns - 1];
        })
    }

    /// The four cells around a place of a padded plane, and the shares of the second row and of the second column. The
    /// place must be within the plane that was padded.
    #[inline]
    pub fn around(&self, x: f32, y: f32) -> ([f32; 4], f32, f32) {
        let (column, row) = (x as i32, y as i32);
        let start = row as usize * self.columns + column as usize;
        let (here, next) =
            (&self.values[start..start + 2], &self.values[start + self.columns..start + self.columns + 2]);
        ([here[0], here[1], next[0], next[1]], y - row as f32, x - column as f32)
    }
}

/// The bilinear mean of the four cells around a place, as [`Plane::around`] gives them.
#[inline]
pub(super) fn bilinear(([a, b, c, d], down, across): ([f32; 4], f32, f32)) -> f32 {
    let (here, next) = (a + across * (b - a), c + across * (d - c));
    here + down * (next - here)
}
