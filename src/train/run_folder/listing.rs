//! The runs in the folder of all runs, and which of them `latest`, a name or a path refers to.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::io::Errno;

use super::decision::Existing;
use super::error::RunError;
use super::name::number;
use super::record::RunRecord;
use super::status::{State, Status};
use crate::util::fs::FsError;

/// One run, as listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its folder.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its record.
    pub record: RunRecord,
    /// Its state, if it reports one.
    pub status: Option<Status>,
}

/// All runs, by start time. A folder that is not a run is skipped, a damaged one is skipped with a warning.
///
/// # Errors
/// If the folder of all runs can't be read.
pub fn runs(root: &Path) -> Result<Vec<Run>, RunError> {
    let told = |(_, run): (String, Result<Run, RunError>)| run.inspect_err(|error| tracing::warn!("{error}")).ok();
    let mut found: Vec<Run> = each(root)?.into_iter().filter_map(told).collect();
    found.sort_by(|one, other| (one.record.started, &one.name).cmp(&(other.record.started, &other.name)));
    Ok(found)
}

/// A run, or its problem.
pub type Readable = Result<Run, RunError>;

/// Each run by the name of its folder, or its problem. A folder that is not a run is skipped.
///
/// # Errors
/// If the folder of all runs can't be read.
pub fn each(root: &Path) -> Result<Vec<(String, Readable)>, RunError> {
    let read = |name: String| {
        let path = root.join(&name);
        let record = RunRecord::read(&path.join("run.json")).transpose()?;
        let status = Status::read(&path.join("status.json"));
        Some((name.clone(), record.map(|record| Run { path, name, record, status })))
    };
    Ok(folders(root)?.into_iter().filter_map(read).collect())
}

/// Everything that a decision about a run of this family needs: every name that is taken, and the records of the family's
/// runs, unless a new one starts in any case. Everything else there is ignored: it may be damaged, of another version,
/// or somebody else's; so may older runs.
///
/// # Errors
/// If the folder of all runs, or the newest run of the family, can't be read.
pub fn existing(root: &Path, family: &str, no_resume: bool) -> Result<Vec<Existing>, RunError> {
    let only_taken = |name: String| Existing { name, record: None, finished: false, ended: None };
    let mut existing: Vec<_> = folders(root)?.into_iter().map(only_taken).collect();
    if no_resume {
        return Ok(existing);
    }
    let newest = newest(family, &mut existing).map(|run| run.name.clone());
    for run in existing.iter_mut().filter(|run| number(family, &run.name).is_some()) {
        let path = root.join(&run.name);
        match RunRecord::read(&path.join("run.json")) {
            Err(error) if is_readable(&path) && newest.as_ref() == Some(&run.name) => return Err(error),
            record => run.record = record.unwrap_or_default(),
        }
        let status = Status::read(&path.join("status.json")).unwrap_or_default();
        (run.finished, run.ended) = (status.state == State::Finished, status.ended);
    }
    Ok(existing)
}

fn newest<'a>(family: &str, existing: &'a mut [Existing]) -> Option<&'a mut Existing> {
    existing
        .iter_mut()
        .filter_map(|run| Some((number(family, &run.name)?, run)))
        .max_by_key(|(number, _)| *number)
        .map(|(_, run)| run)
}

/// A folder that this user can't read only takes its name, as `lost+found` does.
fn is_readable(path: &Path) -> bool {
    fs::read_dir(path).inspect_err(|error| tracing::warn!("{} is skipped: {error}", path.display())).is_ok()
}

fn folders(root: &Path) -> Result<Vec<String>, RunError> {
    if !root.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(FsError::at("read folder", root))? {
        let entry = entry.map_err(FsError::at("read folder", root))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A hidden folder is not complete yet.
        if name.starts_with('.') || !entry.path().is_dir() {
            continue;
        }
        let inside = match names_in(&entry.path()) {
            // Nothing is known about this folder. If it counted as taken, every start would take a new name.
            Err(error) if is_shortage(&error) => return Err(FsError::at("read folder", &entry.path())(error).into()),
            inside => inside,
        };
        if !is_bare(inside) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Errors of this process, not of a folder: too many open files, here or in the system, and no memory.
const SHORTAGES: [i32; 3] = [Errno::MFILE.raw_os_error(), Errno::NFILE.raw_os_error(), Errno::NOMEM.raw_os_error()];

fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|error| SHORTAGES.contains(&error))
}

