//! Writes below one folder and nowhere else: every file is created new, relative to descriptors that the kernel
//! resolved without following a link. At most three descriptors are open.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, syncfs};
use rustix::io::Errno;

use crate::util::fs::FsError;

/// The process's umask is subtracted, as in every program.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);
const BESIDE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder that was created for this, open.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    root: OwnedFd,
    /// The folder of the last file, which is usually that of the next.
    last: Option<(String, OwnedFd)>,
}

impl Folder {
    /// Creates the folder; something in its place is an error.
    pub fn create(path: &Path) -> Result<Self, FsError> {
        let at = |action| FsError::at(action, path);
        mkdirat(CWD, path, FOLDER_MODE).map_err(|error| at("create folder")(error.into()))?;
        // Not O_PATH: the descriptor later syncs the file system, and so learns of every write that failed from now on.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = openat(CWD, path, flags, Mode::empty()).map_err(|error| at("open")(error.into()))?;
        Ok(Self { path: path.to_owned(), root, last: None })
    }

    /// Creates one folder in a folder that exists.
    pub fn make_folder(&mut self, relative: &str) -> Result<(), FsError> {
        let (parent, name) = self.beside(relative)?;
        mkdirat(parent, name, FOLDER_MODE).map_err(|error| self.failed("create folder", relative, error))
    }

    /// Creates a file in a folder that exists; it must be new.
    pub fn create_file(&mut self, relative: &str) -> Result<File, FsError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = self.beside(relative)?;
        let file = openat(parent, name, flags, FILE_MODE).map_err(|error| self.failed("create", relative, error))?;
        Ok(File::from(file))
    }

    /// Returns once everything is on the disk.
    pub fn sync(&self) -> Result<(), FsError> {
        syncfs(&self.root).map_err(|error| FsError::at("sync file system of", &self.path)(error.into()))
    }

    /// The place of a relative path, for messages.
    pub fn full_path(&self, relative: &str) -> PathBuf {
        self.path.join(relative)
    }

    /// The descriptor of the folder that contains a path, and the path's last part.
    fn beside<'a>(&mut self, relative: &'a str) -> Result<(&OwnedFd, &'a str), FsError> {
        let Some((folder, name)) = relative.rsplit_once('/') else { return Ok((&self.root, relative)) };
        let known = self.last.take_if(|(last, _)| last == folder);
        let opened = match known {
            Some(known) => known,
            None => {
                let opened = open_below(&self.root, folder);
                (folder.to_owned(), opened.map_err(|error| self.failed("open folder", folder, error))?)
            }
        };
        Ok((&self.last.insert(opened).1, name))
    }

    fn failed(&self, action: &'static str, relative: &str, error: Errno) -> FsError {
        FsError::at(action, &self.full_path(relative))(error.into())
    }
}

/// Opens a folder below another: the kernel refuses to leave it or to follow a link.
fn open_below(root: &OwnedFd, relative: &str) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, relative, BESIDE, Mode::empty(), resolve) {
        // Kernels before 5.6 don't have the call, and older container runtimes forbid it.
        Err(Errno::NOSYS | Errno::PERM) => open_part_by_part(root, relative),
        result => result,
    }
}

fn open_part_by_part(root: &OwnedFd, relative: &str) -> Result<OwnedFd, Errno> {
    let open = |folder: &OwnedFd, part: &str| openat(folder.as_fd(), part, BESIDE, Mode::empty());
    let mut parts = relative.split('/');
    let first = open(root, parts.next().unwrap_or_default())?;
    parts.try_fold(first, |folder, part| open(&folder, part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_that_another_process_slips_in_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new");
        let mut folder = Folder::create(&path).unwrap();
        symlink(outside.path(), path.join("link")).unwrap();
        symlink(outside.path().join("target"), path.join("file")).unwrap();
        assert!(folder.create_file("link/x").is_err());
        assert!(folder.make_folder("link/x").is_err());
        assert!(folder.create_file("file").is_err());
        assert!(open_part_by_part(&folder.root, "link").is_err());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn both_ways_of_opening_find_the_same_folder() {
        let parent = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(&parent.path().join("new")).unwrap();
        for path in ["a", "a/b", "a/b/c"] {
            folder.make_folder(path).unwrap();
        }
        folder.create_file("a/b/c/file").unwrap().write_all(b"x").unwrap();
        for opened in [open_below(&folder.root, "a/b/c"), open_part_by_part(&folder.root, "a/b/c")] {
            assert!(rustix::fs::statat(opened.unwrap(), "file", rustix::fs::AtFlags::empty()).is_ok());
        }
        assert!(open_below(&folder.root, "a/../..").is_err());
    }

    #[test]
    fn a_folder_that_exists_is_not_taken_over() {
        let parent = tempfile::tempdir().unwrap();
        assert!(Folder::create(parent.path()).is_err());
    }
}
