//! A store of records that is open for reading. Opening reads the index and the headers; a record is checked each time it
//! is read. Any number of threads may read at once.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::error::RecordError;
use super::format::{FACTS, INDEX, MOST_FACTS_BYTES};
use super::index::{Entry, Index};
use super::shard::Shard;
use crate::util::sha256::{Digest, Hasher};

/// A store of records.
#[derive(Debug)]
pub struct RecordStore {
    folder: PathBuf,
    index: Index,
    shards: Vec<Shard>,
    facts: Vec<u8>,
}

impl RecordStore {
    /// Opens the store in a folder.
    ///
    /// # Errors
    /// If there is none, it is damaged, or another version of the program wrote it.
    pub fn open(folder: &Path) -> Result<Self, RecordError> {
        let path = folder.join(INDEX);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(RecordError::unreadable(&path)(error));
            }
            _ => return Err(RecordError::Absent { path: folder.to_owned() }),
        }
        let index = Index::read(&path)?;
        let facts = facts(&folder.join(FACTS), &index)?;
        let mut first = 0;
        let mut shards = Vec::with_capacity(index.shards.len());
        for (number, record) in index.shards.iter().enumerate() {
            shards.push(Shard::open(folder, number, first, record.clone())?);
            first += record.records as usize;
        }
        Ok(Self { folder: folder.to_owned(), index, shards, facts })
    }

    /// Keeps the first shards in memory, as many as fit into this many bytes: each is read as a whole when the first
    /// of its records is requested. All other records are read from the disk, or from what the system has kept of it.
    #[must_use]
    pub fn kept_in_memory(mut self, most_bytes: usize) -> Self {
        let mut left = most_bytes as u64;
        for shard in &mut self.shards {
            shard.is_kept = shard.record.bytes <= left;
            if !shard.is_kept {
                break;
            }
            left -= shard.record.bytes;
        }
        self
    }

    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.records()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a record, 0 for one that does not exist.
    #[must_use]
    pub fn bytes(&self, record: usize) -> usize {
        if record < self.len() { self.index.entry(record).length } else { 0 }
    }

    /// The facts that the task stored.
    ///
    /// # Errors
    /// If they are not as expected.
    pub fn facts<T: DeserializeOwned>(&self) -> Result<T, RecordError> {
        let failed =
            |error: serde_json::Error| RecordError::Facts { path: self.folder.join(FACTS), reason: error.to_string() };
        serde_json::from_slice(&self.facts).map_err(failed)
    }

    /// Identifies all records and facts: changes with every byte of them.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut hasher = Hasher::default();
        hasher.update(&self.index.facts.sha256.bytes());
        self.index.shards.iter().for_each(|shard| hasher.update(&shard.sha256.bytes()));
        hasher.finish()
    }

    /// Reads a record and compares it with its checksum. Records of shards that are kept in memory share their bytes.
    ///
    /// # Errors
    /// If it does not exist, is damaged, or the disk refuses.
    pub fn read(&self, record: usize) -> Result<Bytes, RecordError> {
        if record >= self.len() {
            return Err(RecordError::Number { path: self.folder.clone(), record, records: self.len() });
        }
        let entry = self.index.entry(record);
        // Shards without records share their first number with the one behind them.
        let shard = &self.shards[self.shards.partition_point(|shard| shard.first <= record) - 1];
        let bytes = shard.read(entry)?;
        match crc32fast::hash(&bytes) {
            got if got == entry.crc32 => Ok(bytes),
            got => Err(damaged(shard, record, entry, got)),
        }
    }

    /// Reads every byte and compares it with the hashes in the index.
    ///
    /// # Errors
    /// If one differs, or the disk refuses.
    pub fn verify(&self) -> Result<(), RecordError> {
        (0..self.len()).try_for_each(|record| self.read(record).map(drop))?;
        for shard in &self.shards {
            let got = Digest::of_file(&shard.path).map_err(RecordError::unreadable(&shard.path))?;
            if got != shard.record.sha256 {
                let reason = format!("it has SHA-256 {got}, expected {}", shard.record.sha256);
                return Err(RecordError::damaged(&shard.path, reason));
            }
        }
        Ok(())
    }
}

fn damaged(shard: &Shard, record: usize, entry: Entry, got: u32) -> RecordError {
    RecordError::DamagedRecord {
        path: shard.path.clone(),
        record,
        offset: entry.offset,
        length: entry.length,
        reason: format!("has CRC-32 {got:08x}, expected {:08x}", entry.crc32),
    }
}

/// The facts, as long as the index says and with its hash.
fn facts(path: &Path, index: &Index) -> Result<Vec<u8>, RecordError> {
    let (got, expected) = (path.metadata().map_err(RecordError::unreadable(path))?.len(), index.facts.bytes);
    if got != expected || got > MOST_FACTS_BYTES {
        return Err(RecordError::damaged(path, format!("it has {got} bytes, expected {expected}")));
    }
    let facts = std::fs::read(path).map_err(RecordError::unreadable(path))?;
    let (got, expected) = (Digest::of(&facts), index.facts.sha256);
    if got != expected {
        return Err(RecordError::damaged(path, format!("it has SHA-256 {got}, expected {expected}")));
    }
    Ok(facts)
}
