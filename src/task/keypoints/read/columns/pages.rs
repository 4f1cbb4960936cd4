//! What a parquet file says its pages unpack to. The crate that decodes them takes that memory before it looks at their content, so it is
//! compared with the size of the file first. Source: PageHeader in parquet-format's `parquet.thrift`, in Thrift's compact protocol.

use parquet::file::metadata::ParquetMetaData;

/// Pages compress well if nothing is seen, but not without end.
const MOST_TIMES: u64 = 200;
const ALWAYS_ALLOWED: u64 = 16 << 20;

/// How deep structures may be inside of each other.
const DEEPEST: usize = 16;

/// Types of the compact protocol.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Fields of a page's header.
const UNPACKED: i16 = 2;
const PACKED: i16 = 3;

/// Refuses a file whose pages are far larger than it is.
pub(super) fn check(file: &[u8], metadata: &ParquetMetaData) -> Result<(), String> {
    let most = (file.len() as u64).saturating_mul(MOST_TIMES).max(ALWAYS_ALLOWED);
    let mut all = 0_u64;
    // Groups without rows are not read.
    let groups = metadata.row_groups().iter().filter(|group| group.num_rows() != 0);
    for column in groups.flat_map(|group| group.columns()) {
        // Where the crate begins to read.
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let range = usize::try_from(start).ok().zip(usize::try_from(column.compressed_size()).ok());
        let pages = range.and_then(|(start, length)| file.get(start..start.checked_add(length)?));
        let mut rest = pages.ok_or("is damaged: a column is past its end; fetch it again")?;
        while !rest.is_empty() {
            let header =
                Header::read(&mut rest).ok_or("is damaged: the header of a page can't be read; fetch it again")?;
            all = all.saturating_add(header.unpacked);
            if all > most {
                return Err(format!(
                    "says that its pages unpack to more than {most} bytes, {MOST_TIMES} times its size"
                ));
            }
            rest = rest.get(header.packed..).ok_or("is damaged: a page is cut off; fetch it again")?;
        }
    }
    Ok(())
}

struct Header {
    unpacked: u64,
    packed: usize,
}

impl Header {
    /// The header at the front of the bytes, which then begin behind it.
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (mut unpacked, mut packed, mut field) = (None, None, 0_i16);
        loop {
            let (kind, id) = next_field(bytes, field)?;
            field = id;
            match (kind, id) {
                (STOP, _) => return Some(Self { unpacked: unpacked?, packed: packed? }),
                (I32, UNPACKED) => unpacked = u64::try_from(signed(bytes)?).ok(),
                (I32, PACKED) => packed = usize::try_from(signed(bytes)?).ok(),
                _ => skip(bytes, kind, DEEPEST)?,
            }
        }
    }
}

/// The type and the number of the next field.
fn next_field(bytes: &mut &[u8], before: i16) -> Option<(u8, i16)> {
    let head = byte(bytes)?;
    match (head & 0xf, head >> 4) {
        (STOP, _) => Some((STOP, before)),
        (kind, 0) => Some((kind, i16::try_from(signed(bytes)?).ok()?)),
        (kind, delta) => Some((kind, before.checked_add(i16::from(delta))?)),
    }
}

fn skip(bytes: &mut &[u8], kind: u8, depth: usize) -> Option<()> {
    let below = depth.checked_sub(1)?;
    match kind {
        TRUE | FALSE => {}
        BYTE => drop(byte(bytes)?),
        4 | I32 | I64 => drop(unsigned(bytes)?),
        DOUBLE => *bytes = bytes.get(8..)?,
        BINARY => {
            let length = usize::try_from(unsigned(bytes)?).ok()?;
            *bytes = bytes.get(length..)?;
        }
        LIST | SET => {
            let head = byte(bytes)?;
            let count = if head >> 4 == 15 { unsigned(bytes)? } else { u64::from(head >> 4) };
            // A flag in a list has a byte of its own, so every item takes one at least.
            let item = if matches!(head & 0xf, TRUE | FALSE) { BYTE } else { head & 0xf };
            for _ in 0..count {
                skip(bytes, item, below)?;
            }
        }
        STRUCT => {
            let mut field = 0;
            loop {
                let (kind, id) = next_field(bytes, field)?;
                field = id;
                if kind == STOP {
                    break;
                }
                skip(bytes, kind, below)?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// Seven bits in each byte, the lowest first.
fn unsigned(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let next = byte(bytes)?;
        value |= u64::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The same with the sign in the lowest bit.
fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let value = unsigned(bytes)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}
