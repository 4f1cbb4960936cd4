//! A store of records that is being written: record after record, under a hidden name until it is complete, then in place of
//! an older one if there is.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::error::RecordError;
use super::format::*;
use super::index::{Entry, FactsRecord, ShardRecord, encode};
use crate::data::disk::place::{self, Before};
use crate::data::disk::{Disk, DiskFile, RealDisk, create_folders, forget, is_folder, parent, write_file};
use crate::util::fs::{FsError, partial_name};
use crate::util::sha256::{Digest, Hasher};

/// The size of a shard in bytes, above which the next one begins.
const SHARD_BYTES: u64 = 1 << 30;

/// Finishes what a killed program began in the folder above a store. Must be called before anything there is read, by
/// the one that holds the lock.
///
/// # Errors
/// If the disk refuses.
pub fn recover(folder: &Path) -> Result<(), FsError> {
    if folder.is_dir() { place::recover(&RealDisk, folder) } else { Ok(()) }
}

/// Writes a store. If dropped before it is finished, it leaves nothing behind.
pub struct RecordWriter {
    disk: Arc<dyn Disk>,
    place: PathBuf,
    partial: PathBuf,
    shard_bytes: u64,
    open: Option<OpenShard>,
    shards: Vec<ShardRecord>,
    entries: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Writing,
    Failed,
    Finished,
}

/// The shard that takes the next record.
struct OpenShard {
    path: PathBuf,
    file: BufWriter<Box<dyn DiskFile>>,
    hasher: Hasher,
    bytes: u64,
    records: u64,
}

