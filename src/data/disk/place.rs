//! How a complete folder (a checkpoint, a store of records) gets its name, how one is taken away, and how both are finished
//! after a crash. Every rename is within the folder above it.

use std::path::{Path, PathBuf};

use super::{Disk, forget, is_folder, parent, partials, remove_tree, rename};
use crate::util::fs::FsError;

/// The hidden name of a valid folder while another one replaces it.
fn old_name(place: &Path) -> PathBuf {
    place.with_file_name(format!(".{}.old", name(place)))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What has the name before another folder gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// It may be complete, so it is removed only when the new one is durable.
    Whole,
    /// A damaged one, which is set aside for the user.
    Damaged,
}

/// Gives a complete, synced folder its name.
pub(crate) fn into_place(disk: &dyn Disk, complete: &Path, place: &Path, before: Before) -> Result<(), FsError> {
    let aside = match before {
        Before::Nothing => None,
        Before::Whole => Some(old_name(place)),
        Before::Damaged => Some(damaged_name(disk, place)?),
    };
    if let Some(aside) = &aside {
        disk.rename(place, aside).map_err(FsError::at("rename", place))?;
    }
    let renamed = disk.rename(complete, place).map_err(FsError::at("rename", complete));
    renamed.inspect_err(|_| bring_back(disk, aside.as_deref(), place))?;
    let synced = disk.sync_folder(parent(place)).map_err(FsError::at("sync folder", parent(place)));
    synced.inspect_err(|_| {
        // The state of the disk is unknown. The new folder loses its name, so that it does not count as saved.
        bring_back(disk, Some(place), complete);
        bring_back(disk, aside.as_deref(), place);
    })?;
    if let Some(aside) = aside.filter(|_| before == Before::Whole) {
        forget(disk, &aside);
    }
    Ok(())
}

/// Undoes a rename. If even that fails, the next start does it.
fn bring_back(disk: &dyn Disk, from: Option<&Path>, to: &Path) {
    if let Some(error) = from.and_then(|from| disk.rename(from, to).err()) {
        tracing::debug!("left {} for the next start: {error}", to.display());
    }
}

fn damaged_name(disk: &dyn Disk, place: &Path) -> Result<PathBuf, FsError> {
    let mut path = place.with_file_name(format!("{}.damaged", name(place)));
    let mut number = 1;
    while is_folder(disk, &path)? {
        number += 1;
        path = place.with_file_name(format!("{}.damaged-{number}", name(place)));
    }
    Ok(path)
}

/// Removes a folder: its name is removed durably before its files. The next start removes leftovers.
pub(crate) fn take_away(disk: &dyn Disk, place: &Path, hidden: &Path) -> Result<(), FsError> {
    if is_folder(disk, place)? {
        rename(disk, place, hidden)?;
        forget(disk, hidden);
    }
    Ok(())
}

/// Finishes what a killed program had begun: removes partial folders; restores an old folder if nothing replaced it.
pub(crate) fn recover(disk: &dyn Disk, folder: &Path) -> Result<(), FsError> {
    for entry in disk.list(folder).map_err(FsError::at("read folder", folder))? {
        let Some(place) = entry.name.strip_prefix('.').and_then(|name| name.strip_suffix(".old")) else { continue };
        let (old, place) = (folder.join(&entry.name), folder.join(place));
        if is_folder(disk, &place)? {
            // The name of the new folder may not be durable yet: the old one is removed only after that.
            disk.sync_folder(parent(&place)).map_err(FsError::at("sync folder", folder))?;
            remove_tree(disk, &old)?;
        } else {
            rename(disk, &old, &place)?;
        }
    }
    let partials = partials(disk, folder)?;
    if !partials.is_empty() {
        // They may have had a final name that only this process has removed; that must be durable before their files
        // go.
        disk.sync_folder(folder).map_err(FsError::at("sync folder", folder))?;
    }
    partials.iter().try_for_each(|partial| remove_tree(disk, partial))
}
