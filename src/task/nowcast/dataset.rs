//! The prepared dataset of the task: events with their windows, each on one side of the split, and samples for the
//! loader.

use std::path::Path;

use serde_json::Error as JsonError;
use thiserror::Error;

use super::config::{Levels, NowcastConfig, SplitConfig, WindowsConfig};
use super::plan::{EventTimes, Plan, PlanError, plan, plan_anyway};
use super::split::Side;
use crate::data::loader::{PreparedEvents, Sample};
use crate::data::store::{EventReader, Store, StoreError};
use crate::util::exit::Exit;
use crate::util::fs::{FsError, write_atomic};
use crate::util::quantity::Quantity;

/// The name of the manifest that says which event serves what, and why.
const MANIFEST: &str = "windows.json";

/// What decides about windows and sides.
type Planner = fn(&[EventTimes], &WindowsConfig, &SplitConfig) -> Result<Plan, PlanError>;

/// A prepared dataset that was opened for reading.
#[derive(Debug)]
pub struct Dataset {
    /// The paths of the events, in the order of the frames' source.
    pub paths: Vec<String>,
    /// The frames.
    pub frames: PreparedEvents,
    /// Windows and sides.
    pub plan: Plan,
    /// The unit of the values, as it is written in the files.
    pub units: String,
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
    /// The configuration requests a level that the events don't have.
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

crate::util::failures!("dataset": DatasetError);

impl Dataset {
    /// Opens the dataset in a folder and decides about windows and sides.
    ///
    /// # Errors
    /// If there is none, it is damaged, or the configuration does not fit it.
    pub fn open(folder: &Path, config: &NowcastConfig) -> Result<Self, DatasetError> {
        let dataset = Self::planned(folder, config, plan)?;
        dataset.check_levels(&config.prepare.levels)?;
        Ok(dataset)
    }

    /// The same for commands that only look: what training would refuse is a warning of the plan.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn open_anyway(folder: &Path, config: &NowcastConfig) -> Result<Self, DatasetError> {
        let mut dataset = Self::planned(folder, config, plan_anyway)?;
        if let Err(error) = dataset.check_levels(&config.prepare.levels) {
            dataset.plan.manifest.warnings.push(error.to_string());
        }
        Ok(dataset)
    }

    fn planned(folder: &Path, config: &NowcastConfig, plan: Planner) -> Result<Self, DatasetError> {
        let store = Store::open(folder)?;
        let paths = store.events()?;
        let readers = paths.iter().map(|path| store.event(path)).collect::<Result<Vec<_>, _>>()?;
        let times = paths.iter().zip(&readers);
        let times = times.map(|(path, event)| EventTimes { path: path.clone(), times: event.times().to_vec() });
        let plan = plan(&times.collect::<Vec<_>>(), &config.windows, &config.split)?;
        let units = readers.first().map_or("", EventReader::units).to_owned();
        Ok(Self { paths, frames: PreparedEvents::new(readers)?, plan, units })
    }

    fn check_levels(&self, levels: &Levels) -> Result<(), DatasetError> {
        let [available, _, _] = self.shape();
        let Levels::Channels(chosen) = levels else { return Ok(()) };
        match chosen.iter().find(|&&level| level >= available) {
            Some(&level) => Err(DatasetError::NoLevel { level, levels: available }),
            None => Ok(()),
        }
    }

    /// The events with the times of their frames, in the order of the frames' source.
    #[must_use]
    pub fn times(&self) -> Vec<EventTimes> {
        let events = self.paths.iter().zip(self.frames.events());
        events.map(|(path, event)| EventTimes { path: path.clone(), times: event.times().to_vec() }).collect()
    }

    /// What is measured.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        Quantity::of(&self.units)
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
    /// If it can't be written.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::loader::{Loader, LoaderConfig, Order, Position};
    use crate::data::synthetic::Storms;
    use crate::task::nowcast::prepare::{Setting, prepare};
    use crate::task::nowcast::quantize::Quantizer;
    use crate::task::nowcast::synth;
    use crate::util::progress::Silent;
    use crate::util::stop::Stop;
    use crate::util::surroundings::Surroundings;

    /// Synthetic storms of 2 levels, prepared with 12 x 16 cells, in windows of 3 + 2 frames.
    fn prepared(folder: &Path) -> (std::path::PathBuf, NowcastConfig) {
        let mut config = NowcastConfig::default();
        config.prepare.size = [12, 16];
        config.windows.input_frames = 3;
        config.windows.target_frames = 2;
        config.windows.stride = 2;
        config.split.val_share = 0.3;
        let (raw, stop) = (folder.join("raw"), Stop::default());
        let synthetic = Storms { events: 3, frames: 9, grid: 32, levels: 2, seed: 7 };
        synth::write(&synthetic, &raw, &Surroundings { stop: &stop, progress: &Silent }).unwrap();
        let setting = Setting {
            config: &config.prepare,
            quantizer: Quantizer::new(config.prepare.min, config.prepare.max).unwrap(),
            hashes: None,
            threads: 2,
            stop: &stop,
            progress: &Silent,
        };
        let store = prepare(&raw, &folder.join("prepared"), &setting).unwrap().store;
        (store, config)
    }

