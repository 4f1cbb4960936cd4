//! Who owns the folders that the program writes to, and so who it should be.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::privileges::IMAGE_USER;

/// The folders of runs and data: the variable that sets each, and its default.
const FOLDERS: [(&str, &str); 2] = [("FRAGUA__OUTPUT__ROOT", "model_output"), ("FRAGUA__DATA__ROOT", "datasets")];

const ROOT: u32 = 0;

/// A user and a group, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// A folder that the program writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    path: PathBuf,
    owner: Owner,
    is_empty: bool,
}

impl Folder {
    fn at(path: PathBuf) -> Option<Self> {
        let found = fs::metadata(&path).ok().filter(fs::Metadata::is_dir)?;
        // What can't be looked into is not known to be empty.
        let is_empty = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
        Some(Self { path, owner: Owner { user: found.uid(), group: found.gid() }, is_empty })
    }

    /// A container engine creates a folder that is missing on the host: as root, and empty.
    fn was_made_by_the_engine(&self) -> bool {
        self.owner.user == ROOT && self.is_empty
    }
}

/// The user to become; `None` if the folders belong to the image's user. Folders that the container engine created are
/// given to that user.
pub fn owner() -> Option<Owner> {
    let folders: Vec<Folder> =
        FOLDERS.iter().filter_map(|(variable, default)| Folder::at(place(variable, default))).collect();
    let owner = choose(&folders)?;
    for folder in folders.iter().filter(|folder| folder.was_made_by_the_engine() && owner.user != ROOT) {
        give(&folder.path, owner);
    }
    Some(owner)
}

fn place(variable: &str, default: &str) -> PathBuf {
    env::var_os(variable).filter(|value| !value.is_empty()).map_or_else(|| default.into(), PathBuf::from)
}

fn choose(folders: &[Folder]) -> Option<Owner> {
    let others: Vec<&Folder> = folders.iter().filter(|folder| folder.owner.user != IMAGE_USER).collect();
    let person = others.iter().find(|folder| !folder.was_made_by_the_engine());
    person.or(others.first()).map(|folder| folder.owner)
}

/// If that fails, the program reports the folder that it can't write to.
fn give(path: &Path, owner: Owner) {
    let _reported_later = std::os::unix::fs::chown(path, Some(owner.user), Some(owner.group));
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Option<Owner> = None;

    fn folder(user: u32, is_empty: bool) -> Folder {
        Folder { path: PathBuf::from("folder"), owner: Owner { user, group: user }, is_empty }
    }

    fn user(folders: &[Folder]) -> Option<u32> {
        choose(folders).map(|owner| owner.user)
    }

    #[test]
    fn the_folders_of_the_image_need_nobody_else() {
        assert_eq!(choose(&[folder(IMAGE_USER, true), folder(IMAGE_USER, false)]), NOBODY);
        assert_eq!(choose(&[]), NOBODY);
    }

    #[test]
    fn the_owner_of_a_mounted_folder_is_who_runs() {
        assert_eq!(user(&[folder(1000, true), folder(1000, false)]), Some(1000));
        assert_eq!(user(&[folder(IMAGE_USER, true), folder(1000, true)]), Some(1000));
        assert_eq!(user(&[folder(1000, true), folder(1001, true)]), Some(1000), "the runs decide");
    }

    #[test]
    fn what_the_engine_made_says_nothing_about_the_person() {
        assert_eq!(user(&[folder(ROOT, true), folder(1000, false)]), Some(1000));
        assert_eq!(user(&[folder(1000, true), folder(ROOT, true)]), Some(1000));
        assert_eq!(user(&[folder(ROOT, true), folder(ROOT, true)]), Some(ROOT));
    }

    #[test]
    fn what_root_has_written_stays_with_root() {
        assert_eq!(user(&[folder(ROOT, false), folder(1000, false)]), Some(ROOT));
        assert_eq!(user(&[folder(ROOT, false), folder(ROOT, false)]), Some(ROOT));
    }
}
