//! The same means, maxima and nearest cells for raw bytes, many times faster: the compiler turns these loops into vector
//! instructions, and the last step looks the result up in a table that the general code has filled, so both agree exactly.
//!
//! Nearly all radar volumes hold bytes: a level of 500 x 500 is read, combined and quantized at the speed of memory.

use super::axis::Tile;
use super::{Bytes, Decode, Plan, Raw, Resampler, tiled};
use crate::quantize::{MISSING, Quantizer};

/// The row of codes and the table, kept from one call to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    codes: Vec<u16>,
    table: Option<(Key, Box<Table>)>,
}

/// The byte of every code there can be, so that no look-up needs a check.
type Table = [u8; 1 << 16];

/// All that a table depends on.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    decode: Decode,
    quantizer: Quantizer,
    kind: Kind,
    present: Present,
}

/// What a table is indexed by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The code of a sum of at most this many cells.
    Mean { cells: u16 },
    /// The rank of the strongest cell, 0 for missing.
    Max,
    /// The bits of the raw byte.
    Nearest,
}

/// The raw bytes that are not missing, if they form one range: in practice they do, because missing ones are at an end.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Present {
    /// The lowest of them.
    lowest: i16,
    /// How far the highest is above it.
    span: u8,
    /// Whether the raw bytes have a sign that counts.
    signed: bool,
}

/// A byte with or without a sign.
trait Byte: Raw {
    fn bits(self) -> u8;
}

impl Byte for i8 {
    #[inline]
    fn bits(self) -> u8 {
        self.cast_unsigned()
    }
}

impl Byte for u8 {
    #[inline]
    fn bits(self) -> u8 {
        self
    }
}

impl Present {
    fn of(decode: &Decode, signed: bool) -> Option<Self> {
        let range = if signed { -128..=127_i16 } else { 0..=255_i16 };
        let present: Vec<i16> = range.filter(|&raw| !decode.is_missing(raw.into())).collect();
        let (&lowest, &highest) = (present.first()?, present.last()?);
        let span = u8::try_from(highest - lowest).ok()?;
        (present.len() == usize::from(span) + 1).then_some(Self { lowest, span, signed })
    }

    /// A function from a raw byte to how far it is above the lowest present one; past `span` it is missing.
    fn height<B: Byte>(&self) -> impl Fn(B) -> u8 + use<B> {
        let lowest = self.lowest.to_le_bytes()[0];
        // Wrapping arithmetic makes this right for signed bytes too.
        move |raw| raw.bits().wrapping_sub(lowest)
    }

    /// One more than the largest sum of heights of `cells` cells: what a present cell adds to the code of a mean, so that
    /// a single number holds both the count and the sum.
    fn unit(&self, cells: u16) -> u32 {
        u32::from(cells) * u32::from(self.span) + 1
    }
}

