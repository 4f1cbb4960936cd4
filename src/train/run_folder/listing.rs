//! The runs below the folder of all runs, and which of them `latest`, a name or a path means.

use std::fs;
use std::path::{Path, PathBuf};

use super::decision::Existing;
use super::error::RunError;
use super::record::RunRecord;
use super::status::{State, Status};
use crate::util::fs::FsError;

/// One run as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its folder.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What it says about itself.
    pub record: RunRecord,
    /// How it stands, where it tells.
    pub status: Option<Status>,
}

/// All runs, the one that was started first first. A folder that is no run is passed over, a damaged one with a warning.
///
/// # Errors
/// Where the folder of all runs can't be read.
pub fn runs(root: &Path) -> Result<Vec<Run>, RunError> {
    let mut found = Vec::new();
    for name in folders(root)? {
        let path = root.join(&name);
        match RunRecord::read(&path.join("run.json")) {
            Ok(Some(record)) => {
                let status = Status::read(&path.join("status.json"));
                found.push(Run { path, name, record, status });
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("{error}"),
        }
    }
    found.sort_by(|one, other| (one.record.started, &one.name).cmp(&(other.record.started, &other.name)));
    Ok(found)
}

/// Everything that a decision about resuming needs to know.
///
/// # Errors
/// Where the folder of all runs or a run of it can't be read.
pub fn existing(root: &Path) -> Result<Vec<Existing>, RunError> {
    let one = |name: String| {
        let record = RunRecord::read(&root.join(&name).join("run.json"))?;
        let status = Status::read(&root.join(&name).join("status.json"));
        let finished = status.is_some_and(|status| status.state == State::Finished);
        Ok(Existing { name, record, finished })
    };
    folders(root)?.into_iter().map(one).collect()
}

fn folders(root: &Path) -> Result<Vec<String>, RunError> {
    if !root.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(FsError::at("read folder", root))? {
        let entry = entry.map_err(FsError::at("read folder", root))?;
        if entry.path().is_dir() && !is_bare(&entry.path())? {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// What a run that was killed before it began may have left: `run.json` is written last.
const LEFT_EARLY: [&str; 2] = ["config.yaml", "status.json"];

/// Whether a folder was taken for a run that never began: the next run may have it.
fn is_bare(path: &Path) -> Result<bool, RunError> {
    let entries = fs::read_dir(path).map_err(FsError::at("read folder", path))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<std::io::Result<Vec<_>>>().map_err(FsError::at("read folder", path))?;
    let is_left = |name: &String| name.starts_with('.') || LEFT_EARLY.contains(&name.as_str());
    // A folder without a lock is somebody else's.
    Ok(names.iter().any(|name| name == ".lock") && names.iter().all(is_left))
}

/// The run folder that a user means: a path to one, the name of one below `root`, or `latest`, the one that was started
/// last.
///
/// # Errors
/// [`RunError::Unknown`] with the names of those that are there.
pub fn resolve(root: &Path, wanted: &str) -> Result<PathBuf, RunError> {
    let is_run = |path: &Path| path.join("run.json").is_file();
    if let Some(path) = [PathBuf::from(wanted), root.join(wanted)].into_iter().find(|path| is_run(path)) {
        return Ok(path);
    }
    let mut runs = runs(root)?;
    match runs.pop() {
        Some(run) if wanted == "latest" => Ok(run.path),
        last => {
            let known = runs.into_iter().chain(last).map(|run| run.name).collect();
            Err(RunError::Unknown { wanted: wanted.into(), root: root.into(), known })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, day, state) in
            [("storms-2", 1, State::Finished), ("storms", 2, State::Stopped), ("cells", 3, State::Running)]
        {
            let path = root.path().join(name);
            fs::create_dir(&path).unwrap();
            let started = format!("2026-01-{day:02}T00:00:00Z").parse().unwrap();
            RunRecord { started, ..record("train") }.write(&path.join("run.json")).unwrap();
            Status { state, ..Status::default() }.write(&path.join("status.json")).unwrap();
        }
        fs::create_dir(root.path().join("notes")).unwrap();
        root
    }

    #[test]
    fn runs_are_listed_by_their_start_and_other_folders_are_not() {
        let root = root();
        let names: Vec<_> = runs(root.path()).unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["storms-2", "storms", "cells"]);
        let existing = existing(root.path()).unwrap();
        let found: Vec<_> =
            existing.iter().map(|run| (run.name.as_str(), run.record.is_some(), run.finished)).collect();
        assert_eq!(
            found,
            [("cells", true, false), ("notes", false, false), ("storms", true, false), ("storms-2", true, true)]
        );
        assert_eq!(runs(&root.path().join("nowhere")).unwrap(), []);
    }

    #[test]
    fn latest_a_name_and_a_path_are_understood() {
        let root = root();
        assert_eq!(resolve(root.path(), "latest").unwrap(), root.path().join("cells"));
        assert_eq!(resolve(root.path(), "storms").unwrap(), root.path().join("storms"));
        let path = root.path().join("storms-2");
        assert_eq!(resolve(Path::new("elsewhere"), path.to_str().unwrap()).unwrap(), path);
        let error = resolve(root.path(), "notes").unwrap_err().to_string();
        assert!(error.ends_with("it holds storms-2, storms, cells"), "{error}");
    }

    #[test]
    fn a_folder_that_was_left_before_its_run_began_is_free_and_any_other_is_not() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, files: &[&str]| {
            fs::create_dir(root.path().join(name)).unwrap();
            files.iter().for_each(|file| fs::write(root.path().join(name).join(file), "").unwrap());
        };
        put("left", &[".lock", "config.yaml", ".run.json.partial"]);
        put("strange", &["config.yaml"]);
        put("damaged", &[".lock", "config.yaml", "history.json"]);
        let names: Vec<_> = existing(root.path()).unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["damaged", "strange"]);
    }
}
