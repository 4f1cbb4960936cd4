//! What a raw number in a radar file means: a reflectivity, or nothing. Not its place in the file.

/// How raw numbers become reflectivities: `scale * raw + offset`, unless they are missing.
///
/// A raw number that is not finite is always missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Decode {
    /// dBZ per raw unit.
    pub scale: f64,
    /// dBZ of raw 0.
    pub offset: f64,
    /// Raw numbers that mean "missing".
    pub missing: Vec<f64>,
    /// The lowest and the highest raw number that is not missing, if the file says so.
    pub valid: Option<[f64; 2]>,
    /// What is first added to negative numbers if a signed type holds unsigned numbers: 256 for bytes.
    pub unsigned_span: Option<f64>,
}

impl Decode {
    /// A number of the file as a raw number: raised if it holds an unsigned one.
    #[must_use]
    #[inline]
    pub fn raw(&self, number: f64) -> f64 {
        match self.unsigned_span {
            Some(span) if number < 0.0 => number + span,
            _ => number,
        }
    }

    /// Whether a raw number means "missing".
    #[must_use]
    #[inline]
    pub fn is_missing(&self, raw: f64) -> bool {
        let [lowest, highest] = self.range();
        // NaN compares false with everything, so it is outside the range.
        !(raw >= lowest && raw <= highest) || self.missing.contains(&raw)
    }

    /// The reflectivity of a raw number that is not missing, or of a mean of such.
    #[must_use]
    #[inline]
    pub fn value(&self, raw: f64) -> f64 {
        self.scale * raw + self.offset
    }

    fn range(&self) -> [f64; 2] {
        let [lowest, highest] = self.valid.unwrap_or([f64::MIN, f64::MAX]);
        [lowest.max(f64::MIN), highest.min(f64::MAX)]
    }

    /// Writes one row as floats, still raw, with NaN for what is missing.
    pub(super) fn row<T: Raw>(&self, row: &[T], cells: &mut [f64]) {
        let [lowest, highest] = self.range();
        for (cell, &number) in cells.iter_mut().zip(row) {
            *cell = number.into();
        }
        if self.unsigned_span.is_some() {
            cells.iter_mut().for_each(|cell| *cell = self.raw(*cell));
        }
        // Most files name one number; NaN stands for none, because nothing equals it.
        let (first, rest) = self.missing.split_first().unwrap_or((&f64::NAN, &[]));
        for cell in &mut *cells {
            // Without short cuts between the comparisons this becomes vector instructions.
            let present = (*cell >= lowest) & (*cell <= highest) & (*cell != *first);
            *cell = if present { *cell } else { f64::NAN };
        }
        for &missing in rest {
            for cell in &mut *cells {
                *cell = if *cell == missing { f64::NAN } else { *cell };
            }
        }
    }
}

/// A number type in which files keep reflectivities. Each converts to `f64` without loss.
pub trait Raw: Copy + Into<f64> + Send + Sync + 'static {
    /// The same numbers as bytes, for the kernels that work on bytes.
    fn bytes(_raw: &[Self]) -> Option<Bytes<'_>> {
        None
    }
}

/// Numbers of one byte.
#[derive(Clone, Copy, Debug)]
pub enum Bytes<'a> {
    /// From -128.
    Signed(&'a [i8]),
    /// From 0.
    Unsigned(&'a [u8]),
}

impl Raw for i8 {
    fn bytes(raw: &[Self]) -> Option<Bytes<'_>> {
        Some(Bytes::Signed(raw))
    }
}

impl Raw for u8 {
    fn bytes(raw: &[Self]) -> Option<Bytes<'_>> {
        Some(Bytes::Unsigned(raw))
    }
}

impl Raw for i16 {}
impl Raw for u16 {}
impl Raw for i32 {}
impl Raw for u32 {}
impl Raw for f32 {}
impl Raw for f64 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_numbers_those_outside_the_range_and_those_not_finite_are_missing() {
        let decode = Decode {
            scale: 0.5,
            offset: 33.5,
            missing: vec![-128.0, 7.0],
            valid: Some([-127.0, 100.0]),
            unsigned_span: None,
        };
        let raw = [-128.0, -127.0, 7.0, 8.0, 100.0, 101.0, f64::NAN, f64::INFINITY];
        let expected = [true, false, true, false, false, true, true, true];
        assert_eq!(raw.map(|raw| decode.is_missing(raw)), expected);
        let mut cells = [0.0; 8];
        decode.row(&raw, &mut cells);
        assert_eq!(cells.map(f64::is_nan), expected);
        assert_eq!(decode.value(-127.0), -30.0);
    }

    #[test]
    fn infinite_numbers_are_missing_even_without_a_range() {
        let valid = Some([f64::NEG_INFINITY, f64::INFINITY]);
        let decode = Decode { scale: 1.0, offset: 0.0, missing: vec![], valid, unsigned_span: None };
        assert!(decode.is_missing(f64::INFINITY) && decode.is_missing(f64::NEG_INFINITY));
        assert!(!decode.is_missing(1e300));
    }

    #[test]
    fn signed_numbers_that_hold_unsigned_ones_are_raised_first() {
        let decode = Decode {
            scale: 1.0,
            offset: 0.0,
            missing: vec![255.0],
            valid: Some([0.0, 254.0]),
            unsigned_span: Some(256.0),
        };
        let mut cells = [0.0; 4];
        decode.row(&[5_i8, -1, -2, -128], &mut cells);
        assert_eq!([cells[0], cells[2], cells[3]], [5.0, 254.0, 128.0]);
        assert!(cells[1].is_nan());
    }
}
