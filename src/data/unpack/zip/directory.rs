//! The central directory of a zip archive: which entries there are and where, also in archives past 4 GB (zip64). Two
//! entries never share bytes, and only the end record follows the directory.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::Crc;

use crate::data::unpack::decode::decoder_error;
use crate::data::unpack::error::{Refusal, UnpackError};
use crate::util::fs::FsError;

/// Bytes of an entry's own header before its name.
pub const LOCAL_HEADER: usize = 30;

const CENTRAL_HEADER: usize = 46;
const END_RECORD: usize = 22;
const ZIP64_LOCATOR: usize = 20;
const ZIP64_END_RECORD: usize = 56;
const LONGEST_COMMENT: usize = 65_535;
/// The directory is read at once: this much is two million entries with names of 80 bytes.
const LARGEST_DIRECTORY: u64 = 256 << 20;

const ZIP64_EXTRA: u16 = 0x0001;
const UNICODE_NAME_EXTRA: u16 = 0x7075;

/// How an entry is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Stored,
    Deflate,
}

/// An entry of the directory.
#[derive(Debug)]
pub struct Entry {
    /// The name under which it is unpacked.
    pub name: Vec<u8>,
    pub is_folder: bool,
    pub method: Method,
    pub crc: u32,
    pub compressed: u64,
    pub bytes: u64,
    /// The offset of its own header.
    pub offset: u64,
    /// The offset of the next one: its data must end before.
    limit: u64,
    /// The name as it is in both headers.
    header_name: Vec<u8>,
    flags: u16,
    stored_method: u16,
}

/// The directory's place in the file.
struct Place {
    offset: u64,
    bytes: u64,
    entries: u64,
}

/// Reads the directory, unless it has more than so many entries; they come in the order of their place in the file.
pub fn read<R: Read + Seek>(reader: &mut BufReader<R>, path: &Path, most: u64) -> Result<Vec<Entry>, UnpackError> {
    let place = find(reader, path)?;
    if place.entries > most {
        return Err(Refusal::TooManyEntries { limit: most }.into());
    }
    if place.bytes > LARGEST_DIRECTORY {
        let (what, limit) = ("its directory", LARGEST_DIRECTORY);
        return Err(Refusal::HeaderTooLarge { what, bytes: place.bytes, limit }.into());
    }
    let bytes = read_at(reader, path, place.offset, place.bytes as usize)?;
    let mut entries = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (entry, behind) = Entry::parse(rest)?;
        entries.push(entry);
        rest = behind;
        if entries.len() as u64 > place.entries {
            break;
        }
    }
    if entries.len() as u64 != place.entries {
        return Err(header("its directory", "it contains another number of entries than its end record says").into());
    }
    entries.sort_by_key(|entry| entry.offset);
    set_limits(&mut entries, place.offset)?;
    Ok(entries)
}

/// Ends each entry at the start of the next one.
fn set_limits(entries: &mut [Entry], directory: u64) -> Result<(), UnpackError> {
    let mut limit = directory;
    for entry in entries.iter_mut().rev() {
        entry.limit = limit;
        let least = (LOCAL_HEADER + entry.header_name.len()) as u64;
        let end = entry.offset.checked_add(least).and_then(|data| data.checked_add(entry.compressed));
        if end.is_none_or(|end| end > limit) {
            return Err(UnpackError::from(Refusal::Overlap).at(&entry.name));
        }
        limit = entry.offset;
    }
    Ok(())
}

fn find<R: Read + Seek>(reader: &mut BufReader<R>, path: &Path) -> Result<Place, UnpackError> {
    let length = reader.seek(SeekFrom::End(0)).map_err(FsError::at("read", path))?;
    let tail_bytes = length.min((END_RECORD + LONGEST_COMMENT + ZIP64_LOCATOR) as u64);
    let tail_at = length - tail_bytes;
    let tail = read_at(reader, path, tail_at, tail_bytes as usize)?;
    let cut = Refusal::Cut { within: "its data: the directory at the end is missing" };
    let at = (0..=tail.len().saturating_sub(END_RECORD))
        .rev()
        .find(|&at| tail[at..].starts_with(b"PK\x05\x06") && tail.len() - at >= END_RECORD)
        .ok_or(cut)?;
    let record = &tail[at..];
    if record.len() != END_RECORD + usize::from(u16_at(record, 20)) {
        return Err(Refusal::BehindEnd.into());
    }
    let locator = at.checked_sub(ZIP64_LOCATOR).map(|at| &tail[at..at + ZIP64_LOCATOR]);
    let locator = locator.filter(|locator| locator.starts_with(b"PK\x06\x07"));
    let (place, end) = match locator {
        Some(locator) => find_zip64(reader, path, locator, record)?,
        None => (classic_place(record)?, tail_at + at as u64),
    };
    match place.offset.checked_add(place.bytes) == Some(end) {
        true => Ok(place),
        false => Err(header("its end record", "the directory is not where it says").into()),
    }
}

