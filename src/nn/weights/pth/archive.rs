//! The zip file of `torch.save`: one folder of any name, with `data.pkl` and the numbers of each storage in `data/KEY`. Nothing is
//! compressed. Sizes and places have 64 bits if they need them.

use std::collections::BTreeMap;
use std::ops::Range;

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const LONGEST_COMMENT: usize = u16::MAX as usize;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;
const LARGE_END: &[u8] = b"PK\x06\x06";
const LARGE_END_BYTES: usize = 56;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

/// The flag of an encrypted file, and the method of one that is not compressed.
const ENCRYPTED: u64 = 1;
const STORED: u64 = 0;

/// The extra field that holds sizes and places of 64 bits.
const LARGE: u16 = 1;

/// The longest pickle. It has a few hundred bytes for each tensor.
const LONGEST_PICKLE: usize = 32 << 20;

/// The objects.
const PICKLE: &str = "data.pkl";

/// A file of `torch.save`.
pub(super) struct Archive<'a> {
    file: &'a [u8],
    /// The folder that all is in, with a slash at its end.
    root: String,
    entries: BTreeMap<String, Entry>,
}

/// A file in the archive.
struct Entry {
    place: Range<usize>,
    checksum: u32,
    /// Neither compressed nor encrypted.
    is_plain: bool,
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    pub fn open(file: &'a [u8]) -> Result<Self, String> {
        let entries = directory(file)?;
        let is_pickle = |name: &&String| name.rsplit_once('/').is_some_and(|(_, last)| last == PICKLE);
        let mut pickles = entries.keys().filter(is_pickle);
        let root = match (pickles.next(), pickles.next()) {
            (Some(name), None) => name[..name.len() - PICKLE.len()].to_owned(),
            (None, _) => return Err(format!("it is a zip file without {PICKLE}, expected one of torch.save")),
            (Some(one), Some(other)) => return Err(format!("it has both {one} and {other}, expected one {PICKLE}")),
        };
        let archive = Self { file, root, entries };
        if archive.entries.contains_key(&archive.name("constants.pkl")) {
            return Err("it is TorchScript, a program; in Python, save only its weights: \
                torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")"
                .into());
        }
        match archive.content("byteorder")? {
            None | Some(b"little") => Ok(archive),
            Some(other) => Err(format!("its numbers are {}-endian, expected little", String::from_utf8_lossy(other))),
        }
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    /// The content of a file below the folder; none if there is no such file.
    fn content(&self, name: &str) -> Result<Option<&'a [u8]>, String> {
        let Some(entry) = self.entries.get(&self.name(name)) else { return Ok(None) };
        if !entry.is_plain {
            return Err(format!("{name} is compressed or encrypted, expected as torch.save writes it"));
        }
        let content = &self.file[entry.place.clone()];
        let mut checksum = flate2::Crc::new();
        checksum.update(content);
        match checksum.sum() == entry.checksum {
            true => Ok(Some(content)),
            false => Err(format!("{name} is damaged: its checksum is wrong")),
        }
    }

    /// Bytes of the whole file.
    pub fn bytes(&self) -> usize {
        self.file.len()
    }

    /// The pickle.
    pub fn pickle(&self) -> Result<&'a [u8], String> {
        let pickle = self.content(PICKLE)?.unwrap_or_default();
        match pickle.len() <= LONGEST_PICKLE {
            true => Ok(pickle),
            false => Err(format!("{PICKLE} has {} bytes, expected at most {LONGEST_PICKLE}", pickle.len())),
        }
    }

    /// The numbers of a storage.
    pub fn storage(&self, key: &str) -> Result<&'a [u8], String> {
        self.content(&format!("data/{key}"))?.ok_or_else(|| format!("data/{key} is missing"))
    }
}

/// The files by their names.
fn directory(file: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let (place, count) = place(file)?;
    let mut rest = file.get(place).ok_or("its directory is past its end")?;
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        let (name, entry, behind) = parse(file, rest)?;
        if entries.insert(name.clone(), entry).is_some() {
            return Err(format!("it has two files of the name {name}"));
        }
        rest = behind;
    }
    Ok(entries)
}

