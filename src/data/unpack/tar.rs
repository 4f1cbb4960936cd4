//! The tar format: v7, ustar, GNU long names and pax. It reads headers strictly, so that no other reader finds another
//! archive in the same bytes. It neither checks names nor touches the disk.

use super::error::{Refusal, UnpackError};
use super::limits::Budget;
use super::pax;
use super::pipeline::Content;

/// The unit of the format.
pub const BLOCK: usize = 512;

/// The longest name in a GNU extension header.
const LONGEST_NAME: u64 = 64 << 10;
/// The longest pax header; extended attributes make legitimate ones of some 10 KB.
const LONGEST_PAX: u64 = 1 << 20;
/// Zeros after the end mark: tar fills up its last record, which is 10 KB by default.
const LONGEST_FILL: u64 = 16 << 20;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
}

/// An entry; its content is next in the stream, filled up to a full block by [`skip_fill`].
#[derive(Debug)]
pub struct Entry {
    /// The name as it is in the archive.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of its content.
    pub bytes: u64,
}

/// Whether a head is that of a tar archive, even a damaged one.
pub fn looks_like_tar(head: &[u8]) -> bool {
    let has_magic = head.get(257..262) == Some(b"ustar");
    let Some(block) = head.first_chunk::<BLOCK>() else { return has_magic };
    has_magic || is_zero(block) || (block[0] != 0 && check_sum(block).is_ok())
}

/// The next entry, or `None` once the end mark and everything after it have been read and checked.
pub fn next_entry(content: &mut Content, budget: &mut Budget) -> Result<Option<Entry>, UnpackError> {
    let mut extension = Extension::default();
    while let Some(block) = next_block(content)? {
        let at = |error: UnpackError| error.at(&ustar_name(&block));
        check_sum(&block).map_err(|refusal| at(refusal.into()))?;
        let mut field = [0; 12];
        field.copy_from_slice(&block[124..136]);
        let bytes = size(&field).map_err(|refusal| at(refusal.into()))?;
        if extension.take(block[156], bytes, content, budget).map_err(at)? {
            continue;
        }
        return extension.apply(&block, bytes).map(Some);
    }
    if extension.is_pending() {
        return Err(Refusal::Cut { within: "an extended header without its entry" }.into());
    }
    Ok(None)
}

/// Skips the zeros that fill up the last block of a file.
pub fn skip_fill(content: &mut Content, bytes: u64) -> Result<(), UnpackError> {
    let fill = bytes.next_multiple_of(BLOCK as u64) - bytes;
    let mut buffer = [0; BLOCK];
    let fill = &mut buffer[..fill as usize];
    match content.read(fill)? == fill.len() {
        true => Ok(()),
        false => Err(Refusal::Cut { within: "an entry" }.into()),
    }
}

/// What the headers before an entry say about it.
#[derive(Default)]
struct Extension {
    long_name: Option<Vec<u8>>,
    pax: Option<pax::Records>,
}

impl Extension {
    fn is_pending(&self) -> bool {
        self.long_name.is_some() || self.pax.is_some()
    }

    /// Reads an extension header; `false` if it is none. An entry has at most one extension: with more, readers differ.
    fn take(&mut self, kind: u8, bytes: u64, content: &mut Content, budget: &mut Budget) -> Result<bool, UnpackError> {
        let (what, limit) = match kind {
            b'x' | b'g' => ("its pax header", LONGEST_PAX),
            b'L' => ("its GNU name header", LONGEST_NAME),
            _ => return Ok(false),
        };
        if bytes > limit {
            return Err(Refusal::HeaderTooLarge { what, bytes, limit }.into());
        }
        if self.is_pending() {
            let problem = "there are two for one entry";
            return Err(Refusal::Header { field: what, problem }.into());
        }
        budget.entry(bytes)?;
        let body = read_body(content, bytes)?;
        match kind {
            b'x' => self.pax = Some(pax::Records::parse(&body)?),
            b'g' => pax::Records::parse(&body)?.check_global()?,
            _ => self.long_name = Some(until_zero(&body)?.to_vec()),
        }
        Ok(true)
    }

    fn apply(self, block: &[u8; BLOCK], bytes: u64) -> Result<Entry, UnpackError> {
        let pax = self.pax.unwrap_or_default();
        let name = pax.path.or(self.long_name).unwrap_or_else(|| ustar_name(block));
        let bytes = pax.size.unwrap_or(bytes);
        match kind(block[156], &name, bytes) {
            Ok(kind) => Ok(Entry { name, kind, bytes }),
            Err(refusal) => Err(UnpackError::from(refusal).at(&name)),
        }
    }
}

