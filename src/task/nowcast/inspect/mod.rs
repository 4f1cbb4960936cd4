//! The content of a prepared dataset, for a user who wants to train on it: a table, and pictures of every event.

mod pictures;
mod table;

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

pub use self::pictures::{Pictures, View};
use super::FRAMES;
use super::config::NowcastConfig;
use super::dataset::{Dataset, DatasetError};
use super::plan::{PlacedEvent, Totals};
use super::prepare::refusal;
use super::prepare::report::{GroupReport, Report};
use super::quantize::{QuantizeError, Quantizer};
use super::split::Side;
use super::statistics::{CountError, Counts, count};
use crate::data::store::StoreError;
use crate::report::PictureError;
use crate::util::exit::Exit;
use crate::util::fs::FsError;
use crate::util::progress::{Progress, Stage};
use crate::util::stop::{Stop, Stopped};
use crate::util::units;

/// What is in a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The folder of the prepared dataset.
    pub store: PathBuf,
    /// Levels, rows and columns of a frame.
    pub shape: [usize; 3],
    /// The unit of all values.
    pub unit: String,
    /// The events in time order.
    pub events: Vec<EventView>,
    /// All of them together.
    pub total: Shares,
    /// Windows by side.
    pub windows: Totals,
    /// The files that were set aside, by event.
    pub set_aside: Vec<GroupReport>,
    /// What the user should know about the split.
    pub warnings: Vec<String>,
    /// The pictures that were drawn.
    pub pictures: Vec<PathBuf>,
}

/// What is in an event.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// When it was, how it was cut into windows, and which side it is on.
    #[serde(flatten)]
    pub record: PlacedEvent,
    /// What is in its frames.
    #[serde(flatten)]
    pub shares: Shares,
}

/// Shares of all cells of all frames and levels.
#[derive(Clone, Debug, Serialize)]
pub struct Shares {
    /// Cells that are missing.
    pub missing_share: f64,
    /// Cells above each of the thresholds that forecasts are judged at, missing ones counted among all.
    pub above: Vec<Above>,
}

/// The share of cells above a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Above {
    /// The threshold.
    pub threshold: f64,
    /// The share.
    pub share: f64,
}

/// Why a dataset could not be inspected.
#[derive(Debug, Error)]
pub enum InspectError {
    /// The dataset does not have the level to draw.
    #[error("--level {level} was asked for, counted from 0 at the ground, but the dataset has {}; the highest is {}",
        units::count(*levels as u64, "level"), levels.saturating_sub(1))]
    NoLevel {
        /// The level.
        level: usize,
        /// How many there are.
        levels: usize,
    },
    /// The dataset can't be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A frame can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cells of an event can't be counted.
    #[error(transparent)]
    Count(#[from] CountError),
    /// The range of values is invalid.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// A picture can't be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A file can't be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Interrupted by a signal.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl InspectError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoLevel { .. } => Exit::Usage,
            Self::Dataset(error) => error.exit(),
            Self::Count(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Quantize(error) => error.exit(),
            Self::Picture(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

crate::util::failures!("inspect": InspectError);

/// What inspecting gets from outside.
pub struct Setting<'a> {
    /// The task.
    pub config: &'a NowcastConfig,
    /// The folder for the pictures, if requested.
    pub pictures: Option<&'a Path>,
    /// What of a volume is drawn.
    pub view: View,
    /// Threads that read frames.
    pub threads: usize,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// The audience.
    pub progress: &'a dyn Progress,
}

/// Looks at a prepared dataset.
///
/// # Errors
/// If it can't be read, or a picture can't be written.
pub fn inspect(store: &Path, setting: &Setting<'_>) -> Result<Inspection, InspectError> {
    let dataset = Dataset::open_anyway(store, setting.config)?;
    check_view(setting.view, dataset.shape()[0])?;
    let quantizer = Quantizer::new(setting.config.prepare.min, setting.config.prepare.max)?;
    let quantity = dataset.quantity();
    let thresholds = setting.config.scores.thresholds_for(&quantity, &setting.config.prepare);
    let shares = |counts: &Counts| Shares::of(counts, &thresholds, &quantizer);
    let (set_aside, refusal) = set_aside(store)?;
    let (mut events, mut all) = (Vec::new(), Counts::default());
    let frames: usize = dataset.plan.manifest.events.iter().map(|event| event.frames).sum();
    setting.progress.begin(Stage::Inspect, Some(frames as u64), FRAMES);
    for (planned, record) in dataset.plan.events.iter().zip(&dataset.plan.manifest.events) {
        let event = &dataset.frames.events()[planned.index];
        let counts = count(event, setting.threads, setting.stop, setting.progress)?;
        events.push(EventView { record: record.clone(), shares: shares(&counts) });
        all.merge(&counts);
    }
    setting.progress.end(&format!("inspected: {}", units::count(frames as u64, "frame")));
    let mut inspection = Inspection {
        store: store.to_owned(),
        shape: dataset.shape(),
        events,
        total: shares(&all),
        unit: quantity.unit().to_owned(),
        windows: dataset.plan.manifest.totals.clone(),
        set_aside,
        warnings: refusal.into_iter().chain(dataset.plan.manifest.warnings.iter().cloned()).collect(),
        pictures: Vec::new(),
    };
    if let Some(folder) = setting.pictures.filter(|_| !dataset.paths.is_empty()) {
        inspection.pictures = Pictures { folder, dataset: &dataset, quantizer, setting }.draw(&inspection, &all)?;
    }
    Ok(inspection)
}

/// The files that were set aside, and why the last attempt to prepare the dataset was refused, if it was.
fn set_aside(store: &Path) -> Result<(Vec<GroupReport>, Option<String>), InspectError> {
    let refusal = refusal::read(store);
    let warning = refusal.map(|why| format!("the last `fragua prepare` was refused, so this may be older: {why}"));
    let groups = match Report::refused(store) {
        Some(refused) => refused,
        // Nothing was prepared yet.
        None if warning.is_some() && !Report::path(store).exists() => Vec::new(),
        None => Report::load(store)?.groups,
    };
    Ok((groups.into_iter().filter(|event| !event.set_aside.is_empty()).collect(), warning))
}

/// Before all frames are counted: a level that is not there can't be drawn.
fn check_view(view: View, levels: usize) -> Result<(), InspectError> {
    match view {
        View::Level(level) if level >= levels => Err(InspectError::NoLevel { level, levels }),
        View::Level(_) | View::Composite => Ok(()),
    }
}

impl Shares {
    fn of(counts: &Counts, thresholds: &[f64], quantizer: &Quantizer) -> Self {
        let share = |&threshold: &f64| Above { threshold, share: counts.share_above(threshold, quantizer) };
        let above = thresholds.iter().map(share);
        Self { missing_share: counts.missing_share(), above: above.collect() }
    }
}

/// The word for what an event serves: "train", "train, val" if it is cut, "-" for nothing.
fn side_name(event: &PlacedEvent) -> String {
    let parts = event.parts.iter().map(|part| part.side.name()).collect::<Vec<_>>().join(", ");
    if parts.is_empty() { event.side.map_or("-", Side::name).to_owned() } else { parts }
}
