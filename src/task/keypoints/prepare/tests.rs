//! From files to records: what is stored, what is set aside, what is refused, what is done again.

use serde_json::json;

use super::*;
use crate::task::keypoints::clip::Part;
use crate::task::keypoints::config::{KeypointsConfig, Stored, Streams};
use crate::task::keypoints::dataset::Dataset;
use crate::task::keypoints::read::packed::write;
use crate::util::exit::Exit;
use crate::util::progress::Silent;
use crate::util::stop::Stop;

/// A sequence of a pen, whose points are its number.
fn clip(number: usize, class: &str, frames: usize) -> Clip {
    let values = (0..frames).flat_map(|frame| [number as f32, frame as f32, 0.0, 1.0]).collect();
    Clip {
        name: format!("n{number:02}"),
        class: Some(class.to_owned()),
        frames,
        parts: vec![Part { name: "pen".into(), points: 1, has: [true; 4], values }],
        ..Clip::default()
    }
}

fn config(streams: serde_json::Value) -> PrepareConfig {
    let streams: Streams = serde_json::from_value(streams).unwrap();
    PrepareConfig { streams, ..PrepareConfig::default() }
}

struct Bench {
    raw: tempfile::TempDir,
    prepared: tempfile::TempDir,
}

impl Bench {
    fn of(clips: &[Clip]) -> Self {
        let bench = Self { raw: tempfile::tempdir().unwrap(), prepared: tempfile::tempdir().unwrap() };
        write(&bench.raw.path().join("signs.npz"), clips).unwrap();
        bench
    }

    fn prepare(&self, config: &PrepareConfig) -> Result<PreparedSigns, PrepareError> {
        let (stop, progress) = (Stop::default(), Silent);
        let around = Surroundings { stop: &stop, progress: &progress };
        prepare(self.raw.path(), self.prepared.path(), config, None, &around)
    }
}

#[test]
fn sequences_become_records_once_and_again_if_options_change() {
    let bench = Bench::of(&[clip(3, "b", 2), clip(5, "a", 4), clip(7, "b", 1)]);
    let plain = config(json!({"pen": {"points": 1}}));
    let prepared = bench.prepare(&plain).unwrap();
    assert!(prepared.is_new);
    assert_eq!(prepared.facts.classes, ["a", "b"]);
    let told: Vec<_> =
        prepared.facts.samples.iter().map(|sample| (&*sample.name, sample.class, sample.frames)).collect();
    assert_eq!(told, [("n03", 1, 2), ("n05", 0, 4), ("n07", 1, 1)]);
    let record = |prepared: &PreparedSigns, number: usize| {
        packed::numbers(&prepared.records.read(number).unwrap(), prepared.facts.stored)
    };
    assert_eq!(record(&prepared, 0), [3.0, 0.0, 0.0, 1.0, 3.0, 1.0, 0.0, 1.0]);
    assert!(!bench.prepare(&plain).unwrap().is_new);
    assert!(!bench.prepare(&PrepareConfig { max_bad_share: 0.5, ..plain.clone() }).unwrap().is_new);
    let short = PrepareConfig { max_frames: Some(2), store: Stored::F16, ..plain };
    let other = bench.prepare(&short).unwrap();
    assert!(other.is_new && other.store != prepared.store);
    assert_eq!((other.report.about.resampled, record(&other, 1)), (1, vec![5.0, 0.0, 0.0, 1.0, 5.0, 3.0, 0.0, 1.0]));
    let contents =
        |prepared: &PreparedSigns| prepared.facts.samples.iter().map(|sample| sample.content).collect::<Vec<_>>();
    assert_eq!(contents(&prepared), contents(&other), "so that the split does not depend on the options");
    let section = KeypointsConfig { prepare: short, ..KeypointsConfig::default() };
    let dataset = Dataset::open(&other.store, &section).unwrap();
    assert_eq!((dataset.totals(None).train, dataset.totals(Some(1)).all(), dataset.model.frames), (3, 2, 2));
}

#[test]
fn what_a_stream_can_not_be_made_of_is_set_aside_up_to_a_share() {
    let mut clips: Vec<Clip> = (0..20).map(|number| clip(number, ["a", "b"][number % 2], 2)).collect();
    clips[4].parts[0].values[5] = f32::INFINITY;
    let bench = Bench::of(&clips);
    let plain = config(json!({"pen": {"points": 1}}));
    let prepared = bench.prepare(&plain).unwrap();
    assert_eq!((prepared.facts.samples.len(), prepared.report.bad()), (20, 0), "an infinite coordinate was not seen");
    let wide = config(json!({"pen": {"points": 2}}));
    let refused = bench.prepare(&PrepareConfig { max_bad_share: 0.0, ..wide }).err().unwrap();
    assert_eq!(refused.exit(), Exit::DataRefused);
    assert!(refused.to_string().contains("task.keypoints.prepare.max_bad_share = 0"), "{refused}");
    assert!(refused.to_string().contains("expected 2 for the stream pen"), "{refused}");
}

#[test]
fn a_stream_that_is_never_seen_and_a_single_class_are_refused() {
    let bench = Bench::of(&[clip(3, "b", 2), clip(5, "a", 4)]);
    let refused = bench.prepare(&config(json!({"pen": {"points": 1}, "face": {"points": "lips"}}))).err().unwrap();
    assert!(refused.to_string().contains("never shows face; leave the stream out"), "{refused}");
    let one =
        Bench::of(&[clip(3, "b", 2), clip(5, "b", 4)]).prepare(&config(json!({"pen": {"points": 1}}))).err().unwrap();
    assert!(one.to_string().contains("sequences of 1 class (b), expected at least 2"), "{one}");
    std::fs::remove_file(bench.raw.path().join("signs.npz")).unwrap();
    assert_eq!(bench.prepare(&config(json!({"pen": {"points": 1}}))).err().unwrap().exit(), Exit::DataRefused);
}
