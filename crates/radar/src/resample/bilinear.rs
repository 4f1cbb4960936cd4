//! Linear interpolation along the columns and then along the rows, as xarray does it, for every number type.

use super::axis::Point;
use super::{Decode, Raw, Scratch};
use crate::quantize::Quantizer;

/// One level. A missing neighbour, NaN, makes the point missing even if its weight is 0, as in xarray.
pub(super) fn level<T: Raw>(
    level: &[T],
    width: usize,
    [rows, columns]: &[Vec<Point>; 2],
    decode: &Decode,
    quantizer: &Quantizer,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let Scratch { cells: [low, high], .. } = scratch;
    low.resize(width, 0.0);
    high.resize(width, 0.0);
    for (point, out) in rows.iter().zip(out.chunks_exact_mut(columns.len())) {
        decode.row(&level[point.low * width..][..width], low);
        decode.row(&level[point.high * width..][..width], high);
        for (low, &high) in low.iter_mut().zip(&*high) {
            *low = between(*low, high, point.share);
        }
        for (byte, point) in out.iter_mut().zip(columns) {
            *byte = quantizer.quantize(decode.value(between(low[point.low], low[point.high], point.share)));
        }
    }
}

/// `share` of the way from `low` to `high`.
fn between(low: f64, high: f64, share: f64) -> f64 {
    low + share * (high - low)
}
