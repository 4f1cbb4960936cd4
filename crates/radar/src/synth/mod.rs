//! Synthetic storms, written in the format of a radar's files: for trying things out without radar data, and for tests.
//!
//! An event is planned first (`calendar`: when; `storm`, `cell`, `flow`: what moves where), then every scan is a pure function
//! of the plan and its time: `scene` draws the columns, `volume` builds them up, `radar` looks at them from the ground.
//!
//! [`digits`] is another kind of sequence, the benchmark Moving MNIST, in the same file format.

mod calendar;
mod cell;
pub mod digits;
mod flow;
mod radar;
mod scene;
mod storm;
mod texture;
mod volume;

use std::fmt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::lrose::container::{self, ContainerError};
use crate::lrose::grid::{Grid, SAN_RAFAEL};
use crate::lrose::{Origin, Volume};
use calendar::Event;
use fragua_util::exit::Exit;
use fragua_util::fs::{self, FsError, partial_name};
use fragua_util::progress::{Progress, Stage, Unit};
use fragua_util::stop::{Stop, Stopped};
use fragua_util::units;
use radar::Radar;
use storm::Plan;
use texture::Textures;
use volume::Painter;

/// What is counted while scans are written.
const FRAMES: Unit = Unit { one: "frame", many: "frames" };
/// The smallest grid that storms fit in.
const MIN_GRID: usize = 16;
/// The largest grid: the radar reaches no farther.
const MAX_GRID: usize = 2000;
const MAX_LEVELS: usize = 30;

/// Which storms to make. The same numbers give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storms {
    /// Events: one folder each.
    pub events: usize,
    /// Frames of an event.
    pub frames: usize,
    /// Rows and columns of a frame, at 1 km.
    pub grid: usize,
    /// Vertical levels, 1 km apart.
    pub levels: usize,
    /// Any number; another one gives other storms.
    pub seed: u64,
}

impl fmt::Display for Storms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, frames, grid, levels, seed } = self;
        write!(out, "synthetic ({events} events of {frames} frames, {grid}x{grid}x{levels}, seed {seed})")
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Event folders, by name in time order.
    pub events: Vec<String>,
    /// Files written by this call; those of events that were already there are not counted.
    pub files: usize,
}

/// Writes the events below a folder as netCDF classic files, `<event>/ncfdataYYYYMMDD_HHMMSS.nc`. An event's folder is
/// complete or absent; the same call continues what an earlier one left unfinished.
///
/// # Errors
/// If a number is outside its limits, the folder has other storms or can't be written, or a stop is requested.
pub fn write(config: &Storms, into: &Path, stop: &Stop, progress: &dyn Progress) -> Result<Summary, SynthError> {
    check(config)?;
    fs::create_dir_all(into)?;
    claim(config, into)?;
    let events = calendar::events(config.seed, config.events, config.frames);
    let studio = Studio::new(config);
    progress.begin(Stage::Synthesise, Some((config.events * config.frames) as u64), FRAMES);
    let mut files = 0;
    for event in &events {
        let folder = into.join(&event.name);
        if folder.is_dir() {
            progress.advance(event.seconds.len() as u64);
            continue;
        }
        write_event(&studio, event, &folder, stop, progress)?;
        files += event.seconds.len();
    }
    let summary = Summary { events: events.into_iter().map(|event| event.name).collect(), files };
    let total = units::count(summary.events.len() as u64, "event");
    progress.end(&format!("synthesised: {total}, {} written now", units::count(files as u64, "file")));
    Ok(summary)
}

