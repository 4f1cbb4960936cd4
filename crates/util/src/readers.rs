//! Shared and exclusive locks for a folder: any number of readers, or one writer. As for the lock of a folder, the
//! kernel frees them when the holder dies. A folder that can't be written needs none.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::fs::FsError;
use crate::lock::{LockError, patiently, signature};
use crate::plain::{self, open_or_create_plain};

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
    // If no other reader holds the lock, the notes of past readers are removed.
    let is_alone = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    match patiently(&file, operation) {
        Ok(()) => {
            // The lock works without its note.
            if let Err(error) = sign(&mut file, is_alone) {
                tracing::debug!("could not write the reader into {}: {error}", path.display());
            }
            Ok(Some(file))
        }
        Err(Errno::WOULDBLOCK) => Err(LockError::Held { holder: holder(&mut file), path: folder.to_owned() }),
        // This file system has no locks.
        Err(_) => Ok(None),
    }
}

/// `None` if the folder can't be written and nobody has read it before.
fn open(path: &Path) -> Result<Option<File>, LockError> {
    match open_or_create_plain(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            Ok(plain::open(path).ok())
        }
        Err(error) => Err(FsError::at("open", path)(error).into()),
    }
}

fn sign(file: &mut File, is_alone: bool) -> io::Result<()> {
    if is_alone {
        file.set_len(0)?;
    }
    file.seek(SeekFrom::End(0))?;
    writeln!(file, "{}", signature())
}

/// The last reader that wrote a note and still runs, as far as this process can see.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let signed = text.lines().rev().find(|line| !is_gone(line)).filter(|_| read.is_ok());
    signed.map_or_else(|| "another process".to_owned(), str::to_owned)
}

/// Whether a process of this machine that signed has ended.
fn is_gone(signed: &str) -> bool {
    let mut words = signed.split(' ');
    let (process, host) = (words.nth(1), words.nth(1));
    let is_here = host == Some(&*rustix::system::uname().nodename().to_string_lossy());
    is_here && process.is_some_and(|process| !Path::new("/proc").join(process).exists())
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
        let note = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
        let gone = note.replace(&format!("process {} ", std::process::id()), "process 4999999 ");
        std::fs::write(folder.path().join(NAME), format!("{note}{gone}")).unwrap();
        let error = Changing::begin(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} on ", std::process::id())), "not one that has ended: {error}");
        drop((first, second));
        let changing = Changing::begin(folder.path()).unwrap();
        assert!(Reading::begin(folder.path()).is_err());
        drop(changing);
        Reading::begin(folder.path()).unwrap();
    }
}
