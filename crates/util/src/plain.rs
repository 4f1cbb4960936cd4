//! Opens plain files only: no pipe that would block for ever, no device, no link in a place that is written to.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a plain file for reading, through links if there are any.
///
/// # Errors
/// If it can't be opened, or is not a plain file ([`is_not_plain`]).
pub fn open_plain(path: &Path) -> io::Result<File> {
    // A pipe without a writer would block here.
    let file = OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK)).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a plain file")),
    }
}

/// Reads a whole plain file.
///
/// # Errors
/// As [`open_plain`].
pub fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    io::Read::read_to_end(&mut open_plain(path)?, &mut content)?;
    Ok(content)
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

/// Opens a file for reading and writing, and creates it if it does not exist. A link is not followed.
///
/// # Errors
/// If it can't be opened, or is not a plain file ([`is_not_plain`]).
pub fn open_or_create_plain(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).read(true).write(true);
    let file = options.custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a plain file")),
    }
}

/// Whether an error means that something other than a plain file has the name: a folder, a pipe, a loop of links.
#[must_use]
pub fn is_not_plain(error: &io::Error) -> bool {
    let is_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    is_loop || matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::IsADirectory | ErrorKind::NotADirectory)
}

fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

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
            assert!(is_not_plain(&open_plain(&at(name)).unwrap_err()), "{name}");
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
}
