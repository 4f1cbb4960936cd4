//! Who reads a folder that others may want to change: any number of readers, or one that changes it. Like the lock of a
//! folder, the kernel frees it when its holder dies. A folder that can't be written needs none: nobody changes it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::fs::FsError;
use crate::lock::{LockError, signature};
use crate::plain::{open_or_create_plain, open_plain};

const NAME: &str = ".reading";

/// A folder that is being read; nobody changes it until this is dropped.
#[derive(Debug)]
pub struct Reading {
    _file: Option<File>,
}

/// A folder that is being changed; nobody starts to read it until this is dropped.
#[derive(Debug)]
pub struct Changing {
    _file: Option<File>,
}

impl Reading {
    /// Starts to read a folder.
    ///
    /// # Errors
    /// [`LockError::Held`] if somebody is changing it.
    pub fn begin(folder: &Path) -> Result<Self, LockError> {
        Ok(Self { _file: take(folder, FlockOperation::NonBlockingLockShared)? })
    }
}

impl Changing {
    /// Starts to change a folder that exists.
    ///
    /// # Errors
    /// [`LockError::Held`] if somebody reads it.
    pub fn begin(folder: &Path) -> Result<Self, LockError> {
        Ok(Self { _file: take(folder, FlockOperation::NonBlockingLockExclusive)? })
    }
}

fn take(folder: &Path, operation: FlockOperation) -> Result<Option<File>, LockError> {
    let path = folder.join(NAME);
    let Some(mut file) = open(&path)? else { return Ok(None) };
    match flock(&file, operation) {
        Ok(()) => {
            // The lock works without its note.
            if let Err(error) = sign(&mut file) {
                tracing::debug!("could not sign {}: {error}", path.display());
            }
            Ok(Some(file))
        }
        Err(Errno::WOULDBLOCK) => Err(LockError::Held { holder: holder(&mut file), path: folder.to_owned() }),
        // Without locks on this file system there is nothing to hold on to.
        Err(_) => Ok(None),
    }
}

/// None if the folder can't be written and nobody has ever read it.
fn open(path: &Path) -> Result<Option<File>, LockError> {
    match open_or_create_plain(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            Ok(open_plain(path).ok())
        }
        Err(error) => Err(FsError::at("open", path)(error).into()),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(signature().as_bytes())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(length) if length > 0 => text,
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn readers_keep_out_who_would_change_what_they_read_and_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = Reading::begin(folder.path()).unwrap();
        let second = Reading::begin(folder.path()).unwrap();
        let error = Changing::begin(folder.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::TryAgain);
        assert!(error.to_string().contains(&format!("process {} on ", std::process::id())), "{error}");
        drop((first, second));
        let changing = Changing::begin(folder.path()).unwrap();
        assert!(Reading::begin(folder.path()).is_err());
        drop(changing);
        Reading::begin(folder.path()).unwrap();
    }
}
