//! The entry point of the image: becomes the owner of the mounted folders, gives up all privileges, and executes the
//! command in its arguments. So files on the host belong to the owner of the folders, without `--user`.
//!
//! The image has its own user, and gives this program the capabilities to become another one. If they are withheld
//! (`--cap-drop ALL`, `no-new-privileges`), or if another user was requested (`--user`), the command runs as it was
//! started. In every case nothing that runs after this program can gain a privilege.

mod folders;
mod privileges;

use std::env;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// An internal error, as in the table of exit codes of the program.
const BUG: u8 = 70;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        return fail("which command? Usage: fragua-enter PROGRAM ARGUMENT...");
    };
    // Without the right to change the user, the program itself reports a folder that it can't write to, with the remedy.
    let become_owner = privileges::can_change_user().then(folders::owner).flatten();
    if let Err(error) = privileges::give_up(become_owner) {
        return fail(&format!("could not start as the owner of the mounted folders ({error}): start with --user"));
    }
    let error = Command::new(&program).args(arguments).exec();
    fail(&format!("could not run {} ({error})", program.display()))
}

fn fail(text: &str) -> ExitCode {
    // If stderr is closed, the exit code still reports it.
    let _unheard = writeln!(std::io::stderr(), "fragua-enter: {text}");
    ExitCode::from(BUG)
}
