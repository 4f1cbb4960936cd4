//! The layouts of the files, as numbers and bytes.
//!
//! ```text
//! shard   magic "fragrec\n"  version u32  number u32  0 u32  CRC-32 of these 20 bytes u32   then the records
//! index   magic "fragidx\n"  version u32  shards u32  records u64  facts: bytes u64, SHA-256
//!         shards x  { records u64, bytes u64, SHA-256 }
//!         records x { offset in the shard u64, length u32, CRC-32 u32 }
//!         CRC-32 of everything before u32
//! ```
//!
//! Records fill their shard without gaps, in the order of their numbers, shard after shard.

/// The version of all layouts.
pub(super) const VERSION: u32 = 1;

pub(super) const INDEX: &str = "index.bin";
pub(super) const FACTS: &str = "facts.json";

pub(super) const SHARD_MAGIC: [u8; 8] = *b"fragrec\n";
pub(super) const INDEX_MAGIC: [u8; 8] = *b"fragidx\n";

/// The header of a shard.
pub(super) const SHARD_HEADER: usize = 24;
/// The header of the index.
pub(super) const INDEX_HEADER: usize = 64;
/// A shard in the index.
pub(super) const SHARD_ENTRY: usize = 48;
/// A record in the index.
pub(super) const RECORD_ENTRY: usize = 16;
/// The checksum at the end of the index.
pub(super) const CHECKSUM: usize = 4;

/// The most records of a store: the index, which is in memory, has 16 bytes for each.
pub(super) const MOST_RECORDS: usize = 1 << 26;
/// The most bytes of a record.
pub(super) const MOST_RECORD_BYTES: usize = 1 << 30;
/// The most shards: each is an open file.
pub(super) const MOST_SHARDS: usize = 1 << 12;
/// The most bytes of facts.
pub(super) const MOST_FACTS_BYTES: u64 = 1 << 28;

/// The name of a shard's file.
pub(super) fn shard_name(number: usize) -> String {
    format!("{number:04}.shard")
}

/// The header of a shard.
pub(super) fn shard_header(number: u32) -> [u8; SHARD_HEADER] {
    let mut header = [0; SHARD_HEADER];
    header[..8].copy_from_slice(&SHARD_MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32fast::hash(&header[..20]);
    header[20..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// A little-endian number in bytes that are known to reach that far.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

/// A little-endian number in bytes that are known to reach that far.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}
