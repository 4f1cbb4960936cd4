//! From files to the prepared dataset: one record of numbers for each sequence, and the facts beside them. If no file has changed
//! nothing is done; otherwise all sequences are read again.

mod contents;
mod error;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::contents::Contents;
pub use self::error::PrepareError;
use super::SEQUENCES;
use super::assemble::{Assembled, assemble};
use super::clip::{Clip, VALUES};
use super::config::{PointValue, Points, PrepareConfig};
use super::facts::{Facts, SampleFacts, VERSION};
use super::packed;
use super::read::{self, Hints};
use super::recipe::Recipe;
use crate::data::manifest::Manifest;
use crate::data::prepare::files::{FileKind, Stamp, every};
use crate::data::prepare::key::folder_name;
use crate::data::prepare::report::{GroupReport, Report, SetAside, check_share};
use crate::data::prepare::work::on_threads;
use crate::data::store::records::{RecordError, RecordStore, RecordWriter, recover};
use crate::util::fs::create_dir_all;
use crate::util::progress::Stage;
use crate::util::readers::Changing;
use crate::util::sha256::{Digest, Hasher};
use crate::util::surroundings::Surroundings;

/// Sequences that are read before they are written, and their bytes: the memory that preparing takes.
const MOST_AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 256 << 20;

/// Records that are kept in memory; others are read again when they are needed.
const BYTES_IN_MEMORY: usize = 4 << 30;

/// The files of a dataset.
pub(super) const FILES: FileKind = FileKind {
    name: "file of keypoints",
    endings: &["pkl", "json", "npz", "npy", "parquet", "csv", "ts"],
    layout: "in one of the layouts of docs/signs.md",
    ignored: &["__MACOSX", "Thumbs.db", "desktop.ini"],
};

/// A prepared dataset.
pub struct PreparedSigns {
    /// Its folder.
    pub store: PathBuf,
    /// The records.
    pub records: RecordStore,
    /// What is beside them.
    pub facts: Facts,
    /// What became of each file.
    pub report: Report<About>,
    /// Whether files were read now.
    pub is_new: bool,
}

/// What the report says about the dataset as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The options that made it.
    pub options: PrepareConfig,
    /// All files that are used, with the digests of their contents.
    pub files: Vec<(String, Digest)>,
    /// How often each part of the body was not seen.
    pub unseen: Vec<Unseen>,
    /// Sequences that were resampled, as they had more frames than `max_frames`.
    pub resampled: usize,
}

/// How often a part of the body was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The part.
    pub part: String,
    /// Frames in which it was not.
    pub frames: usize,
    /// All frames.
    pub of: usize,
}

/// The folder of the dataset with these options, below that of all prepared ones.
#[must_use]
pub fn store_path(prepared: &Path, config: &PrepareConfig) -> PathBuf {
    let recipe = Recipe::of(config);
    let words: Vec<&str> =
        ["signs"].into_iter().chain(recipe.streams.iter().map(|stream| stream.name.as_str())).collect();
    prepared.join(folder_name(&words, &format!("{VERSION}/{recipe:?}/{:?}", config.store)))
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
    let records = RecordStore::open(&store.join("records"))?.kept_in_memory(BYTES_IN_MEMORY);
    let facts = records.facts()?;
    Ok((records, facts))
}

/// What the configuration says of files that do not say it themselves.
#[must_use]
pub fn hints(config: &PrepareConfig) -> Hints {
    let points = |points: &Points| match points {
        Points::All(count) => Some(*count),
        Points::Group(_) | Points::Listed(_) => None,
    };
    let streams = config.streams.0.iter().filter_map(|(name, stream)| Some((name.clone(), points(&stream.points)?)));
    Hints { streams: streams.collect(), values: PointValue::ALL.map(|value| config.values.contains(&value)) }
}

