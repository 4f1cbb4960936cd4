//! A small store whose records are known, for the tests of this folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{RecordError, RecordStore, RecordWriter};
use crate::data::disk::memory::MemoryDisk;
use crate::data::disk::{Disk, read};

/// Shards of this size hold two or three of the records.
pub const SHARD_BYTES: u64 = 70;

/// Records of 0 to 29 bytes; another version has others.
pub fn records(version: u8) -> Vec<Vec<u8>> {
    (0..9)
        .map(|number: u8| (0..(number * 7 + version) % 30).map(|byte| byte ^ (number * 31) ^ version).collect())
        .collect()
}

pub fn facts(version: u8) -> Value {
    json!({"version": version, "classes": ["A", "ñ"]})
}

/// Writes a version of the store on a disk.
pub fn write(disk: Arc<dyn Disk>, place: &Path, version: u8) -> Result<(), RecordError> {
    let mut writer = RecordWriter::on(disk, place)?.with_shard_bytes(SHARD_BYTES);
    for (number, record) in records(version).iter().enumerate() {
        assert_eq!(writer.append(record)?, number);
    }
    writer.finish(&facts(version))
}

/// A version of the store in a new folder. Written in memory: a test has no use for a sync.
pub fn store(version: u8) -> (tempfile::TempDir, PathBuf) {
    let (disk, folder) = (MemoryDisk::default(), tempfile::tempdir().unwrap());
    write(Arc::new(disk.clone()), Path::new("prepared/records"), version).unwrap();
    copy(&disk, Path::new("prepared"), &folder.path().join("prepared"));
    let place = folder.path().join("prepared/records");
    (folder, place)
}

/// Copies what is on a disk in memory into a real folder.
pub fn copy(disk: &MemoryDisk, from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in disk.list(from).unwrap() {
        let (from, to) = (from.join(&entry.name), to.join(&entry.name));
        match entry.is_folder {
            true => copy(disk, &from, &to),
            false => std::fs::write(to, read(disk, &from).unwrap()).unwrap(),
        }
    }
}

/// The version of a store after reading all its bytes, or why it is not valid.
pub fn version_of(store: &RecordStore) -> Result<u8, String> {
    let found: Value = store.facts().map_err(|error| error.to_string())?;
    let version = found["version"].as_u64().ok_or("no version")? as u8;
    store.verify().map_err(|error| error.to_string())?;
    let read = (0..store.len()).map(|number| store.read(number).map(|record| record.to_vec()));
    let read = read.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    match read == records(version) && found == facts(version) {
        true => Ok(version),
        false => Err(format!("not what was written as version {version}")),
    }
}
