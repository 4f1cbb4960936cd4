//! What the training windows make expect, measured once and kept beside the prepared data under a name that follows from all
//! it depends on. A file that is damaged, or that can't be written, costs only the time to measure again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::{debug, info};

use super::expected::{Expected, Wanted};
use super::measure::measure;
use crate::data::loader::{FrameSource, Sample};
use crate::task::nowcast::config::{Levels, Missing, NowcastConfig};
use crate::task::nowcast::motion::LEAST_ECHO;
use crate::task::nowcast::plan::EventTimes;
use crate::task::nowcast::quantize::STEPS;
use crate::task::nowcast::verification::{Place, Window};
use crate::util::fs::write_atomic;
use crate::util::quantity::Quantity;
use crate::util::sha256::Digest;
use crate::util::units::count;

/// Windows that are measured: more would hardly change the numbers.
const MOST_WINDOWS: usize = 256;

/// Changes with what the numbers mean and with the advection.
const FORMAT: u32 = 1;

/// Digits of the digest in the name of the file.
const DIGITS: usize = 16;

/// Multiples of it are spread evenly between whole numbers.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

const SECONDS: f64 = 60.0;

/// The training windows of a prepared dataset.
#[derive(Clone, Copy, Debug)]
pub struct TrainingWindows<'a, S> {
    /// The section of the task.
    pub config: &'a NowcastConfig,
    /// What is measured.
    pub quantity: &'a Quantity,
    /// The frames.
    pub frames: &'a S,
    /// The events, in the order of the frames.
    pub events: &'a [EventTimes],
    /// All samples of the training side.
    pub samples: &'a [Sample],
    /// Identifies all frames.
    pub fingerprint: &'a str,
}

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Of all that the numbers depend on.
    of: Digest,
    /// Of the numbers as JSON.
    sha256: Digest,
    expected: Expected,
}

impl Kept {
    fn new(of: Digest, expected: Expected) -> Result<Self, serde_json::Error> {
        Ok(Self { of, sha256: Digest::of(&serde_json::to_vec(&expected)?), expected })
    }
}

