//! The events of a dataset: every folder, wherever in the tree, that directly holds radar files.

use std::path::Path;

use super::PrepareError;
use crate::data::prepare::files::{FileKind, FilesError, find, part_nested};
pub use crate::data::prepare::files::{Folder as EventFiles, SourceFile, Stamp};
use crate::task::nowcast::volume::{VolumeError, VolumeFile};

/// Radar files.
const RADAR: FileKind = FileKind {
    name: "radar file",
    endings: &["nc", "nc3", "nc4", "cdf", "netcdf", "ncf"],
    layout: "in a folder for each event",
    ignored: &[],
};

/// Files of other kinds that are opened to say what they are.
const MOST_LOOKED_AT: usize = 200;

/// The name of an event with files beside or above the folders of other events.
const BESIDE_OTHERS: &str = "event";

/// Finds all events below a folder, sorted by path. Files at the top, or above the folders of other events, form an event
/// with `event` as the last part of its path, so that no event contains another.
///
/// # Errors
/// If a folder can't be read, a name is not UTF-8, or there is no radar file at all.
pub fn discover(root: &Path) -> Result<Vec<EventFiles>, PrepareError> {
    let mut events = match find(root, &RADAR) {
        Err(FilesError::None { root, kind }) => {
            let foreign = first_foreign(&root, &mut { MOST_LOOKED_AT });
            return Err(foreign.map_or_else(|| FilesError::None { root, kind }.into(), PrepareError::Foreign));
        }
        found => found?,
    };
    part_nested(&mut events, BESIDE_OTHERS);
    Ok(events)
}

/// A file of a format that is known and not read, among the first files below a folder.
fn first_foreign(folder: &Path, left: &mut usize) -> Option<String> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).take(*left).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    entries.into_iter().find_map(|entry| {
        *left = left.checked_sub(1)?;
        // Links are not followed: a folder must not contain itself.
        match entry.file_type().ok()? {
            kind if kind.is_dir() => first_foreign(&entry.path(), left),
            _ => match VolumeFile::open(&entry.path(), "") {
                Err(error @ VolumeError::Foreign { .. }) => Some(error.to_string()),
                _ => None,
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        assert_eq!(found(root.path()), [("e".into(), vec!["1.nc".into(), "2.nc".into()])]);
    }

    #[test]
    fn files_of_a_known_format_are_named_if_there_are_no_others() {
        let root = tree(&["day/readme.md"]);
        std::fs::write(root.path().join("day/KTLX20230501_000123_V06"), b"AR2V0006.001").unwrap();
        let error = discover(root.path()).unwrap_err().to_string();
        assert!(error.contains("KTLX20230501_000123_V06 is NEXRAD level II") && error.contains("Radx2Grid"), "{error}");
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
