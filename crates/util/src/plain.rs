//! Opens plain files only: no pipe that would block for ever, no device without an end, no link in a writable folder.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use thiserror::Error;

use crate::stop::{Stopped, check_signals};

/// A pipe, a device or the like with the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is {0}, not a file; remove it")]
pub struct NotPlain(pub &'static str);

/// The same where a new file was to take the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is {0}, not a file; give another name")]
pub struct NotReplaceable(&'static str);

/// Opens a plain file for reading, through links if there are any.
///
/// # Errors
/// If it can't be opened, or is not a plain file: then the error holds a [`NotPlain`].
pub fn open(path: &Path) -> io::Result<File> {
    // Without blocking, because the kind of file is known only after opening.
    let opened = OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path);
    let file = opened.map_err(|error| match std::fs::metadata(path) {
        // A socket can't be opened at all.
        Ok(metadata) if !metadata.is_file() => not_plain(metadata.file_type()),
        _ => error,
    })?;
    checked(file)
}

/// Reads a whole plain file.
///
/// # Errors
/// As [`open`].
pub fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Reads a file of any kind up to a number of bytes. A pipe is waited for, but no longer than until a signal asks to stop.
///
/// # Errors
/// If it can't be read; for a signal the error holds a [`Stopped`].
pub fn read_any(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path)?;
    let is_plain = file.metadata()?.is_file();
    let mut rest = file.take(most);
    loop {
        if !is_plain && !has_something(rest.get_ref())? {
            check_signals().map_err(io::Error::other)?;
            continue;
        }
        match rest.read_to_end(&mut content) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result.map(|_| content),
        }
    }
}

/// Whether there is something to read, or the end; waits for it a moment.
fn has_something(file: &File) -> io::Result<bool> {
    const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&TICK)) {
        Ok(there) => Ok(there > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The signal that ended [`read_any`], if one did.
#[must_use]
pub fn stopped_in(error: &io::Error) -> Option<Stopped> {
    error.get_ref()?.downcast_ref().copied()
}

/// Creates an empty file for writing. What has its name, a link or a pipe among others, is removed and not followed.
///
/// # Errors
/// If it can't be created.
pub fn create_plain(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Whether a new file may take this name: a plain file or a dangling link may go, but a folder, a device or a pipe is there for
/// something else, also behind a link.
///
/// # Errors
/// What it is: a folder, or with a [`NotReplaceable`].
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::from(ErrorKind::IsADirectory)),
        Ok(metadata) if !metadata.is_file() => {
            Err(io::Error::new(ErrorKind::InvalidInput, NotReplaceable(kind_of(metadata.file_type()))))
        }
        // What can't be looked at is found when it is written.
        _ => Ok(()),
    }
}

/// Opens a file for reading and writing, and creates it if it does not exist. A link is not followed.
///
/// # Errors
/// If it can't be opened, or is not a plain file ([`is_not_plain`]).
pub fn open_or_create_plain(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).read(true).write(true);
    checked(options.custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(path)?)
}

/// What has the name of a file, if that is why it could not be opened.
#[must_use]
pub fn not_plain_in(error: &io::Error) -> Option<NotPlain> {
    error.get_ref()?.downcast_ref().copied()
}

/// Whether an error means that something other than a plain file has the name: a folder, a pipe, a loop of links.
#[must_use]
pub fn is_not_plain(error: &io::Error) -> bool {
    let is_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    is_loop || matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::IsADirectory | ErrorKind::NotADirectory)
}

fn checked(file: File) -> io::Result<File> {
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(file) } else { Err(not_plain(metadata.file_type())) }
}

fn not_plain(kind: FileType) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, NotPlain(kind_of(kind)))
}

fn kind_of(kind: FileType) -> &'static str {
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

/// Whether an error means that a new file can't take a name.
#[must_use]
pub fn is_not_replaceable(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NotReplaceable>())
}

fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_pipe_is_read_to_its_end_however_late_and_slowly_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let reader = std::thread::spawn({
            let path = path.clone();
            move || read_any(&path, 1 << 20).unwrap()
        });
        std::thread::sleep(std::time::Duration::from_millis(150));
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        for piece in ["one", " ", "two"] {
            std::io::Write::write_all(&mut writer, piece.as_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        drop(writer);
        assert_eq!(reader.join().unwrap(), b"one two");
        std::fs::write(folder.path().join("plain"), [7; 100]).unwrap();
        assert_eq!(read_any(&folder.path().join("plain"), 60).unwrap().len(), 60);
        assert_eq!(read_any(Path::new("/dev/zero"), 60).unwrap().len(), 60);
    }

    #[test]
    fn a_pipe_a_folder_and_a_loop_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for name in ["pipe", "folder", "loop"] {
            assert!(is_not_plain(&open(&at(name)).unwrap_err()), "{name}");
            assert!(is_not_plain(&open_or_create_plain(&at(name)).unwrap_err()), "{name}");
        }
        std::fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        assert_eq!(read_plain(&at("link")).unwrap(), b"text", "reading through a link is fine");
    }

    #[test]
    fn what_a_link_points_to_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("precious"), "text").unwrap();
        symlink("precious", at("link")).unwrap();
        assert!(is_not_plain(&open_or_create_plain(&at("link")).unwrap_err()));
        create_plain(&at("link")).unwrap();
        assert_eq!(std::fs::read(at("precious")).unwrap(), b"text");
        assert!(!at("link").is_symlink());
    }

    /// Opening a pipe that nobody writes to would never return.
    #[test]
    fn only_plain_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), b"x").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("gone"), at("broken")).unwrap();
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