impl<S: FrameSource<Error: Send> + Sync> TrainingWindows<'_, S> {
    /// What they make expect: as it is kept in the folder, or measured now and kept there.
    ///
    /// # Errors
    /// If a frame can't be read.
    pub fn expected(&self, wanted: &Wanted, folder: &Path) -> Result<Expected, S::Error> {
        let samples = spread(self.samples, MOST_WINDOWS);
        let of = self.digest(wanted, &samples);
        let path = path(folder, of);
        let leads = self.config.windows.target_frames;
        if let Some(kept) = read(&path, of).filter(|kept| kept.fits(wanted, leads)) {
            return Ok(kept);
        }
        info!("measuring the advection on {} for the loss", count(samples.len() as u64, "training window"));
        let seen_frames = wanted.judge(self.config, self.quantity).seen_frames();
        let window = |number: usize| Ok(self.shifted(self.window(samples[number], seen_frames)?, number));
        let expected = measure((self.config, self.quantity), wanted, samples.len(), window)?;
        write(&path, of, &expected);
        Ok(expected)
    }

    fn digest(&self, wanted: &Wanted, samples: &[&Sample]) -> Digest {
        let NowcastConfig { prepare, windows, .. } = self.config;
        let path = |event: usize| self.events.get(event).map(|event| &event.path);
        let sample = |sample: &&Sample| {
            json!([path(sample.event), sample.start, sample.length, sample.slice.start, sample.slice.end])
        };
        let all = json!({
            "format": FORMAT, "fingerprint": self.fingerprint, "unit": self.quantity.unit(), "prepare": prepare,
            "windows": [windows.input_frames, windows.target_frames], "wanted": wanted,
            "shift": self.config.augment.shift, "samples": samples.iter().map(sample).collect::<Vec<_>>(),
        });
        Digest::of(all.to_string().as_bytes())
    }

    /// A window as plain arrays, as a batch would have it; without a forecast.
    fn window(&self, sample: &Sample, seen_frames: usize) -> Result<Window, S::Error> {
        let now = sample.start + self.config.windows.input_frames.saturating_sub(1);
        let (first, end) = (now + 1 - seen_frames, sample.start + sample.length);
        let mut frame = vec![0; self.frames.frame_bytes()];
        let (mut seen, mut observed) = (Vec::new(), Vec::new());
        for number in first..end {
            self.frames.read_frame(sample.event, number, &mut frame)?;
            let into = if number <= now { &mut seen } else { &mut observed };
            into.extend(self.channels(&frame[sample.slice.clone()]));
        }
        let times = self.events.get(sample.event).map_or(&[][..], |event| &event.times);
        let minutes = |number: usize| ((times[number] - times[now]) / SECONDS) as f32;
        Ok(Window {
            place: Place { event: sample.event, start: sample.start, slice: sample.slice.clone() },
            minutes: (sample.start..end).map(minutes).collect(),
            seen,
            observed,
            forecast: Vec::new(),
        })
    }

    /// A window with as much more echo as training adds: rare echo becomes common by that, and the loss must expect it. Windows
    /// are spread evenly over all that may be added.
    fn shifted(&self, mut window: Window, number: usize) -> Window {
        let Some([least, most]) = self.config.augment.shift else { return window };
        let span = self.config.prepare.max - self.config.prepare.min;
        let share = (number as f64 * GOLDEN).fract();
        let added = STEPS * (least + share * (most - least)) / span;
        for byte in window.seen.iter_mut().chain(&mut window.observed).filter(|byte| is_echo(**byte)) {
            *byte = (f64::from(*byte) + added).round().clamp(1.0, 1.0 + STEPS) as u8;
        }
        window
    }

    /// The channels of the levels of a sample.
    fn channels(&self, levels: &[u8]) -> Vec<u8> {
        let prepare = &self.config.prepare;
        let cells = prepare.size.iter().product::<usize>().max(1);
        let mut channels = match &prepare.levels {
            Levels::Each => levels.to_vec(),
            Levels::Composite => {
                (0..cells).map(|cell| levels.iter().skip(cell).step_by(cells).copied().max().unwrap_or(0)).collect()
            }
            Levels::Channels(chosen) => {
                chosen.iter().flat_map(|&level| &levels[level * cells..][..cells]).copied().collect()
            }
        };
        if prepare.missing == Missing::Min {
            channels.iter_mut().for_each(|byte| *byte = (*byte).max(1));
        }
        channels
    }
}

/// Whether training adds to it.
fn is_echo(byte: u8) -> bool {
    f64::from(byte) > 1.0 + STEPS * LEAST_ECHO
}

/// At most so many of these, evenly spread.
fn spread<T>(all: &[T], most: usize) -> Vec<&T> {
    let taken = all.len().min(most);
    (0..taken).map(|number| &all[number * all.len() / taken]).collect()
}

fn path(folder: &Path, of: Digest) -> PathBuf {
    folder.join(format!("expected-{}.json", &of.to_string()[..DIGITS]))
}

fn read(path: &Path, of: Digest) -> Option<Expected> {
    let kept: Kept = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let again = Kept::new(of, kept.expected).ok()?;
    (kept.of == of && kept.sha256 == again.sha256).then_some(again.expected)
}

