//! The prepared dataset as the task sees it: events with their windows, each on one side of the split, and samples for
//! the loader.

use std::path::Path;

use serde_json::Error as JsonError;
use thiserror::Error;

use super::config::{Levels, NowcastConfig};
use super::plan::{EventTimes, Plan, PlanError, plan};
use super::split::Side;
use crate::data::loader::{PreparedEvents, Sample};
use crate::data::store::{Store, StoreError};
use crate::util::exit::Exit;
use crate::util::fs::{FsError, write_atomic};

/// The name of the manifest that says which event serves what, and why.
const MANIFEST: &str = "windows.json";

/// A prepared dataset that was opened for reading.
#[derive(Debug)]
pub struct Dataset {
    /// The paths of the events, in the order of the frames' source.
    pub paths: Vec<String>,
    /// The frames.
    pub frames: PreparedEvents,
    /// Windows and sides.
    pub plan: Plan,
}

/// A prepared dataset that can't be used.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no windows, or they can't be split.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The manifest could not be written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The configuration asks for a level that the events don't have.
    #[error(
        "task.nowcast.prepare.levels asks for level {level} (counted from 0), the dataset has {levels}; choose among them"
    )]
    NoLevel {
        /// The level.
        level: usize,
        /// How many there are.
        levels: usize,
    },
}

impl DatasetError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Plan(error) => error.exit(),
            Self::Fs(error) => error.exit(),
            Self::NoLevel { .. } => Exit::Configuration,
        }
    }
}

impl Dataset {
    /// Opens the dataset in a folder and decides about windows and sides.
    ///
    /// # Errors
    /// Where there is none, it is damaged, or the configuration does not fit it.
    pub fn open(folder: &Path, config: &NowcastConfig) -> Result<Self, DatasetError> {
        let store = Store::open(folder)?;
        let paths = store.events()?;
        let readers = paths.iter().map(|path| store.event(path)).collect::<Result<Vec<_>, _>>()?;
        let times = paths.iter().zip(&readers);
        let times = times.map(|(path, event)| EventTimes { path: path.clone(), times: event.times().to_vec() });
        let plan = plan(&times.collect::<Vec<_>>(), &config.windows, &config.split)?;
        let dataset = Self { paths, frames: PreparedEvents::new(readers)?, plan };
        dataset.check_levels(&config.prepare.levels)?;
        Ok(dataset)
    }

    fn check_levels(&self, levels: &Levels) -> Result<(), DatasetError> {
        let [available, _, _] = self.shape();
        let Levels::Channels(chosen) = levels else { return Ok(()) };
        match chosen.iter().find(|&&level| level >= available) {
            Some(&level) => Err(DatasetError::NoLevel { level, levels: available }),
            None => Ok(()),
        }
    }

    /// Levels, rows and columns of every frame.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        let shape = self.frames.events().first().map(|event| event.frame_shape());
        shape.and_then(|shape| shape.try_into().ok()).unwrap_or_default()
    }

    /// The samples of one side, in time order. With `levels: each` every level of a window is a sample; otherwise a
    /// sample holds all levels, to be combined when it becomes a tensor.
    #[must_use]
    pub fn samples(&self, side: Side, config: &NowcastConfig) -> Vec<Sample> {
        let [levels, rows, columns] = self.shape();
        let level = rows * columns;
        let slices: Vec<_> = match config.prepare.levels {
            Levels::Each => (0..levels).map(|number| number * level..(number + 1) * level).collect(),
            Levels::Composite | Levels::Channels(_) => std::iter::once(0..levels * level).collect(),
        };
        let length = config.windows.input_frames + config.windows.target_frames;
        let sample = |(event, start): (usize, usize)| {
            slices.iter().map(move |slice| Sample { event, start, length, slice: slice.clone() })
        };
        self.plan.windows(side).map(|(event, window)| (event, window.start)).flat_map(sample).collect()
    }

    /// Writes which event serves what, and why, beside the data.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn save_manifest(&self, folder: &Path) -> Result<(), DatasetError> {
        let path = folder.join(MANIFEST);
        let encoding = |error: JsonError| FsError::at("encode", &path)(error.into());
        let mut text = serde_json::to_vec_pretty(&self.plan.manifest).map_err(encoding)?;
        text.push(b'\n');
        if std::fs::read(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        Ok(write_atomic(&path, &text)?)
    }
}
