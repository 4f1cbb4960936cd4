//! The program: parses the command line, forks what reads others' files, sets up the allocator, loads CUDA if the command computes, runs the command,
//! and exits with its code.

use std::panic::catch_unwind;

use fragua::util::exit::Exit;
use fragua::{cli, native};

fn main() {
    // The command catches its own panics and explains them. Any other panic has printed its message, and is a bug as
    // well.
    let exit = catch_unwind(run).unwrap_or(Exit::Bug);
    native::leave::now(exit.code())
}

fn run() -> Exit {
    native::abort::watch(Exit::OutOfMemory.code(), Exit::Bug.code());
    native::crash::watch(Exit::OutOfMemory.code(), Exit::Bug.code());
    native::leave::watch(Exit::TryAgain.code(), Exit::Bug.code());
    native::versions::set_commit(fragua_commit::commit!());
    let call = match cli::parse() {
        Ok(call) => call,
        Err(exit) => return exit,
    };
    if call.reads() {
        fragua::task::read_apart();
    }
    let messages = call.messages();
    native::memory::tune();
    if call.computes() {
        native::cuda::open();
    }
    cli::run(call, &messages)
}