/// Others may own the folder, or it may be read-only: then it is measured at every start.
fn write(path: &Path, of: Digest, expected: &Expected) {
    let text = Kept::new(of, expected.clone()).and_then(|kept| serde_json::to_vec_pretty(&kept));
    match text.map(|text| write_atomic(path, &text)) {
        Ok(Ok(())) => (),
        Ok(Err(error)) => info!("what was measured for the loss is kept in memory, not beside the data: {error}"),
        Err(error) => debug!("what the training windows make expect is not kept: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use thiserror::Error;

    use super::*;
    use crate::task::nowcast::config::WindowsConfig;
    use crate::util::exit::Exit;

    const SIDE: usize = 11;
    const CELLS: usize = SIDE * SIDE;
    const LEVELS: usize = 2;

    /// Frames of two levels that are made when they are read: a block that moves on and grows, twice as strong above.
    #[derive(Default)]
    struct Made {
        reads: AtomicUsize,
    }

    #[derive(Debug, Error)]
    #[error("there is no such frame")]
    struct NoFrame;

    impl NoFrame {
        fn exit(&self) -> Exit {
            Exit::DataRefused
        }
    }

    crate::util::failures!("test data": NoFrame);

    impl FrameSource for Made {
        type Error = NoFrame;

        fn frame_bytes(&self) -> usize {
            LEVELS * CELLS
        }

        fn read_frame(&self, event: usize, frame: usize, into: &mut [u8]) -> Result<(), NoFrame> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            if event > 0 || frame >= 20 {
                return Err(NoFrame);
            }
            for (index, cell) in into.iter_mut().enumerate() {
                let (level, row, column) = (index / CELLS, index % CELLS / SIDE, index % SIDE);
                let is_inside = (2..5 + frame % 4).contains(&row) && (frame % 6..frame % 6 + 4).contains(&column);
                *cell = if is_inside { 120 * (level as u8 + 1) } else { 0 };
            }
            Ok(())
        }
    }

    struct Fixture {
        config: NowcastConfig,
        quantity: Quantity,
        events: Vec<EventTimes>,
        samples: Vec<Sample>,
        frames: Made,
        wanted: Wanted,
    }

    impl Fixture {
        fn new(levels: Levels) -> Self {
            let mut config = NowcastConfig::default();
            (config.prepare.min, config.prepare.max) = (0.0, 254.0);
            (config.prepare.size, config.prepare.levels) = ([SIDE, SIDE], levels);
            config.windows = WindowsConfig { input_frames: 4, target_frames: 2, ..WindowsConfig::default() };
            let slice = if config.prepare.levels == Levels::Each { CELLS..2 * CELLS } else { 0..2 * CELLS };
            let sample = |start: usize| Sample { event: 0, start, length: 6, slice: slice.clone() };
            Self {
                config,
                quantity: Quantity::default(),
                events: vec![EventTimes {
                    path: "day".into(),
                    times: (0..20).map(|frame| 300.0 * f64::from(frame)).collect(),
                }],
                samples: (0..14).map(sample).collect(),
                frames: Made::default(),
                wanted: Wanted { thresholds: vec![50.0, 150.0], scales_px: vec![3] },
            }
        }

        fn windows(&self) -> TrainingWindows<'_, Made> {
            let Self { config, quantity, events, samples, frames, .. } = self;
            TrainingWindows { config, quantity, frames, events, samples, fingerprint: "abc" }
        }

        fn expected(&self, folder: &Path) -> Expected {
            self.windows().expected(&self.wanted, folder).unwrap()
        }

        fn reads(&self) -> usize {
            self.frames.reads.swap(0, Ordering::Relaxed)
        }
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_measured_is_read_the_next_time_unless_the_file_is_damaged() {
        let (fixture, folder) = (Fixture::new(Levels::Each), tempfile::tempdir().unwrap());
        let expected = fixture.expected(folder.path());
        assert_eq!(
            (fixture.reads(), expected.windows),
            (14 * 5, 14),
            "the last three frames that are seen, and two targets"
        );
        let [file] = files(folder.path()).try_into().unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("expected-") && name.ends_with(".json") && name.len() == 9 + 16 + 5, "{name}");
        assert_eq!((fixture.expected(folder.path()), fixture.reads()), (expected.clone(), 0));
        let whole = fs::read_to_string(&file).unwrap();
        let share = format!("{}", expected.thresholds[0].event_share);
        for damaged in [&whole[..whole.len() / 2], "", &whole.replacen(&share, "0.5", 1), "[]"] {
            fs::write(&file, damaged).unwrap();
            assert_eq!(fixture.expected(folder.path()), expected);
            assert_eq!((fixture.reads(), fs::read_to_string(&file).unwrap()), (14 * 5, whole.clone()));
        }
    }

    #[test]
    fn what_training_adds_is_expected() {
        let folder = tempfile::tempdir().unwrap();
        let mut fixture = Fixture::new(Levels::Each);
        fixture.wanted = Wanted { thresholds: vec![150.0, 245.0], scales_px: vec![3] };
        let shares = |expected: &Expected| [0, 1].map(|index| expected.thresholds[index].event_share);
        let plain = shares(&fixture.expected(folder.path()));
        assert!(plain[0] > 0.05 && plain[1] <= 1.0 / CELLS as f64, "{plain:?}: the block has 239");
        fixture.config.augment.shift = Some([0.0, 14.0]);
        let shifted = shares(&fixture.expected(folder.path()));
        assert!(shifted[0] == plain[0] && shifted[1] > 0.3 * plain[0] && shifted[1] < 0.8 * plain[0], "{shifted:?}");
    }

    #[test]
    fn whatever_the_numbers_depend_on_changes_the_name() {
        let digest = |change: &dyn Fn(&mut Fixture)| {
            let mut fixture = Fixture::new(Levels::Each);
            change(&mut fixture);
            let samples = spread(&fixture.samples, MOST_WINDOWS);
            fixture.windows().digest(&fixture.wanted, &samples)
        };
        let same = digest(&|_| ());
        assert_eq!(digest(&|fixture| fixture.config.loss.high = 7.0), same);
        let changes: [&dyn Fn(&mut Fixture); 7] = [
            &|fixture| fixture.wanted.thresholds[0] = 51.0,
            &|fixture| fixture.wanted.scales_px[0] = 5,
            &|fixture| fixture.config.prepare.max = 255.0,
            &|fixture| fixture.config.prepare.missing = Missing::Mask,
            &|fixture| fixture.samples.truncate(13),
            &|fixture| fixture.events[0].path = "night".into(),
            &|fixture| (fixture.config.windows.input_frames, fixture.config.windows.target_frames) = (3, 3),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_ne!(digest(change), same, "{number}");
        }
        let fixture = Fixture::new(Levels::Each);
        let other = TrainingWindows { fingerprint: "abd", ..fixture.windows() };
        assert_ne!(other.digest(&fixture.wanted, &spread(&fixture.samples, MOST_WINDOWS)), same);
    }

    #[test]
    fn a_folder_that_can_t_be_written_is_no_error_and_a_frame_that_can_t_be_read_is_one() {
        let (mut fixture, folder) = (Fixture::new(Levels::Each), tempfile::tempdir().unwrap());
        let absent = folder.path().join("absent");
        assert_eq!(fixture.expected(&absent), fixture.expected(folder.path()));
        let read_only = folder.path().join("read-only");
        fs::create_dir(&read_only).unwrap();
        fs::set_permissions(&read_only, fs::Permissions::from_mode(0o500)).unwrap();
        assert_eq!(fixture.expected(&read_only), fixture.expected(folder.path()));
        fixture.samples[7].event = 3;
        fixture.events = vec![fixture.events[0].clone(); 4];
        assert!(fixture.windows().expected(&fixture.wanted, &absent).is_err());
    }

    #[test]
    fn levels_are_combined_as_in_a_batch() {
        let of = |levels: Levels, missing: Missing| {
            let mut fixture = Fixture::new(levels);
            fixture.config.prepare.missing = missing;
            let window = fixture.windows().window(&fixture.samples[2], 3).unwrap();
            assert_eq!(window.minutes, [-15.0, -10.0, -5.0, 0.0, 5.0, 10.0]);
            assert_eq!(window.observed.len() * 3, window.seen.len() * 2);
            window.observed
        };
        let [each, composite] = [Levels::Each, Levels::Composite].map(|levels| of(levels, Missing::Mask));
        assert_eq!(each, composite, "the upper level is the stronger one");
        let channels = of(Levels::Channels(vec![1, 0, 1]), Missing::Mask);
        assert_eq!(channels.len(), 3 * each.len());
        assert_eq!((&channels[..CELLS], &channels[2 * CELLS..3 * CELLS]), (&each[..CELLS], &each[..CELLS]));
        assert!(each.contains(&0) && !of(Levels::Each, Missing::Min).contains(&0));
    }

    #[test]
    fn windows_are_spread_evenly_over_all() {
        let all: Vec<usize> = (0..1000).collect();
        let taken: Vec<usize> = spread(&all, 4).into_iter().copied().collect();
        assert_eq!(taken, [0, 250, 500, 750]);
        assert_eq!((spread(&all[..3], 4).len(), spread(&all[..0], 4).len()), (3, 0));
    }
}
