//! The way of a dataset to this machine: download, verify, unpack, complete. It can be killed anywhere and started again.
//!
//! | what lies in the dataset's folder | what it means |
//! |---|---|
//! | `source.json` | complete; nothing is left to do |
//! | `raw/` with `.manifest.json` | unpacked; only the record is missing |
//! | `.raw.partial/` | half unpacked: thrown away, unpacked again |
//! | `download/<source>/arrived.json` | arrived and verified; unpack it |
//! | `download/<source>/` | partly arrived; goes on where it stopped |
//!
//! An archive is removed only after the record of what was in it is on the disk.

mod describe;
mod error;
mod gather;
mod record;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use self::gather::{Arrived, gather};
use self::record::Record;
use super::config::{DataConfig, PathSource, Source, Synthetic, UrlSource};
use super::fetch::{self, Downloaded, Request};
use super::manifest::Manifest;
use super::unpack;
use crate::util::fs::{self as durable, FsError};
use crate::util::lock::FolderLock;
use crate::util::progress::Progress;
use crate::util::sha256::Digest;
use crate::util::stop::Stop;

pub use self::error::AcquireError;

/// The manifest's name in the folder of raw files.
const MANIFEST: &str = ".manifest.json";

/// Makes a synthetic dataset. The layer that knows radar files provides it.
pub type Synthesize<'a> = &'a dyn Fn(&Synthetic, &Path) -> Result<(), AcquireError>;

/// What acquiring gets from outside.
pub struct Context<'a> {
    /// Downloads.
    pub fetch: fetch::Context<'a>,
    /// What an archive may cost.
    pub limits: unpack::Limits,
    /// The generator.
    pub synthesize: Synthesize<'a>,
}

impl<'a> Context<'a> {
    /// The defaults.
    #[must_use]
    pub fn new(stop: &'a Stop, progress: &'a dyn Progress, synthesize: Synthesize<'a>) -> Self {
        Self { fetch: fetch::Context::new(stop, progress), limits: unpack::Limits::default(), synthesize }
    }
}

/// A dataset that is complete on this machine. While it exists, no other worker touches the dataset's folder.
#[derive(Debug)]
pub struct Acquired {
    /// The folder with the raw files.
    pub root: PathBuf,
    /// Their hashes; none for a folder that is used in place.
    pub manifest: Option<Manifest>,
    /// Where it came from, for people.
    pub source: String,
    _lock: FolderLock,
}

/// Brings a dataset here, or finds that it is here already.
///
/// # Errors
/// Where no source has it, the disk fails, another worker is at it, or a signal came.
pub fn acquire(config: &DataConfig, context: &Context<'_>) -> Result<Acquired, AcquireError> {
    let folder = config.folder();
    durable::create_dir_all(&folder)?;
    let lock = FolderLock::acquire(&folder)?;
    let record = match Record::load(&folder)? {
        Some(record) if config.source.contains(&record.source) => record,
        Some(record) => return Err(AcquireError::OtherSource { held: record.source.to_string(), folder }),
        None => from_any(&config.source, &folder, context)?,
    };
    durable::remove_tree(&folder.join("download"))?;
    open(record, &folder, lock)
}

fn open(record: Record, folder: &Path, lock: FolderLock) -> Result<Acquired, AcquireError> {
    let root = folder.join(&record.root);
    if !root.is_dir() {
        return Err(AcquireError::Gone { path: root });
    }
    let manifest = record.manifest.map(|path| Manifest::load(&folder.join(path))).transpose()?;
    Ok(Acquired { root, manifest, source: record.source.to_string(), _lock: lock })
}

/// Tries the sources in order.
fn from_any(sources: &[Source], folder: &Path, context: &Context<'_>) -> Result<Record, AcquireError> {
    if let Some(record) = unrecorded(sources, folder)? {
        record.save(folder)?;
        return Ok(record);
    }
    let mut failures = Vec::new();
    for source in sources {
        match from(source, folder, context) {
            Ok(record) => {
                record.save(folder)?;
                return Ok(record);
            }
            Err(error) if error.another_source_may_help() && sources.len() > 1 => {
                warn!("{source}: {error}");
                failures.push((source.to_string(), error));
            }
            Err(error) => return Err(error),
        }
    }
    Err(AcquireError::AllFailed { failures })
}

/// The dataset that stands in its place though its record was never written; it may be that of any of the mirrors.
fn unrecorded(sources: &[Source], folder: &Path) -> Result<Option<Record>, AcquireError> {
    let raw = folder.join("raw");
    if !raw.exists() {
        return Ok(None);
    }
    let held = Manifest::load(&raw.join(MANIFEST)).ok();
    let source = held.and_then(|manifest| sources.iter().find(|source| identity(source) == manifest.source));
    source.map(|source| Some(in_raw(source))).ok_or(AcquireError::InTheWay { folder: raw })
}

