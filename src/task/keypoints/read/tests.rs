//! Whole datasets in every layout, made here.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::hints::{LEFT, POSE, RIGHT};
use super::*;
use crate::data::numpy::{Array, Numbers, encode};
use crate::task::keypoints::clip::VALUES;

/// A pickle of one frame with a pose of one point.
const ONE_FRAME: &[u8] = b"\x80\x04]}\x8c\x04pose}(\x8c\x01x]K\x07a\x8c\x01y]K\x01ausa.";

pub(super) struct Bench(TempDir);

impl Bench {
    pub(super) fn new(files: &[(&str, &[u8])]) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(path, content)| bench.put(path, content));
        bench
    }

    fn put(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(super) fn open(&self) -> Result<Dataset, String> {
        self.open_with(&Hints::default())
    }

    pub(super) fn open_with(&self, hints: &Hints) -> Result<Dataset, String> {
        Dataset::open(self.0.path(), hints).map_err(|error| error.to_string())
    }
}

pub(super) fn named(dataset: &Dataset) -> Vec<String> {
    let line = |entry: &Entry| format!("{} {}", entry.name, entry.class.as_deref().unwrap_or("-"));
    dataset.entries.iter().map(line).collect()
}

pub(super) fn npy(shape: &[usize], numbers: Vec<f32>) -> Vec<u8> {
    encode(&Array { shape: shape.to_vec(), numbers: Numbers::Real(numbers) })
}

