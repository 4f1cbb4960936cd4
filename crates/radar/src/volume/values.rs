//! The numbers of a frame in the type of the file. Their meaning is in `packing`.

use super::header::Kind;

/// The cells of a frame, in the type that the file stores.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Signed bytes, the usual type of radar volumes.
    I8(Vec<i8>),
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Signed 16-bit integers.
    I16(Vec<i16>),
    /// Unsigned 16-bit integers.
    U16(Vec<u16>),
    /// Signed 32-bit integers.
    I32(Vec<i32>),
    /// Unsigned 32-bit integers.
    U32(Vec<u32>),
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

/// Runs an expression with the vector inside a [`Values`], whatever its type.
macro_rules! with_values {
    ($values:expr, $vector:ident => $body:expr) => {
        match $values {
            $crate::volume::values::Values::I8($vector) => $body,
            $crate::volume::values::Values::U8($vector) => $body,
            $crate::volume::values::Values::I16($vector) => $body,
            $crate::volume::values::Values::U16($vector) => $body,
            $crate::volume::values::Values::I32($vector) => $body,
            $crate::volume::values::Values::U32($vector) => $body,
            $crate::volume::values::Values::F32($vector) => $body,
            $crate::volume::values::Values::F64($vector) => $body,
        }
    };
}
pub(super) use with_values;

impl Values {
    /// An empty vector of a file's type; `None` if frames can't be of that type.
    #[must_use]
    pub fn empty(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::I8 => Self::I8(Vec::new()),
            Kind::U8 => Self::U8(Vec::new()),
            Kind::I16 => Self::I16(Vec::new()),
            Kind::U16 => Self::U16(Vec::new()),
            Kind::I32 => Self::I32(Vec::new()),
            Kind::U32 => Self::U32(Vec::new()),
            Kind::F32 => Self::F32(Vec::new()),
            Kind::F64 => Self::F64(Vec::new()),
            Kind::I64 | Kind::U64 | Kind::Text | Kind::Other => return None,
        })
    }

    /// The type of the numbers.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::I8(_) => Kind::I8,
            Self::U8(_) => Kind::U8,
            Self::I16(_) => Kind::I16,
            Self::U16(_) => Kind::U16,
            Self::I32(_) => Kind::I32,
            Self::U32(_) => Kind::U32,
            Self::F32(_) => Kind::F32,
            Self::F64(_) => Kind::F64,
        }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        with_values!(self, values => values.len())
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at an index as it is stored, widened without loss; nothing past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<f64> {
        with_values!(self, values => values.get(index).map(|&value| Element::widened(value)))
    }

    /// All numbers as they are stored, widened without loss.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        with_values!(self, values => values.iter().map(|&value| Element::widened(value)).collect())
    }

    /// Whether frames can be of a type.
    #[must_use]
    pub fn can_hold(kind: Kind) -> bool {
        Self::empty(kind).is_some()
    }

    /// Makes room for `len` numbers of a type, keeping the allocation if the type stays.
    pub(super) fn reset(&mut self, empty: &Self, len: usize) {
        if self.kind() != empty.kind() {
            *self = empty.clone();
        }
        with_values!(self, values => values.resize(len, Default::default()));
    }
}

/// The order of the bytes of a number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// As in netCDF classic.
    Big,
    /// As most programs write HDF5.
    Little,
}

/// A number that a file can store.
pub(super) trait Element: Copy + Default + Into<f64> {
    /// Its size in bytes.
    const SIZE: usize;
    /// Fills a slice from as many stored numbers; both must have the same count.
    fn convert(stored: &[u8], order: ByteOrder, into: &mut [Self]);
    /// The same number as a double.
    fn widened(self) -> f64 {
        self.into()
    }
    /// The nearest number of this type.
    fn nearest(value: f64) -> Self;
}

macro_rules! element {
    ($($number:ty),*) => {$(
        impl Element for $number {
            const SIZE: usize = size_of::<$number>();
            fn convert(stored: &[u8], order: ByteOrder, into: &mut [Self]) {
                let (words, _) = stored.as_chunks::<{ size_of::<$number>() }>();
                match order {
                    ByteOrder::Big => into.iter_mut().zip(words).for_each(|(v, w)| *v = Self::from_be_bytes(*w)),
                    ByteOrder::Little => into.iter_mut().zip(words).for_each(|(v, w)| *v = Self::from_le_bytes(*w)),
                }
            }
            fn nearest(value: f64) -> Self {
                value as Self
            }
        }
    )*};
}
element!(i8, u8, i16, u16, i32, u32, f32, f64);

/// Reads stored numbers of any type, 64-bit integers included, as doubles: for coordinates and times.
pub(super) fn widen(kind: Kind, stored: &[u8], order: ByteOrder) -> Option<Vec<f64>> {
    if let Some(mut values) = Values::empty(kind) {
        with_values!(&mut values, vector => {
            vector.resize(stored.len() / kind.size(), Default::default());
            Element::convert(stored, order, vector);
        });
        return Some(values.to_f64());
    }
    let (words, _) = stored.as_chunks::<8>();
    let native = |word: &[u8; 8]| match order {
        ByteOrder::Big => u64::from_be_bytes(*word),
        ByteOrder::Little => u64::from_le_bytes(*word),
    };
    match kind {
        Kind::I64 => Some(words.iter().map(|word| native(word).cast_signed() as f64).collect()),
        Kind::U64 => Some(words.iter().map(|word| native(word) as f64).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_byte_orders() {
        let mut shorts = [0_i16; 2];
        i16::convert(&[0x01, 0x02, 0xFF, 0xFE], ByteOrder::Big, &mut shorts);
        assert_eq!(shorts, [258, -2]);
        i16::convert(&[0x01, 0x02, 0xFE, 0xFF], ByteOrder::Little, &mut shorts);
        assert_eq!(shorts, [513, -2]);
    }

    #[test]
    fn long_integers_are_widened_for_times() {
        assert_eq!(widen(Kind::I64, &(-5_i64).to_be_bytes(), ByteOrder::Big), Some(vec![-5.0]));
        assert_eq!(widen(Kind::U64, &7_u64.to_le_bytes(), ByteOrder::Little), Some(vec![7.0]));
        assert_eq!(widen(Kind::Text, b"abc", ByteOrder::Big), None);
    }

    #[test]
    fn a_buffer_keeps_its_allocation_while_the_type_stays() {
        let mut values = Values::I8(Vec::with_capacity(100));
        values.reset(&Values::I8(Vec::new()), 60);
        let Values::I8(vector) = &values else { panic!("the type changed") };
        assert_eq!((vector.len(), vector.capacity()), (60, 100));
    }
}