fn classic_place(record: &[u8]) -> Result<Place, Refusal> {
    let entries = u16_at(record, 10);
    if u16_at(record, 4) != 0 || u16_at(record, 6) != 0 || u16_at(record, 8) != entries {
        return Err(Refusal::Special("one part of a split archive"));
    }
    Ok(Place { offset: u32_at(record, 16).into(), bytes: u32_at(record, 12).into(), entries: entries.into() })
}

fn find_zip64<R: Read + Seek>(
    reader: &mut BufReader<R>,
    path: &Path,
    locator: &[u8],
    classic: &[u8],
) -> Result<(Place, u64), UnpackError> {
    let at = u64_at(locator, 8);
    let record = read_at(reader, path, at, ZIP64_END_RECORD)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(header("its zip64 end record", "it is not where the locator says").into());
    }
    let entries = u64_at(&record, 32);
    if u32_at(&record, 16) != 0 || u32_at(&record, 20) != 0 || u64_at(&record, 24) != entries {
        return Err(Refusal::Special("one part of a split archive").into());
    }
    let place = Place { offset: u64_at(&record, 48), bytes: u64_at(&record, 40), entries };
    // A reader without zip64 must not find another directory.
    let agrees = |narrow: u64, none: u64, wide: u64| narrow == none || narrow == wide;
    let no_size = u32::MAX.into();
    let is_same = agrees(u16_at(classic, 10).into(), u16::MAX.into(), entries)
        && agrees(u32_at(classic, 12).into(), no_size, place.bytes)
        && agrees(u32_at(classic, 16).into(), no_size, place.offset);
    if is_same { Ok((place, at)) } else { Err(Refusal::Mismatch("place of the directory").into()) }
}

impl Entry {
    /// The entry at the front of the directory's bytes, and the bytes after it.
    fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), UnpackError> {
        let cut = || header("its directory", "an entry is truncated");
        if bytes.len() < CENTRAL_HEADER || !bytes.starts_with(b"PK\x01\x02") {
            return Err(cut().into());
        }
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(bytes, at)));
        let (fixed, rest) = bytes.split_at(CENTRAL_HEADER);
        if rest.len() < lengths.iter().sum() {
            return Err(cut().into());
        }
        let (header_name, rest) = rest.split_at(lengths[0]);
        let (extra, rest) = rest.split_at(lengths[1]);
        let entry = Self::from_parts(fixed, header_name, extra);
        Ok((entry.map_err(|refusal| UnpackError::from(refusal).at(header_name))?, &rest[lengths[2]..]))
    }

    fn from_parts(fixed: &[u8], header_name: &[u8], extra: &[u8]) -> Result<Self, Refusal> {
        let (flags, stored_method) = (u16_at(fixed, 8), u16_at(fixed, 10));
        if flags & ENCRYPTED != 0 {
            return Err(Refusal::Encrypted);
        }
        let extra = Extra::parse(extra, fixed)?;
        let name = extra.name_for(header_name)?;
        let is_folder = name.ends_with(b"/");
        check_type(fixed, is_folder)?;
        if is_folder && extra.bytes > 0 {
            return Err(Refusal::FolderWithContent(extra.bytes));
        }
        Ok(Self {
            name,
            is_folder,
            method: method(stored_method)?,
            crc: u32_at(fixed, 16),
            compressed: extra.compressed,
            bytes: extra.bytes,
            offset: extra.offset,
            limit: 0,
            header_name: header_name.to_owned(),
            flags,
            stored_method,
        })
    }

    /// Compares the entry's own header with the directory; returns how long its name and its extra fields are.
    pub fn check_local(&self, local: &[u8; LOCAL_HEADER]) -> Result<(usize, usize), Refusal> {
        if !local.starts_with(b"PK\x03\x04") {
            return Err(header("its own header", "it is not where the directory says"));
        }
        if u16_at(local, 6) & (ENCRYPTED | DESCRIPTOR) != self.flags & (ENCRYPTED | DESCRIPTOR) {
            return Err(Refusal::Mismatch("flags"));
        }
        if u16_at(local, 8) != self.stored_method {
            return Err(Refusal::Mismatch("compression method"));
        }
        // With a descriptor the sizes follow the data; with zip64 they are in the extra fields.
        let agrees = |at, expected: u64| [expected, u64::from(u32::MAX)].contains(&u32_at(local, at).into());
        if self.flags & DESCRIPTOR == 0 {
            if u32_at(local, 14) != self.crc {
                return Err(Refusal::Mismatch("checksum"));
            }
            if !agrees(18, self.compressed) || !agrees(22, self.bytes) {
                return Err(Refusal::Mismatch("size"));
            }
        }
        Ok((u16_at(local, 26).into(), u16_at(local, 28).into()))
    }

    /// Compares the name, and the end of the data with the beginning of the next entry.
    pub fn check_place(&self, local_name: &[u8], data: u64) -> Result<(), Refusal> {
        if local_name != self.header_name {
            return Err(Refusal::Mismatch("name"));
        }
        match data.checked_add(self.compressed).is_some_and(|end| end <= self.limit) {
            true => Ok(()),
            false => Err(Refusal::Overlap),
        }
    }
}

