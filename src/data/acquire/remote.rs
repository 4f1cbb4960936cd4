//! Sources elsewhere: download, remember what arrived, hand it on to be unpacked.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::gather::{Arrived, gather};
use super::record::Origin;
use super::{AcquireError, Context};
use crate::data::fetch::{self, Downloaded, Request, digest_of};
use crate::util::exit::Exit;
use crate::util::fs::{self as durable, FsError};
use crate::util::sha256::Digest;

/// The files of a finished download, as remembered until they are unpacked.
#[derive(Debug, Serialize, Deserialize)]
struct Arrival {
    files: Vec<Arrived>,
    /// The digest of the file, if there is only one.
    sha256: Option<Digest>,
}

/// Fetches a remote source into `raw`. Returns its origin and its digest.
///
/// # Errors
/// If the download or the unpacking fails; what was downloaded is kept for the next start, unless it is refused.
pub fn bring(
    request: &Request,
    origin: Origin,
    folder: &Path,
    raw: &Path,
    context: &Context<'_>,
) -> Result<Origin, AcquireError> {
    let place = folder.join("download").join(origin.key());
    durable::create_dir_all(&place)?;
    let note = place.join("arrived.json");
    let arrival = match remembered(&note, &place, context)? {
        Some(arrival) => arrival,
        None => download(request, &place, &note, context)?,
    };
    let origin = origin.with(arrival.sha256);
    match gather(&arrival.files, &place, raw, &origin, context) {
        Ok(()) => Ok(origin),
        Err(error) => {
            if error.exit() == Exit::DataRefused {
                // It arrived as the server has it, but is not a usable archive: the next start must not trust it.
                durable::remove_tree(&place)?;
            }
            Err(error)
        }
    }
}

fn download(request: &Request, place: &Path, note: &Path, context: &Context<'_>) -> Result<Arrival, AcquireError> {
    let arrival = match fetch::download(request, place, &context.fetch)? {
        Downloaded::File(file) => Arrival { files: vec![Arrived::file(&file, place)], sha256: Some(file.sha256) },
        Downloaded::Folder(folder) => {
            let files = folder.files.iter().map(|file| Arrived::in_folder(file, &folder.path, place));
            Arrival { files: files.collect(), sha256: None }
        }
    };
    let text = serde_json::to_vec(&arrival).map_err(|error| FsError::at("encode", note)(error.into()))?;
    durable::write_atomic(note, &text)?;
    Ok(arrival)
}

/// A finished download of an earlier start, if all its files are still there and unchanged.
fn remembered(note: &Path, place: &Path, context: &Context<'_>) -> Result<Option<Arrival>, AcquireError> {
    let Ok(text) = std::fs::read(note) else { return Ok(None) };
    let Ok(arrival) = serde_json::from_slice::<Arrival>(&text) else { return Ok(None) };
    for file in &arrival.files {
        let path = place.join(&file.path);
        let same = file.is_there(place) && digest_of(&path, context.fetch.stop, context.fetch.progress)? == file.sha256;
        if !same {
            warn!("{} changed since it was downloaded; fetching it again", path.display());
            return Ok(None);
        }
    }
    Ok(Some(arrival))
}
