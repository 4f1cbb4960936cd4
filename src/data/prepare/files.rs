//! Finding the files of a dataset: every folder, wherever in the tree, that directly holds files of one kind.
//!
//! Only names and file stamps are read here; no file is opened.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::FsError;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// What one is called: "image".
    pub name: &'static str,
    /// The endings of their names, without the dot, in lower case. A hyphen may be in its place if the ending has one too.
    pub endings: &'static [&'static str],
    /// The required layout: "in a folder for each class".
    pub layout: &'static str,
    /// Names that are not files of the dataset though their ending is right, and folders that are skipped: "__MACOSX".
    pub ignored: &'static [&'static str],
}

impl FileKind {
    /// Whether a file with this name is part of the dataset.
    #[must_use]
    pub fn is_name(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let has = |ending: &str| {
            let stem = name.strip_suffix(ending);
            // `train-images-idx3-ubyte` is how such files are published, `train-images.idx3-ubyte` how some unpack them.
            stem.is_some_and(|stem| stem.ends_with('.') || ending.contains('-') && stem.ends_with('-'))
        };
        self.endings.iter().any(|ending| has(ending))
    }
}

/// A folder with the files directly in it, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its path below the root, with `/`; empty for the root itself.
    pub path: String,
    /// Where it is.
    pub folder: PathBuf,
    /// Its files.
    pub files: Vec<SourceFile>,
}

/// A file as its folder lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name in the folder.
    pub name: String,
    /// Shows whether it has changed since.
    pub stamp: Stamp,
}

/// Shows without reading a file that it is unchanged. A copy or a `touch` changes it though the content
/// stays: then the content decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The size.
    pub bytes: u64,
    /// The file's number on its file system.
    pub inode: u64,
    /// When content or attributes last changed, in nanoseconds; only compared for equality, never for order.
    pub changed_ns: i64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let changed_ns = metadata.ctime().wrapping_mul(1_000_000_000).wrapping_add(metadata.ctime_nsec());
        Self { bytes: metadata.len(), inode: metadata.ino(), changed_ns }
    }
}

/// Files that can't be found.
#[derive(Debug, Error)]
pub enum FilesError {
    /// There are no such files.
    #[error("no {} below {}: expected files that end in .{}, {}", kind.name, root.display(), kind.endings.join(", ."), kind.layout)]
    None {
        /// The dataset's root.
        root: PathBuf,
        /// What was looked for.
        kind: FileKind,
    },
    /// A name can't be written into the dataset.
    #[error("{} holds the name {name:?}, which is not UTF-8; rename it", folder.display())]
    Name {
        /// The folder.
        folder: PathBuf,
        /// The name.
        name: OsString,
    },
    /// A folder can't be read.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl FilesError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::None { .. } | Self::Name { .. } => Exit::DataRefused,
            Self::Fs(error) => error.exit(),
        }
    }
}

/// Finds all folders below one that directly hold files of a kind, sorted by path. Hidden files and folders are
/// skipped; links are followed, once.
///
/// # Errors
/// If a folder can't be read, a name is not UTF-8, or there is no such file at all.
pub fn find(root: &Path, kind: &FileKind) -> Result<Vec<Folder>, FilesError> {
    let folders = every(root, kind)?.into_iter().map(|visited| visited.folder);
    let found: Vec<Folder> = folders.filter(|folder| !folder.files.is_empty()).collect();
    if found.is_empty() {
        return Err(FilesError::None { root: root.to_owned(), kind: *kind });
    }
    Ok(found)
}

/// A folder that was looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visited {
    /// The folder, with its files of the kind that is looked for.
    pub folder: Folder,
    /// Its other files.
    pub others: usize,
}

/// Looks into all folders below one, that one included, sorted by path; as [`find`], but empty folders are listed too.
///
/// # Errors
/// If a folder can't be read, or a name is not UTF-8.
pub fn every(root: &Path, kind: &FileKind) -> Result<Vec<Visited>, FilesError> {
    let mut search = Search { kind, path: Vec::new(), visited: Vec::new(), found: Vec::new() };
    search.visit(root)?;
    let mut found = search.found;
    found.sort_by(|a, b| a.folder.path.cmp(&b.folder.path));
    Ok(found)
}

/// Gives folders that contain others, and the root itself, a path beside these that ends in `name` or that with a number, so
/// that no path contains another.
pub fn part_nested(folders: &mut [Folder], name: &str) {
    let paths: Vec<String> = folders.iter().map(|folder| folder.path.clone()).collect();
    for folder in folders.iter_mut() {
        let below = format!("{}/", folder.path);
        if folder.path.is_empty() || paths.iter().any(|path| path.starts_with(&below)) {
            let prefix = if folder.path.is_empty() { "" } else { below.as_str() };
            let number = |index: usize| if index == 0 { String::new() } else { index.to_string() };
            let taken = |name: &String| paths.iter().any(|path| path == name || path.starts_with(&format!("{name}/")));
            let mut names = (0..=paths.len()).map(|index| format!("{prefix}{name}{}", number(index)));
            folder.path = names.find(|name| !taken(name)).unwrap_or(below);
        }
    }
    folders.sort_by(|a, b| a.path.cmp(&b.path));
}

