//! What to type if something can't be written: it depends on the owner, the user, the mount and the container.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::container;
use crate::mount::{self, Mount};

/// A user and a group, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.user, self.group)
    }
}

/// The user and group of this process.
#[must_use]
pub fn process() -> Owner {
    Owner { user: rustix::process::geteuid().as_raw(), group: rustix::process::getegid().as_raw() }
}

/// The owner of a file or folder.
#[must_use]
pub fn owner(path: &Path) -> Option<Owner> {
    fs::metadata(path).ok().map(|found| Owner { user: found.uid(), group: found.gid() })
}

/// Everything that the remedy depends on.
struct Situation<'a> {
    /// The cause: a file, or the folder to write into.
    path: &'a Path,
    owner: Option<Owner>,
    process: Owner,
    mount: Option<&'a Mount>,
    in_container: bool,
}

/// The remedy if this process may not write at a path, in one sentence.
#[must_use]
pub fn denied(path: &Path) -> String {
    with_situation(path, |situation| situation.denied())
}

/// The remedy if a path is on a read-only mount, in one sentence.
#[must_use]
pub fn read_only(path: &Path) -> String {
    with_situation(path, |situation| situation.read_only())
}

fn with_situation(path: &Path, tell: impl Fn(&Situation<'_>) -> String) -> String {
    let process = process();
    let path = culprit(&mount::resolved(path), process.user);
    let mount = mount::of(&path);
    let (owner, in_container) = (owner(&path), container::around().is_some());
    tell(&Situation { path: &path, owner, process, mount: mount.as_ref(), in_container })
}

/// The cause, which exists: the path itself if it belongs to another user or its owner may not use it, otherwise the folder
/// that it is in.
fn culprit(path: &Path, user: u32) -> PathBuf {
    let is_foreign = |path: &Path| owner(path).is_some_and(|owner| owner.user != user);
    if path.is_dir() || is_foreign(path) || !missing(path).is_empty() {
        return path.to_owned();
    }
    path.ancestors().skip(1).find(|above| above.is_dir()).unwrap_or(path).to_owned()
}

/// The permissions that the owner of this needs and does not have, as `chmod` writes them.
fn missing(path: &Path) -> String {
    let Ok(found) = fs::metadata(path) else { return String::new() };
    let needed: &[(u32, char)] =
        if found.is_dir() { &[(0o400, 'r'), (0o200, 'w'), (0o100, 'x')] } else { &[(0o400, 'r'), (0o200, 'w')] };
    needed.iter().filter(|(bit, _)| found.mode() & bit == 0).map(|(_, letter)| *letter).collect()
}

impl Situation<'_> {
    fn denied(&self) -> String {
        let path = self.path.display();
        match self.owner {
            Some(owner) if owner.user != self.process.user => {
                format!(
                    "{path} belongs to user {owner} and this process is user {}: {}",
                    self.process,
                    self.give(owner)
                )
            }
            Some(_) if self.mount.is_some_and(Mount::is_network) => {
                format!(
                    "{path} is on a network drive whose server denies access: check how it is exported, or choose another folder"
                )
            }
            Some(_) => {
                let missing = missing(self.path);
                let needed = if missing.is_empty() { "rwx" } else { &missing };
                let path = quoted(self.path);
                format!("{path} belongs to this process's user {}: run `chmod u+{needed} {path}`", self.process)
            }
            None => "check its permissions, or choose another folder".to_owned(),
        }
    }

    /// How the folder and the process get the same user.
    fn give(&self, owner: Owner) -> String {
        let process = self.process;
        if !self.in_container {
            return format!("run `sudo chown -R {process} {}`, or start as user {owner}", quoted(self.path));
        }
        let on_host = self.mount.and_then(|mount| mount.path_on_host(self.path));
        let is_mounted = self.mount.is_some_and(|mount| !mount.is_root());
        let chown = match on_host {
            Some(path) => format!("on the host run `sudo chown -R {process} {}`", quoted(&path)),
            None if is_mounted => {
                format!("on the host run `sudo chown -R {process}` on the folder that is mounted there")
            }
            None => return format!("mount a folder of yours there with {}", self.example()),
        };
        // Docker creates a folder that is missing on the host as root, but the program should not run as root.
        match owner.user {
            0 => chown,
            _ => format!(
                "start the container with `docker run --user \"$(id -u):$(id -g)\" ...` as its owner, or {chown}"
            ),
        }
    }

    fn read_only(&self) -> String {
        let Some(mount) = self.mount.filter(|mount| mount.read_only) else {
            return "it is mounted read-only: mount it writable (without :ro), or choose another folder".to_owned();
        };
        let point = mount.point.display();
        match (self.in_container, mount.is_root()) {
            (true, true) => {
                format!("the container's own files are read-only: mount a folder there with {}", self.example())
            }
            (true, false) => format!(
                "{point} is mounted read-only: drop `:ro` from the -v or `readonly` from the --mount that puts it there, or choose another folder"
            ),
            (false, _) => format!(
                "{point} is mounted read-only: run `sudo mount -o remount,rw {point}`, or choose another folder"
            ),
        }
    }

    /// The flags that mount a folder of the host here.
    fn example(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("`docker run --user \"$(id -u):$(id -g)\" -v \"$PWD/{name}:{}\" ...`", self.path.display())
    }
}

