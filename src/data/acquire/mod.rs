//! Fetches a dataset: download, verify, unpack, complete. It can be killed and restarted at any point.
//!
//! | what the dataset's folder contains | what it means |
//! |---|---|
//! | `source.json` | complete; nothing is left to do |
//! | `raw/` with `.manifest.json` | unpacked; only the record is missing |
//! | `.raw.partial/` | half unpacked: deleted, unpacked again |
//! | `download/<source>/arrived.json` | arrived and verified; unpack it |
//! | `download/<source>/` | partly downloaded; resumes where it stopped |
//!
//! An archive is removed only after the record of what was in it is on the disk.

mod describe;
mod error;
mod gather;
mod local;
mod record;
mod remote;

use std::io;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use self::local::Local;
use self::record::{Lies, Origin, Record};
use super::config::{DataConfig, PathSource, Source};
use super::fetch::{self, Request};
use super::manifest::{Manifest, ManifestError};
use super::synthetic::Synthetic;
use super::unpack;
use crate::util::failure::Failed;
use crate::util::fs as durable;
use crate::util::lock::FolderLock;
use crate::util::retry::Backoff;
use crate::util::surroundings::Surroundings;

pub use self::error::AcquireError;

/// The manifest's name in the folder of raw files.
const MANIFEST: &str = ".manifest.json";

/// How often a mirror is tried while there are others; only if none answers, one is retried to the limit.
const TRIES_WITH_OTHERS_LEFT: u32 = 3;

/// Makes a synthetic dataset. The layer that knows the files of a dataset provides it.
pub type Synthesize<'a> = &'a dyn Fn(&Synthetic, &Path) -> Result<(), Failed>;

/// Whether a file with this name and these first bytes belongs to a dataset and must not be unpacked. Each task
/// provides it.
pub type IsPayload<'a> = &'a dyn Fn(&Path, &[u8]) -> bool;

/// What acquiring gets from outside.
#[derive(Clone)]
pub struct Context<'a> {
    /// Downloads.
    pub fetch: fetch::Context<'a>,
    /// What an archive may cost.
    pub limits: unpack::Limits,
    /// The generator.
    pub synthesize: Synthesize<'a>,
    /// Not an archive.
    pub payload: IsPayload<'a>,
    /// A whole dataset in one file.
    pub whole: IsPayload<'a>,
}

impl<'a> Context<'a> {
    /// The defaults.
    #[must_use]
    pub fn new(around: &Surroundings<'a>, synthesize: Synthesize<'a>, payload: IsPayload<'a>) -> Self {
        let fetch = fetch::Context::new(around.stop, around.progress);
        Self { fetch, limits: unpack::Limits::default(), synthesize, payload, whole: &|_, _| false }
    }

    /// Whether a file belongs to a dataset and must not be unpacked; its own name is the last of `name`.
    fn is_payload(&self, path: &Path, name: &Path) -> Result<bool, AcquireError> {
        Ok((self.payload)(name, &unpack::head(path)?))
    }

    /// The same with less patience.
    fn hasty(&self) -> Self {
        let patience = &self.fetch.backoff;
        let backoff = Backoff { max_tries: patience.max_tries.min(TRIES_WITH_OTHERS_LEFT), ..patience.clone() };
        Self { fetch: fetch::Context { backoff, ..self.fetch.clone() }, ..self.clone() }
    }
}

/// A dataset that is complete on this machine. While it exists, no other worker touches the dataset's folder.
#[derive(Debug)]
pub struct Acquired {
    /// The folder with the raw files.
    pub root: PathBuf,
    /// Their hashes; none for a folder that is used in place.
    pub manifest: Option<Manifest>,
    /// Its source, for people.
    pub source: String,
    _lock: FolderLock,
}

/// Whether a dataset is complete on this machine, so that acquiring it again writes nothing.
#[must_use]
pub fn is_complete(config: &DataConfig) -> bool {
    Record::load(&config.folder()).is_ok_and(|record| record.is_some())
}

