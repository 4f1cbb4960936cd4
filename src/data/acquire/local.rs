//! Sources on this machine: a folder is used in place, an archive is checked and unpacked, a file that is a whole dataset is copied.

use std::path::{Path, PathBuf};

use tracing::warn;

use super::{AcquireError, Context};
use crate::data::config::{PathSource, Source, UrlSource};
use crate::data::fetch::digest_of;
use crate::data::unpack;
use crate::util::sha256::Digest;

/// A path of this machine.
pub enum Local {
    /// A folder, to be used in place.
    Folder(PathBuf),
    /// An archive, with its digest if one was requested.
    Archive(PathBuf, Option<Digest>),
    /// A file that is the whole dataset, with its digest if one was requested.
    File(PathBuf, Option<Digest>),
}

/// The section of a source, as it is written.
pub fn section(index: usize, source: &Source) -> String {
    let kind = match source {
        Source::Synthetic(_) => "synthetic",
        Source::Gdrive(_) => "gdrive",
        Source::Url(_) => "url",
        Source::Path(_) => "path",
    };
    format!("data.source.{index}.{kind}")
}

/// A `file:` address is a path. Nothing else changes.
///
/// # Errors
/// If the address names no path of this machine.
pub fn resolved(source: &Source) -> Result<Source, AcquireError> {
    let Source::Url(UrlSource { href, sha256, .. }) = source else { return Ok(source.clone()) };
    let Some(url) = url::Url::parse(href.trim()).ok().filter(|url| url.scheme() == "file") else {
        return Ok(source.clone());
    };
    let path =
        url.to_file_path().map_err(|()| AcquireError::NoSuchPath { path: href.into(), section: String::new() })?;
    Ok(Source::Path(PathSource { path, sha256: *sha256 }))
}

/// Looks at a configured path.
///
/// # Errors
/// If nothing usable is there, the archive's digest differs, or a signal interrupts.
pub fn look(source: &PathSource, context: &Context<'_>) -> Result<Local, AcquireError> {
    let path = existing(&source.path)?;
    if path.is_dir() {
        if source.sha256.is_some() {
            warn!("{} is a folder, so its sha256 can't be checked; remove the key", path.display());
        }
        return Ok(Local::Folder(path));
    }
    // Anything else (a pipe, a device) might never end.
    if !path.is_file() {
        return Err(AcquireError::NoSuchPath { path, section: String::new() });
    }
    let is_whole = (context.whole)(&path, &unpack::head(&path)?);
    if !is_whole {
        if context.is_payload(&path, &path)? {
            return Err(AcquireError::SingleFile { path });
        }
        unpack::recognise(&path)?;
    }
    let local = if is_whole { Local::File } else { Local::Archive };
    let Some(expected) = source.sha256 else { return Ok(local(path, None)) };
    match digest_of(&path, context.fetch.stop, context.fetch.progress)? {
        got if got != expected => Err(AcquireError::Digest { path, section: String::new(), got, expected }),
        got => Ok(local(path, Some(got))),
    }
}

/// The path without links and dots.
///
/// # Errors
/// If it leads nowhere.
pub fn existing(path: &Path) -> Result<PathBuf, AcquireError> {
    path.canonicalize().map_err(|_| AcquireError::NoSuchPath { path: path.to_owned(), section: String::new() })
}
