//! Runs the real program in a new folder, as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder to work in, and the program.
pub struct Program {
    folder: tempfile::TempDir,
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; 128 + n where signal n ended it.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder().join(below)
    }

    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The call, not started yet, with nothing of the surroundings that could change what it does.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fragua"));
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("FRAGUA__") || text == "RUST_LOG" || text.to_ascii_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    /// Runs and expects success; what went wrong is shown otherwise.
    pub fn succeed(&self, arguments: &[&str]) -> Outcome {
        self.run(arguments).successful(arguments)
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.succeed(arguments).stdout).unwrap()
    }
}

impl Outcome {
    /// The outcome of a call that had to succeed; what went wrong is shown otherwise.
    pub fn successful(self, arguments: &[&str]) -> Self {
        assert_eq!(self.code, 0, "{arguments:?}: {self:#?}");
        self
    }

    pub fn of(output: std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default());
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The Python with the reference libraries: a part of the tests' set-up, without which they fail.
pub fn interpreter() -> PathBuf {
    let interpreter = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/python/bin/python");
    assert!(interpreter.exists(), "the reference libraries are not installed: run scripts/setup.sh --tests");
    interpreter
}

/// Runs a Python script of the tests with the reference libraries and returns what it printed.
pub fn python(script: &str, arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(interpreter()).arg(root.join(script)).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script} {arguments:?}:\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
