//! The index: each shard, each record, and what checks them. Nothing in it is trusted before it was compared with the rest
//! and with the sizes of the files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::RecordError;
use super::format::*;
use crate::util::sha256::Digest;

/// A shard as the index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardRecord {
    /// How many records it has.
    pub(super) records: u64,
    /// The bytes of its file.
    pub(super) bytes: u64,
    /// The content of its file.
    pub(super) sha256: Digest,
}

/// A record as the index describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its place in its shard.
    pub(super) offset: u64,
    /// Its length.
    pub(super) length: usize,
    /// Its checksum.
    pub(super) crc32: u32,
}

/// The facts as the index describes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FactsRecord {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

/// An index whose parts agree.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) facts: FactsRecord,
    pub(super) shards: Vec<ShardRecord>,
    /// The file as it is: entries are read from it on request.
    content: Vec<u8>,
    records: usize,
}

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; RECORD_ENTRY] {
        let mut bytes = [0; RECORD_ENTRY];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        // A record has at most `MOST_RECORD_BYTES`.
        bytes[8..12].copy_from_slice(&(self.length as u32).to_le_bytes());
        bytes[12..].copy_from_slice(&self.crc32.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self { offset: u64_at(bytes, 0), length: u32_at(bytes, 8) as usize, crc32: u32_at(bytes, 12) }
    }

    fn end(self) -> u64 {
        self.offset.saturating_add(self.length as u64)
    }
}

/// The index as it is stored; `entries` are those of all records, one behind the other.
pub(super) fn encode(facts: &FactsRecord, shards: &[ShardRecord], entries: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(INDEX_HEADER + shards.len() * SHARD_ENTRY + entries.len() + CHECKSUM);
    content.extend(INDEX_MAGIC);
    content.extend(VERSION.to_le_bytes());
    content.extend((shards.len() as u32).to_le_bytes());
    content.extend(((entries.len() / RECORD_ENTRY) as u64).to_le_bytes());
    content.extend(facts.bytes.to_le_bytes());
    content.extend(facts.sha256.bytes());
    for shard in shards {
        content.extend(shard.records.to_le_bytes());
        content.extend(shard.bytes.to_le_bytes());
        content.extend(shard.sha256.bytes());
    }
    content.extend(entries);
    let checksum = crc32fast::hash(&content);
    content.extend(checksum.to_le_bytes());
    content
}

impl Index {
    /// Reads and checks an index. It allocates by the file's real size, never by what the file claims.
    pub(super) fn read(path: &Path) -> Result<Self, RecordError> {
        let unreadable = || RecordError::unreadable(path);
        let mut file = File::open(path).map_err(unreadable())?;
        let length = file.metadata().map_err(unreadable())?.len();
        let mut header = [0; INDEX_HEADER];
        if length < INDEX_HEADER as u64 {
            return Err(RecordError::damaged(path, format!("it has {length} bytes, expected {INDEX_HEADER} or more")));
        }
        file.read_exact(&mut header).map_err(unreadable())?;
        let counts = Counts::of_header(path, &header)?;
        let expected = counts.file_length();
        if length != expected {
            let reason = format!("it has {length} bytes, its header implies {expected}");
            return Err(RecordError::damaged(path, reason));
        }
        // The limits of the counts bound this length.
        let mut content = vec![0; expected as usize];
        content[..INDEX_HEADER].copy_from_slice(&header);
        file.read_exact(&mut content[INDEX_HEADER..]).map_err(unreadable())?;
        Self::of_bytes(path, content, counts)
    }

    fn of_bytes(path: &Path, content: Vec<u8>, counts: Counts) -> Result<Self, RecordError> {
        let checked = content.len() - CHECKSUM;
        let (got, expected) = (crc32fast::hash(&content[..checked]), u32_at(&content, checked));
        if got != expected {
            return Err(RecordError::damaged(path, format!("it has CRC-32 {got:08x}, expected {expected:08x}")));
        }
        let facts = FactsRecord { bytes: u64_at(&content, 24), sha256: digest_at(&content, 32) };
        let shard = |number: usize| {
            let at = INDEX_HEADER + number * SHARD_ENTRY;
            let (records, bytes) = (u64_at(&content, at), u64_at(&content, at + 8));
            ShardRecord { records, bytes, sha256: digest_at(&content, at + 16) }
        };
        let shards = (0..counts.shards).map(shard).collect();
        let index = Self { facts, shards, content, records: counts.records };
        index.check().map_err(|reason| RecordError::damaged(path, reason))?;
        Ok(index)
    }

    /// Whether the records fill their shards without gaps.
    fn check(&self) -> Result<(), String> {
        let mut next = 0_usize;
        for (number, shard) in self.shards.iter().enumerate() {
            let records = usize::try_from(shard.records).ok().filter(|&records| records <= self.records - next);
            let Some(records) = records else {
                return Err(format!(
                    "shard {number} claims {} records, only {} are left",
                    shard.records,
                    self.records - next
                ));
            };
            let mut end = SHARD_HEADER as u64;
            for record in next..next + records {
                let entry = self.entry(record);
                if entry.offset != end || entry.length > MOST_RECORD_BYTES || entry.end() > shard.bytes {
                    let Entry { offset, length, .. } = entry;
                    let bytes = shard.bytes;
                    return Err(format!(
                        "record {record} has {length} bytes from byte {offset} of shard {number} on, expected them from \
                         {end} on within {bytes}"
                    ));
                }
                end = entry.end();
            }
            if end != shard.bytes {
                return Err(format!("the records of shard {number} end at byte {end}, expected {}", shard.bytes));
            }
            next += records;
        }
        if next == self.records {
            Ok(())
        } else {
            Err(format!("its shards have {next} records, expected {}", self.records))
        }
    }

    /// How many records there are.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// A record that exists.
    pub(super) fn entry(&self, record: usize) -> Entry {
        let at = INDEX_HEADER + self.shards.len() * SHARD_ENTRY + record * RECORD_ENTRY;
        Entry::of_bytes(&self.content[at..at + RECORD_ENTRY])
    }
}

/// What the header claims, within the limits.
#[derive(Clone, Copy)]
struct Counts {
    shards: usize,
    records: usize,
}

impl Counts {
    fn of_header(path: &Path, header: &[u8; INDEX_HEADER]) -> Result<Self, RecordError> {
        if header[..8] != INDEX_MAGIC {
            return Err(RecordError::damaged(path, "it does not start like an index"));
        }
        let got = u32_at(header, 8);
        if got != VERSION {
            return Err(RecordError::Version { path: path.to_owned(), got, expected: VERSION });
        }
        let (shards, records) = (u32_at(header, 12) as usize, u64_at(header, 16));
        let records = usize::try_from(records).ok().filter(|&records| records <= MOST_RECORDS && shards <= MOST_SHARDS);
        let too_many = || {
            let records = u64_at(header, 16);
            RecordError::damaged(
                path,
                format!("it claims {records} records in {shards} shards, more than a store can have"),
            )
        };
        Ok(Self { shards, records: records.ok_or_else(too_many)? })
    }

    fn file_length(self) -> u64 {
        (INDEX_HEADER + self.shards * SHARD_ENTRY + self.records * RECORD_ENTRY + CHECKSUM) as u64
    }
}

fn digest_at(bytes: &[u8], at: usize) -> Digest {
    Digest::of_bytes(std::array::from_fn(|index| bytes[at + index]))
}
