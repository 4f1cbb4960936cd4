//! From the download to the folder of raw files: archives are unpacked, other files are used unchanged. The folder
//! appears complete, with the manifest of its files, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::record::Origin;
use super::{AcquireError, Context, MANIFEST};
use crate::data::fetch::{DownloadedFile, digest_of};
use crate::data::manifest::{FileEntry, Manifest};
use crate::data::unpack;
use crate::util::fs::{self as durable, FsError};
use crate::util::progress::Silent;
use crate::util::sha256::Digest;

/// A file that arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrived {
    /// Its path; a relative one is below the download folder.
    pub path: PathBuf,
    /// Its place in the dataset, with its own name.
    pub name: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

impl Arrived {
    /// A file that was downloaded into `place`.
    pub fn file(file: &DownloadedFile, place: &Path) -> Self {
        Self::of(file, file.origin.as_str().into(), place)
    }

    /// One of several files that were downloaded into a folder below `place`.
    pub fn in_folder(file: &DownloadedFile, folder: &Path, place: &Path) -> Self {
        let name = file.path.strip_prefix(folder).unwrap_or(&file.path).to_owned();
        Self::of(file, name, place)
    }

    fn of(file: &DownloadedFile, name: PathBuf, place: &Path) -> Self {
        let path = file.path.strip_prefix(place).unwrap_or(&file.path).to_owned();
        Self { path, name, bytes: file.bytes, sha256: file.sha256 }
    }

    /// Whether it is still there, in full length.
    pub fn is_there(&self, place: &Path) -> bool {
        fs::metadata(place.join(&self.path)).is_ok_and(|metadata| metadata.len() == self.bytes)
    }
}

/// Makes the folder `raw` of everything that arrived.
pub fn gather(
    files: &[Arrived],
    place: &Path,
    raw: &Path,
    origin: &Origin,
    context: &Context<'_>,
) -> Result<(), AcquireError> {
    if let [only] = files {
        let path = place.join(&only.path);
        if !context.is_payload(&path, &only.name)? {
            return gather_one(&path, raw, origin, context);
        }
    }
    let partial = durable::partial_name(raw);
    durable::remove_tree(&partial)?;
    durable::create_dir_all(&partial)?;
    for file in files {
        context.fetch.stop.check()?;
        take(file, place, &partial, context)?;
    }
    commit(&partial, raw, origin, context)
}

/// The usual case: one archive is the dataset. Its manifest is made while unpacking, without reading the files again.
pub fn gather_one(archive: &Path, raw: &Path, origin: &Origin, context: &Context<'_>) -> Result<(), AcquireError> {
    let (stop, progress) = (context.fetch.stop, context.fetch.progress);
    let mut unpacked = unpack::unpack(archive, raw, &context.limits, stop, progress)?;
    unpacked.manifest.source = origin.to_string();
    unpacked.manifest.save(&unpacked.folder().join(MANIFEST))?;
    unpacked.commit()?;
    Ok(())
}

/// A file of this machine that is the whole dataset. It is copied: whoever owns it may change it.
pub fn gather_file(file: &Path, raw: &Path, origin: &Origin, context: &Context<'_>) -> Result<(), AcquireError> {
    let partial = durable::partial_name(raw);
    durable::remove_tree(&partial)?;
    durable::create_dir_all(&partial)?;
    let to = partial.join(file.file_name().unwrap_or_default());
    fs::copy(file, &to).map_err(FsError::at("write", &to))?;
    commit(&partial, raw, origin, context)
}

/// One of several files: an archive into a folder of its name, anything else as it is, without a second copy.
fn take(file: &Arrived, place: &Path, partial: &Path, context: &Context<'_>) -> Result<(), AcquireError> {
    let (from, to) = (place.join(&file.path), partial.join(&file.name));
    if let Some(parent) = to.parent() {
        durable::create_dir_all(parent)?;
    }
    if unpack::recognise(&from).is_ok() && !context.is_payload(&from, &file.name)? {
        return take_archive(&from, &to, context);
    }
    fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).map_err(FsError::at("write", &to))?;
    Ok(())
}

fn take_archive(from: &Path, to: &Path, context: &Context<'_>) -> Result<(), AcquireError> {
    let (stop, progress) = (context.fetch.stop, context.fetch.progress);
    let folder = folder_of(to);
    let manifest = unpack::unpack(from, &folder, &context.limits, stop, progress)?.commit()?;
    match manifest.files.as_slice() {
        // A compressed file is stored where the uncompressed one would be.
        [only] if !is_tar_or_zip(from) => {
            let target = unused(&folder.with_file_name(&only.path));
            fs::rename(folder.join(&only.path), &target).map_err(FsError::at("rename", &target))?;
            Ok(durable::remove_tree(&folder)?)
        }
        _ => Ok(()),
    }
}

fn is_tar_or_zip(archive: &Path) -> bool {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    ENDINGS_OF_ARCHIVES.iter().any(|ending| name.ends_with(ending))
}

/// Endings that are not part of a dataset's name. Compressed single files end in the last two.
const ENDINGS_OF_ARCHIVES: [&str; 7] = [".tar.gz", ".tar.zst", ".tar", ".tgz", ".tzst", ".zip", ".tar.zstd"];
const ENDINGS_OF_COMPRESSED: [&str; 3] = [".gz", ".zst", ".zstd"];

/// `a/storms.2014.tar.gz` is unpacked into `a/storms.2014`.
fn folder_of(archive: &Path) -> PathBuf {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let endings = ENDINGS_OF_ARCHIVES.iter().chain(&ENDINGS_OF_COMPRESSED);
    let length =
        endings.filter(|ending| name.to_ascii_lowercase().ends_with(**ending)).map(|ending| ending.len()).max();
    let stem = name.get(..name.len() - length.unwrap_or(0)).filter(|stem| !stem.is_empty()).unwrap_or("archive");
    unused(&archive.with_file_name(stem))
}

/// The path itself, or an unused similar one.
fn unused(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = name.rsplit_once('.').map_or((name.as_str(), ""), |(stem, _)| (stem, &name[stem.len()..]));
    let others = (2..).map(|number| path.with_file_name(format!("{stem}-{number}{ending}")));
    let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    std::iter::once(path.to_owned()).chain(others).find(is_free).unwrap_or_else(|| path.to_owned())
}

/// Writes the manifest of a complete folder and moves it to its place.
pub fn commit(partial: &Path, raw: &Path, origin: &Origin, context: &Context<'_>) -> Result<(), AcquireError> {
    let mut paths = Vec::new();
    list(partial, String::new(), &mut paths)?;
    paths.sort();
    let entry = |path: String| -> Result<FileEntry, AcquireError> {
        let file = partial.join(&path);
        let bytes = fs::metadata(&file).map_err(FsError::at("read", &file))?.len();
        let sha256 = digest_of(&file, context.fetch.stop, &Silent)?;
        Ok(FileEntry { path, bytes, sha256 })
    };
    let files = paths.into_par_iter().map(entry).collect::<Result<_, _>>()?;
    Manifest { source: origin.to_string(), files }.save(&partial.join(MANIFEST))?;
    durable::sync_file_system(partial)?;
    Ok(durable::rename(partial, raw)?)
}

fn list(folder: &Path, below: String, paths: &mut Vec<String>) -> Result<(), AcquireError> {
    for entry in fs::read_dir(folder).map_err(FsError::at("list", folder))? {
        let entry = entry.map_err(FsError::at("list", folder))?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        match entry.file_type().map_err(FsError::at("read", &entry.path()))?.is_dir() {
            true => list(&entry.path(), format!("{path}/"), paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}