/// Checks that what is on this machine comes from one of the configured sources. Nothing on it is fine, too. It writes nothing.
///
/// # Errors
/// If it comes from another source, or its record can't be read.
pub fn check_source(config: &DataConfig) -> Result<(), AcquireError> {
    let folder = config.folder();
    let Some(record) = Record::load(&folder)? else { return Ok(()) };
    let sources = config.source.iter().map(local::resolved).collect::<Result<Vec<_>, _>>()?;
    match sources.iter().any(|source| record.origin.fits(&Origin::of(source))) {
        true => Ok(()),
        false => Err(AcquireError::OtherSource { held: record.source, sha256: record.origin.sha256(), folder }),
    }
}

/// Brings a dataset here, or finds that it is here already.
///
/// # Errors
/// If no source has it, the disk fails, another worker is acquiring it, or a signal interrupts.
pub fn acquire(config: &DataConfig, context: &Context<'_>) -> Result<Acquired, AcquireError> {
    let folder = config.folder();
    durable::create_dir_all(&folder)?;
    let lock = FolderLock::acquire_or_share(&folder)?;
    let sections: Vec<String> =
        config.source.iter().enumerate().map(|(index, source)| local::section(index, source)).collect();
    let resolved = config
        .source
        .iter()
        .zip(&sections)
        .map(|(source, section)| local::resolved(source).map_err(|error| error.of(section)));
    let sources = resolved.collect::<Result<Vec<_>, _>>()?;
    let record = match held(&sources, &folder)? {
        Some(record) => record,
        None => {
            let record = from_any(&sources, &sections, &folder, context)?;
            record.save(&folder)?;
            record
        }
    };
    durable::remove_tree(&folder.join("download"))?;
    open(record, &sources, &folder, lock)
}

fn open(record: Record, sources: &[Source], folder: &Path, lock: FolderLock) -> Result<Acquired, AcquireError> {
    let (root, manifest) = match record.lies {
        Lies::Here => {
            let root = folder.join("raw");
            let manifest = Manifest::load(&root.join(MANIFEST)).map_err(|error| unusable(error, &root))?;
            (root, Some(manifest))
        }
        Lies::InPlace => (in_place(&record, sources)?, None),
    };
    Ok(Acquired { root, manifest, source: record.source, _lock: lock })
}

/// A list of files that a disk or the system refuses may be sound; any other has to be made again.
fn unusable(error: ManifestError, root: &Path) -> AcquireError {
    match error {
        ManifestError::File(error) if error.source.kind() != io::ErrorKind::NotFound => error.into(),
        error => AcquireError::RawManifest { folder: root.to_owned(), reason: error.to_string() },
    }
}

/// The folder that is used in place, by its current path: it may have been mounted elsewhere since.
fn in_place(record: &Record, sources: &[Source]) -> Result<PathBuf, AcquireError> {
    let path = sources.iter().find_map(|source| match source {
        Source::Path(path) if record.origin.fits(&Origin::of(source)) => Some(path.path.as_path()),
        _ => None,
    });
    let path = path.unwrap_or(Path::new(&record.source));
    let gone = || AcquireError::Gone { path: path.to_owned() };
    local::existing(path).ok().filter(|path| path.is_dir()).ok_or_else(gone)
}

/// What is complete already.
fn held(sources: &[Source], folder: &Path) -> Result<Option<Record>, AcquireError> {
    let wanted = |origin: &Origin| sources.iter().find(|source| origin.fits(&Origin::of(source)));
    let raw = folder.join("raw");
    match Record::load(folder)? {
        Some(record) if wanted(&record.origin).is_none() => {
            let (held, sha256) = (record.source, record.origin.sha256());
            Err(AcquireError::OtherSource { held, sha256, folder: folder.to_owned() })
        }
        Some(record) if record.lies == Lies::Here && !raw.is_dir() => {
            warn!("{} is gone; fetching the dataset again", raw.display());
            Ok(None)
        }
        Some(record) => Ok(Some(record)),
        None => {
            // Killed after the last file was in place and before the record was written.
            let origin = Manifest::load(&raw.join(MANIFEST)).ok().and_then(|manifest| manifest.source.parse().ok());
            let found = origin.and_then(|origin: Origin| Some((wanted(&origin)?, origin)));
            let record = found.map(|(source, origin)| Record::new(source, origin, Lies::Here));
            record.iter().try_for_each(|record| record.save(folder))?;
            Ok(record)
        }
    }
}

