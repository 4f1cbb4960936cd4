//! The numbers of a sequence as the bytes of a record: 4 bytes for each, or 2.

use super::config::Stored;

/// As bytes, the lowest first.
#[must_use]
pub fn bytes(values: &[f32], stored: Stored) -> Vec<u8> {
    match stored {
        Stored::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Stored::F16 => values.iter().flat_map(|value| half(*value).to_le_bytes()).collect(),
    }
}

/// As numbers.
#[must_use]
pub fn numbers(bytes: &[u8], stored: Stored) -> Vec<f32> {
    match stored {
        Stored::F32 => bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Stored::F16 => bytes.as_chunks().0.iter().map(|bytes| whole(u16::from_le_bytes(*bytes))).collect(),
    }
}

/// The bytes of a number.
#[must_use]
pub fn width(stored: Stored) -> usize {
    match stored {
        Stored::F32 => 4,
        Stored::F16 => 2,
    }
}

/// Bits of the fraction that a half does not have.
const CUT: u32 = 13;

/// The nearest half, of two equally near ones the even one; what is too large becomes infinite.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    // The exponents of both have different offsets: 127 and 15.
    let offset = (127 - 15) << 23;
    if magnitude >= offset + (1 << 23) {
        let rounded = magnitude - offset + (1 << (CUT - 1)) - 1 + ((magnitude >> CUT) & 1);
        return sign | (rounded >> CUT).min(0x7c00) as u16;
    }
    // Below the smallest normal half, steps are 2^-24.
    let steps = f32::from_bits(magnitude) * 16_777_216.0;
    sign | steps.round_ties_even() as u16
}

fn whole(bits: u16) -> f32 {
    let (exponent, fraction) = (u32::from(bits >> 10) & 0x1f, u32::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction as f32 / 16_777_216.0,
        31 => f32::from_bits(0x7f80_0000 | (fraction << CUT)),
        _ => f32::from_bits(((exponent + 127 - 15) << 23) | (fraction << CUT)),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_kept_and_any_other_number_becomes_the_nearest() {
        for bits in 0..=u16::MAX {
            let value = whole(bits);
            assert!(value.is_nan() || half(value) == bits, "{bits:x} {value}");
        }
        for (value, nearest) in [
            (1.0 / 3.0, 0.333_251_95),
            (1.000_488_3, 1.0),
            (1.001_464_8, 1.001_953_1),
            (1e-9, 0.0),
            (-2.49, -2.490_234_4),
        ] {
            assert_eq!(whole(half(value)), nearest, "{value}");
        }
        assert_eq!((half(65_519.0), half(65_520.0), half(-1e9)), (0x7bff, 0x7c00, 0xfc00));
        assert!(whole(half(f32::NAN)).is_nan());
    }

    #[test]
    fn bytes_become_the_same_numbers() {
        let values = [0.5, -1.25, 0.0, 2.0];
        for stored in [Stored::F32, Stored::F16] {
            let bytes = bytes(&values, stored);
            assert_eq!((bytes.len(), numbers(&bytes, stored)), (4 * width(stored), values.to_vec()));
        }
    }
}