/// Prepares the sequences below `root`.
///
/// # Errors
/// If there is nothing to prepare, too much of it can't be used, a disk fails, or a signal comes.
pub fn prepare(
    root: &Path,
    prepared: &Path,
    config: &PrepareConfig,
    hashes: Option<&Manifest>,
    around: &Surroundings<'_>,
) -> Result<PreparedSigns, PrepareError> {
    let store = store_path(prepared, config);
    create_dir_all(&store)?;
    recover(&store)?;
    let stamps = stamps(root)?;
    if let Ok((records, facts)) = open(&store)
        && facts.version == VERSION
        && facts.sources == stamps
        && let Ok(report) = Report::load(&store)
    {
        around.progress.end(&format!("prepared: {}, nothing new", SEQUENCES.count(records.len() as u64)));
        return Ok(PreparedSigns { store, records, facts, report, is_new: false });
    }
    let dataset = read::Dataset::open(root, &hints(config)).map_err(|error| Contents::why(root, error, hashes))?;
    let contents = Contents::of(root, &dataset.files, hashes, around)?;
    contents.check_lists(root, |file| dataset.is_list(file))?;
    let recipe = Recipe::of(config);
    around.progress.begin(Stage::Prepare, Some(dataset.entries.len() as u64), SEQUENCES);
    let _changing = Changing::begin(&store)?;
    let mut writer = RecordWriter::create(&store.join("records"))?;
    let mut made = Made::default();
    made.bad.extend(dataset.set_aside.iter().map(|aside| {
        made.gone.extend(aside.name.clone());
        SetAside { file: aside.place.clone(), reason: aside.reason.clone() }
    }));
    let numbers: Vec<usize> = (0..dataset.entries.len()).collect();
    let (mut rest, mut at_once) = (&numbers[..], threads());
    while !rest.is_empty() {
        let (numbers, behind) = rest.split_at(at_once.min(rest.len()));
        rest = behind;
        let each = on_threads(threads(), numbers, around.stop, |&number, _: &mut ()| {
            let made = match contents.problem(&dataset.entries[number].file) {
                None => sequence(&dataset, number, &recipe),
                Some(reason) => Err(reason),
            };
            around.progress.advance(1);
            Ok::<_, PrepareError>(made)
        })?;
        at_once = next_at_once(each.iter().flatten().map(|sequence| size_of_val(&sequence.assembled.values[..])));
        for (&number, sequence) in numbers.iter().zip(each) {
            let entry = &dataset.entries[number];
            match sequence {
                Ok(sequence) => made.add(sequence, entry, &mut writer, config)?,
                Err(reason) => {
                    let holds_many = matches!(dataset.layout, read::Layout::Packed | read::Layout::Series);
                    let reason = if holds_many { format!("{}: {reason}", entry.name) } else { reason };
                    made.bad.push(SetAside { file: entry.file.clone(), reason });
                    made.gone.push(entry.name.clone());
                }
            }
        }
    }
    let files = contents.files;
    let group = GroupReport {
        path: String::new(),
        items: made.samples.len(),
        files: made.samples.len() + made.bad.len(),
        set_aside: std::mem::take(&mut made.bad),
        used: files.clone(),
    };
    check_share(std::slice::from_ref(&group), &store, ("task.keypoints.prepare.max_bad_share", config.max_bad_share))??;
    made.check(root, &recipe, group.set_aside.first())?;
    let about = About { options: config.clone(), files, unseen: made.unseen(), resampled: made.resampled };
    let facts = made.facts(&dataset.classes, recipe, config, stamps);
    writer.finish(&facts)?;
    let report = Report::new(about, vec![group]);
    report.save(&store)?;
    let (records, facts) = open(&store)?;
    around.progress.end(&format!("prepared: {}", SEQUENCES.count(records.len() as u64)));
    Ok(PreparedSigns { store, records, facts, report, is_new: true })
}

/// How many sequences are read at once after those of these bytes.
fn next_at_once(bytes: impl Iterator<Item = usize>) -> usize {
    let largest = bytes.max().unwrap_or(0).max(1);
    (BYTES_AT_ONCE / largest).clamp(threads(), MOST_AT_ONCE.max(threads()))
}

/// Every file that a dataset may consist of.
fn stamps(root: &Path) -> Result<Vec<(String, Stamp)>, PrepareError> {
    let path = |folder: &str, name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let mut stamps = Vec::new();
    for visited in every(root, &FILES)? {
        let files = visited.folder.files.iter();
        stamps.extend(files.map(|file| (path(&visited.folder.path, &file.name), file.stamp)));
    }
    stamps.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(stamps)
}

/// A sequence that was read.
struct Sequence {
    assembled: Assembled,
    content: Digest,
}

fn sequence(dataset: &read::Dataset, number: usize, recipe: &Recipe) -> Result<Sequence, String> {
    if dataset.entries[number].class.is_none() {
        return Err("has no class, which training needs".into());
    }
    let clip = dataset.clip(number).map_err(|aside| aside.reason)?;
    let assembled = assemble(&clip, recipe)?;
    assembled.check_seen()?;
    Ok(Sequence { assembled, content: content(&clip) })
}

