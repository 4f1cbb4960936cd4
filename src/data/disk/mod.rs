//! The few file operations of checkpoints, the history and stores of records, behind a trait, so that tests can make
//! any of them fail, die or be forgotten by a power cut. Not a general file system.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::util::fs::{FsError, partial_name};

#[cfg(test)]
pub mod memory;
pub mod place;
mod real;

pub use real::RealDisk;

/// A file being written.
pub trait DiskFile: Write + Send {
    /// Returns once everything written has reached the disk. After an error nothing about the file can be trusted, not
    /// even a second `sync` that succeeds: Linux reports a failed write-back once and then forgets it.
    ///
    /// # Errors
    /// If the disk failed.
    fn sync(&mut self) -> io::Result<()>;
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// File operations of the system: nothing is durable before its sync.
pub trait Disk: Send + Sync {
    /// Creates one folder; one that exists is an error.
    ///
    /// # Errors
    /// If it can't be created.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Creates a file, or empties the one that is there.
    ///
    /// # Errors
    /// If it can't be created.
    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading from its beginning.
    ///
    /// # Errors
    /// If it can't be opened.
    fn open_file(&self, path: &Path) -> io::Result<Box<dyn Read>>;
    /// What a folder holds, in any order.
    ///
    /// # Errors
    /// If it can't be read.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Gives a file or folder another name, in place of a file that has it.
    ///
    /// # Errors
    /// If it can't be renamed.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Returns once the names in a folder have reached the disk.
    ///
    /// # Errors
    /// If the disk failed.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Returns once the content of these files and, if one is given, the names in a folder have reached the disk: in any
    /// order, or all at the same time.
    ///
    /// # Errors
    /// If the disk failed at one of them.
    fn sync_together(&self, files: Vec<Box<dyn DiskFile>>, folder: Option<&Path>) -> io::Result<()> {
        files.into_iter().try_for_each(|mut file| file.sync())?;
        folder.map_or(Ok(()), |folder| self.sync_folder(folder))
    }
    /// Removes a file.
    ///
    /// # Errors
    /// If it can't be removed.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    ///
    /// # Errors
    /// If it can't be removed.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Free bytes below a folder.
    ///
    /// # Errors
    /// If the file system doesn't report it.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// The folder that holds `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a whole new file and syncs its content, not its name.
pub(crate) fn write_file(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<(), FsError> {
    let mut file = write_unsynced(disk, path, content)?;
    file.sync().map_err(FsError::at("sync", path))
}

/// Writes a whole new file of which nothing is durable yet.
pub(crate) fn write_unsynced(disk: &dyn Disk, path: &Path, content: &[u8]) -> Result<Box<dyn DiskFile>, FsError> {
    let mut file = disk.create_file(path).map_err(FsError::at("create", path))?;
    file.write_all(content).map_err(FsError::at("write", path))?;
    Ok(file)
}

/// Writes files of one folder so that a reader of each sees the old content or the new, never a part, and that survives a
/// power cut. They get their names in this order.
pub(crate) fn write_atomic(disk: &dyn Disk, files: &[(&Path, &[u8])]) -> Result<(), FsError> {
    let write = |(path, content): &(&Path, &[u8])| write_unsynced(disk, &partial_name(path), content);
    let written = files.iter().map(write).collect::<Result<Vec<_>, _>>();
    let places: Vec<&Path> = files.iter().map(|(path, _)| *path).collect();
    replace(disk, written, &places)
}

/// Gives files that were written under their partial names to the disk, and then their final names.
pub(crate) fn replace(
    disk: &dyn Disk,
    written: Result<Vec<Box<dyn DiskFile>>, FsError>,
    places: &[&Path],
) -> Result<(), FsError> {
    let Some(first) = places.first() else { return Ok(()) };
    let named = written.and_then(|files| {
        disk.sync_together(files, None).map_err(FsError::at("sync", &partial_name(first)))?;
        for place in places {
            let partial = partial_name(place);
            disk.rename(&partial, place).map_err(FsError::at("rename", &partial))?;
        }
        disk.sync_folder(parent(first)).map_err(FsError::at("sync folder", parent(first)))
    });
    named.inspect_err(|_| places.iter().for_each(|place| forget(disk, &partial_name(place))))
}

/// Removes what could not be completed. If even that fails, the next start removes it.
pub(crate) fn forget(disk: &dyn Disk, partial: &Path) {
    if let Err(error) = remove_tree(disk, partial) {
        tracing::debug!("left {} for the next start: {error}", partial.display());
    }
}

/// Renames durably within one folder.
pub(crate) fn rename(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), FsError> {
    disk.rename(from, to).map_err(FsError::at("rename", from))?;
    disk.sync_folder(parent(to)).map_err(FsError::at("sync folder", parent(to)))
}

/// Creates a folder and those above it, durably; the folders that are there are fine.
pub(crate) fn create_folders(disk: &dyn Disk, path: &Path) -> Result<(), FsError> {
    if is_folder(disk, path)? {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        create_folders(disk, above)?;
    }
    disk.create_folder(path).map_err(FsError::at("create folder", path))?;
    disk.sync_folder(parent(path)).map_err(FsError::at("sync folder", parent(path)))
}

/// Whether a folder is there.
pub(crate) fn is_folder(disk: &dyn Disk, path: &Path) -> Result<bool, FsError> {
    match disk.list(path) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(FsError::at("read folder", path)(error)),
    }
}

/// Reads a whole file.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, FsError> {
    let mut content = Vec::new();
    let opened = disk.open_file(path).and_then(|mut file| file.read_to_end(&mut content));
    opened.map_err(FsError::at("read", path))?;
    Ok(content)
}

/// Reads a file, but at most this many bytes.
pub(crate) fn read_up_to(disk: &dyn Disk, path: &Path, most: u64) -> Result<Vec<u8>, FsError> {
    let mut content = Vec::new();
    let opened = disk.open_file(path).and_then(|file| file.take(most).read_to_end(&mut content));
    opened.map_err(FsError::at("read", path))?;
    Ok(content)
}

/// Removes a file, or a folder with its content; it is no error if it does not exist.
pub(crate) fn remove_tree(disk: &dyn Disk, path: &Path) -> Result<(), FsError> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FsError::at("remove", path)(error)),
        _ => Ok(()),
    };
    match disk.list(path) {
        Ok(entries) => {
            for entry in entries {
                remove_tree(disk, &path.join(entry.name))?;
            }
            gone(disk.remove_folder(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => gone(disk.remove_file(path)),
        Err(error) => gone(Err(error)),
    }
}

/// What was left in a folder under the names of [`partial_name`] by a program that died.
pub(crate) fn partials(disk: &dyn Disk, folder: &Path) -> Result<Vec<PathBuf>, FsError> {
    let entries = disk.list(folder).map_err(FsError::at("read folder", folder))?;
    let partial = |name: &str| name.starts_with('.') && name.ends_with(".partial");
    Ok(entries.into_iter().filter(|entry| partial(&entry.name)).map(|entry| folder.join(entry.name)).collect())
}