/// Also set where encryption is strong.
const ENCRYPTED: u16 = 1;
const DESCRIPTOR: u16 = 1 << 3;

fn method(stored: u16) -> Result<Method, Refusal> {
    match stored {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflate),
        other => Err(Refusal::Method(other)),
    }
}

/// Unix writers state the kind of file; it must match the name.
fn check_type(fixed: &[u8], is_folder: bool) -> Result<(), Refusal> {
    const UNIX: u8 = 3;
    const MACOS: u8 = 19;
    let mode = match fixed[5] {
        UNIX | MACOS => u32_at(fixed, 38) >> 16,
        _ => 0,
    };
    match (mode & 0o170_000, is_folder) {
        (0, _) | (0o100_000, false) | (0o040_000, true) => Ok(()),
        (0o120_000, _) => Err(Refusal::Special("a symbolic link")),
        (0o020_000 | 0o060_000, _) => Err(Refusal::Special("a device")),
        (0o010_000, _) => Err(Refusal::Special("a named pipe")),
        _ => Err(Refusal::Mismatch("kind of file")),
    }
}

/// Sizes and place of an entry after its extra fields were read, and the name in them.
struct Extra<'a> {
    bytes: u64,
    compressed: u64,
    offset: u64,
    unicode_name: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    fn parse(mut extra: &'a [u8], fixed: &[u8]) -> Result<Self, Refusal> {
        let narrow = |at| u64::from(u32_at(fixed, at));
        let mut this = Self { compressed: narrow(20), bytes: narrow(24), offset: narrow(42), unicode_name: None };
        let mut has_zip64 = false;
        while extra.len() >= 4 {
            let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
            let field = extra.get(4..4 + length).ok_or_else(|| header("its extra fields", "one is truncated"))?;
            match id {
                ZIP64_EXTRA if has_zip64 => return Err(header("its extra fields", "zip64 sizes come twice")),
                ZIP64_EXTRA => {
                    this.widen(field)?;
                    has_zip64 = true;
                }
                UNICODE_NAME_EXTRA => this.unicode_name = Some(field),
                _ => {}
            }
            extra = &extra[4 + length..];
        }
        Ok(this)
    }

    /// zip64 holds only the numbers that did not fit, in this order.
    fn widen(&mut self, mut field: &[u8]) -> Result<(), Refusal> {
        for number in [&mut self.bytes, &mut self.compressed, &mut self.offset] {
            if *number == u64::from(u32::MAX) {
                if field.len() < 8 {
                    return Err(header("its extra fields", "a zip64 size is truncated"));
                }
                *number = u64_at(field, 0);
                field = &field[8..];
            }
        }
        Ok(())
    }

    /// Info-ZIP adds a UTF-8 name if its own is in another character set; it counts if it belongs to that name.
    fn name_for(&self, header_name: &[u8]) -> Result<Vec<u8>, Refusal> {
        let Some([1, sum @ .., _]) = self.unicode_name.filter(|field| field.len() > 5) else {
            return Ok(header_name.to_owned());
        };
        let mut crc = Crc::new();
        crc.update(header_name);
        let name = self.unicode_name.unwrap_or_default()[5..].to_owned();
        match u32_at(sum, 0) == crc.sum() && name.ends_with(b"/") == header_name.ends_with(b"/") {
            true => Ok(name),
            false => Err(Refusal::Mismatch("name")),
        }
    }
}

fn read_at<R: Read + Seek>(
    reader: &mut BufReader<R>,
    path: &Path,
    at: u64,
    count: usize,
) -> Result<Vec<u8>, UnpackError> {
    reader.seek(SeekFrom::Start(at)).map_err(FsError::at("read", path))?;
    let mut bytes = Vec::new();
    reader.take(count as u64).read_to_end(&mut bytes).map_err(|error| decoder_error(error, "zip", path))?;
    match bytes.len() == count {
        true => Ok(bytes),
        false => Err(Refusal::Cut { within: "its directory" }.into()),
    }
}

fn header(field: &'static str, problem: &'static str) -> Refusal {
    Refusal::Header { field, problem }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
