//! Moving MNIST: digits that move over a dark square and bounce off its sides, as files that the program prepares like those of
//! a radar. N. Srivastava, E. Mansimov, R. Salakhutdinov, "Unsupervised Learning of Video Representations using LSTMs", 2015.
//! Where the digits come from is up to the caller; `path` says where they go, `file` how a sequence becomes a file.
//!
//! A sequence is a function of (seed, index) and of the digits.

mod file;
mod path;

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::Date;
use rayon::prelude::*;

use super::{FRAMES, Summary, SynthError, calendar, claim, within};
use crate::lrose::{Origin, container};
use fragua_util::fs::{self, FsError, partial_name};
use fragua_util::progress::{Progress, Stage};
use fragua_util::stop::Stop;
use fragua_util::units;

/// Rows and columns of a digit.
pub const SIDE: usize = 28;
/// The variable in the files: 0 is dark, 1 is bright.
pub const VARIABLE: &str = "DIGITS";
/// The smallest square: a digit has to have room to move.
pub const MIN_GRID: usize = 32;
/// The largest.
pub const MAX_GRID: usize = 512;
/// Every sequence has a day of its own, of which a frame takes a minute.
pub const MAX_FRAMES: usize = 1_000;
/// Two and a half centuries of days.
pub const MAX_EVENTS: usize = 100_000;
/// More digits are a bright square.
pub const MAX_DIGITS: usize = 20;

/// Between two frames.
const INTERVAL_SECONDS: i64 = 60;
const FIRST_DAY: Date = jiff::civil::date(2000, 1, 1);
/// Sequences that become durable at once.
const AT_ONCE: usize = 256;

/// Which sequences to make. The same numbers and digits give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovingDigits {
    /// Sequences: one folder each.
    pub events: usize,
    /// Frames of a sequence.
    pub frames: usize,
    /// Rows and columns of a frame.
    pub grid: usize,
    /// Digits in a frame.
    pub digits: usize,
    /// Where the digits come from, for people.
    pub from: String,
    /// Any number; another one gives other sequences.
    pub seed: u64,
}

/// Sequences that exist already, written below a folder of their own: those that others publish to test on.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The folder.
    pub folder: &'a str,
    /// Where they come from, for people.
    pub from: &'a str,
    /// How many there are.
    pub events: usize,
    /// Frames of each.
    pub frames: usize,
    /// The levels of one, as [`levels`] returns them.
    pub levels: &'a (dyn Fn(usize) -> Result<Vec<u8>, FsError> + Sync),
}

/// The levels of a digit, 28 x 28 from the top, for (sequence, number of the digit in it).
pub type Draw<'a> = &'a (dyn Fn(u64, u64) -> Vec<u8> + Sync);

impl fmt::Display for MovingDigits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, frames, grid, digits, from, seed } = self;
        write!(
            out,
            "moving digits ({events} events of {frames} frames, {grid}x{grid}, {digits} of {from}, seed {seed})"
        )
    }
}

/// Writes the sequences below a folder, `<event>/ncfdataYYYYMMDD_HHMMSS.nc`, each with all of its frames; those that are given
/// below a folder in it, on later days. An event's folder is complete or absent; the same call continues what an earlier one
/// left unfinished.
///
/// # Errors
/// If a number is outside its limits, the folder has other events or can't be written, or a stop is requested.
pub fn write(
    config: &MovingDigits,
    draw: Draw<'_>,
    given: Option<&Given<'_>>,
    into: &Path,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Summary, SynthError> {
    within(&[
        ("grid", config.grid, MIN_GRID, MAX_GRID),
        ("digits", config.digits, 1, MAX_DIGITS),
        ("events", config.events, 1, MAX_EVENTS),
        ("frames", config.frames, 2, MAX_FRAMES),
        ("sequences", given.map_or(1, |given| given.events), 1, MAX_EVENTS),
        ("frames", given.map_or(2, |given| given.frames), 2, MAX_FRAMES),
    ])?;
    fs::create_dir_all(into)?;
    claim(&Claim(config, given), into)?;
    let mut events: Vec<Event> = (0..config.events).map(|index| Event::new(index, config.frames, into)).collect();
    if let Some(given) = given {
        let folder = into.join(given.folder);
        let later = |index| Event::new(config.events + index, given.frames, &folder);
        events.extend((0..given.events).map(later));
    }
    let frames = |events: &[&Event]| events.iter().map(|event| event.frames as u64).sum::<u64>();
    let (left, there): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| !event.folder.is_dir());
    progress.begin(Stage::Synthesise, Some(frames(&left) + frames(&there)), FRAMES);
    progress.advance(frames(&there));
    for some in left.chunks(AT_ONCE) {
        some.par_iter().try_for_each(|event| {
            stop.check()?;
            let levels = match (event.index.checked_sub(config.events), given) {
                (Some(index), Some(given)) => (given.levels)(index)?,
                _ => levels(config, draw, event.index as u64),
            };
            write_event(config, &levels, event)?;
            progress.advance(event.frames as u64);
            Ok::<_, SynthError>(())
        })?;
        fs::sync_file_system(into)?;
        for event in some {
            let partial = event.partial();
            std::fs::rename(&partial, &event.folder).map_err(FsError::at("rename", &partial))?;
        }
    }
    fs::sync_file_system(into)?;
    let summary = Summary { files: left.len(), events: events.into_iter().map(|event| event.name).collect() };
    let total = units::count(summary.events.len() as u64, "event");
    progress.end(&format!("synthesised: {total}, {} written now", units::count(summary.files as u64, "file")));
    Ok(summary)
}

