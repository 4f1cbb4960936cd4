//! Entries on their way to the disk: each is checked against the names and the budget before anything of it is written.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use super::error::{Refusal, UnpackError};
use super::folder::Folder;
use super::limits::Budget;
use super::name::EntryName;
use super::pipeline::Content;
use super::tree::Tree;
use crate::util::fs::FsError;
use crate::util::stop::Stop;

/// Writes one archive.
pub struct Writer<'a> {
    folder: Folder,
    stop: &'a Stop,
    /// What the archive may still cost.
    pub budget: Budget<'a>,
    /// What has been written.
    pub tree: Tree,
    /// How many files were left out because macOS adds them and no dataset wants them.
    pub left_out: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

impl<'a> Writer<'a> {
    /// Creates the folder.
    pub fn create(path: &Path, budget: Budget<'a>, stop: &'a Stop) -> Result<Self, UnpackError> {
        let folder = Folder::create(path)?;
        Ok(Self { folder, stop, budget, tree: Tree::default(), left_out: 0, bytes: 0 })
    }

    /// A folder of the archive.
    pub fn folder(&mut self, raw_name: &[u8]) -> Result<(), UnpackError> {
        self.take_folder(raw_name).map_err(|error| error.at(raw_name))
    }

    fn take_folder(&mut self, raw_name: &[u8]) -> Result<(), UnpackError> {
        self.stop.check()?;
        self.budget.entry(0)?;
        let name = EntryName::parse(raw_name).map_err(Refusal::from)?;
        if name.path.split('/').next() == Some("__MACOSX") {
            return Ok(());
        }
        self.budget.name(&name.path)?;
        let new = self.tree.add_folder(&name.path)?;
        self.budget.unnamed_folders(new.len().saturating_sub(1))?;
        self.make_folders(&new)
    }

    /// A file of the archive, its content next in the stream: this many bytes, or everything.
    pub fn file(&mut self, raw_name: &[u8], bytes: Option<u64>, content: &mut Content) -> Result<(), UnpackError> {
        self.take_file(raw_name, bytes, content).map_err(|error| error.at(raw_name))
    }

    fn take_file(&mut self, raw_name: &[u8], bytes: Option<u64>, content: &mut Content) -> Result<(), UnpackError> {
        self.stop.check()?;
        self.budget.entry(bytes.unwrap_or(0))?;
        let name = EntryName::parse(raw_name).map_err(Refusal::from)?;
        if name.path.is_empty() || name.says_folder {
            return Err(Refusal::FileAndFolder { path: name.path }.into());
        }
        if name.is_apple_extra() {
            self.left_out += 1;
            return check_length(content.pass(bytes.unwrap_or(u64::MAX))?, bytes);
        }
        self.budget.name(&name.path)?;
        let new = self.tree.add_file(&name.path)?;
        self.budget.unnamed_folders(new.len())?;
        self.make_folders(&new)?;
        let file = self.create_file(&name.path)?;
        let written = self.copy(file, &name.path, bytes, content)?;
        check_length(written, bytes)?;
        self.tree.set_bytes(&name.path, written);
        self.bytes += written;
        Ok(())
    }

    /// Waits until everything is on the disk.
    pub fn sync(&self) -> Result<(), UnpackError> {
        Ok(self.folder.sync()?)
    }

    fn make_folders(&mut self, new: &[String]) -> Result<(), UnpackError> {
        new.iter().try_for_each(|path| self.folder.make_folder(path)).map_err(same_name_or_disk)
    }

    fn create_file(&mut self, path: &str) -> Result<File, UnpackError> {
        self.folder.create_file(path).map_err(same_name_or_disk)
    }

    fn copy(
        &mut self,
        mut file: File,
        path: &str,
        bytes: Option<u64>,
        content: &mut Content,
    ) -> Result<u64, UnpackError> {
        let (folder, budget, stop) = (&self.folder, &mut self.budget, self.stop);
        let written = content.file(bytes, |piece| {
            stop.check()?;
            if bytes.is_none() {
                budget.bytes(piece.len() as u64)?;
            }
            file.write_all(piece).map_err(|error| FsError::at("write", &folder.full_path(path))(error).into())
        })?;
        start_writing(&file, written);
        Ok(written)
    }
}

/// Lets the disk start with a file while the next one is unpacked: this advice writes dirty pages without waiting for
/// them, and keeps them in memory. It is worth it for files that are larger than a few pages.
fn start_writing(file: &File, bytes: u64) {
    const WORTH_IT: u64 = 256 << 10;
    if bytes >= WORTH_IT
        && let Err(error) = fadvise(file, 0, None, Advice::DontNeed)
    {
        tracing::debug!("could not start writing a file early: {error}");
    }
}

/// The names differ, but the disk already has this one: it does not distinguish upper and lower case.
fn same_name_or_disk(error: FsError) -> UnpackError {
    match error.source.kind() {
        io::ErrorKind::AlreadyExists => Refusal::SameOnThisDisk.into(),
        _ => error.into(),
    }
}

fn check_length(there: u64, expected: Option<u64>) -> Result<(), UnpackError> {
    match expected.is_some_and(|expected| there < expected) {
        true => Err(Refusal::Cut { within: "this entry" }.into()),
        false => Ok(()),
    }
}
