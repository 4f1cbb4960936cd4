//! What an archive may cost, and the accounting while it is read. It decides; it does not look at the disk.

use super::error::{Refusal, UnpackError};
use std::path::Path;

/// The least that a small file takes on a disk: empty entries cost this too, so a million of them is not free.
const BLOCK: u64 = 4096;

/// What an archive may cost. The defaults let honest datasets of hundreds of gigabytes through and stop bombs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files, folders and header extensions together.
    pub entries: u64,
    /// Entries may take as little of the archive as this on average: empty files take 7 bytes, the smallest legitimate
    /// ones about 60.
    pub archive_bytes_per_entry: u64,
    /// The average is not checked below this many entries: they are created and removed again in seconds.
    pub harmless_entries: u64,
    /// Bytes of all names in total: they are kept in memory.
    pub name_bytes: u64,
    /// Bytes of all files, each rounded up to a disk block.
    pub bytes: u64,
    /// Unpacked size in multiples of the archive's size. A radar volume without echo alone compresses 900:1, a whole
    /// dataset about 10:1 to 50:1.
    pub ratio: u64,
    /// The ratio is not checked below this size: a small bomb does no harm.
    pub harmless_bytes: u64,
    /// Bytes that stay free on the disk.
    pub keep_free_bytes: u64,
    /// The binary logarithm of zstd's largest window, which is also the memory that it may take: 27 is 128 MB, what
    /// `zstd --long` writes and `zstd -d` accepts without being asked.
    pub window_log: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            archive_bytes_per_entry: 32,
            harmless_entries: 50_000,
            name_bytes: 128 << 20,
            bytes: 4 << 40,
            ratio: 250,
            harmless_bytes: 1 << 30,
            keep_free_bytes: 64 << 20,
            window_log: 27,
        }
    }
}

/// What is left of the limits.
#[derive(Clone, Debug)]
pub struct Budget<'a> {
    limits: &'a Limits,
    entries: u64,
    allowed_entries: u64,
    name_bytes: u64,
    /// Bytes spent; the difference to `allowed` is what is left.
    spent: u64,
    allowed: u64,
    bound: Bound,
    usable: u64,
    folder: &'a Path,
}

/// The tightest of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Bytes,
    Ratio,
    Disk,
}

impl<'a> Budget<'a> {
    /// The budget of an archive of `archive_bytes`, unpacked into a folder on a disk with `free_bytes`.
    pub fn new(limits: &'a Limits, archive_bytes: u64, free_bytes: u64, folder: &'a Path) -> Self {
        let by_ratio = archive_bytes.saturating_mul(limits.ratio).max(limits.harmless_bytes);
        let usable = free_bytes.saturating_sub(limits.keep_free_bytes);
        let bounds = [(limits.bytes, Bound::Bytes), (by_ratio, Bound::Ratio), (usable, Bound::Disk)];
        let (allowed, bound) = bounds.into_iter().min_by_key(|&(bytes, _)| bytes).unwrap_or((0, Bound::Disk));
        let by_size = (archive_bytes / limits.archive_bytes_per_entry.max(1)).max(limits.harmless_entries);
        let allowed_entries = limits.entries.min(by_size);
        Self { limits, entries: 0, allowed_entries, name_bytes: 0, spent: 0, allowed, bound, usable, folder }
    }

    /// How many entries are left: each takes memory as soon as it is known.
    pub fn most_entries(&self) -> u64 {
        self.allowed_entries.saturating_sub(self.entries)
    }

    /// Pays for an entry before anything of it is written; `bytes` is its stated size.
    pub fn entry(&mut self, bytes: u64) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > self.allowed_entries {
            return Err(Refusal::TooManyEntries { limit: self.allowed_entries }.into());
        }
        self.bytes(bytes.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX).max(BLOCK))
    }

    /// Pays for folders that no entry names: they cost the disk the same.
    pub fn unnamed_folders(&mut self, count: usize) -> Result<(), UnpackError> {
        (0..count).try_for_each(|_| self.entry(0))
    }

    /// Pays for the memory that a name takes.
    pub fn name(&mut self, path: &str) -> Result<(), Refusal> {
        self.name_bytes += path.len() as u64;
        match self.name_bytes <= self.limits.name_bytes {
            true => Ok(()),
            false => Err(Refusal::NamesTooLong { limit: self.limits.name_bytes }),
        }
    }

    /// Pays for bytes of an entry whose size was not stated.
    pub fn bytes(&mut self, bytes: u64) -> Result<(), UnpackError> {
        let left = self.allowed.saturating_sub(self.spent);
        if bytes <= left {
            self.spent += bytes;
            return Ok(());
        }
        Err(match self.bound {
            Bound::Bytes => Refusal::TooLarge { limit: self.allowed }.into(),
            Bound::Ratio => Refusal::Bomb { ratio: self.limits.ratio, limit: self.allowed }.into(),
            Bound::Disk => UnpackError::NoSpace {
                archive: std::path::PathBuf::new(),
                folder: self.folder.to_owned(),
                needed: bytes,
                usable: self.usable.saturating_sub(self.spent),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::exit::Exit;

    fn refusal(error: UnpackError) -> Refusal {
        match error {
            UnpackError::Refused { refusal, .. } => refusal,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_tightest_limit_is_named() {
        let limits = Limits { bytes: 1 << 30, ratio: 10, harmless_bytes: 1 << 20, ..Limits::default() };
        let over = |archive, free, size| Budget::new(&limits, archive, free, Path::new("raw")).entry(size).unwrap_err();
        assert_eq!(refusal(over(1 << 20, u64::MAX, 11 << 20)), Refusal::Bomb { ratio: 10, limit: 10 << 20 });
        assert_eq!(refusal(over(1 << 30, u64::MAX, 2 << 30)), Refusal::TooLarge { limit: 1 << 30 });
        assert_eq!(over(1 << 30, 100 << 20, 50 << 20).exit(), Exit::DiskIo);
    }

    #[test]
    fn a_small_bomb_is_harmless_and_an_empty_file_is_not_free() {
        let limits = Limits { harmless_bytes: 1 << 20, ..Limits::default() };
        let mut budget = Budget::new(&limits, 100, u64::MAX, Path::new("raw"));
        budget.entry(1_000_000).unwrap();
        let error = (0..100).find_map(|_| budget.entry(0).err()).unwrap();
        assert!(matches!(refusal(error), Refusal::Bomb { .. }));
    }

    #[test]
    fn a_size_near_the_end_of_all_numbers_is_no_overflow() {
        let limits = Limits::default();
        let mut budget = Budget::new(&limits, u64::MAX, u64::MAX, Path::new("raw"));
        budget.entry(1).unwrap();
        assert!(matches!(refusal(budget.entry(u64::MAX).unwrap_err()), Refusal::TooLarge { .. }));
    }
}
