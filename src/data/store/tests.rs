//! Whole events: written, read back, opened by Python, replaced, reused, damaged and left half done.

mod refused;

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::util::exit::Exit;

const SHAPE: [usize; 3] = [2, 3, 4];
const SCALE: f64 = 94.0 / 254.0;
const OFFSET: f64 = -29.0 - SCALE;

fn attributes(value: serde_json::Value) -> Attributes {
    value.as_object().unwrap().clone()
}

fn spec() -> FrameArraySpec {
    let coordinate = |name: &str, standard_name: &str, values: Vec<f64>| Coordinate {
        name: name.into(),
        values,
        attributes: attributes(json!({"standard_name": standard_name, "units": "km"})),
    };
    FrameArraySpec {
        name: "DBZ".into(),
        attributes: attributes(json!({
            "units": "dBZ", "standard_name": "equivalent_reflectivity_factor",
            "scale_factor": SCALE, "add_offset": OFFSET, "_FillValue": 0,
        })),
        coordinates: vec![
            coordinate("z", "altitude", vec![1.0, 2.0]),
            coordinate("y", "projection_y_coordinate", vec![-2.5, 0.1, 2.5]),
            coordinate("x", "projection_x_coordinate", vec![-3.0, -1.0, 1.0, 3.0]),
        ],
    }
}

fn frame(index: usize) -> Vec<u8> {
    (0..SHAPE.iter().product()).map(|cell| ((cell * 37 + index * 11) % 256) as u8).collect()
}

/// Writes an event whose frames are `frame(first)`, `frame(first + 1)` and so on.
fn write(store: &Store, event: &str, first: usize, frames: usize) -> EventReader {
    let writer = store.writer(event, spec()).unwrap();
    for index in (0..frames).rev() {
        writer.write_frame(index, &frame(first + index)).unwrap();
    }
    writer.finish(&times(frames), &attributes(json!({"title": "a storm"})), b"{\"files\": 3}").unwrap()
}

fn times(frames: usize) -> Vec<f64> {
    (0..frames).map(|index| 1_389_916_800.5 + 258.0 * index as f64).collect()
}

fn read(reader: &EventReader, index: usize) -> Vec<u8> {
    let mut out = vec![0; reader.frame_len()];
    reader.read_frame(index, &mut out).unwrap();
    out
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("prepared/key")).unwrap();
    (folder, store)
}

#[test]
fn what_was_written_is_read_back() {
    let (_folder, store) = store();
    write(&store, "radar/20140117", 0, 3);
    let reader = Store::open(store.root()).unwrap().event("radar/20140117").unwrap();
    assert_eq!(reader.frames(), 3);
    assert_eq!(reader.frame_shape(), SHAPE);
    assert_eq!(reader.times(), times(3));
    assert_eq!(reader.coordinates(), spec().coordinates);
    assert_eq!(*reader.spec(), spec().as_read_back());
    assert_eq!(reader.attributes()["title"], "a storm");
    assert_eq!(reader.manifest().unwrap(), b"{\"files\": 3}");
    (0..3).for_each(|index| assert_eq!(read(&reader, index), frame(index)));
    reader.verify().unwrap();
}

#[test]
fn frames_are_written_and_read_from_several_threads() {
    let (_folder, store) = store();
    let writer = store.writer("event", spec()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let writer = &writer;
            scope.spawn(move || {
                (thread..32).step_by(4).for_each(|index| writer.write_frame(index, &frame(index)).unwrap())
            });
        }
    });
    let reader = writer.finish(&times(32), &Attributes::new(), b"{}").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..32).for_each(|index| assert_eq!(read(&reader, index), frame(index))));
        }
    });
}

