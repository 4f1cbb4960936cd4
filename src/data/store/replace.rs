//! How a finished folder takes the place of an older one: at no moment is there neither, and after a crash a complete one
//! is found again.
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

/// The same without an exchange of names.
fn in_steps(complete: &Path, place: &Path) -> Result<(), FsError> {
    let old = old_name(place);
    remove_tree(&old)?;
    rename(place, &old)?;
    if let Err(error) = rename(complete, place) {
        rename(&old, place)?;
        return Err(error);
    }
    remove_tree(&old)
}

/// Removes a folder so that it is never incomplete under its name.
pub(super) fn take_away(place: &Path) -> Result<(), FsError> {
    let hidden = partial_name(place);
    remove_tree(&hidden)?;
    rename(place, &hidden)?;
    remove_tree(&hidden)
}

/// Clears away what a killed program left in `folder` and below: partial folders go, and an old one that nothing took the
/// place of comes back. `is_event` identifies the folders that are not searched.
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
    fn an_old_folder_comes_back_where_nothing_took_its_place() {
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