    /// The frames of a sample, read one by one by the store itself.
    fn stored(store: &Store, path: &str, sample: &Sample) -> Vec<u8> {
        let event = store.event(path).unwrap();
        let mut frame = vec![0; event.frame_len()];
        let mut bytes = Vec::new();
        for index in sample.start..sample.start + sample.length {
            event.read_frame(index, &mut frame).unwrap();
            bytes.extend_from_slice(&frame[sample.slice.clone()]);
        }
        bytes
    }

    #[test]
    fn the_loader_delivers_the_frames_of_the_store_and_resumes_in_the_middle_of_an_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let (path, config) = prepared(folder.path());
        let dataset = Dataset::open(&path, &config).unwrap();
        let samples = dataset.samples(Side::Train, &config);
        let (paths, source) = (dataset.paths, Arc::new(dataset.frames));
        let store = Store::open(&path).unwrap();
        let order = Order { seed: 42, shuffle: true };
        let settings = |threads| LoaderConfig { threads, cache_bytes: 5000, ..LoaderConfig::default() };
        let loader =
            |threads| Loader::of_frames(Arc::clone(&source), samples.clone(), order, settings(threads)).unwrap();

        let mut seen = Vec::new();
        for window in loader(2).start(Position { epoch: 3, next: 0 }).unwrap() {
            let window = window.unwrap();
            let mut bytes = Vec::new();
            window.append_to(&mut bytes);
            assert!(
                bytes == stored(&store, &paths[window.sample.event], &samples[window.number]),
                "{:?}",
                window.sample
            );
            assert!(bytes.iter().any(|&cell| cell != 0), "a window without a single value tells nothing");
            seen.push((window.number, bytes));
        }
        let mut numbers: Vec<usize> = seen.iter().map(|(number, _)| *number).collect();
        assert_ne!(numbers, (0..samples.len()).collect::<Vec<_>>(), "the order is shuffled");
        numbers.sort_unstable();
        assert_eq!(numbers, (0..samples.len()).collect::<Vec<_>>());

        let rest = loader(0).start(Position { epoch: 3, next: 5 }).unwrap().map(|window| {
            let window = window.unwrap();
            let mut bytes = Vec::new();
            window.append_to(&mut bytes);
            (window.number, bytes)
        });
        assert!(rest.collect::<Vec<_>>() == seen[5..]);
    }

    #[test]
    fn each_level_is_a_sample_of_its_own_unless_levels_are_combined() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut config) = prepared(folder.path());
        let dataset = Dataset::open(&path, &config).unwrap();
        assert_eq!(dataset.shape(), [2, 12, 16]);
        let windows = dataset.plan.windows(Side::Train).count();
        let each = dataset.samples(Side::Train, &config);
        assert_eq!(each.len(), 2 * windows);
        assert_eq!((each[0].slice.clone(), each[1].slice.clone()), (0..192, 192..384));
        assert_eq!((each[0].start, each[0].length), (each[1].start, 5));
        config.prepare.levels = Levels::Composite;
        let whole = dataset.samples(Side::Train, &config);
        assert_eq!((whole.len(), whole[0].slice.clone()), (windows, 0..384));
    }

    #[test]
    fn a_level_that_the_dataset_does_not_have_is_refused_with_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut config) = prepared(folder.path());
        config.prepare.levels = Levels::Channels(vec![1, 2]);
        let error = Dataset::open(&path, &config).unwrap_err();
        assert!(error.to_string().contains("asks for level 2 (counted from 0), the dataset has 2"), "{error}");
        assert_eq!(error.exit(), Exit::Configuration);
    }

    #[test]
    fn the_manifest_is_written_once_and_says_which_event_serves_what() {
        let folder = tempfile::tempdir().unwrap();
        let (path, config) = prepared(folder.path());
        let dataset = Dataset::open(&path, &config).unwrap();
        dataset.save_manifest(&path).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(path.join(MANIFEST)).unwrap()).unwrap();
        let sides: Vec<_> = manifest["events"].as_array().unwrap().iter().map(|event| &event["side"]).collect();
        assert_eq!(sides, ["train", "train", "val"]);
    }
}