/// The files that a run killed before it started may have left: `run.json` is written last.
const LEFT_EARLY: [&str; 3] = ["config.yaml", "dataset.json", "status.json"];

fn names_in(path: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Whether a folder was reserved for a run that never started: the next run may use it. An unreadable one counts as taken.
fn is_bare(names: io::Result<Vec<String>>) -> bool {
    let names = match names {
        Ok(names) => names,
        // Another start has just released it.
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    let is_left = |name: &String| name.starts_with('.') || LEFT_EARLY.contains(&name.as_str());
    // A folder with content and without a lock is somebody else's; an empty one was left before its lock was made.
    names.is_empty() || names.iter().any(|name| name == ".lock") && names.iter().all(is_left)
}

/// The run folder that a user refers to: a path to one, the name of one in `root`, or `latest`, the one that was started
/// last.
///
/// # Errors
/// [`RunError::Unknown`] with the names of the existing ones.
pub fn resolve(root: &Path, wanted: &str) -> Result<PathBuf, RunError> {
    let is_run = |path: &Path| path.join("run.json").is_file();
    if let Some(path) = [PathBuf::from(wanted), root.join(wanted)].into_iter().find(|path| is_run(path)) {
        return Ok(path);
    }
    let record = root.join(wanted).join("run.json");
    if let Err(error) = fs::metadata(&record)
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        return Err(RunError::Denied(FsError::at("read", &record)(error)));
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
    use std::os::unix::fs::PermissionsExt;

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
        fs::write(root.path().join("notes/todo.txt"), "").unwrap();
        root
    }

    #[test]
    fn runs_are_listed_by_their_start_and_other_folders_are_not() {
        let root = root();
        let names: Vec<_> = runs(root.path()).unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["storms-2", "storms", "cells"]);
        let found = |family: &str, no_resume| {
            let existing = existing(root.path(), family, no_resume).unwrap();
            let told = |run: Existing| (run.name, run.record.is_some(), run.finished);
            existing.into_iter().map(told).collect::<Vec<_>>()
        };
        let only = |known: &[&str], finished: &str| {
            ["cells", "notes", "storms", "storms-2"]
                .map(|name| (name.to_owned(), known.contains(&name), name == finished))
        };
        assert_eq!(found("storms", false), only(&["storms", "storms-2"], "storms-2"));
        assert_eq!(found("cells", false), only(&["cells"], "none"));
        assert_eq!(found("storms", true), only(&[], "none"), "a new run begins in any case");
        assert_eq!(found("notes", false), only(&[], "none"));
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
        let names: Vec<_> = existing(root.path(), "left", false).unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["damaged", "strange"]);
    }

    #[test]
    fn a_damaged_record_affects_only_its_own_run() {
        let root = root();
        fs::write(root.path().join("storms-2/run.json"), "{").unwrap();
        fs::write(root.path().join("cells/run.json"), r#"{"format_version": 9}"#).unwrap();
        let existing = |family: &str, no_resume| existing(root.path(), family, no_resume);
        assert!(matches!(existing("storms", false), Err(RunError::Unreadable { .. })));
        assert!(matches!(existing("cells", false), Err(RunError::Version { .. })));
        assert_eq!(existing("storms", true).unwrap().len(), 4, "it takes its name all the same");
        assert_eq!(existing("other", false).unwrap().len(), 4);
        fs::create_dir(root.path().join("storms-3")).unwrap();
        fs::write(root.path().join("storms-3/notes.txt"), "").unwrap();
        assert!(existing("storms", false).is_ok(), "it is no longer the newest");
    }

    #[test]
    fn a_folder_that_can_not_be_read_only_takes_its_name() {
        let denied = || Err(io::ErrorKind::PermissionDenied.into());
        assert!(!is_bare(denied()));
        assert!(is_bare(Err(io::ErrorKind::NotFound.into())), "another start has given it up");
        // Under root the read succeeds anyway.
        let root = root();
        for name in ["lost+found", "storms-3"] {
            let path = root.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("notes.txt"), "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        }
        let existing = existing(root.path(), "storms", false).unwrap();
        assert!(existing.iter().any(|run| run.name == "lost+found" && run.record.is_none()));
        assert!(existing.iter().any(|run| run.name == "storms-3" && run.record.is_none()));
    }
}
