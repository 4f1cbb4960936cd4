//! Durable file operations: a file under its final name is complete, even after a power cut.
//!
//! Every function here returns only after the data *and* the directory entry have reached the disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use thiserror::Error;

use crate::exit::Exit;
use crate::plain::{check_replaceable, create_plain};
use crate::{access, units};

/// A file operation that failed, with the path it failed at and what to do about it.
#[derive(Debug, Error)]
#[error("could not {action} {}: {source}{}", path.display(), remedy(action, path, source).map_or_else(String::new, |remedy| format!("; {remedy}")))]
pub struct FsError {
    /// The attempted operation, as a verb: "write", "rename", "create folder".
    pub action: &'static str,
    /// Where.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

impl FsError {
    /// Builds the error as a closure for `map_err`.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }

    /// The remedy, if there is one that a person can apply.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        remedy(self.action, &self.path, &self.source)
    }

    /// The exit code: 73 if writing is not allowed or something else has the name, 74 otherwise.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::for_write_error(&self.source)
    }
}

/// The remedy for an error, if there is one that a person can apply.
fn remedy(action: &str, path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let free = free_bytes(path).map_or_else(|_| "nothing".to_owned(), units::bytes);
            Some(match has_names_left(path) {
                true => format!("{free} free there: make room, or choose a folder on another disk"),
                false => "that disk holds no more files, however small (df -i): delete some, or choose another disk"
                    .to_owned(),
            })
        }
        io::ErrorKind::FileTooLarge => {
            let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
            let limit = limit.map_or_else(String::new, |limit| format!(" is {}", units::bytes(limit)));
            Some(format!("the largest file that this process may write{limit}: raise the limit (ulimit -f)"))
        }
        io::ErrorKind::ReadOnlyFilesystem => Some(access::read_only(path)),
        io::ErrorKind::PermissionDenied => Some(access::denied(path)),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            let file = path.ancestors().find(|above| above.is_file());
            let file = file.map_or_else(|| "it".to_owned(), |file| file.display().to_string());
            let other = if action.starts_with("read") { "" } else { ", or a name that does not exist yet" };
            Some(format!("{file} is a file: give a folder{other}"))
        }
        io::ErrorKind::IsADirectory => Some("it is a folder, not a file: remove it, or give another name".to_owned()),
        _ if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) => {
            Some("this process may not open more files: raise the limit (ulimit -n)".to_owned())
        }
        _ => None,
    }
}

/// The name under which something is written until it is complete: hidden, beside its final place.
#[must_use]
pub fn partial_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".partial");
    path.with_file_name(name)
}

/// Whether a file that a person asks for may take this name. A folder, a device or a pipe is there for something else; a file is
/// replaced.
///
/// # Errors
/// If it may not.
pub fn check_output(path: &Path) -> Result<(), FsError> {
    check_replaceable(path).map_err(FsError::at("write", path))
}

/// Writes a file so that a reader sees the old content or the new, never a part.
///
/// # Errors
/// If the folder can't be written; the old content is then kept.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<(), FsError> {
    write_atomic_together(&[(path, content)])
}