/// What a folder has, for people.
struct Claim<'a>(&'a MovingDigits, Option<&'a Given<'a>>);

impl fmt::Display for Claim<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(config, given) = self;
        write!(out, "{config}")?;
        given.map_or(Ok(()), |Given { folder, from, events, .. }| write!(out, ", {folder}: {events} of {from}"))
    }
}

/// One sequence, on a day of its own.
struct Event {
    index: usize,
    frames: usize,
    name: String,
    folder: PathBuf,
    /// The time of the first frame, in seconds since 1970.
    from_seconds: i64,
}

impl Event {
    fn new(index: usize, frames: usize, into: &Path) -> Self {
        let day = FIRST_DAY.saturating_add((index as i64).days());
        let name = format!("{}1", day.strftime("%Y%m%d"));
        let from_seconds = calendar::utc(day).as_second();
        Self { index, frames, folder: into.join(&name), name, from_seconds }
    }

    fn partial(&self) -> PathBuf {
        partial_name(&self.folder)
    }

    fn seconds(&self) -> Vec<f64> {
        (0..self.frames as i64).map(|frame| (self.from_seconds + frame * INTERVAL_SECONDS) as f64).collect()
    }
}

fn write_event(config: &MovingDigits, levels: &[u8], event: &Event) -> Result<(), SynthError> {
    let partial = event.partial();
    fs::remove_tree(&partial)?;
    fs::create_dir_all(&partial)?;
    let origin = origin(config.seed);
    let file = file::file(&event.seconds(), config.grid, levels, &origin);
    Ok(container::write(&file, &partial.join(calendar::file_name(event.from_seconds)))?)
}

/// The levels of a sequence, frame by frame, rows from the top. Where digits overlap, the brighter level shows.
#[must_use]
pub fn levels(config: &MovingDigits, draw: Draw<'_>, index: u64) -> Vec<u8> {
    let MovingDigits { frames, grid, digits, seed, .. } = *config;
    let mut levels = vec![0_u8; frames * grid * grid];
    for number in 0..digits as u64 {
        let digit = draw(index, number);
        let places = path::places(seed, index, number, frames, grid - SIDE);
        for (frame, [top, left]) in levels.chunks_exact_mut(grid * grid).zip(places) {
            for (row, ink) in digit.chunks_exact(SIDE).take(SIDE).enumerate() {
                let cells = &mut frame[(top + row) * grid + left..][..SIDE];
                cells.iter_mut().zip(ink).for_each(|(cell, &ink)| *cell = (*cell).max(ink));
            }
        }
    }
    levels
}

