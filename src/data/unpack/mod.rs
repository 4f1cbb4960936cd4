//! Archives: from one file to a folder of plain files, complete and durable, or not there at all. It trusts nothing in
//! an archive, and does not know the meaning of the files.
//!
//! tar, tar.gz, tar.zst, zip and single gz or zst files are recognised by their first bytes. Only plain files and
//! folders are accepted; anything else refuses the whole archive, because a dataset with holes is worse than none.

mod decode;
mod error;
mod folder;
mod kind;
mod limits;
mod name;
mod pax;
mod pipeline;
mod tar;
mod tree;
mod writer;
mod zip;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use self::error::{Refusal, UnpackError};
pub use self::kind::{Kind, head, recognise};
pub use self::limits::Limits;
pub use self::name::NameProblem;
pub use self::zip::Zip;

use self::limits::Budget;
use self::pipeline::{Content, Source};
use self::tar::EntryKind;
use self::writer::Writer;
use super::manifest::Manifest;
use crate::util::fs::{self as durable, FsError};
use crate::util::progress::{Progress, Stage, Unit};
use crate::util::stop::Stop;
use crate::util::units;

/// An archive that has been unpacked beside its destination, complete and on the disk. [`Unpacked::commit`] puts it in
/// place; dropping it removes it.
#[derive(Debug)]
#[must_use = "dropping it removes what was unpacked"]
pub struct Unpacked {
    partial: Partial,
    into: PathBuf,
    /// Every file with its size and digest.
    pub manifest: Manifest,
    /// How many files were left out because macOS adds them to archives (`._name`, `.DS_Store`, `__MACOSX`).
    pub left_out: u64,
}

impl Unpacked {
    /// The current place of the files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.partial.path
    }

    /// Renames the folder to its destination, durably.
    ///
    /// # Errors
    /// If the rename fails; then nothing is left.
    pub fn commit(mut self) -> Result<Manifest, UnpackError> {
        durable::rename(&self.partial.path, &self.into)?;
        self.partial.is_kept = true;
        Ok(std::mem::take(&mut self.manifest))
    }
}

/// A folder that is removed unless it is kept.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
    is_kept: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        if let Err(error) = durable::remove_tree(&self.path) {
            tracing::warn!("{error}; the next start removes it");
        }
    }
}

