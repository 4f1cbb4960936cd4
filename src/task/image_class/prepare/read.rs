//! From source files to images at the prepared size, not yet inverted: what was read, and what became of each file.

use std::path::Path;

use super::layout::{LeftOut, Source};
use super::{MAX_BYTES, PrepareError, threads};
use crate::data::manifest::Manifest;
use crate::data::prepare::report::{GroupReport, SetAside};
use crate::data::prepare::work::{on_threads, read_at_most, why_unreadable};
use crate::data::split::Side;
use crate::task::classes::class_names::Class;
use crate::task::image_class::config::PrepareConfig;
use crate::task::image_class::decode::decode;
use crate::task::image_class::facts::ModelFacts;
use crate::task::image_class::fit::Gray;
use crate::task::image_class::packed::Unpacked;
use crate::util::fs::FsError;
use crate::util::sha256::{Digest, Hasher};
use crate::util::surroundings::Surroundings;

/// An image at the prepared size.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) file: String,
    pub(super) class: usize,
    pub(super) side: Option<Side>,
    pub(super) levels: Vec<u8>,
    /// The digest of its levels as they were decoded, with their size.
    pub(super) content: Digest,
    /// The median level of its border.
    pub(super) border: u8,
    /// Its rows and columns before.
    pub(super) size: [usize; 2],
}

/// Everything that was read.
#[derive(Debug)]
pub(super) struct Images {
    pub(super) classes: Vec<Class>,
    pub(super) images: Vec<Image>,
    pub(super) groups: Vec<GroupReport>,
    pub(super) left_out: Vec<LeftOut>,
    /// Whether the files are images of their own, as those that a model will be asked about.
    pub(super) are_files: bool,
}

/// What came of reading a file.
enum Read {
    Good { image: Image, sha256: Digest },
    Bad(String),
}

/// Reads image files, each of one of these classes. The facts say how they are prepared.
pub(super) fn files(
    root: &Path,
    sources: &[(Source, usize)],
    classes: Vec<Class>,
    facts: &ModelFacts,
    hashes: Option<&Manifest>,
    around: &Surroundings<'_>,
) -> Result<Images, PrepareError> {
    let read: Vec<Read> = on_threads(threads(), sources, around.stop, |(source, class), _: &mut ()| {
        let read = file(root, source, *class, facts, hashes);
        around.progress.advance(1);
        read
    })?;
    let mut groups: Vec<GroupReport> = classes.iter().map(|class| group(&class.folder)).collect();
    let mut bad = group("");
    let mut images = Vec::with_capacity(read.len());
    for ((source, class), read) in sources.iter().zip(read) {
        match read {
            Read::Good { image, sha256 } => {
                let group = &mut groups[*class];
                group.items += 1;
                group.files += 1;
                group.used.push((source.path.clone(), sha256));
                images.push(image);
            }
            Read::Bad(reason) => bad.set_aside.push(SetAside { file: source.path.clone(), reason }),
        }
    }
    bad.files = bad.set_aside.len();
    groups.push(bad);
    Ok(Images { classes, images, groups, left_out: Vec::new(), are_files: true })
}

/// Prepares the images of packed files.
pub(super) fn packed(
    unpacked: Unpacked,
    config: &PrepareConfig,
    around: &Surroundings<'_>,
) -> Result<Images, PrepareError> {
    let facts = facts(config);
    let Unpacked { tables, classes, class_of, files, mut left_out } = unpacked;
    let mut whole = group("");
    whole.used = files;
    let mut images = Vec::new();
    for (table, class_of) in tables.iter().zip(&class_of) {
        let places: Vec<(usize, usize)> =
            class_of.iter().enumerate().filter_map(|(place, class)| Some((place, (*class)?))).collect();
        let unlisted = class_of.len() - places.len();
        if unlisted > 0 {
            left_out.push(LeftOut { place: table.file.clone(), files: unlisted, reason: UNLISTED.to_owned() });
        }
        images.extend(on_threads(threads(), &places, around.stop, |&(place, class), _: &mut ()| {
            let [rows, columns] = table.shape;
            let image = Gray { rows, columns, levels: table.image(place).to_vec() };
            around.progress.advance(1);
            Ok::<_, PrepareError>(prepared(image, table.name(place), class, table.side, &facts))
        })?);
        let set_aside = |(line, reason): &(usize, String)| SetAside {
            file: format!("{}:{line}", table.file),
            reason: reason.clone(),
        };
        whole.set_aside.extend(table.bad.iter().map(set_aside));
        whole.items += places.len();
    }
    whole.files = whole.items + whole.set_aside.len();
    Ok(Images { classes, images, groups: vec![whole], left_out, are_files: false })
}

/// Why images of a class that is not listed are left out.
pub(super) const UNLISTED: &str = "its class is not in task.image_class.prepare.classes";

fn group(path: &str) -> GroupReport {
    GroupReport { path: path.to_owned(), items: 0, files: 0, set_aside: Vec::new(), used: Vec::new() }
}

/// How images are prepared before it is known whether to invert.
pub(super) fn facts(config: &PrepareConfig) -> ModelFacts {
    let PrepareConfig { size, fit, transpose, background, .. } = *config;
    let (classes, labels, temperature) = (Vec::new(), Vec::new(), None);
    let (transposed, packed_transposed, inverted) = (transpose, transpose, false);
    ModelFacts { classes, labels, size, fit, transposed, packed_transposed, background, inverted, temperature }
}

fn file(
    root: &Path,
    source: &Source,
    class: usize,
    facts: &ModelFacts,
    hashes: Option<&Manifest>,
) -> Result<Read, PrepareError> {
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
    Ok(match decode(&bytes, facts.background.level()) {
        Ok(image) => Read::Good { image: prepared(image, source.path.clone(), class, source.side, facts), sha256 },
        Err(reason) => Read::Bad(reason),
    })
}

fn prepared(image: Gray, file: String, class: usize, side: Option<Side>, facts: &ModelFacts) -> Image {
    let (levels, content) = (facts.prepared(&image), content(&image));
    Image { file, class, side, levels, content, border: image.border(), size: [image.rows, image.columns] }
}

fn content(image: &Gray) -> Digest {
    let mut hasher = Hasher::default();
    [image.rows, image.columns].into_iter().for_each(|side| hasher.update(&(side as u64).to_le_bytes()));
    hasher.update(&image.levels);
    hasher.finish()
}
