//! Pickles of the original: a list of frames, each `{pose, left_hand, right_hand, face}` with lists of x and y. A pickle is a program;
//! reading one here runs nothing.
//!
//! ```text
//! machine   the steps, which make lists and dicts    frames   what they hold
//! ```

mod frames;
mod machine;

use super::Frames;

/// Reads the frames of a pickle.
pub(super) fn read(bytes: &[u8]) -> Result<Frames, String> {
    let heap = machine::run(bytes)?;
    frames::read(&heap, bytes.len())
}

#[cfg(test)]
mod tests;
