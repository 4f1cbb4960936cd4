//! A prepared dataset of records of any length: byte strings in shards, an index with a checksum of each, and one
//! document of facts. Only the task knows the meaning of a record's bytes; the store knows numbers and bytes.
//!
//! ```text
//! records/
//!     0000.shard      a header, then records, one behind the other
//!     0001.shard
//!     facts.json      what the task stores: names of classes, options, fingerprint
//!     index.bin       written last: each shard with its SHA-256, each record with its place, length and CRC-32
//! ```
//!
//! All numbers are little-endian; [`format`] has the layouts. A folder under its final name is complete: it is written under
//! a hidden name, synced, and renamed. One program at a time may write (the caller holds a lock); any number may read.
//!
//! Records are read by position, not through a memory map: a file that shrinks under a map ends the process with a
//! signal, which can't be caught safely. Shards that fit into the memory that is granted are read once and then shared;
//! see [`RecordStore::kept_in_memory`].

mod error;
mod format;
mod index;
mod reader;
mod shard;
mod writer;

pub use self::error::RecordError;
pub use self::reader::RecordStore;
pub use self::writer::{RecordWriter, recover};

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
