//! Finding the events of a dataset: every folder, wherever in the tree, that directly holds radar files.
//!
//! Only names and file stamps are looked at here; nothing is opened.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PrepareError;
use crate::util::fs::FsError;

/// The endings of radar files.
const ENDINGS: [&str; 6] = ["nc", "nc3", "nc4", "cdf", "netcdf", "ncf"];

/// The name of an event whose files lie beside or above the folders of other events.
const BESIDE_OTHERS: &str = "event";

/// One event with its files, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFiles {
    /// The path of the folder below the root, with `/`. Files that lie at the top, or above the folders of other events,
    /// form an event with `event` as the last part of its path, so that no event contains another.
    pub path: String,
    /// The folder.
    pub folder: PathBuf,
    /// Its radar files.
    pub files: Vec<SourceFile>,
}

/// A radar file as the folder lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The file's name in the event's folder.
    pub name: String,
    /// What tells whether it was changed since.
    pub stamp: Stamp,
}

/// What tells that a file is still the same without reading it. A copy or a `touch` changes it though the content
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

/// Finds all events below a folder, sorted by path. Hidden files and folders are passed over; links are followed, once.
///
/// # Errors
/// Where a folder can't be read, a name is no UTF-8, or there is no radar file at all.
pub fn discover(root: &Path) -> Result<Vec<EventFiles>, PrepareError> {
    let mut events = Vec::new();
    let mut visited = Vec::new();
    visit(root, &mut Vec::new(), &mut visited, &mut events)?;
    if events.is_empty() {
        return Err(PrepareError::NoFiles { root: root.to_owned(), endings: ENDINGS.join(", .") });
    }
    part_nested(&mut events);
    events.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(events)
}

/// Gives events that contain others a path beside these.
fn part_nested(events: &mut [EventFiles]) {
    let paths: Vec<String> = events.iter().map(|event| event.path.clone()).collect();
    for event in events {
        let below = format!("{}/", event.path);
        if event.path.is_empty() || paths.iter().any(|path| path.starts_with(&below)) {
            let name = std::iter::repeat_n(BESIDE_OTHERS, paths.len() + 1).enumerate().map(|(index, name)| {
                let prefix = if event.path.is_empty() { "" } else { below.as_str() };
                format!("{prefix}{name}{}", if index == 0 { String::new() } else { index.to_string() })
            });
            let taken = |name: &String| paths.iter().any(|path| path == name || path.starts_with(&format!("{name}/")));
            event.path = name.into_iter().find(|name| !taken(name)).unwrap_or(below);
        }
    }
}

fn visit(
    folder: &Path,
    path: &mut Vec<String>,
    visited: &mut Vec<(u64, u64)>,
    events: &mut Vec<EventFiles>,
) -> Result<(), PrepareError> {
    let metadata = fs::metadata(folder).map_err(FsError::at("read", folder))?;
    let identity = (metadata.dev(), metadata.ino());
    if visited.contains(&identity) {
        return Ok(());
    }
    visited.push(identity);
    let mut files = Vec::new();
    for name in names(folder)? {
        let entry = folder.join(&name);
        let metadata = match fs::metadata(&entry) {
            // A link to nowhere, or a file that just went: what it was called tells whether it is missed.
            Err(error) if error.kind() == ErrorKind::NotFound && !is_radar_name(&name) => continue,
            metadata => metadata.map_err(FsError::at("read", &entry))?,
        };
        if metadata.is_dir() {
            path.push(name);
            visit(&entry, path, visited, events)?;
            path.pop();
        } else if is_radar_name(&name) {
            files.push(SourceFile { name, stamp: Stamp::of(&metadata) });
        }
    }
    if !files.is_empty() {
        events.push(EventFiles { path: path.join("/"), folder: folder.to_owned(), files });
    }
    Ok(())
}

/// The names in a folder but the hidden ones, sorted.
fn names(folder: &Path) -> Result<Vec<String>, PrepareError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(FsError::at("list", folder))? {
        let entry = entry.map_err(FsError::at("list", folder))?;
        match entry.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) => return Err(PrepareError::Name { folder: folder.to_owned(), name }),
        }
    }
    names.sort();
    Ok(names)
}

fn is_radar_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let events = discover(root).unwrap();
        events.into_iter().map(|event| (event.path, event.files.into_iter().map(|file| file.name).collect())).collect()
    }

    #[test]
    fn an_event_is_any_folder_that_directly_holds_radar_files() {
        let root = tree(&["a/20100826/2.nc", "a/20100826/1.nc", "a/20100826/notes.txt", "b/c/x.NC4", "b/readme.md"]);
        let expected = [("a/20100826", vec!["1.nc", "2.nc"]), ("b/c", vec!["x.NC4"])];
        let expected = expected.map(|(path, names)| (path.to_owned(), names.into_iter().map(String::from).collect()));
        assert_eq!(found(root.path()), expected);
    }

    #[test]
    fn files_at_the_top_are_an_event_and_hidden_things_are_none() {
        let root = tree(&["1.nc", ".hidden/2.nc", "e/.3.nc"]);
        assert_eq!(found(root.path()), [("event".to_owned(), vec!["1.nc".to_owned()])]);
    }

    #[test]
    fn no_event_contains_another() {
        let root = tree(&["1.nc", "a/1.nc", "a/b/1.nc", "a/event/c/1.nc", "event/1.nc"]);
        let paths: Vec<String> = found(root.path()).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a/b", "a/event/c", "a/event1", "event", "event1"]);
    }

    #[test]
    fn a_link_back_to_the_top_does_not_loop() {
        let root = tree(&["e/1.nc"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("e/again")).unwrap();
        assert_eq!(found(root.path()).len(), 1);
    }

    #[test]
    fn a_link_to_nowhere_is_only_missed_where_it_has_the_name_of_a_radar_file() {
        let root = tree(&["e/1.nc"]);
        std::os::unix::fs::symlink("gone", root.path().join("e/notes.txt")).unwrap();
        assert_eq!(found(root.path()), [("e".into(), vec!["1.nc".into()])]);
        std::os::unix::fs::symlink("gone.nc", root.path().join("e/2.nc")).unwrap();
        let error = discover(root.path()).unwrap_err().to_string();
        assert!(error.contains("e/2.nc"), "{error}");
    }

    #[test]
    fn a_folder_without_radar_files_is_refused_by_name() {
        let root = tree(&["readme.md"]);
        let error = discover(root.path()).unwrap_err().to_string();
        assert!(error.contains(root.path().to_str().unwrap()) && error.contains(".nc"), "{error}");
    }

    #[test]
    fn a_changed_file_has_another_stamp() {
        let root = tree(&["e/1.nc"]);
        let before = discover(root.path()).unwrap();
        assert_eq!(discover(root.path()).unwrap(), before);
        fs::write(root.path().join("e/1.nc"), b"longer").unwrap();
        assert_ne!(discover(root.path()).unwrap(), before);
    }
}
