//! Folders that many tests begin with, each made once for a build of the program and copied: tests may run in separate
//! processes, so they share through the disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::program::Program;

/// Copies into a folder the files that `make` created; `name` identifies them.
pub fn copy_of(name: &str, into: &Path, make: impl FnOnce() -> Program) {
    let of_build = of_this_build();
    let (folder, partial) = (of_build.join(name), of_build.join(format!("{name}.partial")));
    let lock = locked(&of_build.join(format!("{name}.lock")));
    if !folder.exists() {
        drop(fs::remove_dir_all(&partial));
        copy(make().folder(), &partial);
        fs::rename(&partial, &folder).unwrap();
    }
    drop(lock);
    copy(&folder, into);
}

/// The folder of this build of the program. Those of older ones are removed.
fn of_this_build() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept");
    fs::create_dir_all(&all).unwrap();
    let _lock = locked(&all.join(".lock"));
    let built = fs::metadata(env!("CARGO_BIN_EXE_fragua")).unwrap().modified().unwrap();
    let folder = all.join(built.duration_since(UNIX_EPOCH).unwrap().as_nanos().to_string());
    if !folder.exists() {
        let older = fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        older.for_each(|path| fs::remove_dir_all(path).unwrap());
        fs::create_dir(&folder).unwrap();
    }
    folder
}

/// A lock that a second caller waits for, in this process or another.
fn locked(path: &Path) -> File {
    let lock = File::create(path).unwrap();
    lock.lock().unwrap();
    lock
}

/// Copies everything below a folder, with its times, by which the program recognises files.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => {
                fs::copy(&from, &to).unwrap();
                let modified = fs::metadata(&from).unwrap().modified().unwrap();
                File::options().write(true).open(&to).unwrap().set_modified(modified).unwrap();
            }
        }
    }
}
