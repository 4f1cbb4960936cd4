//! A shard that is open for reading: its size and header are checked, its records are read by position.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::error::RecordError;
use super::format::{SHARD_HEADER, SHARD_MAGIC, VERSION, shard_header, shard_name, u32_at};
use super::index::{Entry, ShardRecord};

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) path: PathBuf,
    file: File,
    /// The number of its first record.
    pub(super) first: usize,
    pub(super) record: ShardRecord,
    /// Whether it is read once as a whole and then kept.
    pub(super) is_kept: bool,
    content: OnceLock<Bytes>,
    loading: Mutex<()>,
}

impl Shard {
    pub(super) fn open(folder: &Path, number: usize, first: usize, record: ShardRecord) -> Result<Self, RecordError> {
        let path = folder.join(shard_name(number));
        let file = File::open(&path).map_err(RecordError::unreadable(&path))?;
        let (got, expected) = (file.metadata().map_err(RecordError::unreadable(&path))?.len(), record.bytes);
        if got != expected {
            return Err(RecordError::damaged(&path, format!("it has {got} bytes, expected {expected}")));
        }
        let mut header = [0; SHARD_HEADER];
        file.read_exact_at(&mut header, 0).map_err(RecordError::unreadable(&path))?;
        check_header(&path, &header, number as u32)?;
        let (content, loading) = (OnceLock::new(), Mutex::new(()));
        Ok(Self { path, file, first, record, is_kept: false, content, loading })
    }

    /// The bytes of one of its records, unchecked.
    pub(super) fn read(&self, entry: Entry) -> Result<Bytes, RecordError> {
        if self.is_kept {
            // The index is checked: a record ends within its shard.
            let start = entry.offset as usize;
            return Ok(self.content()?.slice(start..start + entry.length));
        }
        let mut bytes = vec![0; entry.length];
        self.file.read_exact_at(&mut bytes, entry.offset).map_err(RecordError::unreadable(&self.path))?;
        Ok(bytes.into())
    }

    /// The whole file, read once however many threads need it.
    fn content(&self) -> Result<&Bytes, RecordError> {
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let _one = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let mut bytes = vec![0; self.record.bytes as usize];
        self.file.read_exact_at(&mut bytes, 0).map_err(RecordError::unreadable(&self.path))?;
        Ok(self.content.get_or_init(|| bytes.into()))
    }
}

fn check_header(path: &Path, header: &[u8; SHARD_HEADER], number: u32) -> Result<(), RecordError> {
    let (expected, got) = (shard_header(number), u32_at(header, 8));
    if *header == expected {
        return Ok(());
    }
    // A later version may have another header behind these.
    if header[..8] == SHARD_MAGIC && got != VERSION {
        return Err(RecordError::Version { path: path.to_owned(), got, expected: VERSION });
    }
    let reason = match header[..8] == SHARD_MAGIC {
        true => format!("its header is not that of shard {number}"),
        false => "it does not start like a shard".to_owned(),
    };
    Err(RecordError::damaged(path, reason))
}