/// The digest of all points as the file has them.
fn content(clip: &Clip) -> Digest {
    let mut hasher = Hasher::default();
    for part in &clip.parts {
        hasher.update(part.name.as_bytes());
        for number in [part.name.len(), part.points, VALUES, part.values.len()] {
            hasher.update(&(number as u64).to_le_bytes());
        }
        let bytes: Vec<u8> = part.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        hasher.update(&bytes);
    }
    hasher.finish()
}

/// What was made of the sequences so far.
#[derive(Default)]
struct Made {
    samples: Vec<(SampleFacts, String)>,
    bad: Vec<SetAside>,
    gone: Vec<String>,
    parts: Vec<String>,
    resampled: usize,
}

impl Made {
    fn add(
        &mut self,
        sequence: Sequence,
        entry: &read::Entry,
        writer: &mut RecordWriter,
        config: &PrepareConfig,
    ) -> Result<(), PrepareError> {
        let Sequence { assembled: Assembled { frames, values, unseen, frames_before }, content } = sequence;
        writer.append(&packed::bytes(&values, config.store))?;
        self.resampled += usize::from(frames < frames_before);
        if self.parts.is_empty() {
            self.parts = unseen.iter().map(|(name, _)| name.clone()).collect();
        }
        let sample = SampleFacts {
            name: entry.name.clone(),
            class: 0,
            signer: entry.signer.clone(),
            source: SampleFacts::place(entry.source.clone()),
            side: entry.side,
            frames,
            frames_before,
            unseen: unseen.into_iter().map(|(_, frames)| frames).collect(),
            content,
        };
        self.samples.push((sample, entry.class.clone().unwrap_or_default()));
        Ok(())
    }

    /// How often each part was not seen.
    fn unseen(&self) -> Vec<Unseen> {
        let of = self.samples.iter().map(|(sample, _)| sample.frames_before).sum();
        let unseen = |(place, part): (usize, &String)| {
            let frames = self.samples.iter().filter_map(|(sample, _)| sample.unseen.get(place)).sum();
            Unseen { part: part.clone(), frames, of }
        };
        self.parts.iter().enumerate().map(unseen).collect()
    }

    /// Refuses a dataset without anything to tell apart, and one that never shows what a stream consists of.
    fn check(&self, root: &Path, recipe: &Recipe, aside: Option<&SetAside>) -> Result<(), PrepareError> {
        let classes: BTreeSet<&String> = self.samples.iter().map(|(_, class)| class).collect();
        if classes.len() < 2 {
            let names = classes.into_iter().cloned().collect();
            return Err(PrepareError::OneClass { root: root.to_owned(), names });
        }
        let unseen = self.unseen();
        if unseen_stream(&unseen, recipe) {
            let parts = unseen.into_iter().filter(|part| part.frames == part.of).map(|part| part.part).collect();
            let aside = aside.map(|aside| format!("{} {}", aside.file, aside.reason));
            return Err(PrepareError::NeverSeen { root: root.to_owned(), parts, aside });
        }
        Ok(())
    }

    fn facts(self, order: &[String], recipe: Recipe, config: &PrepareConfig, sources: Vec<(String, Stamp)>) -> Facts {
        let used: BTreeSet<&String> = self.samples.iter().map(|(_, class)| class).collect();
        let classes: Vec<String> = order.iter().filter(|class| used.contains(class)).cloned().collect();
        let numbers: BTreeMap<&str, usize> =
            classes.iter().enumerate().map(|(number, class)| (class.as_str(), number)).collect();
        let number = |(sample, class): &(SampleFacts, String)| SampleFacts {
            class: numbers.get(class.as_str()).copied().unwrap_or(0),
            ..sample.clone()
        };
        let samples = self.samples.iter().map(number).collect();
        Facts { version: VERSION, recipe, stored: config.store, classes, samples, gone: self.gone, sources }
    }
}

/// Whether a stream consists only of parts that are never seen. A stream has the parts that it names, or one or both hands.
fn unseen_stream(unseen: &[Unseen], recipe: &Recipe) -> bool {
    let never = |name: &str| unseen.iter().any(|part| part.part == name && part.frames == part.of);
    recipe.streams.iter().any(|stream| match (&stream.parts, stream.name.as_str()) {
        (Some(parts), _) => parts.iter().all(|part| never(part)),
        (None, "hand") => never("left_hand") && never("right_hand"),
        (None, "body") => never("pose") || never("body"),
        (None, name) => never(name),
    })
}

/// Threads that read and prepare.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