/// The same for several files of one folder, in the time that one of them takes on a slow disk. Each is whole at every
/// moment; they get their names in this order.
///
/// # Errors
/// If the folder can't be written; some of the files may then be new and others old.
pub fn write_atomic_together(files: &[(&Path, &[u8])]) -> Result<(), FsError> {
    let Some((first, _)) = files.first() else { return Ok(()) };
    let written: Vec<_> = files.iter().map(|(path, content)| write_partial(path, content)).collect::<Result<_, _>>()?;
    together(written.iter().map(|file| -> Task<'_> { Box::new(|| file.sync_all()) }).collect())
        .map_err(FsError::at("sync", &partial_name(first)))?;
    for (path, _) in files {
        let partial = partial_name(path);
        fs::rename(&partial, path).map_err(FsError::at("replace", path))?;
    }
    sync_parent(first)
}

/// Not durable yet.
fn write_partial(path: &Path, content: &[u8]) -> Result<File, FsError> {
    let partial = partial_name(path);
    let mut file = create_plain(&partial).map_err(FsError::at("create", &partial))?;
    file.write_all(content).map_err(FsError::at("write", &partial))?;
    Ok(file)
}

/// Something that waits for the disk.
pub type Task<'a> = Box<dyn FnOnce() -> io::Result<()> + Send + 'a>;

/// Does all of these at the same time and returns once all are done: a slow disk is waited for once, and a file system
/// writes its journal once for all of them.
///
/// # Errors
/// One of those that failed.
pub fn together(mut tasks: Vec<Task<'_>>) -> io::Result<()> {
    let more = tasks.len().saturating_sub(1);
    tasks.reverse();
    let waiting = Mutex::new(tasks);
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        let mut result = Ok(());
        while let Some(task) = next() {
            result = task().and(result);
        }
        result
    };
    std::thread::scope(|scope| {
        // If the system has no more threads, this one does the rest.
        let start = |_| std::thread::Builder::new().name("sync".into()).spawn_scoped(scope, work).ok();
        let others: Vec<_> = (0..more).filter_map(start).collect();
        let done = work();
        let join = |other: std::thread::ScopedJoinHandle<'_, _>| {
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        others.into_iter().map(join).fold(done, Result::and)
    })
}

/// Renames within one file system and syncs the folder, so that the new name survives a power cut.
///
/// # Errors
/// If the rename or the sync of the folder fails.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::rename(from, to).map_err(FsError::at("rename", from))?;
    sync_parent(to)
}

/// Syncs the folder that holds `path`.
///
/// # Errors
/// If the folder can't be opened or synced.
pub fn sync_parent(path: &Path) -> Result<(), FsError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(FsError::at("sync folder", parent))
}

/// Syncs everything on the file system that holds `path`: the cheapest way to make thousands of small files durable.
///
/// # Errors
/// If the path can't be opened, or a write that was still under way failed.
pub fn sync_file_system(path: &Path) -> Result<(), FsError> {
    let file = File::open(path).map_err(FsError::at("open", path))?;
    rustix::fs::syncfs(&file).map_err(|error| FsError::at("sync file system of", path)(error.into()))
}

/// Creates a folder and those above it, durably.
///
/// # Errors
/// If one of them can't be created, or a file is in the way.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(FsError::at("create folder", path))?;
    sync_parent(path)
}

/// Whether something can be written in a folder, or in the nearest existing one above it. Leaves no trace.
///
/// # Errors
/// If that is not allowed.
pub fn check_writable(folder: &Path) -> Result<(), FsError> {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = whole.ancestors().find(|above| above.exists()).unwrap_or(&whole);
    let needed = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    rustix::fs::access(there, needed).map_err(|error| FsError::at("write in", there)(error.into()))
}

/// The same for the folders in it, this many levels down.
///
/// # Errors
/// At the first of them that does not allow it.
pub fn check_tree_writable(folder: &Path, levels: usize) -> Result<(), FsError> {
    check_writable(folder)?;
    if levels == 0 {
        return Ok(());
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).try_for_each(|path| check_tree_writable(&path, levels - 1))
}

