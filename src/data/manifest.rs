//! The list of a dataset's files with their sizes and digests: what was unpacked, and whether it is still the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::{FsError, write_atomic};
use crate::util::sha256::{Digest, Hasher};

/// The version of the file format that this program writes and reads.
const VERSION: u32 = 1;

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The path relative to the dataset's folder, parts joined by `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// All files of a dataset, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Their origin: the archive's name, or an address.
    pub source: String,
    /// The files, sorted by path, each path once.
    pub files: Vec<FileEntry>,
}

/// A manifest that can't be used, or a file that is not as its manifest says.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file is not a manifest.
    #[error("{} is no manifest ({problem}); remove it and fetch the dataset again", path.display())]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another version of the program wrote it.
    #[error("{} has format version {got}, this program reads version {VERSION}; use the program that wrote it or fetch the dataset again", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        got: u32,
    },
    /// A file of the manifest is not there.
    #[error("{} is missing; fetch the dataset again", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file has another size.
    #[error("{} has {got} bytes, expected {expected}; fetch the dataset again", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its size.
        got: u64,
        /// The size in the manifest.
        expected: u64,
    },
    /// A file has other content.
    #[error("{} has SHA-256 {got}, expected {expected}; fetch the dataset again", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Its digest.
        got: Digest,
        /// The digest in the manifest.
        expected: Digest,
    },
}

impl ManifestError {
    /// 65 if something differs, 73 or 74 if the disk failed.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            _ => Exit::DataRefused,
        }
    }
}

/// The file format.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format_version: u32,
    source: String,
    fingerprint: Digest,
    files: Vec<FileEntry>,
}

/// Read first, so that another version is named as such and not as a damaged file.
#[derive(Deserialize)]
struct StoredVersion {
    format_version: u32,
}

impl Manifest {
    /// Identifies the dataset: changes with any path, size or content, and with nothing else.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut hasher = Hasher::default();
        hasher.update(b"fragua manifest 1\n");
        for file in &self.files {
            // The length before the path keeps two lists of files from having the same bytes.
            hasher.update(&(file.path.len() as u64).to_le_bytes());
            hasher.update(file.path.as_bytes());
            hasher.update(&file.bytes.to_le_bytes());
            hasher.update(file.sha256.to_string().as_bytes());
        }
        hasher.finish()
    }

    /// The entry of a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&FileEntry> {
        let place = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(place)
    }

    /// Writes it durably.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn save(&self, path: &Path) -> Result<(), ManifestError> {
        let (source, files) = (self.source.clone(), self.files.clone());
        let stored = Stored { format_version: VERSION, source, fingerprint: self.fingerprint(), files };
        let mut text = serde_json::to_string_pretty(&stored)
            .map_err(|error| ManifestError::Unreadable { path: path.to_owned(), problem: error.to_string() })?;
        text.push('\n');
        Ok(write_atomic(path, text.as_bytes())?)
    }

    /// Reads it and checks that it is whole.
    ///
    /// # Errors
    /// If it can't be read, is damaged, or is of another version.
    pub fn load(path: &Path) -> Result<Self, ManifestError> {
        let text = fs::read(path).map_err(FsError::at("read", path))?;
        let unreadable = |problem| ManifestError::Unreadable { path: path.to_owned(), problem };
        let version: StoredVersion = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if version.format_version != VERSION {
            return Err(ManifestError::Version { path: path.to_owned(), got: version.format_version });
        }
        let stored: Stored = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let manifest = Self { source: stored.source, files: stored.files };
        if !manifest.files.is_sorted_by(|one, next| one.path < next.path) {
            return Err(unreadable("its files are not sorted by path".to_owned()));
        }
        if manifest.fingerprint() != stored.fingerprint {
            return Err(unreadable("its fingerprint does not fit its files".to_owned()));
        }
        Ok(manifest)
    }
}

impl FileEntry {
    /// Reads the file below `folder` and compares it.
    ///
    /// # Errors
    /// If it is missing, can't be read, or differs.
    pub fn verify(&self, folder: &Path) -> Result<(), ManifestError> {
        let path = folder.join(&self.path);
        let got = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ManifestError::Missing { path }),
            metadata => metadata.map_err(FsError::at("read", &path))?.len(),
        };
        if got != self.bytes {
            return Err(ManifestError::Size { path, got, expected: self.bytes });
        }
        let got = Digest::of_file(&path).map_err(FsError::at("read", &path))?;
        match got == self.sha256 {
            true => Ok(()),
            false => Err(ManifestError::Content { path, got, expected: self.sha256 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let entry = |path: &str, content: &[u8]| FileEntry { path: path.into(), bytes: 3, sha256: Digest::of(content) };
        Manifest { source: "storms.tar.gz".into(), files: vec![entry("a/b.nc", b"abc"), entry("c.nc", b"def")] }
    }

    #[test]
    fn what_is_saved_is_what_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        manifest().save(&path).unwrap();
        assert_eq!(Manifest::load(&path).unwrap(), manifest());
        assert_eq!(manifest().get("c.nc"), Some(&manifest().files[1]));
        assert_eq!(manifest().get("d.nc"), None);
    }

    #[test]
    fn the_fingerprint_is_that_of_every_earlier_version_and_changes_with_every_part_of_it() {
        let known = manifest().fingerprint();
        assert_eq!(known.to_string(), "364334d019db5cea09d523d4d7e5ab14d076bc7b290673e5329278f99f5bb04c");
        let changes: [fn(&mut Manifest); 4] = [
            |manifest| manifest.files[0].path = "a/b.nd".into(),
            |manifest| manifest.files[0].bytes = 4,
            |manifest| manifest.files[0].sha256 = Digest::of(b"x"),
            |manifest| manifest.files.truncate(1),
        ];
        for change in changes {
            let mut changed = manifest();
            change(&mut changed);
            assert_ne!(changed.fingerprint(), known);
        }
        let moved = Manifest { source: "elsewhere".into(), ..manifest() };
        assert_eq!(moved.fingerprint(), known);
    }

    #[test]
    fn other_versions_and_damaged_manifests_are_refused_each_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        manifest().save(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let load = |text: &str| {
            fs::write(&path, text).unwrap();
            Manifest::load(&path).unwrap_err().to_string()
        };
        let newer = load(&text.replace("\"format_version\": 1", "\"format_version\": 2, \"more\": 3"));
        assert!(newer.contains("has format version 2, this program reads version 1"), "{newer}");
        assert!(load(&text.replace("\"bytes\": 3", "\"bytes\": 4")).contains("fingerprint does not fit"));
        assert!(load(&text.replace("a/b.nc", "x/b.nc")).contains("not sorted"));
        assert!(load(&text[..text.len() / 2]).contains("is no manifest"));
    }

    #[test]
    fn a_file_that_is_missing_or_differs_is_named_with_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let entry = &manifest().files[1];
        assert!(matches!(entry.verify(folder.path()), Err(ManifestError::Missing { .. })));
        fs::write(folder.path().join("c.nc"), "defg").unwrap();
        assert!(matches!(entry.verify(folder.path()), Err(ManifestError::Size { got: 4, expected: 3, .. })));
        fs::write(folder.path().join("c.nc"), "deg").unwrap();
        let error = entry.verify(folder.path()).unwrap_err();
        assert!(error.to_string().contains(&entry.sha256.to_string()), "{error}");
        assert_eq!(error.exit(), Exit::DataRefused);
        fs::write(folder.path().join("c.nc"), "def").unwrap();
        entry.verify(folder.path()).unwrap();
    }
}
