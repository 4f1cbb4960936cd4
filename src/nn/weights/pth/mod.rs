//! Files of `torch.save`: a zip file with a pickle that describes tensors, and their numbers beside it. Reading one runs nothing
//! that is in it: a pickle is a program, and only the steps and names that plain tensors, numbers, texts, lists and dictionaries
//! need are known here. All others are refused by name.
//!
//! ```text
//! archive  the zip file             machine  the steps of the pickle, which `pickle` beside this folder names
//! object   what they make           global   the names that they may use
//! view     a tensor over a storage  state    the state dict, and what is beside it
//! ```

mod archive;
mod global;
mod machine;
mod object;
mod state;
#[cfg(test)]
mod tests;
mod view;

use serde_json::{Map, Value};

use super::{NamedArray, Shapes};
use archive::Archive;
use machine::unpickle;
use state::State;

/// How a zip file begins.
const ZIP: &[u8] = b"PK\x03\x04";

/// How files of `torch.save` before PyTorch 1.6 begin, and plain pickles, with the version of the format behind it.
const PICKLE: u8 = 0x80;

/// As the length of the header of a safetensors file, the first eight bytes of a pickle are more than this.
const LONGEST_HEADER: u64 = 100_000_000;

/// Whether a file begins as one of `torch.save`.
pub(super) fn is_archive(file: &[u8]) -> bool {
    file.starts_with(ZIP)
}

/// Whether a file begins as one of `torch.save` before PyTorch 1.6.
pub(super) fn is_legacy(file: &[u8]) -> bool {
    let length = file.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    file.first() == Some(&PICKLE)
        && file.get(1).is_some_and(|version| (2..=5).contains(version))
        && length.is_some_and(|length| length > LONGEST_HEADER)
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The tensors of its state dict.
    pub arrays: Vec<NamedArray>,
    /// What is beside the state dict: numbers, texts, lists and dictionaries of them. Anything else is left out.
    pub beside: Map<String, Value>,
}

/// Reads a file.
///
/// # Errors
/// Why it can't be used, in words: what is unknown, and where.
pub fn read(file: &[u8]) -> Result<Held, String> {
    let archive = Archive::open(file)?;
    let (objects, root) = unpickle(archive.pickle()?)?;
    let state = State::find(&objects, root)?;
    Ok(Held { arrays: state.arrays(&archive)?, beside: state.beside(&objects) })
}

/// The names and shapes of the tensors of a file, and what is beside them, without their numbers.
///
/// # Errors
/// Why it can't be used, in words.
pub fn outline(file: &[u8]) -> Result<(Shapes, Map<String, Value>), String> {
    let (objects, root) = unpickle(Archive::open(file)?.pickle()?)?;
    let state = State::find(&objects, root)?;
    Ok((state.shapes(), state.beside(&objects)))
}
