//! What is known of every prepared frame: the motion that leads up to it, and how much echo of which strength it has. Found
//! once, and kept beside the dataset, because it costs more than a step of training and never changes. If nothing can be
//! written there, it is kept in memory.
//!
//! A record for each frame of each event, and in it for each part that moves by itself: how many cells have each of the 256
//! stored values, then the motion at its nodes. Damaged records are found and written again at the next start; until then
//! whoever can't read one finds out what it says from the frames.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::{debug, info, warn};

use super::{MOTION_FRAMES, MotionFinder};
use crate::data::loader::{FrameSource, PreparedEvents, Sample};
use crate::data::store::StoreError;
use crate::data::store::records::{RecordError, RecordStore, RecordWriter};
use crate::task::nowcast::FRAMES;
use crate::task::nowcast::advection::NodeMotion;
use crate::task::nowcast::config::{Levels, NowcastConfig};
use crate::task::nowcast::plan::EventTimes;
use crate::util::exit::Exit;
use crate::util::progress::Stage;
use crate::util::stop::Stopped;
use crate::util::surroundings::Surroundings;
use crate::util::units::count;

/// The version of the records. Another one is found anew.
const VERSION: u32 = 1;

/// Frames that are looked at together: enough to keep all threads busy, few enough to be held.
const AT_ONCE: usize = 32;

/// Values of a cell.
const VALUES: usize = 256;

const MINUTE: f64 = 60.0;

/// What the records depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    version: u32,
    /// The digest of the dataset.
    dataset: String,
    levels: Levels,
    size: [usize; 2],
    /// Frames of each event.
    frames: Vec<usize>,
}

/// A dataset whose frames can't be looked at.
#[derive(Debug, Error)]
pub enum KnownError {
    /// A frame can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl KnownError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Stopped(error) => error.exit(),
        }
    }
}

crate::util::failures!("motion": KnownError);

/// What is known of the frames of a dataset.
#[derive(Debug)]
pub struct Known {
    records: Records,
    /// The number of each event's first record.
    firsts: Vec<usize>,
    /// Bytes of a level, if each is a part of its own.
    level: Option<usize>,
    nodes: [usize; 2],
    cells_per_cell: usize,
    /// Whether a record could not be read.
    warned: AtomicBool,
}

/// Where the records are.
#[derive(Debug)]
enum Records {
    Beside(RecordStore),
    InMemory(Vec<Bytes>),
}

/// Opens what is known of a dataset in a folder, or finds it out and keeps it.
///
/// # Errors
/// If a frame can't be read, or a signal interrupts.
pub fn of(
    store: &Path,
    digest: &str,
    config: &NowcastConfig,
    (events, times): (&PreparedEvents, &[EventTimes]),
    around: &Surroundings<'_>,
) -> Result<Arc<Known>, KnownError> {
    let origin = Origin {
        version: VERSION,
        dataset: digest.to_owned(),
        levels: config.prepare.levels.clone(),
        size: config.prepare.size,
        frames: times.iter().map(|event| event.times.len()).collect(),
    };
    let folder = folder(store, &config.prepare.levels);
    let before = open(&folder, &origin).inspect_err(|error| debug!("{error}")).unwrap_or_default();
    let damaged = before.as_ref().map_or(0, damaged);
    if damaged > 0 {
        warn!(
            "{} of the motion in {} are damaged: found and written again",
            count(damaged, "record"),
            folder.display()
        );
    }
    let known = |records| Ok(Arc::new(Known::new(records, &origin)));
    let before = match before {
        Some(whole) if damaged == 0 => return known(Records::Beside(whole)),
        before => before,
    };
    let finder = MotionFinder::new(config);
    let work = Work { finder: &finder, events, times, around, before: before.as_ref() };
    let kept = work.keep(&folder, &origin)?.and_then(|()| open(&folder, &origin));
    if let Ok(Some(records)) = kept {
        return known(Records::Beside(records));
    }
    let why = kept.err().map_or_else(String::new, |error| format!(": {error}"));
    info!("the motion of the frames is kept in memory, as it can't be written beside the data{why}");
    known(Records::InMemory(work.all(&origin)?))
}

