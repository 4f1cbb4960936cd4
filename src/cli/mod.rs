//! The command line.

use crate::util::exit::Exit;

/// Runs the program.
#[must_use]
pub fn main() -> Exit {
    Exit::Done
}
