//! From what arrived to the folder of raw files: archives are unpacked, radar files are taken as they are. The folder
//! appears whole, with the manifest of its files, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{AcquireError, Context, MANIFEST};
use crate::data::fetch::DownloadedFile;
use crate::data::manifest::{FileEntry, Manifest};
use crate::data::unpack;
use crate::util::fs::{self as durable, FsError};
use crate::util::sha256::Digest;

/// The endings that an archive's folder goes without, the longer ones first.
const ENDINGS: [&str; 8] = [".tar.gz", ".tar.zst", ".tgz", ".tzst", ".tar", ".zip", ".gz", ".zst"];

/// A file that arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrived {
    /// Where it lies; a relative path is below the folder of the download.
    pub path: PathBuf,
    /// Its place in the dataset, with its own name.
    pub name: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its digest, where the download computed one.
    pub sha256: Option<Digest>,
}

impl Arrived {
    /// An archive that lies on this machine anyway.
    pub fn lone(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().into();
        Self { path: path.to_owned(), name, bytes: 0, sha256: None }
    }

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
        Self { path, name, bytes: file.bytes, sha256: Some(file.sha256) }
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
    identity: &str,
    context: &Context<'_>,
) -> Result<(), AcquireError> {
    if let [only] = files {
        let path = place.join(&only.path);
        if unpack::detect(&path)?.is_archive() {
            return gather_one(&path, raw, identity, context);
        }
    }
    let partial = durable::partial_name(raw);
    durable::remove_tree(&partial)?;
    durable::create_dir_all(&partial)?;
    for file in files {
        context.fetch.stop.check()?;
        take(file, place, &partial, context)?;
    }
    commit(&partial, raw, identity)
}

/// The usual case: one archive is the dataset. Its manifest comes from the unpacking, without reading the files again.
fn gather_one(archive: &Path, raw: &Path, identity: &str, context: &Context<'_>) -> Result<(), AcquireError> {
    let (stop, progress) = (context.fetch.stop, context.fetch.progress);
    let mut unpacked = unpack::unpack(archive, raw, &context.limits, stop, progress)?;
    unpacked.manifest.source = identity.to_owned();
    unpacked.manifest.save(&unpacked.folder().join(MANIFEST))?;
    unpacked.commit()?;
    Ok(())
}

/// One of several files: an archive into a folder of its name, anything else as it is, without a second copy.
fn take(file: &Arrived, place: &Path, partial: &Path, context: &Context<'_>) -> Result<(), AcquireError> {
    let (from, to) = (place.join(&file.path), partial.join(&file.name));
    if let Some(parent) = to.parent() {
        durable::create_dir_all(parent)?;
    }
    if unpack::detect(&from).is_ok_and(unpack::Kind::is_archive) {
        let (stop, progress) = (context.fetch.stop, context.fetch.progress);
        let _ = unpack::unpack(&from, &folder_of(&to), &context.limits, stop, progress)?.commit()?;
        return Ok(());
    }
    fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).map_err(FsError::at("write", &to))?;
    Ok(())
}

/// `a/storms.2014.tar.gz` is unpacked into `a/storms.2014`; where that is taken, as by `a/storms.2014.zip`, into a folder of
/// the archive's whole name.
fn folder_of(archive: &Path) -> PathBuf {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending)).map_or(0, |ending| ending.len());
    let stem = archive.with_file_name(&name[..name.len() - ending]);
    if ending == name.len() || stem.exists() { archive.to_owned() } else { stem }
}

/// Writes the manifest of a folder that is complete but not in place yet, and puts it there.
pub fn commit(partial: &Path, raw: &Path, identity: &str) -> Result<(), AcquireError> {
    let mut paths = Vec::new();
    list(partial, String::new(), &mut paths)?;
    paths.sort();
    let entry = |path: String| -> Result<FileEntry, AcquireError> {
        let file = partial.join(&path);
        let bytes = fs::metadata(&file).map_err(FsError::at("read", &file))?.len();
        let sha256 = Digest::of_file(&file).map_err(FsError::at("read", &file))?;
        Ok(FileEntry { path, bytes, sha256 })
    };
    let files = paths.into_par_iter().map(entry).collect::<Result<_, _>>()?;
    Manifest { source: identity.to_owned(), files }.save(&partial.join(MANIFEST))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_goes_into_a_folder_of_its_name_that_no_other_has() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| folder_of(&root.path().join(name)).file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(folder("storms.2014.01.tar.gz"), "storms.2014.01");
        assert_eq!(folder("storms.2014.02.TGZ"), "storms.2014.02");
        assert_eq!(folder("storms"), "storms");
        assert_eq!(folder(".zip"), ".zip");
        fs::create_dir(root.path().join("storms.2014.01")).unwrap();
        assert_eq!(folder("storms.2014.01.zip"), "storms.2014.01.zip");
    }
}