impl RecordWriter {
    /// Starts the store that will have this name, or a newer version of one, which stays readable until then.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn create(place: &Path) -> Result<Self, RecordError> {
        Self::on(Arc::new(RealDisk), place)
    }

    pub(super) fn on(disk: Arc<dyn Disk>, place: &Path) -> Result<Self, RecordError> {
        let above = parent(place);
        create_folders(disk.as_ref(), above)?;
        place::recover(disk.as_ref(), above)?;
        let partial = partial_name(place);
        disk.create_folder(&partial).map_err(FsError::at("create folder", &partial))?;
        let place = place.to_owned();
        let (open, shards, entries) = (None, Vec::new(), Vec::new());
        Ok(Self { disk, place, partial, shard_bytes: SHARD_BYTES, open, shards, entries, state: State::Writing })
    }

    /// Starts the next shard if this one would have more bytes. A larger record has a shard of its own.
    #[must_use]
    pub fn with_shard_bytes(mut self, bytes: u64) -> Self {
        self.shard_bytes = bytes;
        self
    }

    /// How many records there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() / RECORD_ENTRY
    }

    /// Whether it is still empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a record; its number.
    ///
    /// # Errors
    /// If the record is too large, there are too many, or the disk refuses: the store can't be finished then.
    pub fn append(&mut self, record: &[u8]) -> Result<usize, RecordError> {
        let number = self.len();
        let appended = self.check(record).and_then(|()| self.write(record));
        appended.inspect_err(|_| self.state = State::Failed)?;
        Ok(number)
    }

    fn check(&self, record: &[u8]) -> Result<(), RecordError> {
        let too_much =
            |what: String, most: usize| RecordError::TooMuch { path: self.place.clone(), what, most: most as u64 };
        if record.len() > MOST_RECORD_BYTES {
            return Err(too_much(format!("a record of {} bytes", record.len()), MOST_RECORD_BYTES));
        }
        if self.len() >= MOST_RECORDS {
            return Err(too_much("another record".into(), MOST_RECORDS));
        }
        if self.shards.len() >= MOST_SHARDS {
            return Err(too_much("another shard".into(), MOST_SHARDS));
        }
        if self.state == State::Writing { Ok(()) } else { Err(self.unfinished()) }
    }

    fn write(&mut self, record: &[u8]) -> Result<(), RecordError> {
        let full = |open: &OpenShard| open.records > 0 && open.bytes + record.len() as u64 > self.shard_bytes;
        if self.open.as_ref().is_some_and(full) {
            self.close_shard()?;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => OpenShard::begin(self.disk.as_ref(), &self.partial, self.shards.len())?,
        };
        let entry = Entry { offset: open.bytes, length: record.len(), crc32: crc32fast::hash(record) };
        open.write(record)?;
        open.records += 1;
        self.open = Some(open);
        self.entries.extend(entry.to_bytes());
        Ok(())
    }

    fn close_shard(&mut self) -> Result<(), RecordError> {
        if let Some(open) = self.open.take() {
            self.shards.push(open.close()?);
        }
        Ok(())
    }

    /// Completes the store: when this returns, it is on the disk under its name, and an older one is gone.
    ///
    /// # Errors
    /// If a write failed, now or before; an older store then remains.
    pub fn finish(mut self, facts: &impl Serialize) -> Result<(), RecordError> {
        if self.state != State::Writing {
            return Err(self.unfinished());
        }
        self.close_shard()?;
        let facts = self.write_facts(facts)?;
        let index = encode(&facts, &self.shards, &self.entries);
        let disk = self.disk.as_ref();
        write_file(disk, &self.partial.join(INDEX), &index)?;
        disk.sync_folder(&self.partial).map_err(FsError::at("sync folder", &self.partial))?;
        let before = if is_folder(disk, &self.place)? { Before::Whole } else { Before::Nothing };
        if before == Before::Whole {
            // The old store is removed only after the new one has been read back.
            self.read_back(&index)?;
        }
        place::into_place(disk, &self.partial, &self.place, before)?;
        self.state = State::Finished;
        Ok(())
    }

    fn write_facts(&self, facts: &impl Serialize) -> Result<FactsRecord, RecordError> {
        let path = self.partial.join(FACTS);
        let mut text = serde_json::to_vec_pretty(facts).map_err(|error| FsError::at("encode", &path)(error.into()))?;
        text.push(b'\n');
        if text.len() as u64 > MOST_FACTS_BYTES {
            let (path, what) = (self.place.clone(), format!("facts of {} bytes", text.len()));
            return Err(RecordError::TooMuch { path, what, most: MOST_FACTS_BYTES });
        }
        write_file(self.disk.as_ref(), &path, &text)?;
        Ok(FactsRecord { bytes: text.len() as u64, sha256: Digest::of(&text) })
    }

    /// Compares the content of the disk with what was written.
    fn read_back(&self, index: &[u8]) -> Result<(), RecordError> {
        let shards = self.shards.iter().enumerate().map(|(number, shard)| (shard_name(number), shard.sha256));
        for (name, expected) in shards.chain([(INDEX.to_owned(), Digest::of(index))]) {
            let path = self.partial.join(name);
            let got = digest(self.disk.as_ref(), &path).map_err(RecordError::unreadable(&path))?;
            if got != expected {
                return Err(RecordError::damaged(
                    &path,
                    format!("it was read back with SHA-256 {got}, expected {expected}"),
                ));
            }
        }
        Ok(())
    }

    fn unfinished(&self) -> RecordError {
        RecordError::Unfinished { path: self.place.clone() }
    }
}

impl Drop for RecordWriter {
    fn drop(&mut self) {
        if self.state == State::Finished {
            return;
        }
        self.open = None;
        // It may have had its final name for a moment; removing that name must be durable before its files are removed.
        match self.disk.sync_folder(parent(&self.place)) {
            Ok(()) => forget(self.disk.as_ref(), &self.partial),
            Err(error) => tracing::debug!("left {} for the next start: {error}", self.partial.display()),
        }
    }
}

impl OpenShard {
    fn begin(disk: &dyn Disk, folder: &Path, number: usize) -> Result<Self, RecordError> {
        let path = folder.join(shard_name(number));
        let file = BufWriter::with_capacity(1 << 18, disk.create_file(&path).map_err(FsError::at("create", &path))?);
        let mut open = Self { path, file, hasher: Hasher::default(), bytes: 0, records: 0 };
        open.write(&shard_header(number as u32))?;
        Ok(open)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.file.write_all(bytes).map_err(FsError::at("write", &self.path))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn close(mut self) -> Result<ShardRecord, RecordError> {
        self.file.flush().map_err(FsError::at("write", &self.path))?;
        self.file.get_mut().sync().map_err(FsError::at("sync", &self.path))?;
        Ok(ShardRecord { records: self.records, bytes: self.bytes, sha256: self.hasher.finish() })
    }
}

fn digest(disk: &dyn Disk, path: &Path) -> io::Result<Digest> {
    let mut file = disk.open_file(path)?;
    let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}