/// A folder has the events of one configuration, which is noted in it before the first of them.
fn claim(config: &impl fmt::Display, into: &Path) -> Result<(), SynthError> {
    let note = into.join(".synthetic");
    let wanted = format!("{config}\n");
    match std::fs::read_to_string(&note) {
        Ok(found) if found == wanted => Ok(()),
        // An earlier start was killed before its first event was complete: nothing of it is worth keeping.
        Ok(_) if has_no_event(into)? => Ok(fs::write_atomic(&note, wanted.as_bytes())?),
        Ok(found) => Err(SynthError::Taken {
            folder: into.to_owned(),
            found: found.trim_end().to_owned(),
            wanted: wanted.trim_end().to_owned(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::write_atomic(&note, wanted.as_bytes())?;
            Ok(())
        }
        Err(error) => Err(FsError::at("read", &note)(error).into()),
    }
}

/// Whether there is nothing but what has a hidden name. What an event left unfinished is removed.
fn has_no_event(folder: &Path) -> Result<bool, SynthError> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(FsError::at("read folder", folder))? {
        let path = entry.map_err(FsError::at("read folder", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            return Ok(false);
        }
        left.extend((name.ends_with(".partial") && path.is_dir()).then_some(path));
    }
    left.iter().try_for_each(|partial| fs::remove_tree(partial))?;
    Ok(true)
}

fn check(config: &Storms) -> Result<(), SynthError> {
    within(&[
        ("grid", config.grid, MIN_GRID, MAX_GRID),
        ("levels", config.levels, 1, MAX_LEVELS),
        ("events", config.events, 1, calendar::MAX_EVENTS),
        ("frames", config.frames, 1, calendar::MAX_FRAMES),
    ])
}

/// Numbers with the smallest and the largest that works.
fn within(limits: &[(&'static str, usize, usize, usize)]) -> Result<(), SynthError> {
    match limits.iter().copied().find(|&(_, got, least, most)| got < least || got > most) {
        Some((key, got, least, most)) => Err(SynthError::Limit { key, got, least, most }),
        None => Ok(()),
    }
}

/// Everything that is the same for all scans.
struct Studio {
    seed: u64,
    grid: Grid,
    radar: Radar,
    textures: Textures,
    origin: Origin,
}

impl Studio {
    fn new(config: &Storms) -> Self {
        let grid = Grid::square(SAN_RAFAEL, config.grid, config.levels);
        let textures = Textures::new(config.seed);
        let radar = Radar::new(&grid, &textures);
        Self { seed: config.seed, grid, radar, textures, origin: origin(config.seed) }
    }
}

/// Nothing here may depend on the day or the machine: the same seed gives the same bytes, in every version. That is why
/// the reference still names the folder that this code used to be in.
fn origin(seed: u64) -> Origin {
    Origin {
        title: "SAN_RAFAEL_SYNTHETIC".into(),
        institution: "none".into(),
        source: "synthetic storms; not an observation".into(),
        history: format!("made by fragua synth with seed {seed}"),
        references: "fragua, src/task/nowcast/synth".into(),
        comment: "in the layout of Mdv2NetCDF".into(),
    }
}

fn write_event(
    studio: &Studio,
    event: &Event,
    folder: &Path,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<(), SynthError> {
    let partial = partial_name(folder);
    fs::remove_tree(&partial)?;
    fs::create_dir_all(&partial)?;
    let plan = Plan::new(studio.seed, event, studio.grid.x_km.len());
    (0..event.seconds.len()).into_par_iter().try_for_each(|scan| {
        stop.check()?;
        write_scan(studio, &plan, event, scan, &partial)?;
        progress.advance(1);
        Ok::<_, SynthError>(())
    })?;
    fs::sync_file_system(&partial)?;
    fs::rename(&partial, folder)?;
    Ok(())
}

fn write_scan(studio: &Studio, plan: &Plan, event: &Event, scan: usize, folder: &Path) -> Result<(), SynthError> {
    let seconds = event.seconds[scan];
    let painter = Painter { seed: studio.seed, grid: &studio.grid, radar: &studio.radar, textures: &studio.textures };
    let dbz = painter.volume(plan, event.index, seconds - event.middle());
    let half_scan = (event.interval_seconds / 2) as f64;
    let volume = Volume {
        scan_seconds: [seconds as f64 - half_scan, seconds as f64, seconds as f64 + half_scan],
        forecast_from_seconds: None,
        grid: &studio.grid,
        dbz: &dbz,
        origin: &studio.origin,
    };
    Ok(container::write(&volume.file(), &folder.join(calendar::file_name(seconds)))?)
}

/// Why synthetic events could not be written.
#[derive(Debug, Error)]
pub enum SynthError {
    /// A number is outside its limits.
    #[error("{key} is {got}; expected {least} to {most}")]
    Limit {
        /// Which number.
        key: &'static str,
        /// What it is.
        got: usize,
        /// The smallest that works.
        least: usize,
        /// The largest that works.
        most: usize,
    },
    /// The folder has the events of another configuration.
    #[error("{} has {found}, not {wanted}; remove it or choose another folder", folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// What is in it.
        found: String,
        /// What should have been written.
        wanted: String,
    },
    /// A file could not be encoded or written.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A stop was requested.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SynthError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Limit { .. } | Self::Taken { .. } => Exit::Configuration,
            Self::Container(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

fragua_util::failures!("synthetic data": SynthError);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use fragua_util::progress::Silent;

    fn config() -> Storms {
        Storms { events: 2, frames: 12, grid: 48, levels: 2, seed: 42 }
    }

    fn written(config: &Storms) -> BTreeMap<PathBuf, Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        write(config, folder.path(), &Stop::default(), &Silent).unwrap();
        let mut files = BTreeMap::new();
        let folders = std::fs::read_dir(folder.path()).unwrap().map(|event| event.unwrap().path());
        for event in folders.filter(|path| path.is_dir()) {
            for file in std::fs::read_dir(event).unwrap() {
                let path = file.unwrap().path();
                files.insert(path.strip_prefix(folder.path()).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
        files
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
        let alone = pool(1).install(|| written(&config()));
        assert_eq!(alone.len(), 24);
        assert!(alone == pool(5).install(|| written(&config())));
        let other = written(&Storms { seed: 43, ..config() });
        assert!(alone != other);
    }

    #[test]
    fn a_start_that_was_killed_before_its_first_event_was_complete_does_not_claim_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        stop.request();
        write(&config(), folder.path(), &stop, &Silent).unwrap_err();
        let hidden = || {
            std::fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .filter(|name| name.as_encoded_bytes()[0] == b'.')
                .count()
        };
        assert_eq!(hidden(), 2, "the note, and an event that is not complete");
        let other = Storms { seed: 7, ..config() };
        write(&other, folder.path(), &Stop::default(), &Silent).unwrap();
        assert_eq!(hidden(), 1);
        let taken = write(&config(), folder.path(), &Stop::default(), &Silent).unwrap_err();
        assert!(matches!(taken, SynthError::Taken { .. }), "{taken}");
    }

    /// Requests a stop after this many frames.
    struct StopAfter {
        frames: std::sync::atomic::AtomicI64,
        stop: Stop,
    }

    impl Progress for StopAfter {
        fn begin(&self, _stage: Stage, _total: Option<u64>, _unit: Unit) {}
        fn set_total(&self, _total: u64) {}
        fn advance(&self, amount: u64) {
            if self.frames.fetch_sub(amount as i64, std::sync::atomic::Ordering::SeqCst) <= 1 {
                self.stop.request();
            }
        }
        fn set_position(&self, _position: u64) {}
        fn end(&self, _summary: &str) {}
    }

    fn complete_events(folder: &Path) -> usize {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| !name.as_encoded_bytes().starts_with(b".")).count()
    }

    #[test]
    fn a_stop_leaves_complete_events_only_and_the_same_call_makes_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let after = StopAfter { frames: 18.into(), stop: stop.clone() };
        let error = write(&config(), folder.path(), &stop, &after).unwrap_err();
        assert_eq!(error.exit(), Exit::Terminated);
        assert_eq!(complete_events(folder.path()), 1);
        let summary = write(&config(), folder.path(), &Stop::default(), &Silent).unwrap();
        assert_eq!((summary.events.len(), summary.files, complete_events(folder.path())), (2, 12, 2));
    }

    #[test]
    fn storms_of_two_configurations_are_not_mixed_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        write(&config(), folder.path(), &Stop::default(), &Silent).unwrap();
        let other = Storms { grid: 64, ..config() };
        let error = write(&other, folder.path(), &Stop::default(), &Silent).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("48x48x2") && text.contains("64x64x2") && text.contains("choose another"), "{text}");
        assert_eq!(error.exit(), Exit::Configuration);
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_their_limits() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = Storms { grid: 4, ..config() };
        let error = write(&wrong, folder.path(), &Stop::default(), &Silent).unwrap_err();
        assert_eq!(error.to_string(), "grid is 4; expected 16 to 2000");
    }
}
