//! The real disk: each operation is one call of the system.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{Disk, DiskFile, Entry};
use crate::util::fs::{Task, together};
use crate::util::plain::{self, create_plain};

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile(File);

impl Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DiskFile for RealFile {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn create_file(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(create_plain(path)?)))
    }

    fn open_file(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(plain::open(path)?))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok(Entry { name, is_folder: entry.file_type()?.is_dir() })
        };
        fs::read_dir(path)?.map(entry).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_together(&self, mut files: Vec<Box<dyn DiskFile>>, folder: Option<&Path>) -> io::Result<()> {
        let files = files.iter_mut().map(|file| -> Task<'_> { Box::new(move || file.sync()) });
        let folder = folder.map(|folder| -> Task<'_> { Box::new(move || self.sync_folder(folder)) });
        together(files.chain(folder).collect())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        crate::util::fs::free_bytes(path).map_err(|error| error.source)
    }
}
