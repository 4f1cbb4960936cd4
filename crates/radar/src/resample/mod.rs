//! From the radar's grid to another one: raw numbers in, bytes out, one pass over each level. Missing cells are never
//! confused with weak ones.
//!
//! | method     | a target cell is                                                              | it is missing if             |
//! |------------|-------------------------------------------------------------------------------|------------------------------|
//! | `mean`     | the mean, in dBZ, of the source cells it overlaps, weighted by the area shared | all of these are missing     |
//! | `mean_z`   | the same mean of Z = 10^(dBZ / 10), as 10 log10 of it                         | all of these are missing     |
//! | `max`      | the strongest of the source cells it overlaps                                 | all of these are missing     |
//! | `nearest`  | the source cell whose centre is nearest to its own; of equally near, the later | that cell is missing         |
//! | `bilinear` | what `xarray.DataArray.interp` gives on evenly spaced points from end to end   | one of 4 neighbours is, even one of no weight |
//!
//! For all but the last the target cells are tiles that cover the source grid exactly, whatever the ratio of the sizes.
//! Values are clamped to the range of the bytes after they are combined, never before.

mod axis;
mod bilinear;
mod bytes;
mod decode;
mod method;
mod read;
mod tiled;

use thiserror::Error;

use self::axis::{Point, Tile};
pub use self::decode::{Bytes, Decode, Raw};
pub use self::method::Method;
use crate::quantize::Quantizer;
use fragua_util::exit::Exit;

/// A plan for bringing levels of one size to another.
#[derive(Clone, Debug)]
pub struct Resampler {
    from: [usize; 2],
    to: [usize; 2],
    plan: Plan,
}

/// Which source cells make a target cell, rows first and columns second.
#[derive(Clone, Debug)]
enum Plan {
    Mean([Vec<Tile>; 2]),
    MeanZ([Vec<Tile>; 2]),
    Max([Vec<Tile>; 2]),
    Nearest([Vec<usize>; 2]),
    Bilinear([Vec<Point>; 2]),
}

/// Memory that is reused from one call to the next. Each thread has its own.
#[derive(Debug, Default)]
pub struct Scratch {
    cells: [Vec<f64>; 2],
    weights: Vec<f64>,
    bytes: bytes::Scratch,
}

/// Levels that can't be resampled as asked.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ResampleError {
    /// A grid without cells.
    #[error("a grid of {rows}x{columns} cells has nothing to resample; both numbers must be positive")]
    Empty {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// Coordinates that turn back or repeat.
    #[error("the coordinates of the {axis} are not monotonic at index {index}; interpolation needs them in order")]
    Axis {
        /// "rows" or "columns".
        axis: &'static str,
        /// The first that is out of order.
        index: usize,
    },
    /// Slices that do not hold whole levels of the sizes planned for, equally many on both sides.
    #[error("got {raw} raw cells for {out} resampled ones, expected levels of {from:?} for levels of {to:?}")]
    Length {
        /// Raw cells given.
        raw: usize,
        /// Room for resampled cells given.
        out: usize,
        /// Rows and columns of a raw level.
        from: [usize; 2],
        /// Rows and columns of a resampled level.
        to: [usize; 2],
    },
}

impl ResampleError {
    /// 78 for sizes, 65 for coordinates, 70 for slices that do not fit.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Empty { .. } => Exit::Configuration,
            Self::Axis { .. } => Exit::DataRefused,
            Self::Length { .. } => Exit::Bug,
        }
    }
}

impl Resampler {
    /// A plan for evenly spaced cells.
    ///
    /// # Errors
    /// If one of the sizes is 0.
    pub fn new(method: Method, from: [usize; 2], to: [usize; 2]) -> Result<Self, ResampleError> {
        let [rows, columns] = from.map(|length| (0..length).map(|index| index as f64).collect::<Vec<_>>());
        Self::along(method, [&rows, &columns], to)
    }

