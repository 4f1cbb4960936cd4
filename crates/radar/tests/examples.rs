//! The examples do what they say: each runs on synthetic storms, and its result is read back.

#![cfg(test)]

#[path = "../examples/advection_forecast.rs"]
#[expect(dead_code, reason = "the tests call `run`, not `main`")]
mod advection_forecast;
#[path = "../examples/volumes_to_zarr.rs"]
#[expect(dead_code, reason = "the tests call `run`, not `main`")]
mod volumes_to_zarr;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fragua_radar::synth::{self, Storms};
use fragua_radar::volume::{RawVolume, VolumeFile, frames_in};
use fragua_util::progress::Silent;
use fragua_util::stop::Stop;
use serde_json::Value;
use zarrs::array::Array;
use zarrs::filesystem::FilesystemStore;

const FRAMES: usize = 8;
const SHAPE: [usize; 3] = [3, 96, 96];

/// A folder with the volumes of one event, and the event's folder.
fn storms() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let storms = Storms { events: 1, frames: FRAMES, grid: SHAPE[1], levels: SHAPE[0], seed: 11 };
    let summary = synth::write(&storms, folder.path(), &Stop::default(), &Silent).unwrap();
    let event = folder.path().join(&summary.events[0]);
    (folder, event)
}

fn words(words: &[&Path]) -> Vec<OsString> {
    words.iter().map(|word| word.as_os_str().to_owned()).collect()
}

/// All levels of a frame in dBZ.
fn dbz(path: &Path, frame: usize) -> Vec<f32> {
    let volume = VolumeFile::open(path, "DBZ").unwrap();
    let mut raw = RawVolume::new();
    volume.read(frame, &mut raw).unwrap();
    volume.packing().physical(&raw.values)
}

/// The same numbers, with NaN in the same places.
fn same(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

#[test]
fn a_store_holds_every_frame_without_loss_in_time_order() {
    let (folder, event) = storms();
    let store = folder.path().join("storms.zarr");
    volumes_to_zarr::run(&words(&[&event, &store])).unwrap();
    let array = Array::open(Arc::new(FilesystemStore::new(&store).unwrap()), "/DBZ").unwrap();
    assert_eq!(array.shape(), [FRAMES, SHAPE[0], SHAPE[1], SHAPE[2]].map(|length| length as u64));
    let number = |name: &str| array.attributes()[name].as_f64().unwrap();
    let (scale, offset) = (number("scale_factor"), number("add_offset"));
    for (index, frame) in frames_in(&event, "DBZ").unwrap().iter().enumerate() {
        let bytes: Vec<u8> = array.retrieve_chunk(&[index as u64, 0, 0, 0]).unwrap();
        let decode = |&byte: &u8| if byte == 0 { f32::NAN } else { (f64::from(byte) * scale + offset) as f32 };
        assert!(same(&bytes.iter().map(decode).collect::<Vec<_>>(), &dbz(&frame.path, frame.in_file)), "frame {index}");
    }
    let again = volumes_to_zarr::run(&words(&[&event, &store])).unwrap_err().to_string();
    assert!(again.contains("storms.zarr exists; remove it"), "{again}");
}

#[test]
fn a_store_may_have_another_size() {
    let (folder, event) = storms();
    let store = folder.path().join("small.zarr");
    volumes_to_zarr::run(&words(&[&event, &store, Path::new("24"), Path::new("32")])).unwrap();
    let array = Array::open(Arc::new(FilesystemStore::new(&store).unwrap()), "/DBZ").unwrap();
    assert_eq!(array.shape(), [FRAMES as u64, SHAPE[0] as u64, 24, 32]);
    let bytes: Vec<u8> = array.retrieve_chunk(&[0, 0, 0, 0]).unwrap();
    assert!(bytes.iter().any(|&byte| byte > 100), "no echo");
}

#[test]
fn a_forecast_is_nearer_to_what_came_than_the_last_frame() {
    let (folder, event) = storms();
    let frames = frames_in(&event, "DBZ").unwrap();
    let (seen, came) = frames.split_at(5);
    let input = folder.path().join("seen");
    std::fs::create_dir(&input).unwrap();
    for frame in seen {
        std::fs::copy(&frame.path, input.join(frame.path.file_name().unwrap())).unwrap();
    }
    let file = folder.path().join("forecast.nc");
    advection_forecast::run(&words(&[&input, &file, Path::new("3")])).unwrap();
    let forecast = VolumeFile::open(&file, "DBZ").unwrap();
    assert_eq!(forecast.grid().shape(), SHAPE);
    // The radar is a few seconds late now and then.
    let late = forecast.times().iter().zip(came).map(|(valid, frame)| (valid - frame.seconds).abs());
    assert!(forecast.times().len() == 3 && late.fold(0.0, f64::max) < 10.0, "{:?}", forecast.times());
    // A value without echo counts as the weakest.
    let error = |forecast: &[f32], observed: &[f32]| -> f32 {
        let echo = |dbz: f32| dbz.max(0.0);
        forecast.iter().zip(observed).map(|(&said, &was)| (echo(said) - echo(was)).powi(2)).sum()
    };
    let last = dbz(&seen[4].path, 0);
    for (lead, frame) in came.iter().enumerate() {
        let observed = dbz(&frame.path, frame.in_file);
        let (ours, persistence) = (error(&dbz(&file, lead), &observed), error(&last, &observed));
        assert!(ours < 0.9 * persistence, "lead {lead}: {ours}, persistence {persistence}");
    }
}

#[test]
fn xarray_opens_what_the_examples_write() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (python, script) = (root.join("../../.tools/python/bin/python"), root.join("tests/fixtures/examples/read.py"));
    assert!(python.exists(), "the reference libraries are not installed: run scripts/setup.sh --tests");
    let (folder, event) = storms();
    let (store, file) = (folder.path().join("storms.zarr"), folder.path().join("forecast.nc"));
    volumes_to_zarr::run(&words(&[&event, &store])).unwrap();
    advection_forecast::run(&words(&[&event, &file])).unwrap();
    let output = Command::new(&python).arg(&script).args([&store, &file]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: [Value; 2] = serde_json::from_slice(&output.stdout).unwrap();
    let seconds: Vec<f64> = frames_in(&event, "DBZ").unwrap().iter().map(|frame| frame.seconds).collect();
    let expected = [("time z y x", FRAMES, seconds[0]), ("time z0 y0 x0", 12, 2.0 * seconds[7] - seconds[6])];
    for (read, (names, frames, first)) in read.iter().zip(expected) {
        let names: Vec<&str> = names.split(' ').collect();
        assert_eq!(read["dimensions"], serde_json::json!(names));
        assert_eq!(read["shape"], serde_json::json!([frames, SHAPE[0], SHAPE[1], SHAPE[2]]));
        assert_eq!(read["seconds"][0].as_f64(), Some(first));
        let axes: Vec<&Value> = names.iter().skip(1).map(|name| &read["axes"][name]).collect();
        assert_eq!(axes, ["Z", "Y", "X"]);
        assert_eq!(read["units"], "dBZ");
        assert!(read["strongest"].as_f64().is_some_and(|dbz| dbz > 30.0 && dbz < 80.0), "{read}");
    }
}

#[test]
fn a_wrong_command_line_is_answered_with_the_usage() {
    let usage = |error: String| assert!(error.starts_with("usage: ") && error.contains(" FOLDER "), "{error}");
    usage(volumes_to_zarr::run(&[]).unwrap_err().to_string());
    usage(advection_forecast::run(&[]).unwrap_err().to_string());
}