struct Search<'a> {
    kind: &'a FileKind,
    path: Vec<String>,
    visited: Vec<(u64, u64)>,
    found: Vec<Visited>,
}

impl Search<'_> {
    fn visit(&mut self, folder: &Path) -> Result<(), FilesError> {
        let metadata = fs::metadata(folder).map_err(FsError::at("read", folder))?;
        let identity = (metadata.dev(), metadata.ino());
        if self.visited.contains(&identity) {
            return Ok(());
        }
        self.visited.push(identity);
        let (mut files, mut others) = (Vec::new(), 0);
        for name in names(folder)?.into_iter().filter(|name| !self.kind.ignored.contains(&name.as_str())) {
            let entry = folder.join(&name);
            let metadata = match fs::metadata(&entry) {
                // A dangling link, or a file that was just removed: its name decides whether it is missed. Reading it says why
                // it can't be used.
                Err(error) if error.kind() == ErrorKind::NotFound && !self.kind.is_name(&name) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ELOOP) => {
                    entry.symlink_metadata().map_err(FsError::at("read", &entry))?
                }
                metadata => metadata.map_err(FsError::at("read", &entry))?,
            };
            if metadata.is_dir() {
                self.path.push(name);
                self.visit(&entry)?;
                self.path.pop();
            } else if self.kind.is_name(&name) {
                files.push(SourceFile { name, stamp: Stamp::of(&metadata) });
            } else {
                others += 1;
            }
        }
        let folder = Folder { path: self.path.join("/"), folder: folder.to_owned(), files };
        self.found.push(Visited { folder, others });
        Ok(())
    }
}

/// The names in a folder except the hidden ones, sorted.
fn names(folder: &Path) -> Result<Vec<String>, FilesError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(FsError::at("list", folder))? {
        let entry = entry.map_err(FsError::at("list", folder))?;
        match entry.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) => return Err(FilesError::Name { folder: folder.to_owned(), name }),
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: FileKind = FileKind {
        name: "image",
        endings: &["png", "jpg"],
        layout: "in a folder for each class",
        ignored: &["__MACOSX", "Thumbs.jpg"],
    };

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for path in paths {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        root
    }

    fn found(root: &Path) -> Vec<(String, Vec<String>)> {
        let folders = find(root, &IMAGES).unwrap();
        let names = |folder: Folder| folder.files.into_iter().map(|file| file.name).collect();
        folders.into_iter().map(|folder| (folder.path.clone(), names(folder))).collect()
    }

    #[test]
    fn folders_come_with_the_files_that_lie_directly_in_them_and_nothing_that_is_ignored() {
        let root = tree(&[
            "B/2.png",
            "B/1.JPG",
            "B/notes.txt",
            "B/Thumbs.jpg",
            "A/more/3.png",
            "__MACOSX/B/._1.png",
            "4.png",
            ".hidden/5.png",
            "A/.6.png",
        ]);
        let expected = [("", vec!["4.png"]), ("A/more", vec!["3.png"]), ("B", vec!["1.JPG", "2.png"])];
        let expected = expected.map(|(path, names)| (path.to_owned(), names.into_iter().map(String::from).collect()));
        assert_eq!(found(root.path()), expected);
    }

    #[test]
    fn folders_that_contain_others_get_a_path_beside_them() {
        let root = tree(&["1.png", "a/1.png", "a/b/1.png", "a/rest/c/1.png", "rest/1.png"]);
        let mut folders = find(root.path(), &IMAGES).unwrap();
        part_nested(&mut folders, "rest");
        let paths: Vec<String> = folders.into_iter().map(|folder| folder.path).collect();
        assert_eq!(paths, ["a/b", "a/rest/c", "a/rest1", "rest", "rest1"]);
    }

    #[test]
    fn a_folder_without_files_of_the_kind_is_refused_with_what_was_expected() {
        let root = tree(&["readme.md"]);
        let error = find(root.path(), &IMAGES).unwrap_err();
        assert_eq!(error.exit(), Exit::DataRefused);
        let expected = format!(
            "no image below {}: expected files that end in .png, .jpg, in a folder for each class",
            root.path().display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let root = tree(&["a/1.png"]);
        fs::write(root.path().join(OsString::from_vec(b"\xff.png".to_vec())), b"x").unwrap();
        assert!(matches!(find(root.path(), &IMAGES), Err(FilesError::Name { .. })));
    }
}
