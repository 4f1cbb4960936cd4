//! The program: sets up the allocator, opens CUDA where it lies beside libtorch, runs the command line, ends the process with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    fragua::native::memory::tune();
    fragua::native::cuda::open();
    fragua::cli::main().into()
}
