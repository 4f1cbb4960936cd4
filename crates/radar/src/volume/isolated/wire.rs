//! The encoding of requests and answers between processes: little-endian numbers, a length before everything of
//! variable size. Reading stops at the first byte that makes no sense, and reserves no more than what has arrived.

use crate::volume::chunked::{Chunk, Chunked};
use crate::volume::classic::Place;
use crate::volume::filters::{Filter, Pipeline};
use crate::volume::flat::Flat;
use crate::volume::header::{AttributeValue, Attributes, Dimension, Header, Kind, Variable};
use crate::volume::slab::Slab;
use crate::volume::source::{Format, Source, Store};
use crate::volume::values::{ByteOrder, Values};

/// Something that crosses.
pub(super) trait Wire: Sized {
    /// Appends it.
    fn put(&self, to: &mut Vec<u8>);
    /// Takes it from the front; `None` if the bytes are something else.
    fn take(from: &mut &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Wire for $kind {
            fn put(&self, to: &mut Vec<u8>) {
                to.extend(self.to_le_bytes());
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let (first, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(Self::from_le_bytes(*first))
            }
        }
    )*};
}

numbers!(u8, i8, u16, i16, u32, i32, u64, f32, f64);

/// A structure, field by field.
macro_rules! structures {
    ($($kind:ty { $($field:ident),* })*) => {$(
        impl Wire for $kind {
            fn put(&self, to: &mut Vec<u8>) {
                $(self.$field.put(to);)*
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                $(let $field = Wire::take(from)?;)*
                Some(Self { $($field),* })
            }
        }
    )*};
}

structures! {
    Dimension { name, len, unlimited }
    Variable { name, dimensions, kind, attributes }
    Header { dimensions, variables, attributes }
    Place { begin, record_stride }
    Flat { place, order, shape }
    Chunk { place, address, size, mask }
    Pipeline { filters, number_size, chunk_size }
    Chunked { shape, chunk_shape, pipeline, order, fill, chunks }
    Slab { start, count }
    Source { format, header, field, numbers, store }
}

/// A choice without content, by its place in a list.
macro_rules! choices {
    ($($kind:ty = [$($choice:ident),*];)*) => {$(
        impl Wire for $kind {
            fn put(&self, to: &mut Vec<u8>) {
                let place = [$(Self::$choice),*].iter().position(|known| known == self);
                to.push(place.map_or(u8::MAX, |place| place as u8));
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                [$(Self::$choice),*].get(usize::from(u8::take(from)?)).copied()
            }
        }
    )*};
}

choices! {
    Kind = [I8, U8, I16, U16, I32, U32, I64, U64, F32, F64, Text, Other];
    ByteOrder = [Big, Little];
    Filter = [Deflate, Shuffle, Fletcher32];
}

impl Wire for bool {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(u8::take(from)? == 1)
    }
}

impl Wire for usize {
    fn put(&self, to: &mut Vec<u8>) {
        (*self as u64).put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Self::try_from(u64::take(from)?).ok()
    }
}

impl Wire for String {
    fn put(&self, to: &mut Vec<u8>) {
        self.len().put(to);
        to.extend(self.as_bytes());
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let len = usize::take(from)?;
        let (text, rest) = from.split_at_checked(len)?;
        *from = rest;
        Self::from_utf8(text.to_vec()).ok()
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.len().put(to);
        to.reserve_exact(self.len() * size_of::<T>());
        self.iter().for_each(|item| item.put(to));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let len = usize::take(from)?;
        let mut items = Self::with_capacity(len.min(from.len() / size_of::<T>().max(1)));
        for _ in 0..len {
            items.push(T::take(from)?);
        }
        Some(items)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.is_some().put(to);
        self.iter().for_each(|item| item.put(to));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        if bool::take(from)? { T::take(from).map(Some) } else { Some(None) }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

impl Wire for Attributes {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Wire::take(from).map(Self)
    }
}

impl Wire for AttributeValue {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::Text(text) => (0_u8, text.clone()).put(to),
            Self::Numbers { kind, values } => {
                (1_u8, *kind).put(to);
                values.put(to);
            }
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        match u8::take(from)? {
            0 => Wire::take(from).map(Self::Text),
            _ => Some(Self::Numbers { kind: Wire::take(from)?, values: Wire::take(from)? }),
        }
    }
}

