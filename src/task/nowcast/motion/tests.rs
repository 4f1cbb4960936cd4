//! Motion that was found once is that of every window, and ways lead back to where echo was.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::data::loader::FrameSource;
use crate::data::split::Side;
use crate::data::synthetic::Storms;
use crate::task::nowcast::config::{Levels, NowcastConfig};
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::prepare::{Setting, prepare};
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::synth;
use crate::util::progress::Silent;
use crate::util::stop::Stop;
use crate::util::surroundings::Surroundings;

/// Synthetic storms of 2 levels, prepared.
struct Prepared {
    _folder: tempfile::TempDir,
    store: PathBuf,
    config: NowcastConfig,
    dataset: Dataset,
}

impl Prepared {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let around = Surroundings { stop: &stop, progress: &Silent };
        let mut config = NowcastConfig::default();
        config.prepare.size = [24, 32];
        (config.windows.input_frames, config.windows.target_frames, config.windows.stride) = (3, 2, 2);
        let raw = folder.path().join("raw");
        synth::write(&Storms { events: 3, frames: 9, grid: 32, levels: 2, seed: 7 }, &raw, &around).unwrap();
        let setting = Setting {
            config: &config.prepare,
            quantizer: Quantizer::new(config.prepare.min, config.prepare.max).unwrap(),
            hashes: None,
            threads: 2,
            stop: &stop,
            progress: &Silent,
        };
        let store = prepare(&raw, &folder.path().join("prepared"), &setting).unwrap().store;
        let dataset = Dataset::open(&store, &config).unwrap();
        Self { _folder: folder, store, config, dataset }
    }

    fn known(&self) -> Arc<known::Known> {
        let stop = Stop::default();
        let around = Surroundings { stop: &stop, progress: &Silent };
        known::of(&self.store, "digest", &self.config, (&self.dataset.frames, &self.dataset.times()), &around).unwrap()
    }
}

#[test]
fn what_is_known_is_what_the_frames_say_and_is_found_once() {
    let mut prepared = Prepared::new();
    let mut seen = Vec::new();
    for levels in [Levels::Each, Levels::Composite, Levels::Channels(vec![1])] {
        prepared.config.prepare.levels = levels;
        prepared.dataset = Dataset::open(&prepared.store, &prepared.config).unwrap();
        let Prepared { store, config, dataset, .. } = &prepared;
        let known = || prepared.known();
        let first = known();
        let finder = MotionFinder::new(config);
        let mut moving = 0;
        for sample in dataset.samples(Side::Train, config) {
            let read = |frame: usize| {
                let mut bytes = vec![0; dataset.frames.frame_bytes()];
                dataset.frames.read_frame(sample.event, sample.start + frame, &mut bytes).unwrap();
                bytes[sample.slice.clone()].to_vec()
            };
            let frames = [0, 1, 2].map(read);
            let times = &dataset.frames.events()[sample.event].times()[sample.start..sample.start + 3];
            let minutes: Vec<f64> = times.iter().map(|time| f64::from(((time - times[2]) / 60.0) as f32)).collect();
            let expected = finder.find(&frames.each_ref().map(Vec::as_slice), &minutes);
            assert_eq!(first.motion(&sample, 2).unwrap(), expected);
            moving += usize::from(expected.u.iter().any(|u| *u != 0.0));
            let strongest = finder.strongest(&frames[2]);
            let above = |value: u8| strongest.iter().filter(|&&byte| byte > value).count() as u64;
            assert!([0, 40, 120, 255].iter().all(|&value| first.cells_above(&sample, 2, value) == Some(above(value))));
        }
        assert!(moving > 3, "{moving} windows move");
        let beside = std::fs::read_dir(store.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<_> = beside.filter(|path| path.to_string_lossy().contains(".motion")).collect();
        folders.retain(|path| !seen.contains(path));
        assert_eq!(folders.len(), 1, "each kind of levels has its own");
        let written = folders[0].join("index.bin");
        seen.extend(folders);
        let time = || std::fs::metadata(&written).unwrap().modified().unwrap();
        let before = time();
        let again = known();
        assert_eq!(time(), before, "it is found once");
        assert!(Arc::strong_count(&again) == 1);
        std::fs::write(&written, b"damaged").unwrap();
        assert_eq!(
            known().motion(&dataset.samples(Side::Train, config)[0], 2),
            first.motion(&dataset.samples(Side::Train, config)[0], 2)
        );
        assert_ne!(time(), before, "what is damaged is found again");
        let shard = written.with_file_name("0000.shard");
        let whole = std::fs::read(&shard).unwrap();
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(&shard, damaged).unwrap();
        let all = dataset.samples(Side::Train, config).into_iter().chain(dataset.samples(Side::Val, config));
        let all: Vec<_> = all.map(|sample| known().motion(&sample, 2)).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(std::fs::read(&shard).unwrap() == whole, "one damaged record is written again");
    }
}

/// A file where the folder would be keeps it from being written, for root too.
#[test]
fn what_can_not_be_kept_beside_the_data_is_kept_in_memory() {
    let prepared = Prepared::new();
    let (dataset, config) = (&prepared.dataset, &prepared.config);
    let known = || prepared.known();
    let sample = &dataset.samples(Side::Train, config)[0];
    let expected = known().motion(sample, 2).unwrap();
    let folder = prepared.store.with_file_name(format!("{}.motion", prepared.store.file_name().unwrap().display()));
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    assert_eq!(known().motion(sample, 2).unwrap(), expected);
    assert_eq!(known().motion(sample, 1000), None);
    assert_eq!(std::fs::read(&folder).unwrap(), b"in the way");
}