/// Nothing here may depend on the day or the machine: the same seed gives the same bytes.
fn origin(seed: u64) -> Origin {
    Origin {
        title: "MOVING_DIGITS".into(),
        institution: "none".into(),
        source: "moving digits; not an observation".into(),
        history: format!("made by fragua with seed {seed}"),
        references: "Srivastava et al. 2015, arXiv:1502.04681".into(),
        comment: "0 is dark, 1 is bright; rows from the bottom".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{RawVolume, Values, VolumeFile};
    use fragua_util::exit::Exit;
    use fragua_util::progress::Silent;

    fn config() -> MovingDigits {
        MovingDigits { events: 3, frames: 12, grid: 40, digits: 2, from: "blocks".into(), seed: 42 }
    }

    /// A block with one dark corner, brighter from digit to digit.
    fn block(_: u64, number: u64) -> Vec<u8> {
        let level = 100 + 100 * number as u8;
        (0..SIDE * SIDE).map(|cell| if cell == 0 { 0 } else { level }).collect()
    }

    fn written(config: &MovingDigits) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let summary = write(config, &block, None, folder.path(), &Stop::default(), &Silent).unwrap();
        assert_eq!(summary.files, config.events);
        let file = |event: &String| {
            let path = std::fs::read_dir(folder.path().join(event)).unwrap().next().unwrap().unwrap().path();
            (path.strip_prefix(folder.path()).unwrap().to_owned(), std::fs::read(&path).unwrap())
        };
        summary.events.iter().map(file).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let first = pool(1).install(|| written(&config()));
        assert_eq!(first[1].0, Path::new("200001021/ncfdata20000102_000000.nc"));
        assert!(first == pool(3).install(|| written(&config())));
        let more = written(&MovingDigits { events: 4, ..config() });
        assert!(first == more[..3], "a sequence does not depend on how many there are");
        assert!(first[0].1 != written(&MovingDigits { seed: 43, ..config() })[0].1);
    }

    #[test]
    fn digits_stay_whole_inside_of_the_frame_and_the_brighter_one_is_in_front() {
        let levels = levels(&config(), &block, 0);
        let of = |frame: &[u8], level: u8| frame.iter().filter(|&&found| found == level).count();
        for frame in levels.chunks_exact(40 * 40) {
            assert!(of(frame, 200) >= SIDE * SIDE - 1, "the digit in front is whole");
            assert_eq!(of(frame, 0) + of(frame, 100) + of(frame, 200), 40 * 40);
        }
        assert!(levels.chunks_exact(40 * 40).any(|frame| of(frame, 100) > 0));
    }

    #[test]
    fn what_is_written_is_read_with_its_times_and_values_upright() {
        let folder = tempfile::tempdir().unwrap();
        let config = config();
        let summary = write(&config, &block, None, folder.path(), &Stop::default(), &Silent).unwrap();
        let event = folder.path().join(&summary.events[0]);
        let volume = VolumeFile::open(&event.join("ncfdata20000101_000000.nc"), VARIABLE).unwrap();
        assert_eq!(volume.times()[..2], [946_684_800.0, 946_684_860.0]);
        let mut raw = RawVolume::new();
        volume.read(3, &mut raw).unwrap();
        let Values::I8(found) = &raw.values else { panic!("{:?}", raw.values) };
        let levels = levels(&config, &block, 0);
        let frame = &levels[3 * 40 * 40..][..40 * 40];
        for row in 0..40 {
            for column in 0..40 {
                // The last row of the file is the uppermost.
                let value = volume.packing().decode(f64::from(found[(39 - row) * 40 + column])).unwrap();
                assert!((value - f64::from(frame[row * 40 + column]) / 255.0).abs() < 0.002);
            }
        }
    }

    #[test]
    fn what_was_left_unfinished_is_continued_and_other_sequences_are_not_mixed_in() {
        let folder = tempfile::tempdir().unwrap();
        write(&config(), &block, None, folder.path(), &Stop::default(), &Silent).unwrap();
        std::fs::remove_dir_all(folder.path().join("200001021")).unwrap();
        std::fs::create_dir(folder.path().join(".200001021.partial")).unwrap();
        let summary = write(&config(), &block, None, folder.path(), &Stop::default(), &Silent).unwrap();
        assert_eq!((summary.files, summary.events.len()), (1, 3));
        let other = MovingDigits { from: "others".into(), ..config() };
        let error = write(&other, &block, None, folder.path(), &Stop::default(), &Silent).unwrap_err();
        assert_eq!(error.exit(), Exit::Configuration);
        assert!(error.to_string().contains("of blocks, seed 42"), "{error}");
    }

    #[test]
    fn given_sequences_are_written_below_a_folder_on_later_days() {
        let folder = tempfile::tempdir().unwrap();
        let levels = |index: usize| Ok(vec![100 * index as u8; 2 * 40 * 40]);
        let given = Given { folder: "test", from: "a file", events: 2, frames: 2, levels: &levels };
        let config = MovingDigits { events: 1, ..config() };
        let summary = write(&config, &block, Some(&given), folder.path(), &Stop::default(), &Silent).unwrap();
        assert_eq!(summary.events, ["200001011", "200001021", "200001031"]);
        let path = folder.path().join("test/200001031/ncfdata20000103_000000.nc");
        let volume = VolumeFile::open(&path, VARIABLE).unwrap();
        let mut raw = RawVolume::new();
        volume.read(1, &mut raw).unwrap();
        let Values::I8(found) = &raw.values else { panic!("{:?}", raw.values) };
        let value = volume.packing().decode(f64::from(found[7])).unwrap();
        assert!(volume.times().len() == 2 && (value - 100.0 / 255.0).abs() < 0.002, "{value}");
        let error = write(&config, &block, None, folder.path(), &Stop::default(), &Silent).unwrap_err();
        assert!(error.to_string().contains("seed 42), test: 2 of a file, not"), "{error}");
    }

    #[test]
    fn a_digit_that_does_not_fit_is_refused_with_the_limits() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = MovingDigits { grid: 28, ..config() };
        let error = write(&wrong, &block, None, folder.path(), &Stop::default(), &Silent).unwrap_err();
        assert_eq!(error.to_string(), "grid is 28; expected 32 to 512");
    }
}
