//! The events below a folder and their possible forecasts, from the headers of their files.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use super::select::{Selection, covers, select};
use super::{PredictError, Refusal, Setting};
use crate::task::nowcast::config::Levels;
use crate::task::nowcast::prepare::discover::{EventFiles, discover};
use crate::task::nowcast::prepare::plan::{Candidate, Draft, EventPlan, FileState, time_text};
use crate::task::nowcast::prepare::record::GridRecord;
use crate::task::nowcast::prepare::survey;
use crate::task::nowcast::volume::time_in_name;
use crate::util::quantity::Quantity;

/// A forecast that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The event: its path below the input.
    pub event: String,
    /// The folder of its files.
    pub folder: PathBuf,
    /// The frames that the model will see.
    pub frames: Vec<Frame>,
    /// Levels, rows and columns of all of them.
    pub shape: [usize; 3],
    /// The median interval between them.
    pub interval_seconds: f64,
}

/// A frame in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The name of the file in the event's folder.
    pub file: String,
    /// Its place in the file.
    pub in_file: usize,
    /// Seconds since 1970.
    pub seconds: f64,
}

/// A forecast that can't be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The event.
    pub event: String,
    /// The requested time, in seconds since 1970.
    pub at_seconds: Option<f64>,
    /// Why.
    pub why: Refusal,
}

/// The work to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order of the events' paths, each in time order.
    pub jobs: Vec<Job>,
    /// The same.
    pub refused: Vec<Refused>,
}

impl Job {
    /// When the newest frame was taken: the forecast is made from there.
    #[must_use]
    pub fn from_seconds(&self) -> f64 {
        self.frames.last().map_or(f64::NAN, |frame| frame.seconds)
    }
}

/// Looks at all events below a folder. Without times, a forecast is made from the end of each event.
///
/// # Errors
/// If there is no such folder or no event in it, no event covers a time, a disk fails, or a signal interrupts.
pub fn plan(input: &Path, times: &[Timestamp], setting: &Setting<'_>) -> Result<Plan, PredictError> {
    if !input.is_dir() {
        return Err(PredictError::NoInput { path: input.to_owned() });
    }
    let mut found = discover(input)?;
    name_the_only(&mut found, input);
    let events = found.into_par_iter().map(|event| Event::new(event, setting)).collect::<Result<Vec<_>, _>>()?;
    let mut plan = Plan::default();
    for event in &events {
        for at in wanted(event, times, setting) {
            match event.job(at, setting) {
                // Two times between the same two frames ask for the same forecast.
                Ok(job) if plan.jobs.last() == Some(&job) => {}
                Ok(job) => plan.jobs.push(job),
                Err(why) => plan.refused.push(Refused { event: event.path().to_owned(), at_seconds: at, why }),
            }
        }
    }
    match times.iter().find(|time| !events.iter().any(|event| event.covers(**time, setting))) {
        Some(&time) => Err(PredictError::NoFrameAt { time, spans: spans(&events) }),
        None => Ok(plan),
    }
}

/// Files directly in the given folder are the event of that name.
fn name_the_only(events: &mut [EventFiles], input: &Path) {
    let whole = input.canonicalize().ok();
    let name = whole.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    if let ([event], Some(name)) = (events, name)
        && event.folder == input
    {
        event.path = name.to_owned();
    }
}

/// The requested forecast times of an event; none means its end.
fn wanted(event: &Event, times: &[Timestamp], setting: &Setting<'_>) -> Vec<Option<f64>> {
    if times.is_empty() {
        return vec![None];
    }
    let mut covered: Vec<f64> =
        times.iter().filter(|time| event.covers(**time, setting)).map(|&time| seconds(time)).collect();
    covered.sort_by(f64::total_cmp);
    covered.into_iter().map(Some).collect()
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}

/// The time span of the frames, for a user who requested another time.
fn spans(events: &[Event]) -> String {
    let times = || events.iter().flat_map(Event::times);
    let (first, last) = (times().reduce(f64::min), times().reduce(f64::max));
    match (first, last) {
        (Some(first), Some(last)) => format!("from {} to {}", time_text(first), time_text(last)),
        _ => "at no time".to_owned(),
    }
}

/// An event whose headers were read.
struct Event {
    files: EventFiles,
    draft: Draft,
}

impl Event {
    fn new(files: EventFiles, setting: &Setting<'_>) -> Result<Self, PredictError> {
        let plan = EventPlan { event: files, record: None, is_whole: false, units: None };
        let look = |file| {
            setting.stop.check()?;
            Ok(survey(&plan, file, &setting.config.prepare.variable)?)
        };
        let states = plan.event.files.par_iter().map(look).collect::<Result<Vec<_>, PredictError>>()?;
        let draft = Draft::new(&plan.event.files, states, None);
        Ok(Self { files: plan.event, draft })
    }