impl Wire for Format {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(match self {
            Self::Hdf5 => 0,
            Self::Classic(version) => *version,
        });
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(match u8::take(from)? {
            0 => Self::Hdf5,
            version => Self::Classic(version),
        })
    }
}

impl Wire for Store {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::Flat(flat) => {
                to.push(0);
                flat.put(to);
            }
            Self::Chunked(chunked) => {
                to.push(1);
                chunked.put(to);
            }
            Self::Unwritten(fill) => (2_u8, *fill).put(to),
            Self::Library => to.push(3),
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        match u8::take(from)? {
            0 => Wire::take(from).map(Self::Flat),
            1 => Wire::take(from).map(Self::Chunked),
            2 => Wire::take(from).map(Self::Unwritten),
            3 => Some(Self::Library),
            _ => None,
        }
    }
}

impl Wire for Values {
    fn put(&self, to: &mut Vec<u8>) {
        self.kind().put(to);
        crate::volume::values::with_values!(self, values => values.put(to));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(match Kind::take(from)? {
            Kind::I8 => Self::I8(Wire::take(from)?),
            Kind::U8 => Self::U8(Wire::take(from)?),
            Kind::I16 => Self::I16(Wire::take(from)?),
            Kind::U16 => Self::U16(Wire::take(from)?),
            Kind::I32 => Self::I32(Wire::take(from)?),
            Kind::U32 => Self::U32(Wire::take(from)?),
            Kind::F32 => Self::F32(Wire::take(from)?),
            Kind::F64 => Self::F64(Wire::take(from)?),
            Kind::I64 | Kind::U64 | Kind::Text | Kind::Other => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let attributes = Attributes(vec![
            ("units".into(), AttributeValue::Text("dBZ".into())),
            ("valid".into(), AttributeValue::Numbers { kind: Kind::F32, values: vec![f64::NAN, -0.0, f64::INFINITY] }),
        ]);
        let header = Header {
            dimensions: vec![Dimension { name: "x0".into(), len: 5, unlimited: true }],
            variables: vec![Variable { name: "DBZ".into(), dimensions: vec![0], kind: Kind::I8, attributes }],
            attributes: Attributes::default(),
        };
        let pipeline = Pipeline { filters: vec![Filter::Deflate, Filter::Fletcher32], number_size: 1, chunk_size: 7 };
        let chunks = vec![Chunk { place: 1, address: 2, size: 3, mask: 4 }];
        let store = Store::Chunked(Chunked {
            shape: vec![5],
            chunk_shape: vec![7],
            pipeline,
            order: ByteOrder::Big,
            fill: -1.5,
            chunks,
        });
        Source { format: Format::Hdf5, header, field: 0, numbers: vec![None, Some(vec![1.0, f64::MIN])], store }
    }

    fn bytes(source: &Source) -> Vec<u8> {
        let mut bytes = Vec::new();
        source.put(&mut bytes);
        bytes
    }

    #[test]
    fn what_crosses_comes_out_bit_by_bit() {
        let sent = bytes(&source());
        let received = Source::take(&mut &sent[..]).unwrap();
        assert_eq!(bytes(&received), sent);
        assert_eq!(received.header.variables[0].attributes.text("units"), Some("dBZ"));
    }

    /// The other process may have gone wrong in any way.
    #[test]
    fn bytes_that_are_cut_or_changed_are_refused_or_harmless() {
        let sent = bytes(&source());
        for end in 0..sent.len() {
            assert!(Source::take(&mut &sent[..end]).is_none(), "cut to {end}");
        }
        for at in 0..sent.len() {
            let mut changed = sent.clone();
            changed[at] = 0xFF;
            drop(Source::take(&mut &changed[..]));
        }
    }
}
