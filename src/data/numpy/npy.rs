//! One array of NumPy: a header in Python's notation, then the numbers. Source: the description of the format in NumPy's
//! `numpy/lib/format.py`, versions 1 to 3. A [`Header`] alone is enough to read parts of a file that is large.

use std::io::{ErrorKind, Read};

/// Numbers of an array, in the order of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The length of each dimension; empty for a single number.
    pub shape: Vec<usize>,
    /// What is in it.
    pub numbers: Numbers,
}

/// Whole numbers stay whole: labels may be large.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Bytes, and what is true or false.
    Bytes(Vec<u8>),
    /// Whole numbers of any width.
    Whole(Vec<i64>),
    /// Numbers of 16, 32 or 64 bits with a fraction.
    Real(Vec<f32>),
    /// Texts, without the zeros that fill them up.
    Text(Vec<String>),
}

/// The types of numbers that are read: a letter, and the bytes of each.
const KINDS: [&str; 12] = ["u1", "b1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"];

/// The letters of texts: UTF-32, and bytes.
const TEXTS: [u8; 2] = [b'U', b'S'];

const MAGIC: &[u8] = b"\x93NUMPY";

/// No header is longer: those that NumPy writes have some 100 bytes.
const MOST_HEADER: u32 = 1 << 16;

/// What is written before the numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// The order of bytes: `<`, `>`, `|` or `=`; then the letter of the type and the bytes of a number.
    pub kind: String,
    /// From the axis that changes slowest.
    pub shape: Vec<usize>,
    /// How many numbers there are.
    pub count: usize,
    /// The bytes before the first number.
    pub length: usize,
}

impl Header {
    /// Reads it from the beginning of an array.
    ///
    /// # Errors
    /// If it is none, or numbers are in the order of columns: why, as the end of a sentence.
    pub fn read(from: &mut impl Read) -> Result<Self, String> {
        let magic: [u8; MAGIC.len()] = bytes(from, "is not an array of NumPy")?;
        if magic != MAGIC {
            return Err("is not an array of NumPy".to_owned());
        }
        let [major, _] = bytes(from, CUT)?;
        let (length, before) = match major {
            1 => (u32::from(u16::from_le_bytes(bytes(from, CUT)?)), MAGIC.len() + 4),
            2 | 3 => (u32::from_le_bytes(bytes(from, CUT)?), MAGIC.len() + 6),
            other => return Err(format!("has version {other} of the format, expected 1 to 3")),
        };
        if length > MOST_HEADER {
            return Err(format!("has a header of {length} bytes, expected {MOST_HEADER} or fewer"));
        }
        let mut text = vec![0; length as usize];
        from.read_exact(&mut text).map_err(|error| unread(&error, CUT))?;
        let text = String::from_utf8_lossy(&text);
        let kind = quoted(&text, "descr").ok_or("has no type of numbers, or one of several fields")?.to_owned();
        let shape = shape(&text).ok_or("has no shape")?;
        if after(&text, "fortran_order").is_some_and(|rest| rest.starts_with("True")) && shape.len() > 1 {
            return Err("is in the order of columns (Fortran); write it with numpy.ascontiguousarray".to_owned());
        }
        let count =
            shape.iter().try_fold(1_usize, |all, side| all.checked_mul(*side)).ok_or("has an impossible shape")?;
        Ok(Self { kind, shape, count, length: before + length as usize })
    }
}

/// What a file that is too short is said to do.
const CUT: &str = "ends within its header";

fn bytes<const N: usize>(from: &mut impl Read, cut: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|error| unread(&error, cut))?;
    Ok(bytes)
}

fn unread(error: &std::io::Error, cut: &str) -> String {
    if error.kind() == ErrorKind::UnexpectedEof { cut.to_owned() } else { format!("can't be read: {error}") }
}

/// Reads an array.
///
/// # Errors
/// If that is not possible: why, as the end of a sentence.
pub fn read(bytes: &[u8]) -> Result<Array, String> {
    let mut data = bytes;
    let Header { kind, shape, count, .. } = Header::read(&mut data)?;
    Ok(Array { numbers: numbers(&kind, data, count)?, shape })
}

fn numbers(kind: &str, data: &[u8], count: usize) -> Result<Numbers, String> {
    let (order, kind) = kind.split_at_checked(1).ok_or("has no type of numbers")?;
    if !["<", "|", "="].contains(&order) && kind != "u1" {
        return Err(format!(
            "has big-endian numbers ({order}{kind}); write it with .astype(array.dtype.newbyteorder(\"<\"))"
        ));
    }
    let width = kind.get(1..).and_then(|width| width.parse::<usize>().ok()).unwrap_or(0);
    let letter = kind.bytes().next().filter(|letter| TEXTS.contains(letter) && width > 0);
    if letter.is_none() && !KINDS.contains(&kind) {
        return Err(format!("has values of type {kind:?}, expected numbers or texts"));
    }
    let width = if letter == Some(TEXTS[0]) { width.saturating_mul(4) } else { width };
    let expected = count.checked_mul(width).ok_or("has an impossible shape")?;
    if data.len() != expected {
        return Err(format!("has {} bytes of numbers, expected {expected}", data.len()));
    }
    if let Some(letter) = letter {
        return data.chunks_exact(width).map(|bytes| text(letter, bytes)).collect::<Result<_, _>>().map(Numbers::Text);
    }
    Ok(match kind {
        "u1" | "b1" => Numbers::Bytes(data.to_vec()),
        "i1" => Numbers::Whole(each(data, |[byte]| i64::from(i8::from_le_bytes([byte])))),
        "u2" => Numbers::Whole(each(data, |bytes| i64::from(u16::from_le_bytes(bytes)))),
        "i2" => Numbers::Whole(each(data, |bytes| i64::from(i16::from_le_bytes(bytes)))),
        "u4" => Numbers::Whole(each(data, |bytes| i64::from(u32::from_le_bytes(bytes)))),
        "i4" => Numbers::Whole(each(data, |bytes| i64::from(i32::from_le_bytes(bytes)))),
        "i8" | "u8" => Numbers::Whole(each(data, i64::from_le_bytes)),
        "f2" => Numbers::Real(each(data, |bytes| half(u16::from_le_bytes(bytes)))),
        "f4" => Numbers::Real(each(data, f32::from_le_bytes)),
        _ => Numbers::Real(each(data, |bytes| f64::from_le_bytes(bytes) as f32)),
    })
}

