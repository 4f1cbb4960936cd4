//! One worker per folder: an advisory lock that the kernel frees whenever its holder ends.
//!
//! It trusts no process ids and no age; the content of the file is only for the message.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use thiserror::Error;

use crate::exit::Exit;
use crate::fs::FsError;
use crate::plain::{self, open_or_create_plain};

/// Why a folder could not be locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another worker is using the folder.
    #[error("{} is in use by {holder}; wait for it to end, or give this run another data.name", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// What the holder wrote about itself.
        holder: String,
    },
    /// The file system has no locks.
    #[error("{} can't be locked ({source}): this file system has no file locks; put the folder on a local disk", path.display())]
    Unsupported {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The lock file could not be opened or written.
    #[error(transparent)]
    File(#[from] FsError),
}

impl LockError {
    /// 75 if another process holds it, 73 if the file system has no locks, otherwise the code of the file error.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Held { .. } => Exit::TryAgain,
            Self::Unsupported { .. } => Exit::OutputNotWritable,
            Self::File(error) => error.exit(),
        }
    }
}

/// How often a held lock is tried again, and after what time.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(30);

/// A held lock; dropping it frees the folder.
#[derive(Debug)]
pub struct FolderLock {
    /// None for a folder that can't be written and was never locked.
    _file: Option<File>,
}

impl FolderLock {
    /// Takes the lock of a folder that exists, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process has it.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(".lock");
        let mut file = loop {
            let file = lock(&path)?;
            // The previous holder may have removed the folder, and with it the file that is locked now.
            if stands_at(&file, &path) {
                break file;
            }
        };
        // The lock works without its note: code that needs room reports a full disk.
        if let Err(error) = sign(&mut file) {
            tracing::debug!("could not write the holder into {}: {error}", path.display());
        }
        Ok(Self { _file: Some(file) })
    }

    /// The same for a folder that may be one that can only be read, such as one that is mounted so. Then nothing here changes
    /// it, and others may use it at the same time; only those who can write it are kept out while it is used.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process that can write it has it.
    pub fn acquire_or_share(folder: &Path) -> Result<Self, LockError> {
        match Self::acquire(folder) {
            Err(LockError::File(error)) if is_read_only(&error.source) => Self::share(folder),
            acquired => acquired,
        }
    }

    fn share(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(".lock");
        let Ok(mut file) = plain::open(&path) else { return Ok(Self { _file: None }) };
        match patiently(&file, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => Err(LockError::Held { holder: describe_holder(&mut file), path }),
            // A file system without locks has nobody who could hold one.
            _ => Ok(Self { _file: Some(file) }),
        }
    }
}

/// Whether nothing can be written there, by this process or at all.
fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Whether a process holds a folder. Leaves no trace, so that it also works in a folder that can't be written.
#[must_use]
pub fn is_held(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(".lock")) else { return false };
    matches!(flock(&file, FlockOperation::NonBlockingLockShared), Err(Errno::WOULDBLOCK))
}

fn lock(path: &Path) -> Result<File, LockError> {
    // A link is not followed: the note of the holder would overwrite its target.
    let mut file = open_or_create_plain(path).map_err(FsError::at("open", path))?;
    match patiently(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(LockError::Held { holder: describe_holder(&mut file), path: path.to_owned() }),
        Err(errno) => Err(LockError::Unsupported { path: path.to_owned(), source: errno.into() }),
    }
}

/// Takes the lock. A check with [`is_held`] holds it for a moment, so a held lock is tried again.
pub(crate) fn patiently(file: &File, operation: FlockOperation) -> Result<(), Errno> {
    for _ in 0..LOOKS {
        match flock(file, operation) {
            Err(Errno::WOULDBLOCK) => std::thread::sleep(LOOK),
            taken => return taken,
        }
    }
    flock(file, operation)
}

fn stands_at(file: &File, path: &Path) -> bool {
    let same = |ours: Metadata, there: Metadata| (ours.dev(), ours.ino()) == (there.dev(), there.ino());
    file.metadata().and_then(|ours| Ok(same(ours, path.metadata()?))).unwrap_or(false)
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(signature().as_bytes())
}

/// What a holder writes about itself.
pub(crate) fn signature() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("process {} on {host} since {since}", std::process::id())
}

fn describe_holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(length) if length > 0 => text,
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_learns_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::acquire(folder.path()).unwrap();
        let error = FolderLock::acquire(folder.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::TryAgain);
        assert!(error.to_string().contains(&format!("process {} on ", std::process::id())), "{error}");
        assert!(is_held(folder.path()));
        drop(first);
        assert!(!is_held(folder.path()));
        FolderLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_can_only_be_read_is_shared_by_its_readers_and_kept_from_writers() {
        let folder = tempfile::tempdir().unwrap();
        FolderLock::share(folder.path()).unwrap();
        assert!(!folder.path().join(".lock").exists(), "nothing is written");
        let writer = FolderLock::acquire_or_share(folder.path()).unwrap();
        let error = FolderLock::share(folder.path()).unwrap_err();
        assert!(error.to_string().contains(&format!("process {} on ", std::process::id())), "{error}");
        drop(writer);
        let readers = [FolderLock::share(folder.path()).unwrap(), FolderLock::share(folder.path()).unwrap()];
        assert!(matches!(FolderLock::acquire(folder.path()), Err(LockError::Held { .. })));
        drop(readers);
        FolderLock::acquire(folder.path()).unwrap();
        assert!(
            is_read_only(&io::ErrorKind::ReadOnlyFilesystem.into()) && !is_read_only(&io::ErrorKind::NotFound.into())
        );
    }

    #[test]
    fn who_only_looks_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".lock"), "").unwrap();
        let looking = File::open(folder.path().join(".lock")).unwrap();
        flock(&looking, FlockOperation::NonBlockingLockShared).unwrap();
        let looked = std::thread::spawn(move || {
            std::thread::sleep(LOOK * 2);
            drop(looking);
        });
        FolderLock::acquire(folder.path()).unwrap();
        looked.join().unwrap();
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "text").unwrap();
        std::os::unix::fs::symlink("precious", folder.path().join(".lock")).unwrap();
        let error = FolderLock::acquire(folder.path()).unwrap_err();
        assert!(error.to_string().contains(".lock"), "{error}");
        assert_eq!(std::fs::read(&precious).unwrap(), b"text");
    }

    #[test]
    fn a_lock_on_a_file_that_was_taken_away_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let taken_away = lock(&path).unwrap();
        assert!(stands_at(&taken_away, &path));
        std::fs::remove_file(&path).unwrap();
        assert!(!stands_at(&taken_away, &path));
        FolderLock::acquire(folder.path()).unwrap();
    }
}
