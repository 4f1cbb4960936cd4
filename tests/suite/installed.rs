//! The program finds its libraries, both where cargo builds it and installed as `bin/` beside `lib/`.

use std::path::Path;
use std::process::{Command, Output};

/// Runs it from the root folder, with nothing in the environment that could help it.
fn version(program: &Path) -> Output {
    Command::new(program).arg("--version").env_clear().current_dir("/").output().unwrap()
}

#[track_caller]
fn assert_starts(program: &Path) {
    let output = version(program);
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_starts_where_cargo_builds_it() {
    assert_starts(Path::new(env!("CARGO_BIN_EXE_fragua")));
}

#[test]
fn it_starts_where_it_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let (bin, lib) = (folder.path().join("bin"), folder.path().join("lib"));
    std::fs::create_dir(&bin).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_fragua"), bin.join("fragua")).unwrap();
    assert!(!version(&bin.join("fragua")).status.success(), "it found libraries without `lib`");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/libtorch/lib"), lib).unwrap();
    assert_starts(&bin.join("fragua"));
}