/// Beside the dataset, whose own folder belongs to its format.
fn folder(store: &Path, levels: &Levels) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".motion");
    match levels {
        Levels::Each => {}
        Levels::Composite => name.push("-composite"),
        Levels::Channels(levels) => levels.iter().for_each(|level| name.push(format!("-{level}"))),
    }
    store.with_file_name(name)
}

fn open(folder: &Path, origin: &Origin) -> Result<Option<RecordStore>, RecordError> {
    if !folder.exists() {
        return Ok(None);
    }
    let records = RecordStore::open(folder)?;
    let found: Origin = records.facts()?;
    if found != *origin || records.len() != origin.frames.iter().sum::<usize>() {
        return Ok(None);
    }
    Ok(Some(records))
}

/// Records that can't be read.
fn damaged(records: &RecordStore) -> u64 {
    let unreadable = |record: &usize| records.read(*record).inspect_err(|error| debug!("{error}")).is_err();
    (0..records.len()).into_par_iter().filter(unreadable).count() as u64
}

impl Known {
    fn new(records: Records, origin: &Origin) -> Self {
        let firsts = origin.frames.iter().scan(0, |next, frames| {
            let first = *next;
            *next += frames;
            Some(first)
        });
        let [rows, columns] = origin.size;
        let (nodes, cells_per_cell) = NodeMotion::grid(rows, columns);
        let level = (origin.levels == Levels::Each).then_some(rows * columns);
        Self { firsts: firsts.collect(), records, level, nodes, cells_per_cell, warned: AtomicBool::new(false) }
    }

    /// The motion in the frames up to one of a sample: `frame` counts from its first one.
    #[must_use]
    pub fn motion(&self, sample: &Sample, frame: usize) -> Option<NodeMotion> {
        let part = self.part(sample, frame)?;
        let values =
            part[4 * VALUES..].chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        let mut u: Vec<f32> = values.collect();
        let v = u.split_off(u.len() / 2);
        Some(NodeMotion { nodes: self.nodes, cells_per_cell: self.cells_per_cell, u, v })
    }

    /// How many cells of a sample's frame are above a stored value.
    #[must_use]
    pub fn cells_above(&self, sample: &Sample, frame: usize, value: u8) -> Option<u64> {
        let part = self.part(sample, frame)?;
        let counts =
            part[..4 * VALUES].chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        Some(counts.skip(usize::from(value) + 1).map(u64::from).sum())
    }

    /// Once: the numbers stay right, but every window costs more.
    fn warn(&self, error: &RecordError) {
        if self.warned.swap(true, Ordering::Relaxed) {
            debug!("{error}");
            return;
        }
        warn!("{error}, or start again: until then its motion is found again for every window");
    }

    fn record(&self, record: usize) -> Option<Bytes> {
        match &self.records {
            Records::InMemory(records) => records.get(record).cloned(),
            Records::Beside(records) => records.read(record).inspect_err(|error| self.warn(error)).ok(),
        }
    }

    fn part(&self, sample: &Sample, frame: usize) -> Option<Vec<u8>> {
        let record = self.firsts.get(sample.event)? + sample.start + frame;
        let bytes = self.record(record)?;
        let number = self.level.map_or(0, |level| sample.slice.start / level);
        let length = part_bytes(self.nodes);
        bytes.get(number * length..(number + 1) * length).map(<[u8]>::to_vec)
    }
}

fn part_bytes(nodes: [usize; 2]) -> usize {
    4 * (VALUES + 2 * nodes[0] * nodes[1])
}

/// Finding out.
struct Work<'a> {
    finder: &'a MotionFinder,
    events: &'a PreparedEvents,
    times: &'a [EventTimes],
    around: &'a Surroundings<'a>,
    /// What was found before: perhaps not all of it can be read.
    before: Option<&'a RecordStore>,
}

