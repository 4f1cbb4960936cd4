//! How a finished folder replaces an older one: one of them always exists, and after a crash a complete one is found
//! again.
//!
//! Linux exchanges two names in one step. If the file system can't (some network mounts), the old folder is moved away
//! under a hidden name first; [`recover`] brings it back if nothing took its place.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::util::fs::{FsError, partial_name, remove_tree, rename, sync_parent};

/// The hidden name of the older folder while it is being replaced in steps.
fn old_name(place: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(".old");
    place.with_file_name(name)
}

/// Gives a complete, synced folder its final name, replacing what is there.
pub(super) fn into_place(complete: &Path, place: &Path) -> Result<(), FsError> {
    if !place.exists() {
        return rename(complete, place);
    }
    match renameat_with(CWD, complete, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => {
            sync_parent(place)?;
            remove_tree(complete)
        }
        Err(_) => in_steps(complete, place),
    }
}

fn in_steps(complete: &Path, place: &Path) -> Result<(), FsError> {
    in_steps_by(rename, complete, place)
}

/// How a folder gets another name.
type Rename = fn(&Path, &Path) -> Result<(), FsError>;

/// The same without an exchange of names.
fn in_steps_by(rename: Rename, complete: &Path, place: &Path) -> Result<(), FsError> {
    let old = old_name(place);
    remove_tree(&old)?;
    match rename(place, &old) {
        Err(error) if is_of_other_layer(&error) => {
            dissolve(place)?;
            return rename(complete, place);
        }
        moved => moved?,
    }
    if let Err(error) = rename(complete, place) {
        rename(&old, place)?;
        return Err(error);
    }
    remove_tree(&old)
}

/// Removes a folder so that it is never incomplete under its name.
pub(super) fn take_away(place: &Path) -> Result<(), FsError> {
    take_away_by(rename, place)
}

fn take_away_by(rename: Rename, place: &Path) -> Result<(), FsError> {
    let hidden = partial_name(place);
    remove_tree(&hidden)?;
    match rename(place, &hidden) {
        Err(error) if is_of_other_layer(&error) => dissolve(place),
        moved => {
            moved?;
            remove_tree(&hidden)
        }
    }
}

/// Whether a folder can't be renamed because an image of a container has it: it is in a lower layer of an overlay.
fn is_of_other_layer(error: &FsError) -> bool {
    error.source.raw_os_error() == Some(libc::EXDEV)
}

/// Removes a folder that can't be renamed, its description first, so that a killed program leaves nothing that looks
/// complete.
fn dissolve(place: &Path) -> Result<(), FsError> {
    let description = place.join(super::metadata::DESCRIPTION);
    match fs::remove_file(&description) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(FsError::at("remove", &description)(error));
        }
        _ => sync_parent(&description)?,
    }
    remove_tree(place)
}

/// Cleans up after a killed program in `folder` and below: partial folders are removed, and an old one that was not
/// replaced is restored. `is_event` identifies the folders that are not searched.
pub(super) fn recover(folder: &Path, is_event: &impl Fn(&Path) -> bool) -> Result<(), FsError> {
    for entry in fs::read_dir(folder).map_err(FsError::at("read folder", folder))? {
        let entry = entry.map_err(FsError::at("read folder", folder))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let hidden = name.strip_prefix('.');
        if let Some(place) = hidden.and_then(|name| name.strip_suffix(".old")).map(|name| folder.join(name)) {
            if place.exists() { remove_tree(&path)? } else { rename(&path, &place)? }
        } else if hidden.is_some_and(|name| name.ends_with(".partial")) {
            if path.is_dir() {
                remove_tree(&path)?
            } else {
                fs::remove_file(&path).map_err(FsError::at("remove", &path))?
            }
        } else if hidden.is_none() && path.is_dir() && !is_event(&path) {
            recover(&path, is_event)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an overlay does with folders of its lower layers: it gives them no other name.
    fn of_overlay(from: &Path, to: &Path) -> Result<(), FsError> {
        match from.file_name().is_some_and(|name| name == "lower") {
            true => Err(FsError::at("rename", from)(std::io::Error::from_raw_os_error(libc::EXDEV))),
            false => rename(from, to),
        }
    }

    #[test]
    fn a_folder_that_can_not_be_renamed_is_replaced_and_removed_all_the_same() {
        let root = tempfile::tempdir().unwrap();
        let (new, place) = (root.path().join(".lower.partial"), root.path().join("lower"));
        folder_with(&place, "old");
        fs::write(place.join("zarr.json"), "{}").unwrap();
        folder_with(&new, "new");
        in_steps_by(of_overlay, &new, &place).unwrap();
        assert_eq!((content(&place).as_str(), new.exists(), place.join("zarr.json").exists()), ("new", false, false));
        take_away_by(of_overlay, &place).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    fn folder_with(path: &Path, content: &str) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("content"), content).unwrap();
    }

    fn content(path: &Path) -> String {
        fs::read_to_string(path.join("content")).unwrap()
    }

    #[test]
    fn both_ways_leave_only_the_new_folder() {
        for replace in [into_place, in_steps] {
            let root = tempfile::tempdir().unwrap();
            let (new, place) = (root.path().join(".event.partial"), root.path().join("event"));
            folder_with(&place, "old");
            folder_with(&new, "new");
            replace(&new, &place).unwrap();
            assert_eq!(content(&place), "new");
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn an_old_folder_is_restored_if_nothing_replaced_it() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("deep/b"));
        folder_with(&old_name(&a), "old a");
        folder_with(&root.path().join(".a.partial"), "new a");
        folder_with(&old_name(&b), "old b");
        folder_with(&b, "new b");
        recover(root.path(), &|path| path.join("content").exists()).unwrap();
        assert_eq!([content(&a), content(&b)], ["old a", "new b"]);
        assert!(!old_name(&a).exists() && !old_name(&b).exists() && !root.path().join(".a.partial").exists());
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_folder() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("event");
        folder_with(&place, "old");
        assert!(into_place(&root.path().join(".event.partial"), &place).is_err());
        assert_eq!(content(&place), "old");
        assert!(!old_name(&place).exists());
    }
}
