//! The folder of checkpoints: a save is complete and read back before it gets its name, and only then may older ones be
//! deleted. What to save and what to delete is decided elsewhere.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::place::{self, Before};
use super::disk::{Disk, DiskFile, create_folders, forget, is_folder, read_up_to, write_unsynced};
use super::error::CheckpointError;
use super::id::CheckpointId;
use super::load::{Loaded, twice};
use super::manifest::{FileRecord, Manifest};
use super::snapshot::{MANIFEST, Snapshot};
use crate::nn::weights::NamedArray;
use crate::nn::weights::safetensors::{self, Metadata};
use crate::util::fs::FsError;
use crate::util::sha256::Hasher;

/// How often a save is rewritten, each time under a new name, before giving up.
const MAX_WRITES: u32 = 3;
/// Space to leave free for the log, the pictures and the pages of a run: as much as a checkpoint takes, within these bounds.
const RESERVED_BYTES: std::ops::RangeInclusive<u64> = 16_000_000..=64_000_000;

/// More than any manifest has: it holds a row for each epoch.
const MOST_MANIFEST_BYTES: u64 = 1 << 30;

/// The checkpoints of one run.
pub struct Store {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    code_version: String,
    /// What decides the numbers of the run that saves here.
    recipe: String,
    attempts: AtomicU64,
}

impl Store {
    /// Opens the folder of checkpoints, creating it if it does not exist, and removes what a killed program left.
    ///
    /// # Errors
    /// If the folder can't be read or written.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, code_version: &str) -> Result<Self, CheckpointError> {
        create_folders(disk.as_ref(), folder)?;
        place::recover(disk.as_ref(), folder)?;
        Ok(Self {
            disk,
            folder: folder.into(),
            code_version: code_version.into(),
            recipe: String::new(),
            attempts: AtomicU64::new(0),
        })
    }

    /// The same for a run with this recipe, which every checkpoint names.
    #[must_use]
    pub fn of_recipe(self, recipe: &str) -> Self {
        Self { recipe: recipe.into(), ..self }
    }

    /// The folder of a checkpoint.
    #[must_use]
    pub fn path(&self, id: CheckpointId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Loads the first of these checkpoints that exists and is whole.
    #[must_use]
    pub fn first_of(&self, ids: &[CheckpointId]) -> Option<Loaded> {
        ids.iter().find_map(|id| self.load(*id).ok())
    }

    /// All checkpoints, oldest first, damaged ones included.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn list(&self) -> Result<Vec<CheckpointId>, CheckpointError> {
        let entries = self.disk.list(&self.folder).map_err(FsError::at("read folder", &self.folder))?;
        let folders = entries.iter().filter(|entry| entry.is_folder);
        let mut ids: Vec<CheckpointId> = folders.filter_map(|entry| entry.name.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Whether the next checkpoint will find space: twice its size, because the old one is kept until the new one is read
    /// back, and a reserve.
    ///
    /// # Errors
    /// [`CheckpointError::OutOfSpace`] with both numbers.
    pub fn check_space(&self, checkpoint_bytes: u64) -> Result<(), CheckpointError> {
        let free = self.disk.free_bytes(&self.folder).map_err(FsError::at("ask for free space at", &self.folder))?;
        let reserved = checkpoint_bytes.clamp(*RESERVED_BYTES.start(), *RESERVED_BYTES.end());
        let needed = checkpoint_bytes.saturating_mul(2).saturating_add(reserved);
        if free >= needed {
            return Ok(());
        }
        let kept = self.list()?.len();
        Err(CheckpointError::OutOfSpace { path: self.folder.clone(), free, needed, reserved, kept })
    }

    /// Saves a training state. On return it is on the disk, read back, and has its final name.
    ///
    /// After a failed write or sync the data is discarded and written again under a new name: after a failed sync the system
    /// no longer knows which pages it lost. A full disk is not retried; earlier saves remain.
    ///
    /// # Errors
    /// If the state contains infinity or NaN, or the disk failed.
    pub fn save(&self, snapshot: &Snapshot) -> Result<Manifest, CheckpointError> {
        snapshot.check()?;
        let mut writes = 1;
        loop {
            match self.save_once(snapshot) {
                Err(error) if writes < MAX_WRITES && error.is_worth_another_try() => {
                    tracing::warn!("checkpoint {} is written again: {error}", snapshot.id);
                    writes += 1;
                }
                done => return done,
            }
        }
    }

    fn save_once(&self, snapshot: &Snapshot) -> Result<Manifest, CheckpointError> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let partial = self.folder.join(format!(".{}.{attempt}.partial", snapshot.id));
        let saved = self.write(&partial, snapshot).and_then(|manifest| {
            self.verify(&partial, snapshot.id)?;
            let before = self.before(snapshot.id)?;
            place::into_place(self.disk.as_ref(), &partial, &self.path(snapshot.id), before)?;
            Ok(manifest)
        });
        saved.inspect_err(|_| self.throw_away(&partial))
    }

    /// Removes an incomplete save. It may have had its final name for a moment: unless removing that name is durable,
    /// a power cut would bring the name back over a folder without files. The next start removes it then.
    fn throw_away(&self, partial: &Path) {
        match self.disk.sync_folder(&self.folder) {
            Ok(()) => forget(self.disk.as_ref(), partial),
            Err(error) => tracing::debug!("left {} for the next start: {error}", partial.display()),
        }
    }

    /// What already has this name: the same position is saved again after a run fell back to an older checkpoint.
    fn before(&self, id: CheckpointId) -> Result<Before, CheckpointError> {
        let place = self.path(id);
        if !is_folder(self.disk.as_ref(), &place)? {
            return Ok(Before::Nothing);
        }
        // One that can't be read now may be whole: it is kept for the user.
        Ok(twice(|| self.verify(&place, id)).map_or(Before::Damaged, |_| Before::Whole))
    }

    /// Writes all files into a new folder, and then syncs them and their names: all at the same time, as none of them counts
    /// before the folder has its name.
    fn write(&self, partial: &Path, snapshot: &Snapshot) -> Result<Manifest, CheckpointError> {
        self.disk.create_folder(partial).map_err(FsError::at("create folder", partial))?;
        let (mut files, mut written) = (BTreeMap::new(), Vec::new());
        for (name, arrays) in snapshot.files() {
            let (record, file) = write_arrays(self.disk.as_ref(), &partial.join(name), arrays, &Metadata::new())?;
            files.insert(name.to_owned(), record);
            written.push(file);
        }
        let manifest =
            Manifest::new(&self.code_version, snapshot.id, snapshot.progress.clone(), snapshot.publish, files);
        let manifest = Manifest { recipe: self.recipe.clone(), ..manifest };
        let checkpoint = snapshot.id.to_string();
        let text = manifest.text().map_err(|problem| CheckpointError::Malformed { checkpoint, problem })?;
        written.push(write_unsynced(self.disk.as_ref(), &partial.join(MANIFEST), text.as_bytes())?);
        self.disk.sync_together(written, Some(partial)).map_err(FsError::at("sync", partial))?;
        Ok(manifest)
    }

    /// Reads a checkpoint's manifest and checks it and the sizes of its files, not their content.
    ///
    /// # Errors
    /// If it can't be read or is damaged.
    pub fn manifest(&self, id: CheckpointId) -> Result<Manifest, CheckpointError> {
        self.read_manifest(&self.path(id), id)
    }

    pub(super) fn read_manifest(&self, folder: &Path, id: CheckpointId) -> Result<Manifest, CheckpointError> {
        let path = folder.join(MANIFEST);
        Manifest::parse(&path, id, &read_up_to(self.disk.as_ref(), &path, MOST_MANIFEST_BYTES)?)
    }

    /// Reads every byte of a checkpoint and compares it with its manifest.
    ///
    /// # Errors
    /// If it can't be read or is damaged.
    pub(super) fn verify(&self, folder: &Path, id: CheckpointId) -> Result<Manifest, CheckpointError> {
        let manifest = self.read_manifest(folder, id)?;
        for (name, expected) in &manifest.files {
            let path = folder.join(name);
            let got = digest(self.disk.as_ref(), &path)?;
            if got != *expected {
                return Err(CheckpointError::Damaged { path, problem: both_sides(&got, expected) });
            }
        }
        Ok(manifest)
    }

    /// Deletes a checkpoint so that its name never refers to a partial one.
    ///
    /// # Errors
    /// If the disk failed; the next start then removes what is left over.
    pub fn delete(&self, id: CheckpointId) -> Result<(), CheckpointError> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let hidden = self.folder.join(format!(".{id}.{attempt}.partial"));
        Ok(place::take_away(self.disk.as_ref(), &self.path(id), &hidden)?)
    }
}