impl Work<'_> {
    /// Writes the records. The inner error is about keeping them.
    fn keep(&self, folder: &Path, origin: &Origin) -> Result<Result<(), RecordError>, KnownError> {
        let mut writer = match RecordWriter::create(folder) {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(error)),
        };
        let append = |record: Vec<u8>| writer.append(&record).map(drop);
        Ok(self.each(origin, append)?.and_then(|()| writer.finish(origin)))
    }

    /// All records, in memory.
    fn all(&self, origin: &Origin) -> Result<Vec<Bytes>, KnownError> {
        let mut all = Vec::new();
        let Ok(()) = self.each(origin, |record| {
            all.push(record.into());
            Ok::<_, Infallible>(())
        })?;
        Ok(all)
    }

    /// Passes the records on one after another, until one is refused.
    fn each<E>(
        &self,
        origin: &Origin,
        mut take: impl FnMut(Vec<u8>) -> Result<(), E>,
    ) -> Result<Result<(), E>, KnownError> {
        let began = std::time::Instant::now();
        let frames: usize = origin.frames.iter().sum();
        let mut done = 0;
        self.around.progress.begin(Stage::Prepare, Some(frames as u64), FRAMES);
        for (event, frames) in origin.frames.iter().enumerate() {
            for first in (0..*frames).step_by(AT_ONCE) {
                self.around.stop.check()?;
                let frames = first..(first + AT_ONCE).min(*frames);
                let records = match self.before(done, frames.len()) {
                    Some(records) => records,
                    None => self.records(event, frames)?,
                };
                done += records.len();
                self.around.progress.advance(records.len() as u64);
                if let Err(error) = records.into_iter().try_for_each(&mut take) {
                    return Ok(Err(error));
                }
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        self.around.progress.end(&format!("motion of {} found in {seconds:.1} s", count(frames as u64, "frame")));
        Ok(Ok(()))
    }

    /// Records that were found before, if all of them can be read.
    fn before(&self, first: usize, records: usize) -> Option<Vec<Vec<u8>>> {
        let read = |record| Some(self.before?.read(record).ok()?.to_vec());
        (first..first + records).map(read).collect()
    }

    /// The records of some frames of an event.
    fn records(&self, event: usize, frames: std::ops::Range<usize>) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = frames.start.saturating_sub(MOTION_FRAMES - 1);
        let read = |frame| {
            let mut bytes = vec![0; self.events.frame_bytes()];
            self.events.read_frame(event, frame, &mut bytes).map(|()| bytes)
        };
        let read: Vec<Vec<u8>> = (from..frames.end).into_par_iter().map(read).collect::<Result<_, _>>()?;
        let parts: Vec<Vec<&[u8]>> = read.iter().map(|frame| self.finder.parts(frame)).collect();
        let seconds = &self.times[event].times;
        let of_part = |(frame, part): (usize, usize)| {
            let used = frame.saturating_sub(MOTION_FRAMES - 1)..frame + 1;
            let minutes: Vec<f64> = seconds[used.clone()].iter().map(|time| (time - seconds[frame]) / MINUTE).collect();
            let minutes: Vec<f64> = minutes.into_iter().map(|minutes| f64::from(minutes as f32)).collect();
            let seen: Vec<&[u8]> = used.map(|frame| parts[frame - from][part]).collect();
            self.part(&seen, &minutes)
        };
        let each = parts.first().map_or(0, Vec::len);
        let all: Vec<(usize, usize)> = frames.flat_map(|frame| (0..each).map(move |part| (frame, part))).collect();
        let found: Vec<Vec<u8>> = all.into_par_iter().map(of_part).collect();
        Ok(found.chunks(each.max(1)).map(<[Vec<u8>]>::concat).collect())
    }

    /// What is known of a part of the last of these frames.
    fn part(&self, frames: &[&[u8]], minutes: &[f64]) -> Vec<u8> {
        let mut counts = [0_u32; VALUES];
        let last = frames.last().map(|frame| self.finder.strongest(frame)).unwrap_or_default();
        last.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        let motion = self.finder.find(frames, minutes);
        let counts = counts.iter().flat_map(|count| count.to_le_bytes());
        counts.chain(motion.u.iter().chain(&motion.v).flat_map(|speed| speed.to_le_bytes())).collect()
    }
}
