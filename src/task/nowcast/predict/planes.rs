//! What the model returned, as planes: one for each lead time and level. Not how the numbers are stored.

use crate::task::nowcast::config::{Levels, NowcastConfig};

/// The forecast of one event on the model's grid, 0 to 1 over the range of reflectivity.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    values: Vec<f32>,
    leads: usize,
    levels: usize,
    cells: usize,
    /// With `levels: each` each level is a separate window.
    windows: bool,
}

impl Planes {
    /// Planes of values as the model returns them: windows, frames, channels, rows and columns.
    #[must_use]
    pub fn new(values: Vec<f32>, config: &NowcastConfig, levels: usize) -> Self {
        let [rows, columns] = config.prepare.size;
        let levels = forecast_levels(&config.prepare.levels, levels);
        let windows = config.prepare.levels == Levels::Each;
        Self { values, leads: config.windows.target_frames, levels, cells: rows * columns, windows }
    }

    /// The number of windows for a volume with this many levels.
    #[must_use]
    pub fn windows(levels: &Levels, of: usize) -> usize {
        if *levels == Levels::Each { of } else { 1 }
    }

    /// Lead times.
    #[must_use]
    pub fn leads(&self) -> usize {
        self.leads
    }

    /// Levels.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Whether all of it are numbers.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// One plane, row by row from the south.
    #[must_use]
    pub fn plane(&self, lead: usize, level: usize) -> &[f32] {
        let number = if self.windows { level * self.leads + lead } else { lead * self.levels + level };
        &self.values[number * self.cells..][..self.cells]
    }
}

/// The levels of a forecast for volumes with this many.
fn forecast_levels(levels: &Levels, of: usize) -> usize {
    match levels {
        Levels::Each => of,
        Levels::Composite => 1,
        Levels::Channels(chosen) => chosen.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_found_whether_levels_are_windows_or_channels() {
        let mut config = NowcastConfig::default();
        config.prepare.size = [1, 1];
        config.windows.target_frames = 2;
        let values = || vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let each = Planes::new(values(), &config, 3);
        assert_eq!((each.plane(1, 2), each.plane(0, 1), each.levels()), (&[5.0][..], &[2.0][..], 3));
        config.prepare.levels = Levels::Channels(vec![4, 7, 9]);
        let channels = Planes::new(values(), &config, 18);
        assert_eq!((channels.plane(1, 2), channels.plane(0, 1), channels.levels()), (&[5.0][..], &[1.0][..], 3));
        assert!(channels.is_finite());
    }
}
