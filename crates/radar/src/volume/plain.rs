//! Opening a radar file, if it is a plain file.

use std::fs::File;
use std::path::Path;

use fragua_util::plain;

use super::error::VolumeError;

/// Opens a file, and says how long it is.
///
/// # Errors
/// If it can't be opened, or is not a plain file.
pub(super) fn open(path: &Path) -> Result<(File, u64), VolumeError> {
    let file = plain::open(path).map_err(|error| match plain::not_plain_in(&error) {
        Some(plain::NotPlain(what)) => VolumeError::NotPlain { path: path.to_owned(), what: what.to_owned() },
        None => VolumeError::io(path)(error),
    })?;
    let len = file.metadata().map_err(VolumeError::io(path))?.len();
    Ok((file, len))
}
