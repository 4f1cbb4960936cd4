//! From files to the prepared dataset: one record of gray levels for each image, and the facts beside them. If no file has
//! changed nothing is done; otherwise all images are read again, which takes seconds.
//!
//! ```text
//! layout  class and side of each image file, by its folders     cap    the most images of a class
//! read    from files to images at the prepared size             error  why that is not possible
//! ```

mod cap;
mod error;
pub mod layout;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::error::PrepareError;
use self::layout::{Layout, LeftOut, Source};
use self::read::{Image, Images, UNLISTED};
use super::config::{Invert, PrepareConfig};
use super::facts::{Facts, ImageFacts, ModelFacts, VERSION, invert};
use super::packed::{Packed, Unusable};
use crate::data::manifest::Manifest;
use crate::data::prepare::files::{FileKind, FilesError, Stamp, every};
use crate::data::prepare::key::folder_name;
use crate::data::prepare::report::{Report, check_share};
use crate::data::store::records::{RecordError, RecordStore, RecordWriter, recover};
use crate::task::classes::class_names::{Class, canonical, folder, labelled, ordered};
use crate::util::fs::create_dir_all;
use crate::util::progress::{Stage, Unit};
use crate::util::readers::Changing;
use crate::util::sha256::Digest;
use crate::util::surroundings::Surroundings;

/// What is counted.
pub const IMAGES: Unit = Unit { one: "image", many: "images" };

pub(super) const FILES: FileKind = FileKind {
    name: "image",
    endings: &["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff", "gif"],
    layout: "in a folder for each class: data/A_upper/0001.png (or idx, npz or csv files with many images)",
    ignored: &["__MACOSX", "Thumbs.db", "desktop.ini"],
};

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
    /// The sizes that images had before, the most frequent first.
    pub sizes: Vec<SizeCount>,
    /// What takes no part although it is there.
    pub left_out: Vec<LeftOut>,
    /// Raw files that a processed one replaces.
    pub replaced: usize,
    /// Images above the most of their class.
    pub capped: usize,
}

/// How many images had a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeCount {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Images.
    pub images: usize,
}

/// The folder of the dataset with these options, below that of all prepared ones.
#[must_use]
pub fn store_path(prepared: &Path, config: &PrepareConfig) -> PathBuf {
    let PrepareConfig {
        size: [rows, columns],
        channels,
        fit,
        invert,
        background,
        transpose,
        classes,
        max_per_class,
        max_bad_share: _,
    } = config;
    let size = format!("{rows}x{columns}");
    let options = format!("{VERSION}/{size}/{channels}/{fit:?}/{invert:?}/{transpose}/{classes:?}/{max_per_class:?}");
    // As before there was a choice, so that what was prepared then is found.
    let ground = if background.is_white() { String::new() } else { format!("/{background:?}") };
    let options = options + &ground;
    prepared.join(folder_name(&["images", &size], &options))
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
    let found = Found::below(root)?;
    let stamps = found.stamps();
    if let Ok((records, facts)) = open(&store)
        && facts.version == VERSION
        && facts.sources == stamps
        && let Ok(report) = Report::load(&store)
    {
        around.progress.end(&format!("prepared: {}, nothing new", IMAGES.count(records.len() as u64)));
        return Ok(PreparedImages { store, records, facts, report, is_new: false });
    }
    let replaced = found.replaced();
    let Images { classes, images, groups, left_out, are_files } = found.read((root, &store), config, hashes, around)?;
    check_share(&groups, &store, ("task.image_class.prepare.max_bad_share", config.max_bad_share))??;
    let inverted = is_inverted(config.invert, images.iter().map(|image| image.border));
    let (kept, capped) = cap::capped(images, &classes, config.max_per_class);
    let _changing = Changing::begin(&store)?;
    let mut writer = RecordWriter::create(&store.join("records"))?;
    let (mut images, sizes) = (Vec::with_capacity(kept.len()), sizes(&kept));
    for Image { file, class, side, mut levels, content, .. } in kept {
        if inverted {
            invert(&mut levels);
        }
        writer.append(&levels)?;
        images.push(ImageFacts { file, class, content, side });
    }
    let (folders, labels) = classes.into_iter().map(|Class { folder, label }| (folder, label)).unzip();
    // Images that a model is asked about are files, which are upright where those of an idx file are not.
    let (transposed, packed_transposed) = (config.transpose && are_files, config.transpose);
    let (size, fit, background, temperature) = (config.size, config.fit, config.background, None);
    let model = ModelFacts {
        classes: folders,
        labels,
        size,
        fit,
        transposed,
        packed_transposed,
        background,
        inverted,
        temperature,
    };
    let facts = Facts { version: VERSION, model, images, sources: stamps };
    writer.finish(&facts)?;
    let files = groups.iter().flat_map(|group| group.used.iter().cloned()).collect();
    let about = About { options: config.clone(), inverted, files, sizes, left_out, replaced, capped };
    let report = Report::new(about, groups);
    report.save(&store)?;
    let (records, facts) = open(&store)?;
    around.progress.end(&format!("prepared: {}", IMAGES.count(records.len() as u64)));
    Ok(PreparedImages { store, records, facts, report, is_new: true })
}

/// What a dataset is made of.
enum Found {
    Folders(Layout),
    Packed(Packed),
}

