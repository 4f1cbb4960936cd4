//! From folders of images to the prepared dataset: one record of gray levels for each image, and the facts beside them. If no
//! file has changed nothing is done; otherwise all images are read again, which takes seconds.
//!
//! A class is a folder. It holds images at any depth: `<class>/...`, or `train/<class>/...` beside `val/<class>/...` and
//! `test/<class>/...`, if the dataset has sides of its own. A folder around all of them is passed over.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::class_names::{Class, ordered};
use super::config::{Invert, PrepareConfig};
use super::decode::decode;
use super::facts::{Facts, ImageFacts, ModelFacts, VERSION};
use crate::data::manifest::Manifest;
use crate::data::prepare::files::{FileKind, FilesError, Folder, Stamp, find};
use crate::data::prepare::key::folder_name;
use crate::data::prepare::report::{GroupReport, Report, SetAside, TooManyBad, check_share};
use crate::data::prepare::work::{on_threads, read_at_most, why_unreadable};
use crate::data::split::Side;
use crate::data::store::records::{RecordError, RecordStore, RecordWriter, recover};
use crate::util::exit::Exit;
use crate::util::fs::{FsError, create_dir_all};
use crate::util::lock::LockError;
use crate::util::progress::{Stage, Unit};
use crate::util::readers::Changing;
use crate::util::sha256::Digest;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;

/// What is counted.
pub const IMAGES: Unit = Unit { one: "image", many: "images" };

pub(super) const FILES: FileKind = FileKind {
    name: "image",
    endings: &["png"],
    layout: "in a folder for each class: data/A_upper/0001.png",
    ignored: &["__MACOSX", "Thumbs.db", "desktop.ini"],
};

/// Names of folders that are sides, not classes.
const SIDES: [(&str, Side); 5] =
    [("train", Side::Train), ("val", Side::Val), ("valid", Side::Val), ("validation", Side::Val), ("test", Side::Test)];

/// The longest file: images are small here, and a damaged or sparse file must not take all memory.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// A border brighter than this is paper.
const BRIGHT: u8 = 127;

/// A prepared dataset.
pub struct PreparedImages {
    /// Its folder.
    pub store: PathBuf,
    /// The records.
    pub records: RecordStore,
    /// What is beside them.
    pub facts: Facts,
    /// What became of each file.
    pub report: Report<About>,
    /// Whether images were read now.
    pub is_new: bool,
}

/// What the report says about the dataset as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The options that made it.
    pub options: PrepareConfig,
    /// Whether levels were inverted.
    pub inverted: bool,
    /// All files that are used, with the digests of their contents.
    pub files: Vec<(String, Digest)>,
}

