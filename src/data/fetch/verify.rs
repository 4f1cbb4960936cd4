//! The last step of a file: size, digest, name. A file with the wrong digest is set aside under another name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::util::fs::{self, FsError};
use crate::util::progress::{Progress, Unit};
use crate::util::sha256::{Digest, Hasher};
use crate::util::stop::Stop;

use super::error::FetchError;
use super::part::Part;
use super::state::{Finished, State};

/// The digest of a file; a signal is noticed between pieces.
///
/// # Errors
/// If the file can't be read, or on a signal.
pub fn digest_of(path: &Path, stop: &Stop, progress: &dyn Progress) -> Result<Digest, FetchError> {
    let mut file = File::open(path).map_err(FsError::at("open", path))?;
    let length = file.metadata().map_err(FsError::at("read the size of", path))?.len();
    progress.begin("verify", Some(length), Unit::Bytes);
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 1 << 20];
    loop {
        stop.check()?;
        match file.read(&mut buffer).map_err(FsError::at("read", path))? {
            0 => break,
            count => {
                hasher.update(&buffer[..count]);
                progress.advance(count as u64);
            }
        }
    }
    let digest = hasher.finish();
    progress.end(&format!("SHA-256 {digest}"));
    Ok(digest)
}

/// The file of an earlier start that was complete: it has its name, its size and its digest.
///
/// # Errors
/// If it can't be read, or on a signal.
pub fn finished_before(
    folder: &Path,
    key: &str,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Option<Finished>, FetchError> {
    let state_path = folder.join(format!(".{key}.json"));
    let state = match std::fs::read(&state_path) {
        Ok(text) => State::parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(FsError::at("read", &state_path)(error).into()),
    };
    let Some(finished) = state.and_then(|state| state.finished) else { return Ok(None) };
    let path = folder.join(&finished.name);
    let same_size = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == finished.bytes);
    let whole = same_size && digest_of(&path, stop, progress)? == finished.sha256;
    Ok(whole.then_some(finished))
}

/// Gives the complete partial file its name. The intention is on disk before the rename, so a start after a crash in
/// between finds the file under either name.
///
/// # Errors
/// If the disk fails.
pub fn give_name(part: &mut Part, folder: &Path, finished: &Finished) -> Result<PathBuf, FetchError> {
    let path = folder.join(&finished.name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    part.state.finished = Some(finished.clone());
    part.save()?;
    fs::rename(part.path(), &path)?;
    Ok(path)
}

/// Sets a complete partial file with the wrong digest aside, and returns its new place.
///
/// # Errors
/// If the disk fails.
pub fn quarantine(part: &mut Part, folder: &Path, found: Digest) -> Result<PathBuf, FetchError> {
    let path = folder.join(format!(".bad-{}", &found.to_string()[..12]));
    part.forget()?;
    fs::rename(part.path(), &path)?;
    Ok(path)
}
