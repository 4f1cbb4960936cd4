//! The commit of a folder that is the top of a git repository. A folder inside another repository has none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository with a commit.
pub struct Repository {
    /// The commit, with `-dirty` if a tracked file was changed.
    pub commit: String,
    /// The files that change with the commit.
    pub watched: Vec<String>,
}

impl Repository {
    /// The repository with this folder as its top.
    pub fn at(folder: &Path) -> Option<Self> {
        let top = PathBuf::from(git(folder, &["rev-parse", "--show-toplevel"])?);
        if fs::canonicalize(top).ok()? != fs::canonicalize(folder).ok()? {
            return None;
        }
        let commit = git(folder, &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])?;
        Some(Self { commit, watched: watched(folder) })
    }
}

/// `HEAD` and the branch that it names, as a loose or a packed ref.
fn watched(folder: &Path) -> Vec<String> {
    let branch = git(folder, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD".to_owned()].into_iter().chain(branch).chain(["packed-refs".to_owned()]);
    let paths = names.filter_map(|name| git(folder, &["rev-parse", "--git-path", &name]));
    let files = paths.map(|path| folder.join(path)).filter(|path| path.is_file());
    files.filter_map(|path| path.to_str().map(str::to_owned)).collect()
}

/// The output of git without the final newline; `None` if git fails or is missing.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_OPTIONAL_LOCKS", "0");
    // A hook or another tool that calls cargo may set these for another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        git(folder, &[&identity, arguments].concat()).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    #[test]
    fn a_repository_has_a_commit_that_shows_whether_it_was_changed_and_a_folder_in_it_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(Repository::at(path).is_none(), "no repository");
        run(path, &["init", "--quiet", "--initial-branch=main"]);
        assert!(Repository::at(path).is_none(), "no commit");
        fs::create_dir(path.join("inside")).unwrap();
        fs::write(path.join("inside/file"), "first").unwrap();
        run(path, &["add", "."]);
        run(path, &["commit", "--quiet", "--message=first"]);
        let head = run(path, &["rev-parse", "HEAD"]);
        let repository = Repository::at(path).unwrap();
        assert_eq!(repository.commit, head[..12]);
        let watched: Vec<_> = repository.watched.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
        assert_eq!(watched, ["HEAD", "main"]);
        assert!(Repository::at(&path.join("inside")).is_none(), "inside of another one");
        fs::write(path.join("inside/file"), "second").unwrap();
        assert_eq!(Repository::at(path).unwrap().commit, format!("{}-dirty", &head[..12]));
        fs::write(path.join("unknown"), "").unwrap();
        run(path, &["checkout", "--quiet", "."]);
        assert_eq!(Repository::at(path).unwrap().commit, head[..12], "a file that git does not know changes nothing");
    }
}