impl Found {
    fn below(root: &Path) -> Result<Self, PrepareError> {
        let visited = every(root, &FILES)?;
        if visited.iter().any(|visited| !visited.folder.files.is_empty()) {
            let mut layout = Layout::of(&visited);
            if visited.iter().any(|visited| visited.others > 0) {
                layout.left_out.extend(Packed::find(root)?.into_iter().flat_map(Packed::beside_images));
            }
            return Ok(Self::Folders(layout));
        }
        let packed = Packed::find(root)?.ok_or_else(|| FilesError::None { root: root.to_owned(), kind: FILES })?;
        Ok(Self::Packed(packed))
    }

    /// All that the dataset follows from: files, and empty folders.
    fn stamps(&self) -> Vec<(String, Stamp)> {
        match self {
            Self::Folders(layout) => {
                let files = layout.sources.iter().map(|source| (source.path.clone(), source.stamp));
                let empty = Stamp { bytes: 0, inode: 0, changed_ns: 0 };
                files.chain(layout.empty.iter().map(|class| (format!("{class}/"), empty))).collect()
            }
            Self::Packed(packed) => packed.stamps().cloned().collect(),
        }
    }

    fn replaced(&self) -> usize {
        if let Self::Folders(layout) = self { layout.replaced } else { 0 }
    }

    fn read(
        self,
        (root, store): (&Path, &Path),
        config: &PrepareConfig,
        hashes: Option<&Manifest>,
        around: &Surroundings<'_>,
    ) -> Result<Images, PrepareError> {
        match self {
            Self::Folders(layout) => {
                let (classes, sources, left_out) = classes(layout, config.classes.as_deref());
                two_classes(root, &classes, sources.iter().map(|(_, class)| *class), config.classes.is_some())?;
                around.progress.begin(Stage::Prepare, Some(sources.len() as u64), IMAGES);
                let mut images = read::files(root, &sources, classes, &read::facts(config), hashes, around)?;
                images.left_out = left_out;
                Ok(images)
            }
            Self::Packed(packed) => {
                around.progress.begin(Stage::Prepare, None, IMAGES);
                let listed = config.classes.as_deref();
                let unpacked = packed.read(root, store, config.size, listed, hashes, around.stop);
                around.stop.check()?;
                let refused = |Unusable { file, reason }| PrepareError::Packed { path: root.join(file), reason };
                let unpacked = unpacked.map_err(refused)?;
                let used = unpacked.class_of.iter().flatten().filter_map(|class| *class);
                two_classes(root, &unpacked.classes, used, listed.is_some())?;
                read::packed(unpacked, config, around)
            }
        }
    }
}

/// The classes of folders, the files with the numbers of their classes, and what is left out.
fn classes(layout: Layout, listed: Option<&[String]>) -> (Vec<Class>, Vec<(Source, usize)>, Vec<LeftOut>) {
    let Layout { sources, empty, mut left_out, .. } = layout;
    let found: BTreeSet<String> = sources.iter().map(|source| source.class.clone()).chain(empty).collect();
    let classes = match listed {
        Some(listed) => labelled(listed.iter().map(|name| named(name, &found)).collect()),
        None => ordered(found),
    };
    let numbers: BTreeMap<&str, usize> =
        classes.iter().enumerate().map(|(number, class)| (class.folder.as_str(), number)).collect();
    let mut unlisted: BTreeMap<String, usize> = BTreeMap::new();
    let mut used = Vec::with_capacity(sources.len());
    for source in sources {
        match numbers.get(source.class.as_str()) {
            Some(&number) => used.push((source, number)),
            None => *unlisted.entry(source.class).or_default() += 1,
        }
    }
    let unlisted = unlisted.into_iter();
    left_out.extend(unlisted.map(|(place, files)| LeftOut { place, files, reason: UNLISTED.to_owned() }));
    (classes, used, left_out)
}

/// The class that a list means: a folder in either spelling, or the character that a folder is named for.
fn named(listed: &str, found: &BTreeSet<String>) -> String {
    let name = canonical(listed).into_owned();
    let mut letters = listed.chars();
    let character = letters.next().filter(|_| letters.next().is_none()).and_then(folder);
    match character {
        Some(character) if !found.contains(&name) && found.contains(&character) => character,
        _ => name,
    }
}

fn two_classes(
    root: &Path,
    classes: &[Class],
    used: impl Iterator<Item = usize>,
    is_listed: bool,
) -> Result<(), PrepareError> {
    let used: BTreeSet<usize> = used.collect();
    if used.len() > 1 {
        return Ok(());
    }
    let names = used.into_iter().map(|class| classes[class].folder.clone()).collect();
    Err(PrepareError::OneClass { root: root.to_owned(), names, is_listed })
}

/// The sizes that images had, the most frequent first.
fn sizes(images: &[Image]) -> Vec<SizeCount> {
    let mut counts: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    images.iter().for_each(|image| *counts.entry(image.size).or_default() += 1);
    let mut sizes: Vec<_> = counts.into_iter().map(|(size, images)| SizeCount { size, images }).collect();
    sizes.sort_by_key(|size| std::cmp::Reverse(size.images));
    sizes
}

/// Threads that read and prepare.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One decision for all images: a classifier that sees some of them inverted learns two sets of characters.
fn is_inverted(invert: Invert, borders: impl Iterator<Item = u8>) -> bool {
    let (bright, all) = borders.fold((0, 0), |(bright, all), border| (bright + usize::from(border > BRIGHT), all + 1));
    match invert {
        Invert::Auto => 2 * bright > all,
        Invert::Always => true,
        Invert::Never => false,
    }
}

#[cfg(test)]
mod tests;
