//! Maps of errors: the mean error and the root mean square error of every cell at every lead time, over all windows.
//! Not a score, which is over all cells.

use super::verify::Shape;

/// Steps between the weakest byte, 1, and the strongest, 255.
const STEPS: f32 = 254.0;

/// Sums for each cell.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorMap {
    shape: Shape,
    span: f64,
    /// Of leads, rows and columns.
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cell {
    count: u64,
    /// Of the differences on the normalised scale,
    sum: f64,
    /// and of their squares.
    squares: f64,
}

impl ErrorMap {
    /// Empty sums, for forecasts of this shape on a scale that is `span` long.
    #[must_use]
    pub fn none(shape: Shape, span: f64) -> Self {
        Self { shape, span, cells: vec![Cell::default(); shape.leads * shape.frame()] }
    }

    /// Adds a window: forecast values, normalised, and observed bytes, of leads, channels, rows and columns. A channel is
    /// one more frame of its lead time. What is missing (0) is left out; a cell without a forecast (NaN) is a forecast of no
    /// echo.
    ///
    /// # Panics
    /// If one of them has another size.
    pub fn add_window(&mut self, forecast: &[f32], observed: &[u8]) {
        let cells = self.shape.cells();
        assert_eq!((forecast.len(), observed.len()), (cells, cells), "cells of a window of {:?}", self.shape);
        let frame = self.shape.frame();
        let frames = forecast.chunks_exact(frame).zip(observed.chunks_exact(frame)).enumerate();
        for (index, (forecast, observed)) in frames {
            let lead = index / self.shape.channels;
            let sums = &mut self.cells[lead * frame..(lead + 1) * frame];
            sums.iter_mut()
                .zip(forecast.iter().zip(observed))
                .for_each(|(cell, (&value, &byte))| cell.add(value, byte));
        }
    }

    /// Adds another map of the same shape.
    ///
    /// # Panics
    /// If it has another one.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.shape, other.shape, "error maps of two shapes");
        for (cell, other) in self.cells.iter_mut().zip(&other.cells) {
            cell.count += other.count;
            cell.sum += other.sum;
            cell.squares += other.squares;
        }
    }

    /// The mean error at a lead time, row by row: above 0 where the forecast is too strong, NaN where nothing was ever
    /// observed. Empty without such a lead time.
    #[must_use]
    pub fn mean(&self, lead: usize) -> Vec<f32> {
        self.map(lead, |cell| cell.sum / cell.count as f64)
    }

    /// The root mean square error at a lead time, as [`Self::mean`].
    #[must_use]
    pub fn root_mean_square(&self, lead: usize) -> Vec<f32> {
        self.map(lead, |cell| (cell.squares / cell.count as f64).sqrt())
    }

    fn map(&self, lead: usize, value: impl Fn(&Cell) -> f64) -> Vec<f32> {
        let cells = self.cells.chunks_exact(self.shape.frame()).nth(lead).unwrap_or_default();
        let scaled = |cell: &Cell| (value(cell) * self.span) as f32;
        cells.iter().map(|cell| if cell.count == 0 { f32::NAN } else { scaled(cell) }).collect()
    }
}

impl Cell {
    fn add(&mut self, forecast: f32, observed: u8) {
        if observed == 0 {
            return;
        }
        let forecast = if forecast.is_nan() { 0.0 } else { forecast };
        let difference = f64::from(forecast) - f64::from((f32::from(observed) - 1.0) / STEPS);
        self.count += 1;
        self.sum += difference;
        self.squares += difference * difference;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { leads: 2, channels: 2, rows: 1, columns: 2 };

    #[test]
    fn every_cell_has_the_errors_of_its_own_lead_time() {
        let mut map = ErrorMap::none(SHAPE, 254.0);
        // Two channels of two cells, for each of two lead times; 1 dBZ a step.
        let forecast = [10.0, 20.0, 14.0, 20.0, 0.0, 5.0, f32::NAN, 5.0].map(|dbz: f32| dbz / 254.0);
        map.add_window(&forecast, &[13, 0, 13, 21, 1, 0, 4, 0]);
        let near = |found: Vec<f32>, expected: [f32; 2]| {
            let same = |(found, expected): (&f32, &f32)| {
                found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-4
            };
            assert!(found.len() == 2 && found.iter().zip(&expected).all(same), "{found:?}, expected {expected:?}");
        };
        near(map.mean(0), [0.0, 0.0]);
        near(map.root_mean_square(0), [2.0, 0.0]);
        near(map.mean(1), [-1.5, f32::NAN]);
        near(map.root_mean_square(1), [4.5_f32.sqrt(), f32::NAN]);
        assert!(map.mean(2).is_empty());
        let once = map.clone();
        map.add(&once);
        near(map.root_mean_square(0), [2.0, 0.0]);
    }
}
