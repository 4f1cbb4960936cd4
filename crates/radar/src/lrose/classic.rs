//! The netCDF classic format, written: CDF-1 and CDF-2, fixed dimensions only. Bytes are a function of the content alone.
//!
//! The format is that of the netCDF Users' Guide, appendix "File Format Specifications": a header of big-endian numbers
//! and names padded to four bytes, then the variables one after another, each padded to four bytes.

use super::container::{Attribute, File, Value, Values, Variable};

/// Which classic format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 32-bit offsets.
    Cdf1 = 1,
    /// 64-bit offsets.
    Cdf2 = 2,
}

const TAG_DIMENSIONS: u32 = 0x0A;
const TAG_VARIABLES: u32 = 0x0B;
const TAG_ATTRIBUTES: u32 = 0x0C;

/// Whether the version can state where every variable of the file begins.
pub fn fits(file: &File<'_>, version: Version) -> bool {
    let last = begins(file, version).pop().unwrap_or(0);
    version == Version::Cdf2 || last <= i32::MAX as u64
}

/// The bytes of a file that [`fits`].
pub fn encode(file: &File<'_>, version: Version) -> Vec<u8> {
    let mut bytes = header(file, version, &begins(file, version));
    bytes.reserve(file.variables.iter().map(|variable| padded_size(&variable.values)).sum());
    for variable in &file.variables {
        put_values(&mut bytes, &variable.values);
    }
    bytes
}

/// Where each variable begins.
fn begins(file: &File<'_>, version: Version) -> Vec<u64> {
    // The header's length does not depend on the offsets in it, so a first one with offsets of 0 measures it.
    let mut offset = header(file, version, &vec![0; file.variables.len()]).len() as u64;
    let begin = |variable: &Variable<'_>| {
        let begin = offset;
        offset += padded_size(&variable.values) as u64;
        begin
    };
    file.variables.iter().map(begin).collect()
}

fn header(file: &File<'_>, version: Version, begins: &[u64]) -> Vec<u8> {
    let mut bytes = vec![b'C', b'D', b'F', version as u8];
    put_u32(&mut bytes, 0); // no records
    put_list(&mut bytes, TAG_DIMENSIONS, file.dimensions.len());
    for dimension in &file.dimensions {
        put_name(&mut bytes, &dimension.name);
        put_u32(&mut bytes, dimension.length as u32);
    }
    put_attributes(&mut bytes, &file.attributes);
    put_list(&mut bytes, TAG_VARIABLES, file.variables.len());
    for (variable, &begin) in file.variables.iter().zip(begins) {
        put_variable(&mut bytes, variable, begin, version);
    }
    bytes
}

fn put_variable(bytes: &mut Vec<u8>, variable: &Variable<'_>, begin: u64, version: Version) {
    put_name(bytes, &variable.name);
    put_u32(bytes, variable.dimensions.len() as u32);
    for &dimension in &variable.dimensions {
        put_u32(bytes, dimension as u32);
    }
    put_attributes(bytes, &variable.attributes);
    put_u32(bytes, type_code(&variable.values));
    // The size is redundant, and readers compute it again: one that does not fit is written as the largest number.
    put_u32(bytes, u32::try_from(padded_size(&variable.values)).unwrap_or(u32::MAX));
    match version {
        Version::Cdf1 => put_u32(bytes, begin as u32),
        Version::Cdf2 => bytes.extend(begin.to_be_bytes()),
    }
}

fn put_attributes(bytes: &mut Vec<u8>, attributes: &[Attribute]) {
    put_list(bytes, TAG_ATTRIBUTES, attributes.len());
    for attribute in attributes {
        put_name(bytes, &attribute.name);
        match &attribute.value {
            Value::Text(text) => {
                put_u32(bytes, 2);
                put_name(bytes, text);
            }
            Value::Numbers(values) => {
                put_u32(bytes, type_code(values));
                put_u32(bytes, values.count() as u32);
                put_values(bytes, values);
            }
        }
    }
}

fn put_list(bytes: &mut Vec<u8>, tag: u32, length: usize) {
    put_u32(bytes, if length == 0 { 0 } else { tag });
    put_u32(bytes, length as u32);
}

fn put_u32(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend(number.to_be_bytes());
}

fn put_name(bytes: &mut Vec<u8>, name: &str) {
    put_u32(bytes, name.len() as u32);
    bytes.extend(name.as_bytes());
    pad(bytes, name.len());
}

fn put_values(bytes: &mut Vec<u8>, values: &Values<'_>) {
    match values {
        Values::Byte(values) => bytes.extend(values.iter().map(|value| value.cast_unsigned())),
        Values::Int(values) => values.iter().for_each(|value| bytes.extend(value.to_be_bytes())),
        Values::Float(values) => values.iter().for_each(|value| bytes.extend(value.to_be_bytes())),
        Values::Double(values) => values.iter().for_each(|value| bytes.extend(value.to_be_bytes())),
    }
    pad(bytes, size(values));
}

fn pad(bytes: &mut Vec<u8>, length: usize) {
    bytes.resize(bytes.len() + length.next_multiple_of(4) - length, 0);
}

fn type_code(values: &Values<'_>) -> u32 {
    match values {
        Values::Byte(_) => 1,
        Values::Int(_) => 4,
        Values::Float(_) => 5,
        Values::Double(_) => 6,
    }
}

fn size(values: &Values<'_>) -> usize {
    match values {
        Values::Byte(values) => values.len(),
        Values::Int(values) => 4 * values.len(),
        Values::Float(values) => 4 * values.len(),
        Values::Double(values) => 8 * values.len(),
    }
}

fn padded_size(values: &Values<'_>) -> usize {
    size(values).next_multiple_of(4)
}
