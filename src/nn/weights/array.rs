//! An array with a name, as bytes: what weight files and checkpoints hold. Little-endian, the last dimension the densest.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The type of the numbers of an array, with the names of the safetensors format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Dtype {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Floating, 16 bits, with the exponent of fp32.
    Bf16,
    /// Floating, 16 bits.
    F16,
    /// Floating, 32 bits.
    F32,
    /// Floating, 64 bits.
    F64,
}

impl Dtype {
    /// Bytes of one number.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::Bf16 | Self::F16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The bytes of one number that hold its exponent, as (index, mask) of the two highest bytes: all ones there is
    /// infinity or NaN.
    fn exponent(self) -> Option<[u8; 2]> {
        match self {
            Self::F64 => Some([0xf0, 0x7f]),
            Self::F32 | Self::Bf16 => Some([0x80, 0x7f]),
            Self::F16 => Some([0x00, 0x7c]),
            Self::Bool | Self::U8 | Self::I32 | Self::I64 => None,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool => "BOOL",
            Self::U8 => "U8",
            Self::I32 => "I32",
            Self::I64 => "I64",
            Self::Bf16 => "BF16",
            Self::F16 => "F16",
            Self::F32 => "F32",
            Self::F64 => "F64",
        };
        out.write_str(name)
    }
}

/// An array with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedArray {
    /// Its name: `layers.0.conv.weight`.
    pub name: String,
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Its dimensions; none for a single number.
    pub shape: Vec<usize>,
    /// The numbers.
    pub bytes: Vec<u8>,
}

/// What an array must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArraySpec {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

/// A tensor that holds infinity or NaN.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name} holds infinity or NaN at element {index} of {}", shape_text(.shape))]
pub struct NotFinite {
    /// The array.
    pub name: String,
    /// The first such element.
    pub index: usize,
    /// The array's shape.
    pub shape: Vec<usize>,
}

impl NamedArray {
    /// An fp32 array from its numbers.
    #[must_use]
    pub fn f32(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name: name.into(), dtype: Dtype::F32, shape: shape.into(), bytes }
    }

    /// An array of one whole number.
    #[must_use]
    pub fn i64(name: &str, value: i64) -> Self {
        Self { name: name.into(), dtype: Dtype::I64, shape: Vec::new(), bytes: value.to_le_bytes().into() }
    }

    /// Its name, type and shape.
    #[must_use]
    pub fn spec(&self) -> ArraySpec {
        ArraySpec { name: self.name.clone(), dtype: self.dtype, shape: self.shape.clone() }
    }

    /// Looks for infinity and NaN.
    ///
    /// # Errors
    /// [`NotFinite`] with the first such element.
    pub fn check_finite(&self) -> Result<(), NotFinite> {
        let Some([low, high]) = self.dtype.exponent() else { return Ok(()) };
        let size = self.dtype.size();
        let infinite = |number: &[u8]| number[size - 1] & high == high && number[size - 2] & low == low;
        match self.bytes.chunks_exact(size).position(infinite) {
            None => Ok(()),
            Some(index) => Err(NotFinite { name: self.name.clone(), index, shape: self.shape.clone() }),
        }
    }
}

/// Bytes that an array of this type and shape has, or `None` past what a machine can count.
pub(super) fn byte_length(dtype: Dtype, shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(dtype.size(), |product, &length| product.checked_mul(length))
}

/// "4 x 3 x 3", "one number".
pub(super) fn shape_text(shape: &[usize]) -> String {
    match shape {
        [] => "one number".into(),
        _ => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x "),
    }
}

/// How arrays differ from what is expected, one fragment for each: missing, unknown, of another shape or type.
#[must_use]
pub fn differences(expected: &[ArraySpec], got: &[NamedArray]) -> Vec<String> {
    let mut found = Vec::new();
    for spec in expected {
        match got.iter().find(|array| array.name == spec.name) {
            None => found.push(format!("{} is missing", spec.name)),
            Some(array) if array.shape != spec.shape || array.dtype != spec.dtype => found.push(format!(
                "{} is {} {}, expected {} {}",
                spec.name,
                array.dtype,
                shape_text(&array.shape),
                spec.dtype,
                shape_text(&spec.shape)
            )),
            Some(_) => {}
        }
    }
    let unknown = got.iter().filter(|array| expected.iter().all(|spec| spec.name != array.name));
    found.extend(unknown.map(|array| format!("{} is not part of this model", array.name)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinity_and_nan_are_found_in_every_floating_type() {
        let array = |dtype: Dtype, bytes: &[u8]| NamedArray {
            name: "w".into(),
            dtype,
            shape: vec![bytes.len() / dtype.size()],
            bytes: bytes.into(),
        };
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN] {
            let found = NamedArray::f32("w", &[3], &[f32::MAX, bad, 1.0]).check_finite().unwrap_err();
            assert_eq!(found.index, 1);
            let double = [f64::MAX.to_le_bytes(), f64::from(bad).to_le_bytes()].concat();
            assert_eq!(array(Dtype::F64, &double).check_finite().unwrap_err().index, 1);
        }
        NamedArray::f32("w", &[4], &[f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45]).check_finite().unwrap();
        array(Dtype::F64, &f64::MAX.to_le_bytes()).check_finite().unwrap();
        // The largest finite numbers, infinity, NaN: fp16 65504, 0x7c00, 0x7e00; bf16 0x7f7f, 0x7f80, 0xffc0.
        array(Dtype::F16, &0x7bff_u16.to_le_bytes()).check_finite().unwrap();
        array(Dtype::Bf16, &0x7f7f_u16.to_le_bytes()).check_finite().unwrap();
        for (dtype, bits) in
            [(Dtype::F16, 0x7c00_u16), (Dtype::F16, 0xfe00), (Dtype::Bf16, 0x7f80), (Dtype::Bf16, 0xffc0)]
        {
            assert!(array(dtype, &bits.to_le_bytes()).check_finite().is_err(), "{dtype} {bits:x}");
        }
        array(Dtype::I64, &(-1_i64).to_le_bytes()).check_finite().unwrap();
    }

    #[test]
    fn a_difference_names_the_array_and_both_sides() {
        let expected = [
            ArraySpec { name: "a".into(), dtype: Dtype::F32, shape: vec![2, 3] },
            ArraySpec { name: "b".into(), dtype: Dtype::F32, shape: vec![] },
        ];
        let got = [NamedArray::f32("a", &[3, 2], &[0.0; 6]), NamedArray::i64("c", 1)];
        assert_eq!(
            differences(&expected, &got),
            ["a is F32 3 x 2, expected F32 2 x 3", "b is missing", "c is not part of this model"]
        );
        assert!(differences(&[got[0].spec(), got[1].spec()], &got).is_empty());
    }
}