/// The path as it is typed in a shell.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|letter| letter.is_alphanumeric() || "/._-+:,@".contains(letter));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mount(root: &str, point: &str, kind: &str, read_only: bool) -> Mount {
        Mount { root: root.into(), point: point.into(), read_only, kind: kind.into(), source: "/dev/sda1".into() }
    }

    /// The messages about `/app/model_output` with this owner on this mount, for a process of user 10001.
    fn messages(owner: u32, mount: &Mount, in_container: bool) -> [String; 2] {
        let owner = Some(Owner { user: owner, group: owner });
        let process = Owner { user: 10001, group: 10001 };
        let situation =
            Situation { path: Path::new("/app/model_output"), owner, process, mount: Some(mount), in_container };
        [situation.denied(), situation.read_only()]
    }

    #[test]
    fn the_message_says_what_to_type_for_every_cause() {
        let bind = mount("/srv/storm runs", "/app/model_output", "ext4", false);
        let disk = mount("/", "/app/model_output", "xfs", false);
        let layers = mount("/", "/", "overlay", false);
        let here = mount("/", "/", "ext4", false);
        let share = mount("/", "/app", "nfs4", false);
        let denied = [
            ("outside", messages(1000, &here, false)),
            ("outside, own", messages(10001, &here, false)),
            ("outside, network", messages(10001, &share, false)),
            ("bind mount", messages(1000, &bind, true)),
            ("bind mount that Docker made", messages(0, &bind, true)),
            ("whole disk", messages(1000, &disk, true)),
            ("no mount", messages(0, &layers, true)),
        ]
        .map(|(what, [denied, _])| format!("{what}: {denied}"));
        let read_only = [
            ("outside", messages(1000, &mount("/", "/data", "ext4", true), false)),
            ("bind mount", messages(1000, &mount("/srv", "/app/model_output", "ext4", true), true)),
            ("--read-only", messages(1000, &mount("/", "/", "overlay", true), true)),
            ("unknown", messages(1000, &here, true)),
        ]
        .map(|(what, [_, read_only])| format!("{what}: {read_only}"));
        insta::assert_snapshot!(denied.into_iter().chain(read_only).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn the_cause_is_the_folder_or_the_file_of_another_user() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("status.json");
        fs::write(&file, "").unwrap();
        let user = process().user;
        assert_eq!(culprit(&file, user), folder.path(), "the file is ours, so it is the folder");
        assert_eq!(culprit(&file, user + 1), file);
        for (mode, letters) in [(0o000, "rw"), (0o200, "r"), (0o444, "w")] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!((culprit(&file, user), missing(&file).as_str()), (file.clone(), letters), "{mode:o}");
        }
        assert_eq!(culprit(&folder.path().join("not/there"), user), folder.path());
        assert_eq!(culprit(folder.path(), user), folder.path());
    }

    #[test]
    fn a_path_is_quoted_if_a_shell_needs_it() {
        assert_eq!(
            ["/a/b-c_1.d", "/a b", "/a'b", "/$a"].map(|path| quoted(Path::new(path))),
            ["/a/b-c_1.d", "'/a b'", r"'/a'\''b'", "'/$a'"]
        );
    }
}
