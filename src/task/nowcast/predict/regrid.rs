//! From the model's grid back to the radar's: bilinear between the centres of the model's cells, at the positions that
//! preparing gave them. Cells past the outermost centres take the value of the nearest.

use crate::task::nowcast::resample::{Method, Resampler};

/// A plan for bringing planes of the model's grid to the radar's.
#[derive(Clone, Debug)]
pub struct Regrid {
    rows: Vec<Between>,
    columns: Vec<Between>,
    /// Columns of the model's grid.
    width: usize,
}

/// A cell between two others: `(1 - share) * low + share * high`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Between {
    low: usize,
    high: usize,
    share: f32,
}

impl Regrid {
    /// For a radar grid with these coordinates, rows first, that was resampled to a size.
    #[must_use]
    pub fn new(method: Method, [y, x]: [&[f64]; 2], [rows, columns]: [usize; 2]) -> Self {
        Self { rows: along(method, y, rows), columns: along(method, x, columns), width: columns }
    }

    /// A plane on the radar's grid.
    #[must_use]
    pub fn plane(&self, values: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.rows.len() * self.columns.len());
        let mut row = vec![0.0; self.width];
        for between in &self.rows {
            let [low, high] = [between.low, between.high].map(|index| &values[index * self.width..][..self.width]);
            for ((cell, &low), &high) in row.iter_mut().zip(low).zip(high) {
                *cell = low + between.share * (high - low);
            }
            out.extend(self.columns.iter().map(|at| row[at.low] + at.share * (row[at.high] - row[at.low])));
        }
        out
    }
}

fn along(method: Method, axis: &[f64], model: usize) -> Vec<Between> {
    if axis.len() == model {
        // The same cells: nothing may be lost to rounding.
        return (0..model).map(|index| Between { low: index, high: index, share: 0.0 }).collect();
    }
    let centres = Resampler::coordinates(method, axis, model);
    let between = |&at: &f64| {
        let high = centres.partition_point(|&centre| centre < at).clamp(1, (model - 1).max(1));
        if model == 1 {
            return Between { low: 0, high: 0, share: 0.0 };
        }
        let share = (at - centres[high - 1]) / (centres[high] - centres[high - 1]);
        Between { low: high - 1, high, share: share.clamp(0.0, 1.0) as f32 }
    };
    axis.iter().map(between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(cells: usize) -> Vec<f64> {
        (0..cells).map(|cell| cell as f64 - 3.5).collect()
    }

    fn plane(method: Method, size: usize, values: &[f32]) -> Vec<f32> {
        let (one, axis) = ([0.0], axis(size));
        Regrid::new(method, [&one, &axis], [1, values.len()]).plane(values)
    }

    #[test]
    fn blocks_come_back_aligned_at_their_centres() {
        // As torch.nn.functional.interpolate(..., align_corners=False) does.
        let expected = [0.0, 1.0, 3.0, 5.0, 7.0, 8.0];
        assert_eq!(plane(Method::Mean, 6, &[0.0, 4.0, 8.0]), expected);
        assert_eq!(plane(Method::Max, 6, &[0.0, 4.0, 8.0]), expected);
        assert_eq!(plane(Method::Nearest, 6, &[0.0, 4.0, 8.0]), expected);
    }

    #[test]
    fn evenly_spaced_points_come_back_from_end_to_end() {
        assert_eq!(plane(Method::Bilinear, 5, &[0.0, 4.0, 8.0]), [0.0, 2.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn the_same_size_passes_unchanged_and_a_single_cell_fills_all() {
        let values: Vec<f32> = (0..7).map(|value| 0.1 * value as f32).collect();
        assert_eq!(plane(Method::Mean, 7, &values), values);
        assert_eq!(plane(Method::Bilinear, 7, &values), values);
        assert_eq!(plane(Method::Mean, 3, &[0.7]), [0.7; 3]);
    }

    #[test]
    fn a_slope_stays_a_slope_in_both_directions() {
        let y = axis(8);
        let x = axis(10);
        let model: Vec<f32> = (0..4).flat_map(|row| (0..5).map(move |column| (10 * row + column) as f32)).collect();
        let back = Regrid::new(Method::Mean, [&y, &x], [4, 5]).plane(&model);
        for (row, column) in [(1, 1), (3, 4), (6, 8)] {
            let expected = 10.0 * (row as f32 / 2.0 - 0.25) + column as f32 / 2.0 - 0.25;
            assert!((back[row * 10 + column] - expected).abs() < 1e-5);
        }
    }
}