fn kind(flag: u8, name: &[u8], bytes: u64) -> Result<EntryKind, Refusal> {
    let kind = match flag {
        // Before ustar a folder was a file whose name ended in a slash.
        b'0' | 0 if name.ends_with(b"/") => EntryKind::Folder,
        b'0' | 0 | b'7' => EntryKind::File,
        b'5' => EntryKind::Folder,
        b'1' => return Err(Refusal::Special("a hard link")),
        b'2' | b'K' => return Err(Refusal::Special("a symbolic link")),
        b'3' | b'4' => return Err(Refusal::Special("a device")),
        b'6' => return Err(Refusal::Special("a named pipe")),
        b'S' => return Err(Refusal::Sparse),
        b'M' => return Err(Refusal::Special("one part of a file that spans several archives")),
        b'V' => return Err(Refusal::Special("a volume label")),
        _ => return Err(Refusal::Special("of an unknown type")),
    };
    match kind {
        EntryKind::Folder if bytes > 0 => Err(Refusal::FolderWithContent(bytes)),
        kind => Ok(kind),
    }
}

/// The next header, or `None` at a proper end.
fn next_block(content: &mut Content) -> Result<Option<[u8; BLOCK]>, UnpackError> {
    let mut block = [0; BLOCK];
    let mut read = |block: &mut [u8; BLOCK]| content.read(block).map(|count| count == BLOCK);
    if !read(&mut block)? {
        return Err(Refusal::Cut { within: "its headers: the end mark is missing" }.into());
    }
    if !is_zero(&block) {
        return Ok(Some(block));
    }
    if !read(&mut block)? {
        return Err(Refusal::Cut { within: "its end mark" }.into());
    }
    if !is_zero(&block) {
        return Err(Refusal::BehindEnd.into());
    }
    check_rest(content)?;
    Ok(None)
}

/// Reads to the end of the stream, which makes its decoder verify its checksums: only zeros may come.
fn check_rest(content: &mut Content) -> Result<(), UnpackError> {
    let mut total = 0;
    loop {
        let there = content.available()?;
        if there.is_empty() {
            return Ok(());
        }
        let count = there.len();
        total += count as u64;
        if !is_zero(there) || total > LONGEST_FILL {
            return Err(Refusal::BehindEnd.into());
        }
        content.skip(count);
    }
}

fn read_body(content: &mut Content, bytes: u64) -> Result<Vec<u8>, UnpackError> {
    let cut = Refusal::Cut { within: "an extended header" };
    let mut body = vec![0; usize::try_from(bytes).map_err(|_| cut.clone())?];
    if content.read(&mut body)? < body.len() {
        return Err(cut.into());
    }
    skip_fill(content, bytes)?;
    Ok(body)
}

/// A name that ends with a zero byte; only zeros may follow.
fn until_zero(body: &[u8]) -> Result<&[u8], Refusal> {
    let end = body.iter().position(|&byte| byte == 0).unwrap_or(body.len());
    match is_zero(&body[end..]) {
        true => Ok(&body[..end]),
        false => Err(Refusal::Header { field: "its GNU name header", problem: "there is more after the name" }),
    }
}

/// The name of the header itself; only POSIX headers have a prefix, GNU's use its place for other things.
fn ustar_name(block: &[u8; BLOCK]) -> Vec<u8> {
    let field = |bytes: &[u8]| bytes.split(|&byte| byte == 0).next().unwrap_or_default().to_vec();
    let name = field(&block[..100]);
    let prefix = if &block[257..263] == b"ustar\0" { field(&block[345..500]) } else { Vec::new() };
    if prefix.is_empty() { name } else { [prefix, name].join(&b'/') }
}

/// A size: octal digits, or binary if the first bit is set.
fn size(bytes: &[u8; 12]) -> Result<u64, Refusal> {
    let [first, high @ .., _, _, _, _, _, _, _, _] = bytes;
    if first & 0x80 == 0 {
        return octal("size", bytes);
    }
    let value = bytes[4..].iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    match *first == 0x80 && is_zero(high) && value <= i64::MAX as u64 {
        true => Ok(value),
        false => Err(Refusal::Header { field: "size", problem: "the number is negative or too large" }),
    }
}

/// Octal digits, with spaces before them, and spaces and zero bytes after them.
fn octal(field: &'static str, bytes: &[u8]) -> Result<u64, Refusal> {
    let text = bytes.trim_ascii_start();
    let digits = text.iter().take_while(|&&byte| (b'0'..=b'7').contains(&byte)).count();
    let is_end = |byte: &u8| matches!(byte, 0 | b' ');
    if digits == 0 || !text[digits..].iter().all(is_end) {
        return Err(Refusal::Header { field, problem: "it is not an octal number" });
    }
    Ok(text[..digits].iter().fold(0, |value, &byte| value << 3 | u64::from(byte - b'0')))
}

/// Compares the header's checksum, which some old writers summed over signed bytes.
fn check_sum(block: &[u8; BLOCK]) -> Result<(), Refusal> {
    let expected = octal("header checksum", &block[148..156])? as u32;
    let summed = || block[..148].iter().chain(&block[156..]);
    let got = summed().map(|&byte| u32::from(byte)).sum::<u32>() + 8 * u32::from(b' ');
    let signed = summed().map(|&byte| i32::from(byte as i8)).sum::<i32>() + 8 * i32::from(b' ');
    match expected == got || i64::from(expected) == i64::from(signed) {
        true => Ok(()),
        false => Err(Refusal::Checksum { what: "the entry's header", got, expected }),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}
