//! Opening files that strangers made: only plain files. A pipe would make the program wait for a writer for ever, and a device has
//! no end.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use thiserror::Error;

/// A pipe, a device or the like with the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is {0}, not a file; remove it")]
pub struct NotPlain(pub &'static str);

/// Opens a plain file for reading. Links are followed.
///
/// # Errors
/// If it can't be opened, or is not a plain file: then the error holds a [`NotPlain`].
pub fn open(path: &Path) -> io::Result<File> {
    // Without waiting: what is opened is known only afterwards.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let opened = OpenOptions::new().read(true).custom_flags(nonblocking).open(path);
    let file = opened.map_err(|error| match std::fs::metadata(path) {
        // A socket can't be opened at all.
        Ok(metadata) if !metadata.is_file() => not_plain(metadata.file_type()),
        _ => error,
    })?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(file) } else { Err(not_plain(metadata.file_type())) }
}

/// What has the name of a file, if that is why it could not be opened.
#[must_use]
pub fn not_plain_in(error: &io::Error) -> Option<NotPlain> {
    error.get_ref()?.downcast_ref().copied()
}

fn not_plain(kind: FileType) -> io::Error {
    let what = match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    io::Error::new(io::ErrorKind::InvalidInput, NotPlain(what))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Opening a pipe that nobody writes to would never return.
    #[test]
    fn only_plain_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), b"x").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("gone"), at("broken")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RWXU).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        for name in ["file", "link"] {
            assert!(open(&at(name)).is_ok(), "{name}");
        }
        for (path, what) in [
            (at("pipe"), "a pipe"),
            (at("socket"), "a socket"),
            (at("."), "a folder"),
            ("/dev/zero".into(), "a device"),
        ] {
            let error = open(&path).unwrap_err();
            assert_eq!(not_plain_in(&error), Some(NotPlain(what)), "{}: {error}", path.display());
        }
        let error = open(&at("broken")).unwrap_err();
        assert_eq!((error.kind(), not_plain_in(&error)), (io::ErrorKind::NotFound, None));
    }
}
