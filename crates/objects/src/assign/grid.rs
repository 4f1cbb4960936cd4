//! The places of a detector: the cells of its levels, row by row, the finest level first.

/// The strides of the levels.
pub const STRIDES: [usize; 3] = [8, 16, 32];

/// The places of images of this size, whose sides are multiples of the largest stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Columns and rows of pixels.
    pub size: [usize; 2],
}

/// The cells of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Pixels of a cell.
    pub stride: usize,
    /// Cells in a row, and rows.
    pub cells: [usize; 2],
    /// The number of the first.
    pub first: usize,
}

impl Grid {
    /// Its levels.
    #[must_use]
    pub fn levels(&self) -> [Level; 3] {
        let mut first = 0;
        STRIDES.map(|stride| {
            let cells = self.size.map(|pixels| pixels / stride);
            let level = Level { stride, cells, first };
            first += cells[0] * cells[1];
            level
        })
    }

    /// How many places there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.levels().iter().map(|level| level.cells[0] * level.cells[1]).sum()
    }

    /// The middle of a place in pixels, and its stride.
    #[must_use]
    pub fn middle(&self, place: usize) -> ([f64; 2], f64) {
        let levels = self.levels();
        let level = levels.iter().rev().find(|level| place >= level.first).unwrap_or(&levels[0]);
        let (number, stride) = (place - level.first, level.stride as f64);
        let cell = [number % level.cells[0].max(1), number / level.cells[0].max(1)];
        (cell.map(|cell| (cell as f64 + 0.5) * stride), stride)
    }
}

impl Level {
    /// The cells of one axis whose middles are from one place to another, in pixels, both included.
    #[must_use]
    pub fn between(&self, axis: usize, from: f64, to: f64) -> std::ops::Range<usize> {
        let stride = self.stride as f64;
        let first = (from / stride - 0.5).ceil().max(0.0) as usize;
        let last = (to / stride - 0.5).floor();
        if last < 0.0 { 0..0 } else { first..((last as usize) + 1).clamp(first, self.cells[axis].max(first)) }
    }

    /// The number of a cell.
    #[must_use]
    pub fn place(&self, column: usize, row: usize) -> usize {
        self.first + row * self.cells[0] + column
    }
}