/// Tries the sources in order, and at the end those again that may only need more retries.
fn from_any(
    sources: &[Source],
    sections: &[String],
    folder: &Path,
    context: &Context<'_>,
) -> Result<Record, AcquireError> {
    let from = |source: &Source, section: &String, context: &Context<'_>| {
        from(source, folder, context).map_err(|error| error.of(section))
    };
    if let ([only], [section]) = (sources, sections) {
        return from(only, section, context);
    }
    let mut failures: Vec<Option<AcquireError>> = sources.iter().map(|_| None).collect();
    for context in [&context.hasty(), context] {
        for ((source, section), failure) in sources.iter().zip(sections).zip(&mut failures) {
            if failure.as_ref().is_some_and(|failure| !failure.patience_may_help()) {
                continue;
            }
            match from(source, section, context) {
                Ok(record) => return Ok(record),
                Err(error) if error.another_source_may_help() => {
                    warn!("{error}");
                    *failure = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
    let named = sources.iter().map(ToString::to_string).zip(failures);
    Err(AcquireError::AllFailed { failures: named.filter_map(|(source, failure)| Some((source, failure?))).collect() })
}

fn from(source: &Source, folder: &Path, context: &Context<'_>) -> Result<Record, AcquireError> {
    let raw = folder.join("raw");
    let origin = Origin::of(source);
    let origin = match source {
        Source::Synthetic(config) => {
            refuse_in_the_way(&raw)?;
            synthetic(config, origin, &raw, context)?
        }
        Source::Path(path) => match local(path, &raw, origin.clone(), context)? {
            Some(origin) => origin,
            None => return Ok(Record::new(source, origin, Lies::InPlace)),
        },
        Source::Url(url) => {
            refuse_in_the_way(&raw)?;
            remote::bring(&Request::from_url(url)?, origin, folder, &raw, context)?
        }
        Source::Gdrive(drive) => {
            refuse_in_the_way(&raw)?;
            remote::bring(&Request::from_gdrive(drive)?, origin, folder, &raw, context)?
        }
    };
    Ok(Record::new(source, origin, Lies::Here))
}

/// An empty folder does no harm.
fn refuse_in_the_way(raw: &Path) -> Result<(), AcquireError> {
    let is_empty = || std::fs::read_dir(raw).is_ok_and(|mut folder| folder.next().is_none());
    match std::fs::symlink_metadata(raw).is_ok() && !is_empty() {
        true => Err(AcquireError::InTheWay { folder: raw.to_owned() }),
        false => Ok(()),
    }
}

fn synthetic(config: &Synthetic, origin: Origin, raw: &Path, context: &Context<'_>) -> Result<Origin, AcquireError> {
    let partial = durable::partial_name(raw);
    durable::remove_tree(&partial)?;
    if let Err(failed) = (context.synthesize)(config, &partial) {
        // A request to stop is not a failure.
        context.fetch.stop.check()?;
        return Err(AcquireError::Synthetic { section: "data.source".into(), failed });
    }
    gather::commit(&partial, raw, &origin, context)?;
    Ok(origin)
}

/// `None` for a folder that is used in place.
fn local(
    source: &PathSource,
    raw: &Path,
    origin: Origin,
    context: &Context<'_>,
) -> Result<Option<Origin>, AcquireError> {
    match local::look(source, context)? {
        Local::Folder(path) => {
            // An earlier start with another source may have been killed while it wrote.
            durable::remove_tree(&durable::partial_name(raw))?;
            info!("using {} in place", path.display());
            Ok(None)
        }
        Local::File(path, sha256) => {
            refuse_in_the_way(raw)?;
            let origin = origin.with(sha256);
            gather::gather_file(&path, raw, &origin, context)?;
            Ok(Some(origin))
        }
        Local::Archive(path, sha256) => {
            refuse_in_the_way(raw)?;
            let origin = origin.with(sha256);
            gather::gather_one(&path, raw, &origin, context)?;
            Ok(Some(origin))
        }
    }
}