    /// A plan for cells whose centres have these coordinates, rows first. Only `bilinear` uses them: for the others a
    /// tile is a share of the number of cells.
    ///
    /// # Errors
    /// If one of the sizes is 0, or coordinates for `bilinear` are not in order.
    pub fn along(method: Method, axes: [&[f64]; 2], to: [usize; 2]) -> Result<Self, ResampleError> {
        let from = axes.map(<[f64]>::len);
        for [rows, columns] in [from, to] {
            if rows == 0 || columns == 0 {
                return Err(ResampleError::Empty { rows, columns });
            }
        }
        let [[from_rows, from_columns], [rows, columns]] = [from, to];
        let tiles = || [axis::tiles(from_rows, rows), axis::tiles(from_columns, columns)];
        let plan = match method {
            Method::Mean => Plan::Mean(tiles()),
            Method::MeanZ => Plan::MeanZ(tiles()),
            Method::Max => Plan::Max(tiles()),
            Method::Nearest => Plan::Nearest([axis::nearest(from_rows, rows), axis::nearest(from_columns, columns)]),
            Method::Bilinear => Plan::Bilinear([points("rows", axes[0], rows)?, points("columns", axes[1], columns)?]),
        };
        Ok(Self { from, to, plan })
    }

    /// The coordinates of `to` target cells, given those of the source cells: the centres of the tiles, or for `bilinear`
    /// evenly spaced points from the first to the last. Without source cells there are none.
    #[must_use]
    pub fn coordinates(method: Method, axis: &[f64], to: usize) -> Vec<f64> {
        if axis.is_empty() { Vec::new() } else { axis::coordinates(method, axis, to) }
    }

    /// Rows and columns of a level before.
    #[must_use]
    pub fn from(&self) -> [usize; 2] {
        self.from
    }

    /// Rows and columns of a level after.
    #[must_use]
    pub fn to(&self) -> [usize; 2] {
        self.to
    }

    /// Resamples as many levels as `raw` holds.
    ///
    /// # Errors
    /// If `raw` and `out` do not hold equally many whole levels.
    pub fn run<T: Raw>(
        &self,
        raw: &[T],
        decode: &Decode,
        quantizer: &Quantizer,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<(), ResampleError> {
        let [cells, resampled] = [self.from, self.to].map(|[rows, columns]| rows * columns);
        let levels = raw.len() / cells;
        if raw.len() != levels * cells || out.len() != levels * resampled {
            return Err(ResampleError::Length { raw: raw.len(), out: out.len(), from: self.from, to: self.to });
        }
        let fast = T::bytes(raw).is_some_and(|bytes| self.run_bytes(bytes, decode, quantizer, out, &mut scratch.bytes));
        if !fast {
            for (level, out) in raw.chunks_exact(cells).zip(out.chunks_exact_mut(resampled)) {
                self.level(level, decode, quantizer, out, scratch);
            }
        }
        Ok(())
    }

    /// One level of any number type.
    fn level<T: Raw>(
        &self,
        level: &[T],
        decode: &Decode,
        quantizer: &Quantizer,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) {
        let width = self.from[1];
        match &self.plan {
            Plan::Mean(tiles) => tiled::mean(level, width, tiles, decode, quantizer, out, scratch),
            Plan::MeanZ(tiles) => tiled::mean_z(level, width, tiles, decode, quantizer, out, scratch),
            Plan::Max(tiles) => tiled::max(level, width, tiles, decode, quantizer, out, scratch),
            Plan::Nearest(cells) => tiled::nearest(level, width, cells, decode, quantizer, out),
            Plan::Bilinear(points) => bilinear::level(level, width, points, decode, quantizer, out, scratch),
        }
    }
}

fn points(name: &'static str, axis: &[f64], to: usize) -> Result<Vec<Point>, ResampleError> {
    let rises = axis[0] < axis[axis.len() - 1];
    let in_order = |pair: &[f64]| if rises { pair[0] < pair[1] } else { pair[0] > pair[1] };
    if let Some(index) = axis.windows(2).position(|pair| !in_order(pair)) {
        return Err(ResampleError::Axis { axis: name, index: index + 1 });
    }
    Ok(axis::points(axis, &axis::coordinates(Method::Bilinear, axis, to)))
}

#[cfg(test)]
mod tests;