/// Unpacks an archive into a new folder beside `into` (hidden, named by [`durable::partial_name`]); one from an earlier
/// attempt is removed first. It returns once everything is on the disk.
///
/// # Errors
/// If the archive is refused, the disk fails or is too small, or on a signal. Nothing is left then.
pub fn unpack(
    archive: &Path,
    into: &Path,
    limits: &Limits,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Unpacked, UnpackError> {
    let kind = recognise(archive)?;
    let job = Job { archive, kind, limits, stop, progress };
    job.run(into).map_err(|error| error.of(archive))
}

struct Job<'a> {
    archive: &'a Path,
    kind: Kind,
    limits: &'a Limits,
    stop: &'a Stop,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    fn run(&self, into: &Path) -> Result<Unpacked, UnpackError> {
        let began = Instant::now();
        let archive_bytes = fs::metadata(self.archive).map_err(FsError::at("read", self.archive))?.len();
        let partial = make_room(into)?;
        let budget = Budget::new(self.limits, archive_bytes, durable::free_bytes(&partial.path)?, &partial.path);
        self.progress.begin(Stage::Unpack, Some(archive_bytes), Unit::BYTES);
        let writer = Writer::create(&partial.path, budget, self.stop)?;
        let (manifest, left_out) = self.write(writer)?;
        let bytes = manifest.files.iter().map(|file| file.bytes).sum();
        let files = units::count(manifest.files.len() as u64, "file");
        let time = units::duration(began.elapsed());
        self.progress.end(&format!("{files}, {} in {time}{}", units::bytes(bytes), describe_left_out(left_out)));
        Ok(Unpacked { partial, into: into.to_owned(), manifest, left_out })
    }

    fn write(&self, mut writer: Writer) -> Result<(Manifest, u64), UnpackError> {
        let digests = self.read(&mut writer)?;
        if writer.tree.files() == 0 {
            return Err(Refusal::Empty.into());
        }
        writer.sync()?;
        self.stop.check()?;
        let source = self.archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((Manifest { source, files: writer.tree.into_files(&digests) }, writer.left_out))
    }

    fn read(&self, writer: &mut Writer) -> Result<Vec<crate::util::sha256::Digest>, UnpackError> {
        match self.kind {
            Kind::Tar => {
                let mut source = decode::plain(self.archive, self.progress, self.stop)?;
                Ok(pipeline::run(&mut source, self.stop, |content| read_tar(content, writer))?.1)
            }
            Kind::Gzip => {
                let (mut source, name) = decode::gzip(self.archive, self.progress, self.stop)?;
                self.read_stream(&mut source, name.as_deref(), writer)
            }
            Kind::Zstd => {
                let mut source = decode::zstd(self.archive, self.limits.window_log, self.progress, self.stop)?;
                self.read_stream(&mut source, None, writer)
            }
            Kind::Zip => zip::read(self.archive, self.progress, self.stop, writer),
        }
    }

    /// A compressed stream: a tar archive, or one file.
    fn read_stream(
        &self,
        source: &mut dyn Source,
        stated_name: Option<&[u8]>,
        writer: &mut Writer,
    ) -> Result<Vec<crate::util::sha256::Digest>, UnpackError> {
        let read = |content: &mut Content| match tar::looks_like_tar(content.available()?) {
            true => read_tar(content, writer),
            false => self.read_single(content, stated_name, writer),
        };
        Ok(pipeline::run(source, self.stop, read)?.1)
    }

    fn read_single(
        &self,
        content: &mut Content,
        stated_name: Option<&[u8]>,
        writer: &mut Writer,
    ) -> Result<(), UnpackError> {
        let own_name = self.archive.file_name().unwrap_or_default().to_string_lossy();
        check_single(content.available()?, &own_name)?;
        let stem = [".gz", ".zst", ".zstd"].iter().find_map(|suffix| own_name.strip_suffix(suffix));
        let stated = stated_name.and_then(name::sanitised_file_name);
        let fallback = || name::sanitised_file_name(stem.unwrap_or(&own_name).as_bytes());
        let file_name = stated.or_else(fallback).unwrap_or_else(|| "data".to_owned());
        writer.file(file_name.as_bytes(), None, content)
    }
}

fn read_tar(content: &mut Content, writer: &mut Writer) -> Result<(), UnpackError> {
    while let Some(entry) = tar::next_entry(content, &mut writer.budget)? {
        match entry.kind {
            EntryKind::Folder => writer.folder(&entry.name)?,
            EntryKind::File => {
                writer.file(&entry.name, Some(entry.bytes), content)?;
                tar::skip_fill(content, entry.bytes).map_err(|error| error.at(&entry.name))?;
            }
        }
    }
    Ok(())
}

/// Refuses a single file that is probably a mistake: an archive in an archive, a page, or no tar archive despite its
/// name.
fn check_single(head: &[u8], archive_name: &str) -> Result<(), Refusal> {
    let lower = archive_name.to_ascii_lowercase();
    if let Some(suffix) = [".tar.gz", ".tgz", ".tar.zst", ".tzst"].into_iter().find(|end| lower.ends_with(end)) {
        return Err(Refusal::NotTar { suffix });
    }
    match Kind::of_head(&head[..head.len().min(kind::HEAD_BYTES)]) {
        Ok(_) => Err(Refusal::WrongKind {
            found: "an archive within a compressed file",
            remedy: "unpack the outer one first and give the inner one",
        }),
        Err(Refusal::UnknownKind { .. }) => Ok(()),
        Err(_) if head.is_empty() => Err(Refusal::Empty),
        Err(refusal) => Err(refusal),
    }
}

/// The partial folder's place, free; an empty destination does not matter.
fn make_room(into: &Path) -> Result<Partial, UnpackError> {
    if fs::symlink_metadata(into).is_ok() && !fs::read_dir(into).is_ok_and(|mut folder| folder.next().is_none()) {
        return Err(UnpackError::InTheWay { folder: into.to_owned() });
    }
    let path = durable::partial_name(into);
    durable::remove_tree(&path)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        durable::create_dir_all(parent)?;
    }
    Ok(Partial { path, is_kept: false })
}

fn describe_left_out(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!("; left out {} that macOS had added", units::count(count, "file")),
    }
}

#[cfg(test)]
mod tests;