/// Removes a folder with all below it; one that does not exist is fine.
///
/// # Errors
/// If something in it can't be removed.
pub fn remove_tree(path: &Path) -> Result<(), FsError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FsError::at("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a file; one that does not exist is fine, also where nothing can be written.
///
/// # Errors
/// If it can't be removed.
pub fn remove_file(path: &Path) -> Result<(), FsError> {
    match fs::remove_file(path) {
        // A read-only file system refuses before it looks.
        Err(error) if error.kind() != io::ErrorKind::NotFound && fs::symlink_metadata(path).is_ok() => {
            Err(FsError::at("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Whether the file system that holds `path` can hold another file: it may be full of small ones.
fn has_names_left(path: &Path) -> bool {
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    // Some file systems have no such limit, and say so with zeros.
    rustix::fs::statvfs(existing).map_or(true, |stat| stat.f_files == 0 || stat.f_favail > 0)
}

/// Bytes that this process may still write on the file system that holds `path` (or, if it doesn't exist yet, the
/// nearest folder above it that does).
///
/// # Errors
/// If the file system doesn't report it.
pub fn free_bytes(path: &Path) -> Result<u64, FsError> {
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let stat =
        rustix::fs::statvfs(existing).map_err(|error| FsError::at("ask for free space at", path)(error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atomic_write_replaces_the_content_and_leaves_no_partial_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_person_can_have_a_plain_file_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600));
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), fifo, mode, 0).unwrap();
        for (target, link) in [("pipe", "to a pipe"), ("/dev/null", "to a device"), ("nowhere", "to nothing")] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        for (name, says) in [
            ("folder", "it is a folder, not a file: remove it, or give another name"),
            ("pipe", "it is a pipe, not a file; give another name"),
            ("to a pipe", "it is a pipe, not a file; give another name"),
            ("to a device", "it is a device, not a file; give another name"),
        ] {
            let error = check_output(&at(name)).unwrap_err();
            assert!(error.to_string().contains(says), "{name}: {error}");
            assert_eq!(error.exit(), Exit::OutputNotWritable, "{name}");
        }
        fs::write(at("file"), "old").unwrap();
        ["file", "new", "to nothing"].iter().for_each(|name| check_output(&at(name)).unwrap());
    }

    #[test]
    fn files_that_are_written_together_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        fs::write(&two, "old").unwrap();
        write_atomic_together(&[(&one, b"1"), (&two, b"2")]).unwrap();
        assert_eq!([one, two].map(|path| fs::read(path).unwrap()), [b"1", b"2"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        write_atomic_together(&[]).unwrap();
    }

    #[test]
    fn tasks_wait_at_the_same_time_and_one_that_fails_does_not_keep_the_others_from_being_done() {
        let meeting = std::sync::Barrier::new(3);
        let done = Mutex::new(Vec::new());
        let task = |number: usize| -> Task<'_> {
            let (meeting, done) = (&meeting, &done);
            Box::new(move || {
                // One after another, they would wait here for ever.
                meeting.wait();
                done.lock().unwrap().push(number);
                if number == 1 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            })
        };
        let error = together((0..3).map(task).collect()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        assert_eq!(done, [0, 1, 2]);
        together(Vec::new()).unwrap();
    }

    #[test]
    fn an_error_names_the_path_and_the_action() {
        let error = write_atomic(Path::new("/proc/nowhere/file"), b"").unwrap_err();
        assert!(error.to_string().starts_with("could not create /proc/nowhere/.file.partial: "), "{error}");
    }

    #[test]
    fn a_file_where_a_folder_is_read_is_told_and_no_new_name_suggested() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = |action| FsError::at(action, file.path())(io::Error::from(io::ErrorKind::NotADirectory));
        let name = file.path().display();
        assert!(error("read folder").to_string().ends_with(&format!("; {name} is a file: give a folder")));
        assert!(error("create folder").to_string().ends_with("give a folder, or a name that does not exist yet"));
    }

    #[test]
    fn an_error_that_people_can_fix_comes_with_the_remedy() {
        let text = |error: rustix::io::Errno| FsError::at("write", Path::new("/proc/a"))(error.into()).to_string();
        assert!(
            text(rustix::io::Errno::NOSPC).contains("0 B free there: make room"),
            "{}",
            text(rustix::io::Errno::NOSPC)
        );
        assert!(text(rustix::io::Errno::ROFS).contains("without :ro"));
        assert!(
            text(rustix::io::Errno::ACCESS).contains("permissions")
                || text(rustix::io::Errno::ACCESS).contains("chmod u+w ")
                || text(rustix::io::Errno::ACCESS).contains("chown -R ")
        );
        assert!(text(rustix::io::Errno::IO).ends_with("(os error 5)"));
    }

    #[test]
    fn free_space_is_known_for_a_folder_that_does_not_exist_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("a/b/c")).unwrap() > 0);
    }

    #[test]
    fn removing_what_does_not_exist_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        remove_tree(&folder.path().join("nothing")).unwrap();
    }
}
