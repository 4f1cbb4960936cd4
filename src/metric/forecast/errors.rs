//! Sums of the differences between forecast and observation, and the scores that follow from them. The difference is
//! forecast - observation, on the scale on which 0 to 1 is the whole range of reflectivity.

use serde::{Deserialize, Serialize};

/// Sums over cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorSums {
    /// The cells that were compared.
    pub cells: u64,
    /// Their differences.
    pub sum: f64,
    /// Their absolute differences.
    pub absolute: f64,
    /// Their squared differences.
    pub squares: f64,
}

impl ErrorSums {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.cells += other.cells;
        self.sum += other.sum;
        self.absolute += other.absolute;
        self.squares += other.squares;
    }

    /// Mean error.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.per_cell(self.sum)
    }

    /// Mean absolute error.
    #[must_use]
    pub fn mean_absolute(&self) -> Option<f64> {
        self.per_cell(self.absolute)
    }

    /// The root of the mean squared error of all cells.
    #[must_use]
    pub fn root_mean_square(&self) -> Option<f64> {
        self.per_cell(self.squares).map(f64::sqrt)
    }

    /// Peak signal-to-noise ratio in dB: the whole range against the error of all cells; undefined without an error.
    #[must_use]
    pub fn peak_signal_to_noise(&self) -> Option<f64> {
        self.per_cell(self.squares).filter(|&square| square > 0.0).map(|square| -10.0 * square.log10())
    }

    fn per_cell(&self, sum: f64) -> Option<f64> {
        (self.cells > 0).then(|| sum / self.cells as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_cells_the_value_is_undefined_and_without_an_error_there_is_no_noise() {
        assert_eq!(ErrorSums::default().mean(), None);
        assert_eq!(ErrorSums::default().root_mean_square(), None);
        let exact = ErrorSums { cells: 4, ..ErrorSums::default() };
        assert_eq!((exact.mean_absolute(), exact.peak_signal_to_noise()), (Some(0.0), None));
        let tenth = ErrorSums { cells: 4, squares: 0.04, ..ErrorSums::default() };
        assert!((tenth.peak_signal_to_noise().unwrap() - 20.0).abs() < 1e-12);
    }
}