    fn path(&self) -> &str {
        &self.files.path
    }

    fn times(&self) -> Vec<f64> {
        self.draft.candidates.iter().map(|frame| frame.time).collect()
    }

    fn covers(&self, time: Timestamp, setting: &Setting<'_>) -> bool {
        covers(&self.times(), seconds(time), &setting.config.windows)
    }

    fn job(&self, at: Option<f64>, setting: &Setting<'_>) -> Result<Job, Refusal> {
        let times = self.times();
        let selected = select(&times, at, &setting.config.windows);
        let from = match &selected {
            Ok(Selection { frames, .. }) => times[frames.start],
            // If a damaged file is why there are too few frames, report that: it helps most.
            Err(_) => f64::NEG_INFINITY,
        };
        self.check_damaged(from, at.unwrap_or(f64::INFINITY))?;
        let Selection { frames, interval_seconds } = selected?;
        let used = &self.draft.candidates[frames];
        let shape = self.check_grids(used)?;
        check_levels(&setting.config.prepare.levels, shape[0])?;
        self.check_units(used, setting.quantity)?;
        let frame = |used: &Candidate| Frame {
            file: self.name(used.file).to_owned(),
            in_file: used.in_file,
            seconds: used.time,
        };
        Ok(Job {
            event: self.path().to_owned(),
            folder: self.files.folder.clone(),
            frames: used.iter().map(frame).collect(),
            shape,
            interval_seconds,
        })
    }

    fn name(&self, file: usize) -> &str {
        self.files.files.get(file).map_or("", |file| &file.name)
    }

    /// Refuses if a file among the frames from one time to another can't be used; the newest is named.
    fn check_damaged(&self, from: f64, until: f64) -> Result<(), Refusal> {
        let (mut before, mut found) = (f64::NEG_INFINITY, None);
        for (file, state) in self.files.files.iter().zip(&self.draft.states) {
            match state {
                FileState::Surveyed { times, .. } => before = times.iter().copied().fold(before, f64::max),
                FileState::Refused { reason, grid: None } => {
                    // Its content is unknown, so its time comes from its name, or from that of its neighbour.
                    let time = time_in_name(Path::new(&file.name)).unwrap_or(before);
                    if time >= from && time <= until {
                        found = Some(Refusal::Damaged { file: file.name.clone(), reason: reason.clone() });
                    }
                }
                // A second frame of a time is set aside, as in training.
                FileState::Refused { .. } | FileState::Adopted(_) => {}
            }
        }
        found.map_or(Ok(()), Err)
    }

    /// The shape of all frames, which must be on the grid of the newest.
    fn check_grids(&self, used: &[Candidate]) -> Result<[usize; 3], Refusal> {
        let grid = |frame: &Candidate| self.draft.states.get(frame.file).and_then(FileState::grid);
        let Some(newest) = used.last().and_then(grid) else { return Ok([0; 3]) };
        let other = used.iter().find_map(|frame| Some((frame, grid(frame).filter(|grid| *grid != newest)?)));
        let Some((frame, got)) = other else { return Ok(newest.shape) };
        let text = |grid: &GridRecord| grid.shape.map(|length| length.to_string()).join("x");
        let coordinates = if got.shape == newest.shape { " at other coordinates" } else { "" };
        Err(Refusal::Grids {
            file: self.name(frame.file).to_owned(),
            got: text(got) + coordinates,
            expected: text(newest),
        })
    }
}

impl Event {
    /// All frames must be in the unit of the model; a file that names none is taken to be.
    fn check_units(&self, used: &[Candidate], expected: &Quantity) -> Result<(), Refusal> {
        let units = |frame: &Candidate| match self.draft.states.get(frame.file) {
            Some(FileState::Surveyed { units, .. }) if !units.is_empty() => Some((frame.file, units.clone())),
            _ => None,
        };
        match used.iter().filter_map(units).find(|(_, units)| Quantity::of(units) != *expected) {
            Some((file, got)) => {
                Err(Refusal::Units { file: self.name(file).to_owned(), got, expected: expected.unit().to_owned() })
            }
            None => Ok(()),
        }
    }
}

fn check_levels(wanted: &Levels, levels: usize) -> Result<(), Refusal> {
    let Levels::Channels(chosen) = wanted else { return Ok(()) };
    match chosen.iter().find(|&&level| level >= levels) {
        Some(&level) => Err(Refusal::Level { level, levels }),
        None => Ok(()),
    }
}
