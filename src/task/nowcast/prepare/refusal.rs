//! Why the last attempt to prepare a dataset was refused, stored beside the earlier dataset for later commands.

use std::path::Path;

use super::PrepareError;
use crate::util::exit::Exit;
use crate::util::fs::{FsError, remove_file, write_atomic};

const FILE: &str = "refused.txt";

/// Notes a refusal because of the data or the configuration, and forgets an older one if there is none.
///
/// # Errors
/// If the folder can't be written.
pub(super) fn note<T>(store: &Path, outcome: &Result<T, PrepareError>) -> Result<(), FsError> {
    let path = store.join(FILE);
    match outcome {
        Err(error) if matches!(error.exit(), Exit::DataRefused | Exit::Configuration) => {
            write_atomic(&path, error.to_string().as_bytes())
        }
        Err(_) => Ok(()),
        Ok(_) => remove_file(&path),
    }
}

/// The refusal, if the last attempt was refused.
#[must_use]
pub fn read(store: &Path) -> Option<String> {
    std::fs::read_to_string(store.join(FILE)).ok()
}
