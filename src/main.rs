//! The program: parses the command line, forks what reads others' files, sets up the allocator, loads CUDA if the command computes, runs the command,
//! and exits with its code.

use std::process::ExitCode;

use fragua::util::exit::Exit;
use fragua::{cli, native};

fn main() -> ExitCode {
    native::abort::watch(Exit::OutOfMemory as u8);
    native::versions::set_commit(fragua_commit::commit!());
    let call = match cli::parse() {
        Ok(call) => call,
        Err(exit) => return exit.into(),
    };
    if call.reads() {
        fragua::task::read_apart();
    }
    let messages = call.messages();
    native::memory::tune();
    if call.computes() {
        native::cuda::open();
    }
    cli::run(call, &messages).into()
}