/// Where the directory is, and how many entries it has.
fn place(file: &[u8]) -> Result<(Range<usize>, u64), String> {
    let first = file.len().saturating_sub(END_BYTES + LONGEST_COMMENT);
    let last = file.len().saturating_sub(END_BYTES);
    let cut = "it is cut off: the directory at its end is missing";
    let at = (first..=last).rev().find(|&at| file[at..].starts_with(END)).ok_or(cut)?;
    let end = file.get(at..at + END_BYTES).ok_or(cut)?;
    let (mut count, mut bytes, mut start) = (number(end, 10, 2), number(end, 12, 4), number(end, 16, 4));
    let locator = at.checked_sub(LOCATOR_BYTES).map(|from| &file[from..at]);
    if let Some(locator) = locator.filter(|locator| locator.starts_with(LOCATOR)) {
        let large = usize::try_from(number(locator, 8, 8)).ok();
        let large = large.and_then(|from| file.get(from..from.checked_add(LARGE_END_BYTES)?));
        let large = large.filter(|large| large.starts_with(LARGE_END)).ok_or("its 64-bit directory is missing")?;
        (count, bytes, start) = (number(large, 32, 8), number(large, 40, 8), number(large, 48, 8));
    }
    let end = start.checked_add(bytes).ok_or("its directory has an impossible size")?;
    Ok((start as usize..end as usize, count))
}

/// An entry of the directory, and what follows it.
fn parse<'a>(file: &[u8], bytes: &'a [u8]) -> Result<(String, Entry, &'a [u8]), String> {
    let cut = "its directory is cut off";
    let fixed = bytes.get(..ENTRY_BYTES).filter(|fixed| fixed.starts_with(ENTRY)).ok_or(cut)?;
    let lengths = [28, 30, 32].map(|at| number(fixed, at, 2) as usize);
    let (name, rest) = bytes[ENTRY_BYTES..].split_at_checked(lengths[0]).ok_or(cut)?;
    let (extra, rest) = rest.split_at_checked(lengths[1]).ok_or(cut)?;
    let rest = rest.get(lengths[2]..).ok_or(cut)?;
    let name = std::str::from_utf8(name).map_err(|_| "the name of a file in it is not text")?.to_owned();
    // TorchScript compresses its code, and is refused for what it is.
    let is_plain = number(fixed, 8, 2) & ENCRYPTED == 0 && number(fixed, 10, 2) == STORED;
    let [stored, length, start] = sizes(fixed, extra).ok_or_else(|| format!("the sizes of {name} are missing"))?;
    if is_plain && stored != length {
        return Err(format!("{name} is stored in {stored} bytes and has {length}"));
    }
    let place = content(file, start, stored).ok_or_else(|| format!("{name} is cut off"))?;
    Ok((name, Entry { place, checksum: number(fixed, 16, 4) as u32, is_plain }, rest))
}

/// The stored size, the size, and the place of an entry. Those of 32 bits that are all ones are in the extra field.
fn sizes(fixed: &[u8], extra: &[u8]) -> Option<[u64; 3]> {
    // In the order of the extra field.
    let mut sizes = [(24, 1), (20, 0), (42, 2)].map(|(at, place)| (number(fixed, at, 4), place));
    let mut large = field(extra, LARGE).unwrap_or_default();
    for (size, _) in &mut sizes {
        if *size == u64::from(u32::MAX) {
            let (value, rest) = large.split_at_checked(8)?;
            (*size, large) = (number(value, 0, 8), rest);
        }
    }
    let mut ordered = [0; 3];
    sizes.into_iter().for_each(|(size, place)| ordered[place] = size);
    Some(ordered)
}

/// The extra field with this number.
fn field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (kind, length) = (number(extra, 0, 2), number(extra, 2, 2) as usize);
        let content = extra.get(4..4 + length)?;
        if kind == u64::from(wanted) {
            return Some(content);
        }
        extra = &extra[4 + length..];
    }
    None
}

/// Where the content of a file is, by the header in front of it.
fn content(file: &[u8], start: u64, length: u64) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    let header = file.get(start..start.checked_add(LOCAL_BYTES)?).filter(|header| header.starts_with(LOCAL))?;
    let from = start + LOCAL_BYTES + number(header, 26, 2) as usize + number(header, 28, 2) as usize;
    let to = from.checked_add(usize::try_from(length).ok()?)?;
    (to <= file.len()).then_some(from..to)
}

/// A little-endian number of so many bytes, which must be there.
fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width].iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
