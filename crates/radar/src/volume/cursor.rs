//! Reads the header of a netCDF classic file word by word, with hard bounds: nothing is read or reserved past the
//! file's end, whatever lengths a damaged header claims. What the words mean is decided in `classic`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::VolumeError;

/// What is read at once to begin with: the header of a radar volume fits.
const FIRST_READ: u64 = 16 * 1024;
/// The longest header, and the most dimensions or variables: many times those of any radar volume.
const MAX_HEADER: u64 = 16 << 20;
const MAX_ITEMS: u64 = 8192;
/// The longest name: twice what the format allows, because some writers count differently.
const MAX_NAME: u64 = 512;

/// A place in a header, and the bytes around it.
pub(super) struct Cursor<'a> {
    file: &'a File,
    path: &'a Path,
    file_len: u64,
    bytes: Vec<u8>,
    at: usize,
    /// Whether counts and lengths take 8 bytes (CDF-5) and not 4.
    pub wide: bool,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of a file.
    pub fn new(file: &'a File, path: &'a Path, file_len: u64) -> Self {
        Self { file, path, file_len, bytes: Vec::new(), at: 0, wide: false }
    }

    /// How many bytes were consumed.
    pub fn position(&self) -> u64 {
        self.at as u64
    }

    /// An error at this place of the header.
    pub fn damaged(&self, what: impl std::fmt::Display) -> VolumeError {
        VolumeError::damaged(self.path, format!("{what} at byte {} of the header", self.at))
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: u64) -> Result<&[u8], VolumeError> {
        let end = self.position().saturating_add(count);
        if end > self.bytes.len() as u64 {
            self.fill_to(end)?;
        }
        let start = self.at;
        self.at = end as usize;
        Ok(&self.bytes[start..self.at])
    }

    fn fill_to(&mut self, end: u64) -> Result<(), VolumeError> {
        if end > self.file_len {
            return Err(VolumeError::Cut { path: self.path.to_owned(), needs: end, has: self.file_len });
        }
        if end > MAX_HEADER {
            return Err(VolumeError::damaged(
                self.path,
                format!("its header takes more than {} MiB", MAX_HEADER >> 20),
            ));
        }
        let have = self.bytes.len();
        let target = end.max(2 * have as u64).max(FIRST_READ).min(self.file_len).min(MAX_HEADER);
        self.bytes.resize(target as usize, 0);
        self.file.read_exact_at(&mut self.bytes[have..], have as u64).map_err(VolumeError::io(self.path))
    }

    /// A 4-byte number.
    pub fn word(&mut self) -> Result<u32, VolumeError> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    /// An 8-byte number.
    pub fn double_word(&mut self) -> Result<u64, VolumeError> {
        Ok(u64::from(self.word()?) << 32 | u64::from(self.word()?))
    }

    /// A count or a length: 4 or 8 bytes by version.
    pub fn length(&mut self) -> Result<u64, VolumeError> {
        if self.wide { self.double_word() } else { self.word().map(u64::from) }
    }

    /// The number of items that follow, each of which takes at least `least` bytes.
    pub fn count(&mut self, what: &str, least: u64) -> Result<usize, VolumeError> {
        let count = self.length()?;
        if count.saturating_mul(least) > self.file_len {
            return Err(self.damaged(format_args!("a count of {count} {what}, more than the file can hold,")));
        }
        Ok(count as usize)
    }

    /// The same for the items of a list in the header.
    pub fn items(&mut self, what: &str, least: u64) -> Result<usize, VolumeError> {
        match self.count(what, least)? {
            count if count as u64 > MAX_ITEMS => {
                Err(self.damaged(format_args!("a count of {count} {what}, at most {MAX_ITEMS} are read,")))
            }
            count => Ok(count),
        }
    }

    /// `count` bytes, and the padding to a multiple of four behind them.
    pub fn padded(&mut self, count: u64) -> Result<Vec<u8>, VolumeError> {
        let bytes = self.take(count)?.to_vec();
        self.take(count.wrapping_neg() % 4)?;
        Ok(bytes)
    }

    /// A name.
    pub fn name(&mut self) -> Result<String, VolumeError> {
        let len = self.length()?;
        if len == 0 || len > MAX_NAME {
            return Err(self.damaged(format_args!("a name of {len} bytes")));
        }
        let bytes = self.padded(len)?;
        String::from_utf8(bytes).map_err(|_| self.damaged("a name that is not UTF-8"))
    }
}