fn each<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}

/// A text of letters of four bytes, or of bytes, without the zeros at its end.
fn text(letter: u8, bytes: &[u8]) -> Result<String, String> {
    let wrong = || "has a text that is not Unicode".to_owned();
    let text = match letter == TEXTS[0] {
        true => {
            let letters = bytes.as_chunks().0.iter().map(|letter| char::from_u32(u32::from_le_bytes(*letter)));
            letters.collect::<Option<String>>().ok_or_else(wrong)?
        }
        false => std::str::from_utf8(bytes).map_err(|_| wrong())?.to_owned(),
    };
    Ok(text.trim_end_matches('\0').to_owned())
}

/// A number of 16 bits: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff) / 1024.0);
    let size = match exponent {
        0 => fraction * 2_f32.powi(-14),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1.0 + fraction) * 2_f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// The file of an array.
#[must_use]
pub fn encode(array: &Array) -> Vec<u8> {
    let (kind, data) = match &array.numbers {
        Numbers::Bytes(bytes) => ("|u1".to_owned(), bytes.clone()),
        Numbers::Whole(numbers) => ("<i8".to_owned(), numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
        Numbers::Real(numbers) => ("<f4".to_owned(), numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
        Numbers::Text(texts) => {
            let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
            let filled =
                |text: &String| text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest).collect();
            let letters = texts.iter().flat_map(|text| -> Vec<u32> { filled(text) });
            (format!("<U{longest}"), letters.flat_map(u32::to_le_bytes).collect())
        }
    };
    let sides: String = array.shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    // The numbers begin at a multiple of 64.
    header.extend(std::iter::repeat_n(
        ' ',
        (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 5 - header.len(),
    ));
    header.push('\n');
    [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), &data].concat()
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
        assert_eq!(
            of("<f2", "(3,)", &[0x00, 0x3c, 0x00, 0xc1, 0x01, 0x00]),
            array(&[3], Numbers::Real(vec![1.0, -2.5, 5.960_464_5e-8]))
        );
        assert!(of("<c8", "(1,)", &[0; 8]).unwrap_err().contains("values of type \"c8\""));
        assert!(of("<U0", "(9999999999,)", &[]).unwrap_err().contains("values of type \"U0\""));
        let letters: Vec<u8> = ['ñ', 'o', '\0'].iter().flat_map(|letter| u32::from(*letter).to_le_bytes()).collect();
        assert_eq!(of("<U3", "(1,)", &letters), array(&[1], Numbers::Text(vec!["ño".to_owned()])));
        assert_eq!(of("|S3", "(1,)", b"no\0"), array(&[1], Numbers::Text(vec!["no".to_owned()])));
        assert!(of("<U1", "(1,)", &[0, 0, 0, 0xff]).unwrap_err().contains("a text that is not Unicode"));
        assert!(of("<u2", "(2,)", &[0; 3]).unwrap_err().contains("has 3 bytes of numbers, expected 4"));
        assert!(of(">i4", "(1,)", &[0; 4]).unwrap_err().contains("big-endian"));
        assert!(of("<u2", "(9999999999999, 9999999999999)", &[]).unwrap_err().contains("impossible shape"));
    }

    #[test]
    fn an_array_that_was_written_is_read_again() {
        for (shape, numbers) in [
            (vec![2, 2], Numbers::Real(vec![0.5, -1.0, 3.0, 4.0])),
            (vec![3], Numbers::Whole(vec![-1, 0, i64::MAX])),
            (vec![2], Numbers::Text(vec!["ñandú?".to_owned(), String::new()])),
            (vec![], Numbers::Bytes(vec![7])),
        ] {
            let array = Array { shape, numbers };
            let file = encode(&array);
            assert_eq!(file[..128].iter().rposition(|byte| *byte == b'\n').map(|place| (place + 1) % 64), Some(0));
            assert_eq!(read(&file), Ok(array));
        }
    }

    #[test]
    fn what_is_no_array_is_refused() {
        assert!(read(b"PK").unwrap_err().contains("not an array"));
        assert!(read(b"\x93NUMPY\x01\x00\xff").unwrap_err().contains("ends within its header"));
        assert!(read(b"\x93NUMPY\x01\x00\xff\x00{").unwrap_err().contains("ends within its header"));
        let long = [MAGIC, &[2, 0], &(MOST_HEADER + 1).to_le_bytes()].concat();
        assert!(read(&long).unwrap_err().contains("has a header of 65537 bytes, expected 65536 or fewer"));
        let columns = file("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1), }", &[1]);
        assert!(read(&columns).unwrap_err().contains("order of columns"));
    }
}
