//! Mean, maximum and nearest cell for every number type and every ratio of the sizes: the definition, which the kernels
//! for bytes must meet exactly.

use super::axis::Tile;
use super::{Decode, Raw, Scratch};
use crate::quantize::{MISSING, Quantizer};

/// The area-weighted mean of the cells that are not missing.
///
/// The sums are of raw numbers: their mean decodes to the mean of the decoded values, and sums of whole numbers are exact.
pub(super) fn mean<T: Raw>(
    level: &[T],
    width: usize,
    tiles: &[Vec<Tile>; 2],
    decode: &Decode,
    quantizer: &Quantizer,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let byte = |sum, total| mean_byte(sum, total, decode, quantizer);
    averaged(level, width, tiles, decode, |raw| raw, byte, out, scratch);
}

/// The area-weighted mean of Z = 10^(dBZ / 10) of the cells that are not missing, in dBZ. "No echo" that is a number in
/// the file counts with its Z, which is almost 0.
pub(super) fn mean_z<T: Raw>(
    level: &[T],
    width: usize,
    tiles: &[Vec<Tile>; 2],
    decode: &Decode,
    quantizer: &Quantizer,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let linear = |raw: f64| 10_f64.powf(decode.value(raw) / 10.0);
    let byte = |sum: f64, total: f64| match total > 0.0 {
        true => quantizer.quantize(10.0 * (sum / total).log10()),
        false => MISSING,
    };
    if T::bytes(level).is_some() {
        // There are few bytes and many cells.
        let table: Vec<f64> = (-128..256).map(|raw| linear(f64::from(raw))).collect();
        averaged(level, width, tiles, decode, |raw| table[(raw as i64 + 128) as usize], byte, out, scratch);
    } else {
        averaged(level, width, tiles, decode, linear, byte, out, scratch);
    }
}

/// The area-weighted mean of a function of the raw numbers that are not missing: `byte` takes the sum and the weights.
#[expect(clippy::too_many_arguments, reason = "the arguments of a method with two functions more")]
fn averaged<T: Raw>(
    level: &[T],
    width: usize,
    [rows, columns]: &[Vec<Tile>; 2],
    decode: &Decode,
    of: impl Fn(f64) -> f64,
    byte: impl Fn(f64, f64) -> u8,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let Scratch { cells: [cells, sums], weights, .. } = scratch;
    cells.resize(width, 0.0);
    for (tile, out) in rows.iter().zip(out.chunks_exact_mut(columns.len())) {
        clear(sums, width, 0.0);
        clear(weights, width, 0.0);
        for (row, &weight) in tile.cells().zip(&tile.weights) {
            decode.row(&level[row * width..][..width], cells);
            for ((sum, total), &cell) in sums.iter_mut().zip(&mut *weights).zip(&*cells) {
                let present = !cell.is_nan();
                *sum += if present { weight * of(cell) } else { 0.0 };
                *total += if present { weight } else { 0.0 };
            }
        }
        for (out, tile) in out.iter_mut().zip(columns) {
            let (mut sum, mut total) = (0.0, 0.0);
            for (weight, (cell_sum, cell_total)) in
                tile.weights.iter().zip(sums[tile.cells()].iter().zip(&weights[tile.cells()]))
            {
                sum += weight * cell_sum;
                total += weight * cell_total;
            }
            *out = byte(sum, total);
        }
    }
}

fn clear(values: &mut Vec<f64>, length: usize, value: f64) {
    values.clear();
    values.resize(length, value);
}

/// The byte of a mean of raw numbers, given their weighted sum and the sum of the weights.
pub(super) fn mean_byte(sum: f64, total: f64, decode: &Decode, quantizer: &Quantizer) -> u8 {
    if total > 0.0 { quantizer.quantize(decode.value(sum / total)) } else { MISSING }
}

/// The strongest of the cells that are not missing.
pub(super) fn max<T: Raw>(
    level: &[T],
    width: usize,
    [rows, columns]: &[Vec<Tile>; 2],
    decode: &Decode,
    quantizer: &Quantizer,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let Scratch { cells: [cells, strongest], .. } = scratch;
    // If the scale is negative, the lowest raw number is the strongest echo.
    let sign = if decode.scale < 0.0 { -1.0 } else { 1.0 };
    cells.resize(width, 0.0);
    for (tile, out) in rows.iter().zip(out.chunks_exact_mut(columns.len())) {
        clear(strongest, width, f64::NEG_INFINITY);
        for row in tile.cells() {
            decode.row(&level[row * width..][..width], cells);
            for (strongest, &cell) in strongest.iter_mut().zip(&*cells) {
                // A missing cell, NaN, is not greater than anything.
                *strongest = if sign * cell > *strongest { sign * cell } else { *strongest };
            }
        }
        for (byte, tile) in out.iter_mut().zip(columns) {
            let raw = strongest[tile.cells()].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            *byte = if raw == f64::NEG_INFINITY { MISSING } else { quantizer.quantize(decode.value(sign * raw)) };
        }
    }
}

/// The cell whose centre is nearest.
pub(super) fn nearest<T: Raw>(
    level: &[T],
    width: usize,
    [rows, columns]: &[Vec<usize>; 2],
    decode: &Decode,
    quantizer: &Quantizer,
    out: &mut [u8],
) {
    for (&row, out) in rows.iter().zip(out.chunks_exact_mut(columns.len())) {
        let row = &level[row * width..][..width];
        for (byte, &column) in out.iter_mut().zip(columns) {
            *byte = cell_byte(decode.raw(row[column].into()), decode, quantizer);
        }
    }
}

/// The byte of one raw number.
pub(super) fn cell_byte(raw: f64, decode: &Decode, quantizer: &Quantizer) -> u8 {
    if decode.is_missing(raw) { MISSING } else { quantizer.quantize(decode.value(raw)) }
}
