//! One array of NumPy: a header in Python's notation, then the numbers. Source: the description of the format in NumPy's
//! `numpy/lib/format.py`, versions 1 to 3.

/// Numbers of an array, in the order of rows.
#[derive(Debug, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers,
}

/// Whole numbers stay whole: labels may be large.
#[derive(Debug, PartialEq)]
pub(super) enum Numbers {
    Bytes(Vec<u8>),
    Whole(Vec<i64>),
    Real(Vec<f32>),
}

/// The types of numbers that are read: a letter, and the bytes of each.
const KINDS: [&str; 11] = ["u1", "b1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"];

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an array; the reason if that is not possible, as a fragment.
pub(super) fn read(bytes: &[u8]) -> Result<Array, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("is not an array of NumPy")?;
    let (&[major, _], rest) = rest.split_first_chunk().ok_or("ends within its header")?;
    let (length, rest) = match major {
        1 => rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
        2 | 3 => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
        other => return Err(format!("has version {other} of the format, expected 1 to 3")),
    }
    .ok_or("ends within its header")?;
    let (header, data) = rest.split_at_checked(length).ok_or("ends within its header")?;
    let header = String::from_utf8_lossy(header);
    let kind = quoted(&header, "descr").ok_or("has no type of numbers, or one of several fields")?;
    let shape = shape(&header).ok_or("has no shape")?;
    if after(&header, "fortran_order").is_some_and(|rest| rest.starts_with("True")) && shape.len() > 1 {
        return Err("is in the order of columns (Fortran); write it with numpy.ascontiguousarray".to_owned());
    }
    let count = shape.iter().try_fold(1_usize, |all, side| all.checked_mul(*side)).ok_or("has an impossible shape")?;
    Ok(Array { numbers: numbers(kind, data, count)?, shape })
}

fn numbers(kind: &str, data: &[u8], count: usize) -> Result<Numbers, String> {
    let (order, kind) = kind.split_at_checked(1).ok_or("has no type of numbers")?;
    if !["<", "|", "="].contains(&order) && kind != "u1" {
        return Err(format!("has big-endian numbers ({order}{kind}); write it with .astype(\"uint8\")"));
    }
    if !KINDS.contains(&kind) {
        return Err(format!("has values of type {kind:?}, expected numbers"));
    }
    let width = kind.get(1..).and_then(|width| width.parse::<usize>().ok()).unwrap_or(0);
    let expected = count.checked_mul(width).ok_or("has an impossible shape")?;
    if data.len() != expected {
        return Err(format!("has {} bytes of numbers, expected {expected}", data.len()));
    }
    Ok(match kind {
        "u1" | "b1" => Numbers::Bytes(data.to_vec()),
        "i1" => Numbers::Whole(each(data, |[byte]| i64::from(i8::from_le_bytes([byte])))),
        "u2" => Numbers::Whole(each(data, |bytes| i64::from(u16::from_le_bytes(bytes)))),
        "i2" => Numbers::Whole(each(data, |bytes| i64::from(i16::from_le_bytes(bytes)))),
        "u4" => Numbers::Whole(each(data, |bytes| i64::from(u32::from_le_bytes(bytes)))),
        "i4" => Numbers::Whole(each(data, |bytes| i64::from(i32::from_le_bytes(bytes)))),
        "i8" | "u8" => Numbers::Whole(each(data, i64::from_le_bytes)),
        "f4" => Numbers::Real(each(data, f32::from_le_bytes)),
        _ => Numbers::Real(each(data, |bytes| f64::from_le_bytes(bytes) as f32)),
    })
}

fn each<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}

/// What follows a key of the header.
fn after<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    after(header, key)?.strip_prefix('\'')?.split_once('\'').map(|(value, _)| value)
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let (inside, _) = after(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    inside.split(',').map(str::trim).filter(|side| !side.is_empty()).map(|side| side.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        let of = |kind: &str, shape: &str, data: &[u8]| {
            read(&file(&format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}  \n"), data))
        };
        let array = |shape: &[usize], numbers| Ok(Array { shape: shape.to_vec(), numbers });
        assert_eq!(of("|u1", "(1, 2)", &[3, 4]), array(&[1, 2], Numbers::Bytes(vec![3, 4])));
        assert_eq!(of("<i8", "(1,)", &(-5_i64).to_le_bytes()), array(&[1], Numbers::Whole(vec![-5])));
        assert_eq!(of("<f4", "()", &0.5_f32.to_le_bytes()), array(&[], Numbers::Real(vec![0.5])));
        assert!(of("<U3", "(1,)", &[0; 12]).unwrap_err().contains("values of type \"U3\""));
        assert!(of("<u2", "(2,)", &[0; 3]).unwrap_err().contains("has 3 bytes of numbers, expected 4"));
        assert!(of(">i4", "(1,)", &[0; 4]).unwrap_err().contains("big-endian"));
        assert!(of("<u2", "(9999999999999, 9999999999999)", &[]).unwrap_err().contains("impossible shape"));
    }

    #[test]
    fn what_is_no_array_is_refused() {
        assert!(read(b"PK").unwrap_err().contains("not an array"));
        assert!(read(b"\x93NUMPY\x01\x00\xff").unwrap_err().contains("ends within its header"));
        assert!(read(b"\x93NUMPY\x01\x00\xff\x00{").unwrap_err().contains("ends within its header"));
        let columns = file("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1), }", &[1]);
        assert!(read(&columns).unwrap_err().contains("order of columns"));
    }
}
