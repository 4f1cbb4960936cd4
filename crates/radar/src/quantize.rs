//! One byte per cell: 0 is missing, 1 to 255 are evenly spaced between two reflectivities. Not the floats that a model
//! sees.

use thiserror::Error;

use fragua_util::exit::Exit;

/// The byte of a missing cell.
pub const MISSING: u8 = 0;

/// Steps between the weakest byte, 1, and the strongest, 255.
pub const STEPS: f64 = 254.0;

/// The linear map between dBZ and bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantizer {
    min_dbz: f64,
    max_dbz: f64,
}

/// Two reflectivities that do not span a range.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("min_dbz {min_dbz} must be below max_dbz {max_dbz}, and both finite")]
pub struct QuantizeError {
    min_dbz: f64,
    max_dbz: f64,
}

impl QuantizeError {
    /// 78: the configuration is wrong.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

fragua_util::failures!("range": QuantizeError);

impl Quantizer {
    /// The map that stores `min_dbz` as 1 and `max_dbz` as 255.
    ///
    /// # Errors
    /// Unless both are finite and `min_dbz < max_dbz`.
    pub fn new(min_dbz: f64, max_dbz: f64) -> Result<Self, QuantizeError> {
        if min_dbz.is_finite() && max_dbz.is_finite() && min_dbz < max_dbz {
            Ok(Self { min_dbz, max_dbz })
        } else {
            Err(QuantizeError { min_dbz, max_dbz })
        }
    }

    /// The byte nearest to `dbz`, a half going to the stronger one; NaN is missing, and values outside the range take
    /// the nearer end.
    #[must_use]
    #[inline]
    pub fn quantize(&self, dbz: f64) -> u8 {
        if dbz.is_nan() {
            return MISSING;
        }
        let step = (dbz - self.min_dbz) * STEPS / (self.max_dbz - self.min_dbz);
        // The cast cuts off the fraction, as `floor` would, without the library call that `round` costs on old processors.
        (step.clamp(0.0, STEPS) + 0.5) as u8 + 1
    }

    /// The reflectivity of a byte; NaN for a missing one.
    #[must_use]
    #[inline]
    pub fn dequantize(&self, byte: u8) -> f64 {
        if byte == MISSING {
            return f64::NAN;
        }
        self.min_dbz + (f64::from(byte) - 1.0) / STEPS * (self.max_dbz - self.min_dbz)
    }

    /// The difference in dBZ between neighbouring bytes: the `scale_factor` by which other programs decode them.
    #[must_use]
    pub fn scale_factor(&self) -> f64 {
        (self.max_dbz - self.min_dbz) / STEPS
    }

    /// The `add_offset` by which other programs decode the bytes.
    #[must_use]
    pub fn add_offset(&self) -> f64 {
        self.min_dbz - self.scale_factor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_are_1_and_255_and_values_outside_are_clamped() {
        let quantizer = Quantizer::new(-29.0, 65.0).unwrap();
        for (dbz, byte) in [(-29.0, 1), (65.0, 255), (-30.0, 1), (97.0, 255), (f64::NEG_INFINITY, 1), (1e300, 255)] {
            assert_eq!(quantizer.quantize(dbz), byte, "{dbz} dBZ");
        }
        assert_eq!(quantizer.quantize(f64::NAN), MISSING);
    }

    #[test]
    fn a_half_goes_to_the_stronger_byte() {
        let quantizer = Quantizer::new(0.0, 254.0).unwrap();
        assert_eq!([0.49, 0.5, 1.49, 1.5, 253.5].map(|dbz| quantizer.quantize(dbz)), [1, 2, 2, 3, 255]);
    }

    #[test]
    fn every_byte_survives_the_way_to_dbz_and_back() {
        let quantizer = Quantizer::new(-29.0, 65.0).unwrap();
        for byte in 1..=255 {
            let dbz = quantizer.dequantize(byte);
            assert_eq!(quantizer.quantize(dbz), byte);
            let decoded = quantizer.scale_factor() * f64::from(byte) + quantizer.add_offset();
            assert!((decoded - dbz).abs() < 1e-12, "{byte}: {decoded} and {dbz}");
        }
        assert!(quantizer.dequantize(MISSING).is_nan());
    }

    #[test]
    fn a_range_must_be_one() {
        assert!(Quantizer::new(65.0, 65.0).is_err());
        assert!(Quantizer::new(f64::NAN, 65.0).is_err());
        let error = Quantizer::new(5.0, f64::INFINITY).unwrap_err();
        assert_eq!(error.exit(), Exit::Configuration);
        assert!(error.to_string().starts_with("min_dbz 5 must be below max_dbz inf"), "{error}");
    }
}