fn in_raw(source: &Source) -> Record {
    Record::new(source.clone(), "raw".into(), Some(Path::new("raw").join(MANIFEST)))
}

fn from(source: &Source, folder: &Path, context: &Context<'_>) -> Result<Record, AcquireError> {
    let raw = folder.join("raw");
    match source {
        Source::Synthetic(config) => synthetic(config, source, &raw, context)?,
        Source::Path(path) => return from_path(path, source, folder, context),
        Source::Url(UrlSource { href, sha256, .. }) if href.starts_with("file:") => {
            let path = url::Url::parse(href).ok().and_then(|url| url.to_file_path().ok());
            let path = path.ok_or_else(|| AcquireError::NoSuchPath { path: href.into() })?;
            return from_path(&PathSource { path, sha256: *sha256 }, source, folder, context);
        }
        Source::Url(url) => remote(source, &Request::from_url(url)?, folder, &raw, context)?,
        Source::Gdrive(drive) => remote(source, &Request::from_gdrive(drive)?, folder, &raw, context)?,
    }
    Ok(in_raw(source))
}

/// A path of this machine, however the source names it.
fn from_path(path: &PathSource, source: &Source, folder: &Path, context: &Context<'_>) -> Result<Record, AcquireError> {
    match local(path)? {
        Local::Folder(path) => {
            info!("using {} in place", path.display());
            Ok(Record::new(source.clone(), path, None))
        }
        Local::Archive(path) => {
            gather(&[Arrived::lone(&path)], folder, &folder.join("raw"), &identity(source), context)?;
            Ok(in_raw(source))
        }
    }
}

/// Stands for a source in names of folders and in manifests.
fn identity(source: &Source) -> String {
    let text = serde_json::to_string(source).unwrap_or_else(|_| source.to_string());
    Digest::of(text.as_bytes()).to_string().split_at(16).0.to_owned()
}

fn synthetic(config: &Synthetic, source: &Source, raw: &Path, context: &Context<'_>) -> Result<(), AcquireError> {
    let partial = durable::partial_name(raw);
    durable::remove_tree(&partial)?;
    (context.synthesize)(config, &partial)?;
    gather::commit(&partial, raw, &identity(source))
}

/// A path of this machine.
enum Local {
    Folder(PathBuf),
    Archive(PathBuf),
}

fn local(source: &PathSource) -> Result<Local, AcquireError> {
    let path = source.path.canonicalize().map_err(|_| AcquireError::NoSuchPath { path: source.path.clone() })?;
    if path.is_dir() {
        return Ok(Local::Folder(path));
    }
    if !unpack::detect(&path)?.is_archive() {
        return Err(AcquireError::SingleFile { path });
    }
    if let Some(expected) = source.sha256 {
        let got = Digest::of_file(&path).map_err(FsError::at("read", &path))?;
        if got != expected {
            return Err(AcquireError::Digest { path, got, expected });
        }
    }
    Ok(Local::Archive(path))
}

/// The files of a finished download, as remembered until they are unpacked.
#[derive(Debug, Serialize, Deserialize)]
struct Arrival {
    files: Vec<Arrived>,
}

fn remote(
    source: &Source,
    request: &Request,
    folder: &Path,
    raw: &Path,
    context: &Context<'_>,
) -> Result<(), AcquireError> {
    // Mirrors with the same hash have the same file: what one of them gave is continued from the next.
    let key = request.sha256().map_or_else(|| identity(source), |digest| digest.to_string());
    let place = folder.join("download").join(key);
    durable::create_dir_all(&place)?;
    let note = place.join("arrived.json");
    let arrival = match load_arrival(&note, &place) {
        Some(arrival) => arrival,
        None => {
            let files = match fetch::download(request, &place, &context.fetch)? {
                Downloaded::File(file) => vec![Arrived::file(&file, &place)],
                Downloaded::Folder(folder) => {
                    folder.files.iter().map(|file| Arrived::in_folder(file, &folder.path, &place)).collect()
                }
            };
            let arrival = Arrival { files };
            let text = serde_json::to_vec(&arrival).map_err(|error| FsError::at("encode", &note)(error.into()))?;
            durable::write_atomic(&note, &text)?;
            arrival
        }
    };
    let unpacked = gather(&arrival.files, &place, raw, &identity(source), context);
    if let Err(AcquireError::Unpack(error)) = &unpacked
        && error.exit() == crate::util::exit::Exit::DataRefused
    {
        // The file arrived as the server has it, and is no usable archive: the next start shall not believe in it.
        durable::remove_tree(&place)?;
    }
    unpacked
}

/// A finished download whose files are all still there.
fn load_arrival(note: &Path, place: &Path) -> Option<Arrival> {
    let arrival: Arrival = serde_json::from_slice(&std::fs::read(note).ok()?).ok()?;
    arrival.files.iter().all(|file| file.is_there(place)).then_some(arrival)
}
