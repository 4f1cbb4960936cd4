//! From files to records: what is stored, what is set aside, what is refused, what is done again.

use serde_json::json;

use super::*;
use crate::data::manifest::FileEntry;
use crate::data::numpy::{Array, Numbers, encode};
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
        self.prepare_by(config, None)
    }

    fn prepare_by(&self, config: &PrepareConfig, hashes: Option<&Manifest>) -> Result<PreparedSigns, PrepareError> {
        let (stop, progress) = (Stop::default(), Silent);
        let around = Surroundings { stop: &stop, progress: &progress };
        prepare(self.raw.path(), self.prepared.path(), config, hashes, &around)
    }

    /// Each file below a folder with what was fetched, which is its content unless it is one of these.
    fn files(files: &[(&str, &[u8])], changed: &[&str]) -> (Self, Manifest) {
        let bench = Self { raw: tempfile::tempdir().unwrap(), prepared: tempfile::tempdir().unwrap() };
        let mut manifest = Manifest::default();
        for (name, content) in files {
            let path = bench.raw.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            let sha256 = Digest::of(if changed.contains(name) { b"other" } else { content });
            manifest.files.push(FileEntry { path: (*name).to_owned(), bytes: content.len() as u64, sha256 });
        }
        manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
        (bench, manifest)
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

/// An array of these rows, of a pen with x and y.
fn npy(rows: usize) -> Vec<u8> {
    encode(&Array { shape: vec![rows, 2], numbers: Numbers::Real((0..rows * 2).map(|value| value as f32).collect()) })
}

fn pen() -> PrepareConfig {
    PrepareConfig {
        values: vec![PointValue::X, PointValue::Y],
        max_bad_share: 0.5,
        ..config(json!({"pen": {"points": 1}}))
    }
}

/// What is set aside, by name.
fn aside(prepared: &PreparedSigns) -> Vec<String> {
    let bad = prepared.report.groups[0].set_aside.iter();
    bad.map(|bad| format!("{}: {}", bad.file, bad.reason)).collect()
}

#[test]
fn files_that_changed_since_they_were_fetched_or_can_not_be_read_are_set_aside_up_to_a_share() {
    let rows = npy(3);
    let names = ["a/1.npy", "a/2.npy", "b/3.npy", "b/4.npy", "b/5.npy"];
    let (bench, manifest) = Bench::files(&names.map(|name| (name, &rows[..])), &["a/2.npy"]);
    std::fs::remove_file(bench.raw.path().join("b/5.npy")).unwrap();
    std::os::unix::fs::symlink("nowhere", bench.raw.path().join("b/5.npy")).unwrap();
    let prepared = bench.prepare_by(&pen(), Some(&manifest)).unwrap();
    let aside = aside(&prepared);
    assert_eq!((prepared.facts.samples.len(), aside.len(), prepared.facts.gone.len()), (3, 2, 2), "{aside:?}");
    assert!(aside[0].starts_with("a/2.npy: damaged on this disk: its SHA-256 is "), "{aside:?}");
    assert!(aside[1].starts_with("b/5.npy: it is a link to a file that does not exist; remove it"), "{aside:?}");
    assert_eq!(prepared.report.about.files.len(), 3, "only those that are used");
    let strict =
        PrepareConfig { max_bad_share: 0.3, normalise: crate::task::keypoints::config::Normalise::Sequence, ..pen() };
    let refused = bench.prepare_by(&strict, Some(&manifest)).err().unwrap().to_string();
    assert!(refused.starts_with("2 of 5 files can't be used"), "{refused}");
}

#[test]
fn a_sequence_that_shows_nothing_and_one_with_impossible_numbers_are_set_aside() {
    let mut clips: Vec<Clip> = (0..6).map(|number| clip(number, ["a", "b"][number % 2], 2)).collect();
    clips[4].parts[0].values.fill(f32::NAN);
    clips[5].parts[0].values[4] = 3e38;
    let prepared = Bench::of(&clips).prepare(&pen()).unwrap();
    assert_eq!(
        aside(&prepared),
        [
            "signs.npz: n04: shows nothing of pen in any of its 2 frames",
            "signs.npz: n05: has the number 3e38, expected at most 65504: shares of the image, or pixels",
        ]
    );
}

#[test]
fn long_sequences_are_read_a_few_at_once() {
    assert_eq!(next_at_once([1000, 4000].into_iter()), MOST_AT_ONCE);
    assert_eq!(next_at_once([1000, BYTES_AT_ONCE / 40].into_iter()), 40.max(threads()));
    assert_eq!(next_at_once([2 * BYTES_AT_ONCE].into_iter()), threads());
    assert_eq!(next_at_once(std::iter::empty()), MOST_AT_ONCE, "all were set aside");
}

#[test]
fn a_damaged_frame_costs_its_sequence_and_a_damaged_list_the_dataset() {
    let row = npy(1);
    let frames = ["x/a/1/0.npy", "x/a/1/1.npy", "x/a/2/0.npy", "x/b/1/0.npy"];
    let (bench, manifest) = Bench::files(&frames.map(|name| (name, &row[..])), &["x/a/1/1.npy"]);
    let prepared = bench.prepare_by(&pen(), Some(&manifest)).unwrap();
    let aside = aside(&prepared);
    assert_eq!((prepared.facts.samples.len(), aside.len()), (2, 1));
    assert!(aside[0].starts_with("x/a/1: has the frame 1.npy: damaged on this disk"), "{aside:?}");

    let pickle = b"\x80\x04]}\x8c\x03pen}(\x8c\x01x]K\x07a\x8c\x01y]K\x01ausa.";
    let word =
        |word: &str, file: &str| format!(r#"{{"gloss": "{word}", "instances": [{{"keypoints_path": "{file}"}}]}}"#);
    let list = format!(r#"{{"0": {}, "1": {}}}"#, word("a", "a.pkl"), word("b", "b.pkl"));
    let files: [(&str, &[u8]); 3] = [("dict.json", list.as_bytes()), ("a.pkl", pickle), ("b.pkl", pickle)];
    let (bench, manifest) = Bench::files(&files, &[]);
    assert_eq!(bench.prepare_by(&pen(), Some(&manifest)).unwrap().facts.samples.len(), 2);
    let (bench, manifest) = Bench::files(&files, &["dict.json"]);
    let refused = bench.prepare_by(&pen(), Some(&manifest)).err().unwrap();
    assert_eq!(refused.exit(), Exit::DataRefused);
    assert!(refused.to_string().contains("dict.json can't be used: damaged on this disk"), "{refused}");
    std::fs::write(bench.raw.path().join("dict.json"), &list[..20]).unwrap();
    let refused = bench.prepare_by(&pen(), Some(&manifest)).err().unwrap().to_string();
    assert!(refused.contains("dict.json can't be used: damaged on this disk"), "{refused}");
    let refused = bench.prepare(&pen()).err().unwrap().to_string();
    assert!(refused.contains("dict.json is no JSON object of words"), "nobody knows what it was: {refused}");
}