impl Resampler {
    /// Resamples bytes, or returns false if the sizes, the method or the decoding have no kernel.
    pub(super) fn run_bytes(
        &self,
        raw: Bytes<'_>,
        decode: &Decode,
        quantizer: &Quantizer,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> bool {
        let signed = match (raw, decode.unsigned_span) {
            (Bytes::Signed(_), None) => true,
            (Bytes::Unsigned(_), _) | (Bytes::Signed(_), Some(256.0)) => false,
            (Bytes::Signed(_), Some(_)) => return false,
        };
        let Some(present) = Present::of(decode, signed) else { return false };
        let Some((kind, block)) = self.kind(&present) else { return false };
        let key = Key { decode: decode.clone(), quantizer: *quantizer, kind, present };
        if scratch.table.as_ref().is_none_or(|(known, _)| *known != key) {
            let table = key.table();
            scratch.table = Some((key, table));
        }
        let Scratch { codes, table: Some((key, table)) } = scratch else { return false };
        codes.resize(self.from[1], 0);
        match raw {
            Bytes::Signed(raw) => self.run_blocks(raw, key, table, block, out, codes),
            Bytes::Unsigned(raw) => self.run_blocks(raw, key, table, block, out, codes),
        }
        true
    }

    /// The table to use, with the rows and columns of a block of source cells.
    fn kind(&self, present: &Present) -> Option<(Kind, [usize; 2])> {
        let whole = |tiles: &[Vec<Tile>; 2]| {
            let even = self.from.iter().zip(self.to).all(|(from, to)| from % to == 0);
            even.then(|| tiles.each_ref().map(|tiles| tiles[0].weights.len()))
        };
        match &self.plan {
            Plan::Mean(tiles) => {
                let block = whole(tiles)?;
                let cells = u16::try_from(block[0] * block[1]).ok()?;
                // Past 15 cells of 255 values the codes would not fit 16 bits.
                let largest = u32::from(cells).checked_mul(present.unit(cells) + u32::from(present.span))?;
                (largest <= u16::MAX.into()).then_some((Kind::Mean { cells }, block))
            }
            Plan::Max(tiles) => Some((Kind::Max, whole(tiles)?)),
            Plan::Nearest(_) => Some((Kind::Nearest, [1, 1])),
            Plan::MeanZ(_) | Plan::Bilinear(_) => None,
        }
    }

    fn run_blocks<B: Byte>(
        &self,
        raw: &[B],
        key: &Key,
        table: &Table,
        [high, wide]: [usize; 2],
        out: &mut [u8],
        codes: &mut [u16],
    ) {
        let (height, span) = (key.present.height::<B>(), key.present.span);
        let width = self.from[1];
        if let Plan::Nearest(cells) = &self.plan {
            return self.run_nearest(raw, table, cells, out);
        }
        let blocks = raw.chunks_exact(high * width).zip(out.chunks_exact_mut(self.to[1]));
        match key.kind {
            Kind::Mean { cells } => {
                // `kind` has made sure that all sums of codes, the unit among them, fit: nothing ever wraps, but if
                // overflow is checked, as in the development profile, plain sums are not turned into vector instructions.
                let unit = key.present.unit(cells) as u16;
                let code = |raw| if height(raw) <= span { unit.wrapping_add(height(raw).into()) } else { 0 };
                blocks.for_each(|(rows, out)| block_row(rows, codes, table, wide, out, code, u16::wrapping_add));
            }
            _ if key.decode.scale < 0.0 => {
                let code = |raw| if height(raw) <= span { u16::from(span - height(raw)) + 1 } else { 0 };
                blocks.for_each(|(rows, out)| block_row(rows, codes, table, wide, out, code, u16::max));
            }
            _ => {
                let code = |raw| if height(raw) <= span { u16::from(height(raw)) + 1 } else { 0 };
                blocks.for_each(|(rows, out)| block_row(rows, codes, table, wide, out, code, u16::max));
            }
        }
    }

    fn run_nearest<B: Byte>(&self, raw: &[B], table: &Table, [rows, columns]: &[Vec<usize>; 2], out: &mut [u8]) {
        let [height, width] = self.from;
        let levels = raw.chunks_exact(height * width);
        let lines = levels.flat_map(|level| rows.iter().map(move |&row| &level[row * width..][..width]));
        for (line, out) in lines.zip(out.chunks_exact_mut(columns.len())) {
            for (byte, &column) in out.iter_mut().zip(columns) {
                *byte = table[usize::from(line[column].bits())];
            }
        }
    }
}

/// Combines the source rows of one target row column by column, then its blocks, and looks the bytes up.
#[inline]
fn block_row<B: Byte>(
    rows: &[B],
    codes: &mut [u16],
    table: &Table,
    wide: usize,
    out: &mut [u8],
    code: impl Fn(B) -> u16,
    combine: impl Fn(u16, u16) -> u16,
) {
    let (first, rest) = rows.split_at(codes.len());
    for (sum, &raw) in codes.iter_mut().zip(first) {
        *sum = code(raw);
    }
    for row in rest.chunks_exact(codes.len()) {
        for (sum, &raw) in codes.iter_mut().zip(row) {
            *sum = combine(*sum, code(raw));
        }
    }
    if wide == 2 {
        // By far the most frequent width; known at compile time it is twice as fast.
        for (byte, pair) in out.iter_mut().zip(codes.chunks_exact(2)) {
            *byte = table[usize::from(combine(pair[0], pair[1]))];
        }
    } else {
        for (byte, block) in out.iter_mut().zip(codes.chunks_exact(wide)) {
            *byte = table[usize::from(block.iter().copied().fold(0, &combine))];
        }
    }
}

impl Key {
    /// The byte of every code, by the general code.
    fn table(&self) -> Box<Table> {
        let mut table = Box::new([MISSING; 1 << 16]);
        for (byte, code) in table.iter_mut().zip(0..=u16::MAX) {
            *byte = self.byte(code);
        }
        table
    }

    fn byte(&self, code: u16) -> u8 {
        let Self { decode, quantizer, present, .. } = self;
        let cell = |raw: f64| tiled::cell_byte(raw, decode, quantizer);
        match self.kind {
            Kind::Mean { cells } => {
                let unit = present.unit(cells);
                let (count, heights) = (u32::from(code) / unit, u32::from(code) % unit);
                let sum = f64::from(count) * f64::from(present.lowest) + f64::from(heights);
                tiled::mean_byte(sum, count.into(), decode, quantizer)
            }
            Kind::Max if code == 0 => MISSING,
            Kind::Max if decode.scale < 0.0 => {
                cell(f64::from(present.lowest) + f64::from(present.span) + 1.0 - f64::from(code))
            }
            Kind::Max => cell(f64::from(present.lowest) + f64::from(code) - 1.0),
            Kind::Nearest if present.signed => cell(code.to_le_bytes()[0].cast_signed().into()),
            Kind::Nearest => cell(code.to_le_bytes()[0].into()),
        }
    }
}