/// A dataset that can't be prepared.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// There are no images.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// There is nothing to tell apart.
    #[error(
        "{} has images of {} ({}), expected at least 2 classes; put the images of each class into a folder of its own",
        root.display(),
        if names.is_empty() { "no class".into() } else { format!("{} class", names.len()) },
        names.join(", ")
    )]
    OneClass {
        /// The dataset's root.
        root: PathBuf,
        /// The classes.
        names: Vec<String>,
    },
    /// Too much can't be used.
    #[error(transparent)]
    TooManyBad(#[from] TooManyBad),
    /// The store can't be written or read.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FsError),
    /// A training reads what would be changed.
    #[error(transparent)]
    InUse(#[from] LockError),
    /// A signal came.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PrepareError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Files(error) => error.exit(),
            Self::OneClass { .. } => Exit::DataRefused,
            Self::TooManyBad(error) => error.exit(),
            Self::Records(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::InUse(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("prepare": PrepareError);

/// The folder of the dataset with these options, below that of all prepared ones.
#[must_use]
pub fn store_path(prepared: &Path, config: &PrepareConfig) -> PathBuf {
    let PrepareConfig { size: [rows, columns], fit, invert, max_bad_share: _ } = config;
    let size = format!("{rows}x{columns}");
    prepared.join(folder_name(&["images", &size], &format!("{VERSION}/{size}/{fit:?}/{invert:?}")))
}

/// The list of what became of each file.
#[must_use]
pub fn report_path(store: &Path) -> PathBuf {
    Report::<About>::path(store)
}

/// Opens a dataset that was prepared.
///
/// # Errors
/// If there is none, or it is damaged.
pub fn open(store: &Path) -> Result<(RecordStore, Facts), RecordError> {
    let records = RecordStore::open(&store.join("records"))?.kept_in_memory(usize::MAX);
    let facts = records.facts()?;
    Ok((records, facts))
}

/// Prepares the images below `root`.
///
/// # Errors
/// If there is nothing to prepare, too much of it can't be read, a disk fails, or a signal comes.
pub fn prepare(
    root: &Path,
    prepared: &Path,
    config: &PrepareConfig,
    hashes: Option<&Manifest>,
    around: &Surroundings<'_>,
) -> Result<PreparedImages, PrepareError> {
    let store = store_path(prepared, config);
    create_dir_all(&store)?;
    recover(&store)?;
    let sources = sources(&find(root, &FILES)?);
    let classes = classes(root, &sources)?;
    let stamps: Vec<(String, Stamp)> = sources.iter().map(|source| (source.path.clone(), source.stamp)).collect();
    if let Ok((records, facts)) = open(&store)
        && facts.version == VERSION
        && facts.sources == stamps
        && let Ok(report) = Report::load(&store)
    {
        around.progress.end(&format!("prepared: {}, nothing new", IMAGES.count(records.len() as u64)));
        return Ok(PreparedImages { store, records, facts, report, is_new: false });
    }
    around.progress.begin(Stage::Prepare, Some(sources.len() as u64), IMAGES);
    let read: Vec<Read> = on_threads(threads(), &sources, around.stop, |source, _: &mut ()| {
        let read = read(root, source, config, hashes);
        around.progress.advance(1);
        read
    })?;
    let groups = groups(&classes, &sources, &read);
    check_share(&groups, &store, ("task.image_class.prepare.max_bad_share", config.max_bad_share))??;
    let inverted = is_inverted(config.invert, &read);
    let _changing = Changing::begin(&store)?;
    let mut writer = RecordWriter::create(&store.join("records"))?;
    let mut images = Vec::new();
    for (source, read) in sources.iter().zip(read) {
        let Read::Good { mut levels, .. } = read else { continue };
        if inverted {
            levels.iter_mut().for_each(|level| *level = 255 - *level);
        }
        writer.append(&levels)?;
        let class = classes.iter().position(|class| class.folder == source.class).unwrap_or(0);
        images.push(ImageFacts { file: source.path.clone(), class, content: Digest::of(&levels), side: source.side });
    }
    let (folders, labels) = classes.into_iter().map(|Class { folder, label }| (folder, label)).unzip();
    let model = ModelFacts { classes: folders, labels, size: config.size, inverted };
    let facts = Facts { version: VERSION, model, images, sources: stamps };
    writer.finish(&facts)?;
    let files = groups.iter().flat_map(|group| group.used.iter().cloned()).collect();
    let report = Report::new(About { options: config.clone(), inverted, files }, groups);
    report.save(&store)?;
    let (records, facts) = open(&store)?;
    around.progress.end(&format!("prepared: {}", IMAGES.count(records.len() as u64)));
    Ok(PreparedImages { store, records, facts, report, is_new: true })
}

pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A source file, and what its place says about it.
struct Source {
    path: String,
    stamp: Stamp,
    class: String,
    side: Option<Side>,
}

/// All files with their classes: the first folder below the one that all share, or the second if the first are sides.
fn sources(folders: &[Folder]) -> Vec<Source> {
    let parts: Vec<Vec<&str>> =
        folders.iter().map(|folder| folder.path.split('/').filter(|part| !part.is_empty()).collect()).collect();
    let shared = shared(&parts);
    let side = |name: &str| SIDES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, side)| *side);
    let sides: Vec<Option<Side>> = parts.iter().map(|parts| side(parts.get(shared)?)).collect();
    let has_sides = sides.iter().all(Option::is_some) && sides.contains(&Some(Side::Train));
    let mut sources = Vec::new();
    for ((folder, parts), side) in folders.iter().zip(&parts).zip(sides) {
        let (class, side) = if has_sides { (parts.get(shared + 1), side) } else { (parts.get(shared), None) };
        let Some(class) = class.or(parts.last()) else { continue };
        for file in &folder.files {
            let path =
                if folder.path.is_empty() { file.name.clone() } else { format!("{}/{}", folder.path, file.name) };
            sources.push(Source { path, stamp: file.stamp, class: (*class).to_owned(), side });
        }
    }
    sources
}

/// The number of folders that all paths begin with, not counting the last folder of any.
fn shared(paths: &[Vec<&str>]) -> usize {
    let shortest = paths.iter().map(Vec::len).min().unwrap_or(0);
    let same = |place: &usize| paths.iter().all(|path| path[*place] == paths[0][*place]);
    (0..shortest.saturating_sub(1)).take_while(same).count()
}

fn classes(root: &Path, sources: &[Source]) -> Result<Vec<Class>, PrepareError> {
    let classes = ordered(sources.iter().map(|source| source.class.clone()).collect());
    if classes.len() < 2 {
        let names = classes.into_iter().map(|class| class.folder).collect();
        return Err(PrepareError::OneClass { root: root.to_owned(), names });
    }
    Ok(classes)
}

/// What came of reading a file.
enum Read {
    Good { levels: Vec<u8>, border: u8, sha256: Digest },
    Bad(String),
}

fn read(root: &Path, source: &Source, config: &PrepareConfig, hashes: Option<&Manifest>) -> Result<Read, PrepareError> {
    let path = root.join(&source.path);
    let bytes = match read_at_most(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => return Ok(Read::Bad(error.to_string())),
        // It says nothing about the others.
        Err(error) => match why_unreadable(&error, &path) {
            Some(reason) => return Ok(Read::Bad(reason)),
            None => return Err(FsError::at("read", &path)(error).into()),
        },
    };
    let sha256 = Digest::of(&bytes);
    if let Some(expected) =
        hashes.and_then(|hashes| Some(hashes.get(&source.path)?.sha256)).filter(|expected| *expected != sha256)
    {
        return Ok(Read::Bad(format!("damaged on this disk: its SHA-256 is {sha256}, it was {expected} when fetched")));
    }
    Ok(match decode(&bytes) {
        Ok(image) => Read::Good { levels: image.fitted(config.size, config.fit), border: image.border(), sha256 },
        Err(reason) => Read::Bad(reason),
    })
}

/// One decision for all images: a classifier that sees some of them inverted learns two sets of characters.
fn is_inverted(invert: Invert, read: &[Read]) -> bool {
    let borders = read.iter().filter_map(|read| match read {
        Read::Good { border, .. } => Some(*border),
        Read::Bad(_) => None,
    });
    let (bright, all) = borders.fold((0, 0), |(bright, all), border| (bright + usize::from(border > BRIGHT), all + 1));
    match invert {
        Invert::Auto => 2 * bright > all,
        Invert::Always => true,
        Invert::Never => false,
    }
}

/// What became of the files of each class.
fn groups(classes: &[Class], sources: &[Source], read: &[Read]) -> Vec<GroupReport> {
    let group = |class: &Class| {
        let own = || sources.iter().zip(read).filter(|(source, _)| source.class == class.folder);
        let used: Vec<(String, Digest)> = own()
            .filter_map(|(source, read)| match read {
                Read::Good { sha256, .. } => Some((source.path.clone(), *sha256)),
                Read::Bad(_) => None,
            })
            .collect();
        let set_aside = own().filter_map(|(source, read)| match read {
            Read::Bad(reason) => Some(SetAside { file: source.path.clone(), reason: reason.clone() }),
            Read::Good { .. } => None,
        });
        let set_aside: Vec<SetAside> = set_aside.collect();
        GroupReport {
            path: class.folder.clone(),
            items: used.len(),
            files: used.len() + set_aside.len(),
            set_aside,
            used,
        }
    };
    classes.iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<Folder> {
        let folder = |path: &&str| Folder { path: (*path).into(), folder: PathBuf::new(), files: Vec::new() };
        paths.iter().map(folder).collect()
    }

    fn classes_of(folders: &[&str]) -> Vec<(String, Option<Side>)> {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            let folder = root.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("1.png"), "").unwrap();
        }
        let sources = sources(&find(root.path(), &FILES).unwrap());
        sources.into_iter().map(|source| (source.class, source.side)).collect()
    }

    #[test]
    fn a_class_is_a_folder_below_what_all_share_and_below_the_sides() {
        let plain = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), None)).collect::<Vec<_>>();
        assert_eq!(classes_of(&["A", "B"]), plain(&["A", "B"]));
        assert_eq!(classes_of(&["top/A", "top/B/deep"]), plain(&["A", "B"]));
        let sides = classes_of(&["x/train/A", "x/train/B", "x/valid/A", "x/test/B"]);
        let named = |class: &str, side| (class.to_owned(), Some(side));
        assert_eq!(
            sides,
            [named("B", Side::Test), named("A", Side::Train), named("B", Side::Train), named("A", Side::Val)]
        );
        assert_eq!(classes_of(&["train", "bus"]), plain(&["bus", "train"]), "vehicles, not sides");
        assert_eq!(shared(&paths(&[]).iter().map(|_| Vec::new()).collect::<Vec<_>>()), 0);
    }

    #[test]
    fn bright_borders_decide_for_all_images() {
        let read = |border| Read::Good { levels: Vec::new(), border, sha256: Digest::of(b"") };
        let mixed = [read(255), read(250), read(0)];
        assert!(is_inverted(Invert::Auto, &mixed) && !is_inverted(Invert::Auto, &[read(0), read(255)]));
        assert!(is_inverted(Invert::Always, &[]) && !is_inverted(Invert::Never, &mixed));
    }
}