#[derive(Deserialize)]
struct SeenByPython {
    warnings: Vec<String>,
    dims: Vec<String>,
    shape: Vec<usize>,
    values: Vec<Option<f64>>,
    raw: Vec<u8>,
    members: Vec<String>,
    attributes: HashMap<String, String>,
    event_attributes: HashMap<String, String>,
    time_type: String,
    times_ns: Vec<i64>,
    coordinates: HashMap<String, Vec<f64>>,
    units: HashMap<String, Option<String>>,
    standard_names: HashMap<String, Option<String>>,
}

/// What xarray and zarr see.
fn seen_by_python(store: &Store, event: &str) -> SeenByPython {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = project.join(".tools/python/bin/python");
    assert!(python.exists(), "the reference libraries are not installed: run scripts/setup.sh --tests");
    let script = project.join("tests/fixtures/store/read.py");
    let output = Command::new(python).arg(script).arg(store.root()).arg(event).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn python_sees_reflectivities_times_and_coordinates() {
    let (_folder, store) = store();
    write(&store, "radar/día 1", 0, 3);
    let seen = seen_by_python(&store, "radar/día 1");
    assert_eq!(seen.warnings, [""; 0]);
    assert_eq!(seen.dims, ["time", "z", "y", "x"]);
    assert_eq!(seen.shape, [3, 2, 3, 4]);
    let raw: Vec<u8> = (0..3).flat_map(frame).collect();
    assert_eq!(seen.raw, raw);
    for (&raw, value) in raw.iter().zip(&seen.values) {
        match value {
            None => assert_eq!(raw, 0),
            Some(dbz) => assert!(raw != 0 && (dbz - (-29.0 + f64::from(raw - 1) * SCALE)).abs() < 1e-5, "{raw}: {dbz}"),
        }
    }
    assert_eq!(seen.members, ["DBZ", "time", "x", "y", "z"]);
    assert_eq!(seen.attributes["units"], "dBZ");
    assert_eq!(seen.event_attributes["title"], "a storm");
    assert_eq!(seen.time_type, "M");
    let nanoseconds: Vec<i64> = times(3).iter().map(|seconds| (seconds * 1e9) as i64).collect();
    assert_eq!(seen.times_ns, nanoseconds);
    for coordinate in spec().coordinates {
        assert_eq!(seen.coordinates[&coordinate.name], coordinate.values);
        assert_eq!(seen.units[&coordinate.name].as_deref(), Some("km"));
    }
    assert_eq!(seen.standard_names["time"].as_deref(), Some("time"));
    assert_eq!(seen.standard_names["y"].as_deref(), Some("projection_y_coordinate"));
}

#[test]
fn a_new_version_replaces_the_old_one_only_when_it_is_finished() {
    let (_folder, store) = store();
    let old = write(&store, "event", 0, 2);
    let writer = store.writer("event", spec()).unwrap();
    (0..3).for_each(|index| writer.write_frame(index, &frame(100 + index)).unwrap());
    assert_eq!(read(&store.event("event").unwrap(), 1), frame(1));
    let new = writer.finish(&times(3), &Attributes::new(), b"{}").unwrap();
    assert_eq!(new.frames(), 3);
    assert_eq!(read(&new, 1), frame(101));
    assert_eq!(old.folder(), new.folder());
    assert_eq!(names(store.root()), ["event", "zarr.json"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // The lock of readers and writers stays.
    names.retain(|name| name != ".reading");
    names.sort();
    names
}

#[test]
fn frames_of_the_old_version_are_taken_over() {
    let (_folder, store) = store();
    let old = write(&store, "event", 0, 3);
    let writer = store.writer("event", spec()).unwrap();
    writer.reuse_frame(0, &old, 1).unwrap();
    writer.reuse_frame(1, &old, 2).unwrap();
    assert_eq!(old.frame_path(1).metadata().unwrap().nlink(), 2, "the file is shared, not copied");
    writer.write_frame(2, &frame(50)).unwrap();
    let new = writer.finish(&times(3), &Attributes::new(), b"{}").unwrap();
    assert_eq!([0, 1, 2].map(|index| read(&new, index)), [frame(1), frame(2), frame(50)]);
}

#[test]
fn frames_that_mean_something_else_or_are_damaged_are_not_taken_over() {
    let (_folder, store) = store();
    let old = write(&store, "event", 0, 2);
    let mut other = spec();
    other.attributes.insert("add_offset".into(), json!(-30.0));
    let error = store.writer("event", other).unwrap().reuse_frame(0, &old, 0).unwrap_err();
    assert!(error.to_string().ends_with("their attributes differ"), "{error}");

    damage(&old.frame_path(0));
    let writer = store.writer("event", spec()).unwrap();
    assert!(writer.reuse_frame(0, &old, 0).unwrap_err().is_damage());
    writer.write_frame(0, &frame(0)).unwrap();
}

/// Changes one bit in the middle of a file.
fn damage(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 4;
    fs::write(path, content).unwrap();
}

#[test]
fn a_damaged_frame_is_an_error_that_names_its_file() {
    let (_folder, store) = store();
    let reader = write(&store, "event", 0, 3);
    damage(&reader.frame_path(1));
    fs::remove_file(reader.frame_path(2)).unwrap();
    for (index, reason) in [(1, "c.1.0.0.0 is damaged: "), (2, "c.2.0.0.0 is damaged: it is missing")] {
        let error = reader.read_frame(index, &mut frame(0)).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.exit(), Exit::DataRefused);
    }
    assert!(reader.verify().is_err());
    reader.read_frame(0, &mut frame(0)).unwrap();
}

#[test]
fn a_frame_of_another_length_is_damage() {
    let (_folder, store) = store();
    let reader = write(&store, "event", 0, 1);
    for content in [vec![7; 5], vec![7; 500]] {
        fs::write(reader.frame_path(0), zstd::encode_all(content.as_slice(), 1).unwrap()).unwrap();
        assert!(reader.read_frame(0, &mut frame(0)).unwrap_err().is_damage());
    }
}

#[test]
fn damaged_descriptions_are_refused_with_the_file_and_the_reason() {
    let changes: [(&str, &str, &str, &str); 6] = [
        ("DBZ/zarr.json", "uint8", "int8", "expected uint8"),
        ("DBZ/zarr.json", "\"zstd\"", "\"gzip\"", "DBZ/zarr.json is damaged"),
        ("DBZ/zarr.json", "\"y\",", "\"q\",", "q/zarr.json is damaged: it is missing"),
        ("y/zarr.json", "3", "4", "y/zarr.json is damaged"),
        ("zarr.json", "{", "", "zarr.json is damaged"),
        ("time/c.0", "", "", "time/c.0 is damaged"),
    ];
    for (file, from, to, reason) in changes {
        let (_folder, store) = store();
        let reader = write(&store, "event", 0, 3);
        let path = reader.folder().join(file);
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let packed: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        assert!(packed.contains(from), "{packed}");
        fs::write(&path, if from.is_empty() { String::new() } else { packed.replacen(from, to, 1) }).unwrap();
        let error = store.event("event").unwrap_err();
        assert!(error.to_string().contains(reason), "{file}: {error}");
        assert_eq!(error.exit(), Exit::DataRefused, "{error}");
    }
}

#[test]
fn a_coordinate_of_another_length_is_refused() {
    let (_folder, store) = store();
    let reader = write(&store, "event", 0, 2);
    let path = reader.folder().join("x/c.0");
    fs::write(&path, [0; 24]).unwrap();
    assert!(store.event("event").unwrap_err().to_string().contains("x/c.0 is damaged"));
}

#[test]
fn an_event_is_not_finished_without_all_its_frames() {
    let (_folder, store) = store();
    let finish = |frames: &[usize], times: &[f64]| {
        let writer = store.writer("event", spec()).unwrap();
        frames.iter().for_each(|&index| writer.write_frame(index, &frame(index)).unwrap());
        writer.finish(times, &Attributes::new(), b"{}").unwrap_err().to_string()
    };
    assert!(finish(&[0, 2], &times(3)).ends_with("frame 1 of 3 was not written"));
    assert!(finish(&[0, 1], &times(1)).ends_with("it has 1 times but also the frame \"c.1.0.0.0\""));
    assert!(finish(&[], &[]).ends_with("it has no frames"));
    assert!(finish(&[0], &[f64::NAN]).ends_with("the time of frame 0 is NaN"));
    assert_eq!(names(store.root()), ["zarr.json"], "nothing is left behind");
}

#[test]
fn a_frame_is_written_once_and_in_its_size() {
    let (_folder, store) = store();
    let writer = store.writer("event", spec()).unwrap();
    writer.write_frame(0, &frame(0)).unwrap();
    assert!(writer.write_frame(0, &frame(1)).is_err());
    let error = writer.write_frame(1, &[0; 5]).unwrap_err();
    assert!(error.to_string().ends_with("has 5 cells, expected 24"), "{error}");
    let reader = writer.finish(&times(1), &Attributes::new(), b"{}").unwrap();
    assert_eq!(read(&reader, 0), frame(0));
    assert!(matches!(reader.read_frame(1, &mut frame(0)), Err(StoreError::FrameNumber { frames: 1, .. })));
    assert!(matches!(reader.read_frame(0, &mut [0; 3]), Err(StoreError::FrameSize { got: 3, .. })));
}

#[test]
fn events_are_listed_in_order_without_what_is_not_complete() {
    let (_folder, store) = store();
    for event in ["radar/b", "radar/a", "c", "radar/deep/er/d"] {
        write(&store, event, 0, 1);
    }
    // What a killed program leaves: it never reached the drop.
    std::mem::forget(store.writer("radar/killed", spec()).unwrap());
    let writer = store.writer("radar/a", spec()).unwrap();
    writer.write_frame(0, &frame(9)).unwrap();
    std::mem::forget(writer);
    let complete = ["c", "radar/a", "radar/b", "radar/deep/er/d"];
    assert_eq!(Store::open(store.root()).unwrap().events().unwrap(), complete);

    let again = Store::create(store.root()).unwrap();
    assert_eq!(again.events().unwrap(), complete);
    assert_eq!(names(&store.root().join("radar")), ["a", "b", "deep", "zarr.json"]);
    assert_eq!(read(&again.event("radar/a").unwrap(), 0), frame(0));
}

#[test]
fn a_kill_at_any_step_of_a_replacement_leaves_one_complete_version() {
    // The states a disk can be in between two steps: after the old event stepped aside, after the new one took its
    // place, and, on file systems that exchange names, after the exchange.
    let states: [&[(&str, &str)]; 3] = [
        &[("event", ".event.old"), ("new", ".event.partial")],
        &[("event", ".event.old"), ("new", "event")],
        &[("event", ".event.partial"), ("new", "event")],
    ];
    for (state, expected) in states.into_iter().zip([frame(0), frame(7), frame(7)]) {
        let (_folder, store) = store();
        write(&store, "event", 0, 1);
        write(&store, "new", 7, 1);
        for (from, to) in state {
            fs::rename(store.root().join(from), store.root().join(to)).unwrap();
        }
        let again = Store::create(store.root()).unwrap();
        assert_eq!(again.events().unwrap(), ["event"]);
        assert_eq!(read(&again.event("event").unwrap(), 0), expected);
        assert_eq!(names(store.root()), ["event", "zarr.json"]);
    }
}

#[test]
fn a_removed_event_is_gone_and_the_others_stay() {
    let (_folder, store) = store();
    write(&store, "radar/a", 0, 1);
    write(&store, "radar/b", 0, 1);
    store.remove_event("radar/a").unwrap();
    store.remove_event("radar/never").unwrap();
    assert_eq!(store.events().unwrap(), ["radar/b"]);
    assert_eq!(names(&store.root().join("radar")), ["b", "zarr.json"]);
}