/// "1,024 bytes with SHA-256 ..., expected ...".
pub(super) fn both_sides(got: &FileRecord, expected: &FileRecord) -> String {
    match got.bytes == expected.bytes {
        false => format!("it has {} bytes, expected {}", got.bytes, expected.bytes),
        true => format!("it has SHA-256 {}, expected {}", got.sha256, expected.sha256),
    }
}

/// Writes arrays as a safetensors file of which nothing is durable yet.
pub(super) fn write_arrays(
    disk: &dyn Disk,
    path: &Path,
    arrays: &[NamedArray],
    metadata: &Metadata,
) -> Result<(FileRecord, Box<dyn DiskFile>), FsError> {
    let file = disk.create_file(path).map_err(FsError::at("create", path))?;
    let mut hashing = Hashing { file, hasher: Hasher::default(), bytes: 0 };
    safetensors::write(arrays, metadata, &mut hashing).map_err(FsError::at("write", path))?;
    Ok((FileRecord { bytes: hashing.bytes, sha256: hashing.hasher.finish() }, hashing.file))
}

/// Hashes the bytes written to a file.
struct Hashing {
    file: Box<dyn DiskFile>,
    hasher: Hasher,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        self.bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn digest(disk: &dyn Disk, path: &Path) -> Result<FileRecord, FsError> {
    let mut hasher = Hasher::default();
    let mut bytes = 0;
    let mut read = || -> io::Result<()> {
        let mut file = disk.open_file(path)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    hasher.update(&buffer[..length]);
                    bytes += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    read().map_err(FsError::at("read", path))?;
    Ok(FileRecord { bytes, sha256: hasher.finish() })
}