pub(super) fn npz(arrays: &[(&str, Array)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = crate::nn::export::Archive::new(&mut bytes, "");
    arrays.iter().for_each(|(name, array)| archive.add(&format!("{name}.npy"), &encode(array)).unwrap());
    archive.finish().unwrap();
    bytes
}

pub(super) fn real(shape: &[usize]) -> Array {
    let count: usize = shape.iter().product();
    Array { shape: shape.to_vec(), numbers: Numbers::Real((0..count).map(|number| number as f32).collect()) }
}

pub(super) fn whole(numbers: &[i64]) -> Array {
    Array { shape: vec![numbers.len()], numbers: Numbers::Whole(numbers.to_vec()) }
}

pub(super) fn texts(texts: &[&str]) -> Array {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Array { shape: vec![texts.len()], numbers: Numbers::Text(texts) }
}

#[test]
fn the_list_of_the_original_gives_words_sources_and_what_is_absent() {
    let instance = |path: &str, name: &str, signer: i64| {
        format!(
            r#"{{"keypoints_path": "{path}", "unique_name": "{name}", "signer_id": {signer}, "source_video_name": "v", "frame_start": 3, "frame_end": 9}}"#
        )
    };
    let list = format!(
        r#"{{"0": {{"gloss": "sí?", "instances": [{}, {}]}}, "1": {{"gloss": "", "instances": [{}]}}, "2": {{"gloss": "Sí", "instances": [{}, {}, 7]}}}}"#,
        instance("./Data/AEC/k/v/a.pkl", "a", -1),
        instance(".\\\\k\\\\v\\\\b.pkl", "b", 4),
        instance("./k/v/a.pkl", "empty", -1),
        instance("./k/gone.pkl", "gone", -1),
        instance("../../outside.pkl", "out", -1),
    );
    let bench = Bench::new(&[
        ("d/dict.json", list.as_bytes()),
        ("d/k/v/a.pkl", ONE_FRAME),
        ("d/k/v/b.pkl", b"\x80\x04N."),
        ("d/split.json", b"{}"),
    ]);
    let dataset = bench.open().unwrap();
    assert_eq!((dataset.layout, named(&dataset)), (Layout::Dictionary, vec!["a sí?".to_owned(), "b sí?".to_owned()]));
    assert_eq!(dataset.classes, ["sí?"]);
    assert_eq!(dataset.entries.iter().map(|entry| entry.signer.as_deref()).collect::<Vec<_>>(), [None, Some("4")]);
    assert_eq!(dataset.files, ["d/dict.json", "d/k/v/a.pkl", "d/k/v/b.pkl"]);
    let clip = dataset.clip(0).unwrap();
    assert_eq!((clip.frames, clip.parts[0].values.as_slice()), (1, &[7.0, 1.0, 0.0, 1.0][..]));
    assert_eq!(clip.source, Some(Source { video: "v".to_owned(), span: [3, 9] }));
    let list = r#"{"0": {"gloss": "a", "instances": [{"keypoints_path": "k/v/a.pkl", "source_video_name": "v"}]}}"#;
    let without = Bench::new(&[("dict.json", list.as_bytes()), ("k/v/a.pkl", ONE_FRAME)]).open().unwrap();
    assert_eq!(without.entries[0].source, Some(Source { video: "v".to_owned(), span: Source::NO_SPAN }));
    let aside = dataset.clip(1).unwrap_err();
    assert_eq!(
        (aside.place.as_str(), aside.reason.contains("holds None, expected a list of frames")),
        ("d/k/v/b.pkl", true)
    );
    let reasons: Vec<String> =
        dataset.set_aside.iter().map(|aside| format!("{} {}", aside.place, aside.reason)).collect();
    for (reason, words) in reasons.iter().zip([
        "d/k/v/a.pkl has an empty gloss",
        "d/k/gone.pkl is absent, though dict.json lists it",
        "d/dict.json has the instance 1 of \"Sí\", which has the path \"../../outside.pkl\", which leaves the folder",
        "d/dict.json has the instance 2 of \"Sí\", which can't be used, expected an object with \"keypoints_path\"",
    ]) {
        assert!(reason.starts_with(words), "{reason}");
    }
    assert_eq!(reasons.len(), 4);
}

#[test]
fn a_list_that_is_damaged_refuses_the_dataset() {
    for list in ["", "[]", "{\"0\": 1}", "{\"0\": {\"gloss\": 1, \"instances\": []}}", &"[".repeat(100_000)] {
        let problem = Bench::new(&[("dict.json", list.as_bytes())]).open().unwrap_err();
        assert!(problem.contains("dict.json") && problem.contains("expected"), "{problem}");
    }
}

#[test]
fn samples_with_the_same_name_are_set_aside_but_for_the_first() {
    let instance = |name: &str| format!(r#"{{"keypoints_path": "{name}.pkl", "unique_name": "same"}}"#);
    let list = format!(
        r#"{{"0": {{"gloss": "g", "instances": [{}, {}, {{"keypoints_path": "c.pkl"}}]}}}}"#,
        instance("a"),
        instance("b")
    );
    let bench =
        Bench::new(&[("dict.json", list.as_bytes()), ("a.pkl", ONE_FRAME), ("b.pkl", ONE_FRAME), ("c.pkl", ONE_FRAME)]);
    let dataset = bench.open().unwrap();
    assert_eq!(named(&dataset), ["same g", "c g"]);
    assert_eq!(dataset.clip(1).unwrap().name, "c");
    assert!(dataset.set_aside[0].reason.contains("has the name \"same\", as a.pkl before it"));
}

#[test]
fn a_packed_file_is_read_row_by_row() {
    let arrays = [
        ("offsets", whole(&[0, 2, 2, 3, 4])),
        ("labels", whole(&[1, 0, 0, 5])),
        ("names", texts(&["a", "b"])),
        ("signers", whole(&[7, 0, -1, 0])),
        ("sides", texts(&["train", "", "test", ""])),
        ("pen", real(&[4, 3])),
        ("hand", real(&[4, 84])),
        ("other", real(&[4, 5])),
    ];
    let bench = Bench::new(&[("x.npz", &npz(&arrays))]);
    let hints = Hints { streams: vec![("pen".to_owned(), 1)], ..Hints::default() };
    let dataset = bench.open_with(&hints).unwrap();
    assert_eq!((dataset.layout, named(&dataset)), (Layout::Packed, vec!["000000 b".to_owned(), "000002 a".to_owned()]));
    assert_eq!(
        (dataset.classes.as_slice(), dataset.entries[0].side),
        (&["a".to_owned(), "b".to_owned()][..], Some(Side::Train))
    );
    assert_eq!(dataset.entries.iter().map(|entry| entry.signer.as_deref()).collect::<Vec<_>>(), [Some("7"), None]);
    let clip = dataset.clip(1).unwrap();
    let names: Vec<(&str, usize)> = clip.parts.iter().map(|part| (part.name.as_str(), part.points)).collect();
    assert_eq!(names, [(LEFT, 21), (RIGHT, 21), ("pen", 1)]);
    assert_eq!(clip.parts[2].values, [6.0, 7.0, 8.0, 1.0]);
    assert_eq!(clip.parts[1].values[..4], [168.0 + 42.0, 168.0 + 43.0, 0.0, 1.0]);
    let reasons: Vec<&str> = dataset.set_aside.iter().map(|aside| aside.reason.as_str()).collect();
    assert!(reasons[0].contains("5 columns in \"other\", a stream that is not configured"), "{reasons:?}");
    assert!(
        reasons[1].contains("\"000001\" without frames") && reasons[2].contains("with the label 5, expected 0 to 1")
    );
    assert_eq!(read_file(&bench.path("x.npz"), &hints).unwrap()[1], clip);
    let unknown = Bench::new(&[("x.npz", &npz(&[arrays[0].clone(), arrays[5].clone()]))]).open().unwrap_err();
    assert!(unknown.contains("streams: {pen: {points: 1}}"), "{unknown}");
}

#[test]
fn a_packed_file_that_was_written_is_read_again() {
    let part = |name: &str, points: usize, has, frames: usize| Part {
        name: name.to_owned(),
        points,
        has,
        values: (0..frames * points).flat_map(|number| [number as f32, 0.5, 0.0, 1.0]).collect(),
    };
    let clip = |name: &str, class: Option<&str>, frames| Clip {
        name: name.to_owned(),
        class: class.map(str::to_owned),
        signer: class.map(|_| "ana".to_owned()),
        source: class.map(|_| Source { video: "v".to_owned(), span: [1, 9] }),
        frames,
        fps: None,
        parts: vec![
            part(POSE, 25, [true, true, false, false], frames),
            part("a pen", 1, [true, true, false, true], frames),
        ],
    };
    let clips = [clip("one", Some("ñ"), 2), clip("two", None, 1), clip("three", Some("b"), 3)];
    let bench = Bench::new(&[]);
    packed::write(&bench.path("p.npz"), &clips).unwrap();
    let dataset = bench.open().unwrap();
    assert_eq!(dataset.classes, ["b", "ñ"]);
    assert_eq!((0..3).map(|index| dataset.clip(index).unwrap()).collect::<Vec<_>>(), clips);
    let mut other = clip("other", None, 1);
    other.parts.pop();
    let problem = packed::write(&bench.path("q.npz"), &[clips[0].clone(), other]).unwrap_err().to_string();
    assert!(problem.contains("samples of different parts: \"one\" and \"other\""), "{problem}");
    assert!(!bench.path("q.npz").exists());
}

#[test]
fn points_and_values_may_be_dimensions_of_their_own() {
    let file =
        |shape: &[usize]| npz(&[("offsets", whole(&[0, 1, 2])), ("labels", whole(&[0, 1])), ("pose", real(shape))]);
    let read = |shape: &[usize]| {
        let bench = Bench::new(&[("x.npz", &file(shape))]);
        bench.open().unwrap().clip(1).unwrap().parts
    };
    assert_eq!(read(&[2, 33, 3]), read(&[2, 99]));
    let deep = Bench::new(&[("x.npz", &file(&[1, 2, 33, 3]))]).open().unwrap_err();
    assert!(deep.contains("of the shape [1, 2, 33, 3], expected [frames, numbers of a frame]"), "{deep}");
}

#[test]
fn a_packed_file_that_is_damaged_is_refused() {
    let good = [("offsets", whole(&[0, 1, 2])), ("labels", whole(&[0, 0])), ("pose", real(&[2, 99]))];
    let refused = |place: usize, array: Array| {
        let mut arrays = good.to_vec();
        arrays[place].1 = array;
        Bench::new(&[("x.npz", &npz(&arrays))]).open().unwrap_err()
    };
    for (place, array, words) in [
        (0, whole(&[0, 2, 1]), "\"offsets\" that do not rise from 0"),
        (0, whole(&[0, -1, 2]), "\"offsets\" that do not rise"),
        (0, whole(&[]), "\"offsets\" that do not rise"),
        (0, whole(&[0, 1, i64::MAX]), "has 2 rows in \"pose\", expected 9223372036854775807"),
        (0, texts(&["a"]), "no whole numbers in \"offsets\""),
        (1, whole(&[0]), "1 values in \"labels\", expected 2"),
        (2, real(&[3, 99]), "has 3 rows in \"pose\", expected 2"),
        (2, real(&[2, 98]), "has 98 columns in \"pose\", expected 33 points"),
        (2, texts(&["a"]), "the array \"pose\" of the shape [1]"),
    ] {
        let problem = refused(place, array);
        assert!(problem.contains(words) && problem.contains("x.npz"), "{problem}");
    }
    let mut sided = good.to_vec();
    sided.push(("sides", texts(&["train", "trian"])));
    let problem = Bench::new(&[("x.npz", &npz(&sided))]).open().unwrap_err();
    assert!(problem.contains("has \"trian\" in \"sides\" for sample 1, expected train, val, test"), "{problem}");
    let whole = npz(&good);
    for length in (0..whole.len()).step_by(7) {
        assert!(Bench::new(&[("x.npz", &whole[..length])]).open().is_err(), "{length}");
    }
}

#[test]
fn folders_of_classes_hold_a_file_for_each_sample() {
    let arrays = [("left_hand", real(&[2, 63])), ("right_hand", real(&[2, 63])), ("pose", real(&[2, 132]))];
    let bench = Bench::new(&[
        ("d/train/a/1.npz", &npz(&arrays)),
        ("d/train/b/2.npy", &npy(&[2, 258], vec![0.5; 516])),
        ("d/val/a/3.pkl", ONE_FRAME),
        ("d/val/b/4.json", br#"{"frames": [{"pose": [[1, 2]]}]}"#),
        ("d/val/b/5.npy", &npy(&[2, 257], vec![0.5; 514])),
    ]);
    let dataset = bench.open().unwrap();
    assert_eq!((dataset.layout, dataset.set_aside.len()), (Layout::Samples, 0));
    assert_eq!(named(&dataset), ["train/a/1 a", "train/b/2 b", "val/a/3 a", "val/b/4 b", "val/b/5 b"]);
    assert_eq!(dataset.entries[2].side, Some(Side::Val));
    let parts = |index: usize| dataset.clip(index).unwrap().parts.iter().map(|part| part.points).collect::<Vec<_>>();
    assert_eq!((parts(0), parts(1), parts(2), parts(3)), (vec![33, 21, 21], vec![33, 21, 21], vec![1], vec![1]));
    let reason = dataset.clip(4).unwrap_err().reason;
    assert!(
        reason.contains("has 257 numbers in a row, expected 1662, 258, 226, or 2, 3 or 4 for each of the 543 points"),
        "{reason}"
    );
    let rows = Bench::new(&[
        ("data/a/1.npy", &npy(&[2, 258], vec![0.5; 516])),
        ("data/a/2.npy", &npy(&[3, 258], vec![0.5; 774])),
    ]);
    assert_eq!(named(&rows.open().unwrap()), ["a/1 a", "a/2 a"]);
    let hints = Hints { streams: vec![("pen".to_owned(), 257)], values: [true, false, false, false] };
    assert_eq!(bench.open_with(&hints).unwrap().clip(4).unwrap().parts[0].values[..4], [0.5, 0.0, 0.0, 1.0]);
}

#[test]
fn frames_are_ordered_by_number_and_may_have_gaps() {
    let frame = |value: f32| npy(&[226], vec![value; 226]);
    let bench = Bench::new(&[
        ("MP_Data/yes/10/0.npy", &frame(0.0)),
        ("MP_Data/yes/2/10.npy", &frame(3.0)),
        ("MP_Data/yes/2/9.npy", &frame(2.0)),
        ("MP_Data/yes/2/2.npy", &frame(1.0)),
        ("MP_Data/no/0/1.npy", &npy(&[1662], vec![0.0; 1662])),
        ("MP_Data/no/0/2.npy", &frame(0.0)),
        ("MP_Data/no/1/1.npy", b"no array"),
    ]);
    let dataset = bench.open().unwrap();
    assert_eq!(
        (dataset.layout, named(&dataset)),
        (Layout::Frames, ["no/0 no", "no/1 no", "yes/2 yes", "yes/10 yes"].map(str::to_owned).to_vec())
    );
    let clip = dataset.clip(2).unwrap();
    let pose = &clip.parts[0];
    assert_eq!((clip.frames, pose.points, pose.has[3]), (3, 25, true));
    assert_eq!([0, 1, 2].map(|frame| pose.values[frame * 25 * VALUES]), [1.0, 2.0, 3.0]);
    assert!(dataset.clip(0).unwrap_err().reason.contains("has the frame 2.npy, which has 226 numbers, expected 1662"));
    assert!(dataset.clip(1).unwrap_err().reason.contains("has the frame 1.npy, which is not an array of NumPy"));
}

#[test]
fn a_folder_of_no_layout_or_of_several_is_refused() {
    let none = Bench::new(&[("notes.json", b"{}")]).open().unwrap_err();
    assert!(none.contains("has no dataset of keypoints among 1 file; expected dict.json"), "{none}");
    let bench = Bench::new(&[("a/dict.json", b"{}"), ("b/x/1/0.npy", &npy(&[226], vec![0.0; 226]))]);
    let several = bench.open().unwrap_err();
    assert!(
        several.contains(
            "several datasets: a/dict.json (dict.json with pickles), b/x/1/0.npy (an npy file for each frame); give"
        ),
        "{several}"
    );
    assert!(Bench::new(&[]).open().unwrap_err().contains("has no files; expected dict.json"));
    assert!(
        read_file(&bench.path("a/x.txt"), &Hints::default())
            .unwrap_err()
            .to_string()
            .contains("ends in \"txt\", expected one of pkl")
    );
}
