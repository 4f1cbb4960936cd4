//! `fragua predict` as a person uses it: what it leaves, what other programs read of it, what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tch::{Kind, Tensor};

use crate::program::{Outcome, python};
use crate::training::Training;

/// A small model, and radar files that it has not seen.
struct Predicting {
    training: Training,
}

impl Predicting {
    fn new() -> Self {
        let training = Training::trained(&["--max-steps", "2"]);
        let predicting = Self { training };
        predicting.synth("radar", "6");
        predicting
    }

    fn synth(&self, into: &str, frames: &str) {
        let shape = ["--events", "2", "--frames", frames, "--grid", "32", "--levels", "2", "--seed", "9"];
        self.training.program.succeed(&[&["synth", "--output", into], &shape[..]].concat());
    }

    fn path(&self, below: &str) -> PathBuf {
        self.training.program.path(below)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let begin = ["predict", "--checkpoint", "storms", "--input", "radar", "--output", "out"];
        let mut command = self.training.program.command(&[&begin[..], arguments].concat());
        command.env("OMP_NUM_THREADS", "1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        serde_json::from_str(&self.run(&arguments).successful(&arguments).stdout).unwrap()
    }

    /// The radar files of an event, sorted.
    fn frames(&self, event: usize) -> Vec<PathBuf> {
        let events = sorted(&self.path("radar")).into_iter().filter(|path| path.is_dir());
        sorted(&events.collect::<Vec<_>>()[event])
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    paths.sort();
    paths
}

fn names(folder: &Path) -> Vec<String> {
    sorted(folder).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn each_event_gets_a_file_for_each_lead_time_and_pictures() {
    let predicting = Predicting::new();
    let found = predicting.json(&[]);
    let forecasts = found["forecasts"].as_array().unwrap();
    assert_eq!(forecasts.len(), 2);
    for forecast in forecasts {
        assert_eq!((&forecast["frames"], &forecast["shape"]), (&3.into(), &serde_json::json!([2, 32, 32])));
        let place = predicting.path(forecast["place"].as_str().unwrap());
        let files = names(&place);
        assert_eq!(files.len(), 4, "{files:?}");
        assert_eq!(files[2..], ["forecast.gif", "forecast.png"]);
        let seconds = forecast["interval_seconds"].as_f64().unwrap();
        assert_eq!(files[0], format!("f_{:08}.nc", seconds.round() as i64));
        assert!(fs::read(place.join("forecast.png")).unwrap().starts_with(b"\x89PNG"));
        assert!(fs::read(place.join("forecast.gif")).unwrap().starts_with(b"GIF89a"));
    }
    let first = fs::read(predicting.path(forecasts[0]["place"].as_str().unwrap()).join("forecast.png")).unwrap();
    assert_eq!(found, predicting.json(&[]), "the same command does the same");
    assert!(first == fs::read(predicting.path(forecasts[0]["place"].as_str().unwrap()).join("forecast.png")).unwrap());
}

/// A model in moving coordinates after one step with a learning rate.
fn carrying(lr: &str) -> Training {
    Training::trained(&[
        "--max-steps",
        "1",
        "--set",
        "task.nowcast.coordinates=lagrangian",
        "--set",
        "task.nowcast.model={unet: {base: 4, widths: [1, 2]}}",
        "--set",
        &format!("train.optimizer={{adamw: {{lr: {lr}}}}}"),
    ])
}

/// Untrained, so that what is written must be the advection: a forecast has echo where the last frame had it, moved on.
#[test]
fn a_model_in_moving_coordinates_forecasts_files_and_says_which_kind_it_is() {
    let training = carrying("1.0e-12");
    let predicting = Predicting { training };
    predicting.synth("radar", "6");
    let found = predicting.json(&["--no-pictures"]);
    let forecasts = found["forecasts"].as_array().unwrap();
    assert_eq!(forecasts.len(), 2);
    let strongest = |path: &Path| {
        let read = python("tests/fixtures/predict/strongest.py", &[path.to_str().unwrap()]);
        let read: Value = serde_json::from_str(&read).unwrap();
        (read["dbz"].as_f64().unwrap(), read["source"].as_str().unwrap().to_owned())
    };
    let mut echoes = 0;
    for (event, forecast) in forecasts.iter().enumerate() {
        let seen = strongest(predicting.frames(event).last().unwrap()).0;
        for file in sorted(&predicting.path(forecast["place"].as_str().unwrap())) {
            let (dbz, source) = strongest(&file);
            assert!(source.contains("U-Net storms"), "{source}");
            assert!(dbz <= seen, "what is carried does not grow: {dbz} after {seen}");
            echoes += usize::from(dbz > 10.0);
        }
    }
    assert!(echoes >= 2, "{echoes} forecasts have echo");
}

/// Frames of the radar's files and the motion of the forecast's, given to the exported model, make the same forecast.
#[test]
fn an_exported_model_repeats_a_forecast_with_the_motion_that_is_in_its_file() {
    tch::set_num_threads(1);
    let predicting = Predicting { training: carrying("1.0e-2") };
    // The size that the model sees, so that nothing is resampled.
    let shape = ["--events", "1", "--frames", "6", "--grid", "16", "--levels", "2", "--seed", "9"];
    predicting.training.program.succeed(&[&["synth", "--output", "radar"], &shape[..]].concat());
    predicting.training.program.succeed(&["export", "--checkpoint", "storms", "--output", "storms.pt"]);
    let module = tch::CModule::load(predicting.path("storms.pt")).unwrap();
    let found = predicting.json(&["--no-pictures"]);
    let files = sorted(&predicting.path(found["forecasts"][0]["place"].as_str().unwrap()));
    let frames = predicting.frames(0);
    assert_eq!((files.len(), frames.len()), (2, 6));
    for (lead, file) in files.iter().enumerate() {
        let arguments: Vec<_> = [file].into_iter().chain(&frames[3..]).map(|path| path.to_str().unwrap()).collect();
        let told: Value = serde_json::from_str(&python("tests/fixtures/predict/carried.py", &arguments)).unwrap();
        assert_eq!(
            (&told["units"], &told["size"]),
            (&serde_json::json!(["min-1", "min"]), &serde_json::json!([16, 16]))
        );
        assert!(told["named"][0].as_str().unwrap().contains("to the east, then to the north"), "{told}");
        let numbers = |key: &str, shape: &[i64]| Tensor::from_slice(&flat(&told[key])).view(shape);
        let frames_btcyx = numbers("frames", &[2, 3, 1, 16, 16]);
        let (minutes, nodes) = (numbers("minutes", &[1, 5]).repeat([2, 1]), numbers("motion", &[2, 2, 2, 2]));
        let side = 2 * told["cells_per_node"].as_i64().unwrap();
        let motion = nodes.upsample_bilinear2d([side, side], false, None, None);
        let repeated = |motion: &Tensor| {
            let forecast_btcyx =
                module.forward_ts(&[&((&frames_btcyx + 29.0) / 94.0).clamp(0.0, 1.0), motion, &minutes]);
            forecast_btcyx.unwrap().select(1, lead as i64).squeeze() * 94.0 - 29.0
        };
        let written = numbers("forecast", &[2, 16, 16]);
        let known = written.gt(-50.0);
        assert!(known.sum(Kind::Int64).int64_value(&[]) > 50, "{known}");
        let error = |motion: &Tensor| (repeated(motion) - &written).abs().masked_select(&known).max().double_value(&[]);
        assert!(
            error(&motion) <= 0.5,
            "frames and forecasts are stored in steps of half a decibel: {}",
            error(&motion)
        );
        assert!(error(&motion.zeros_like()) > 2.0, "the motion matters: {}", error(&motion.zeros_like()));
    }
}

fn flat(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

#[test]
fn what_is_written_python_and_prepare_read() {
    let predicting = Predicting::new();
    let found = predicting.json(&["--no-pictures"]);
    let forecast = &found["forecasts"][0];
    let place = predicting.path(forecast["place"].as_str().unwrap());
    let input = predicting.frames(0);
    let newest = input.last().unwrap();
    for (lead, file) in sorted(&place).iter().enumerate() {
        let read: Value = serde_json::from_str(&python(
            "tests/fixtures/predict/read.py",
            &[file.to_str().unwrap(), newest.to_str().unwrap()],
        ))
        .unwrap();
        assert_eq!(read["model"], "NETCDF3_CLASSIC");
        assert_eq!(read["dimensions"], serde_json::json!(["time", "z0", "y0", "x0"]));
        assert_eq!((&read["type"], &read["scale"], &read["offset"]), (&"int8".into(), &0.5.into(), &33.5.into()));
        assert_eq!(read["fill"], -128);
        let valid: jiff::Timestamp = forecast["valid_times"][lead].as_str().unwrap().parse().unwrap();
        let from: jiff::Timestamp = forecast["reference_time"].as_str().unwrap().parse().unwrap();
        assert_eq!(read["time"].as_f64(), Some(valid.as_second() as f64));
        assert_eq!(read["reference"].as_f64(), Some(from.as_second() as f64));
        assert_eq!(read["period"].as_f64(), Some((valid.as_second() - from.as_second()) as f64));
        assert_eq!(
            (&read["same_axes"], &read["same_places"], &read["same_mapping"]),
            (&true.into(), &true.into(), &true.into())
        );
        let strongest = forecast["strongest"][lead].as_f64();
        assert_eq!(read["strongest"].as_f64(), strongest);
    }
    let sets = ["--set", "data.name=again", "--set", "data.source=[{path: {path: out}}]"];
    let windows = ["--set", "task.nowcast.windows={input_frames: 1, target_frames: 1, stride: 1}"];
    let sizes = ["--set", "task.nowcast.prepare.size=[32, 32]", "--set", "task.nowcast.split.val_share=0.0"];
    let prepared = predicting.training.program.json(&[&["prepare", "--json"], &sets[..], &windows, &sizes].concat());
    assert_eq!((&prepared["frames"], &prepared["set_aside"]), (&4.into(), &0.into()));
}

#[test]
fn one_file_can_hold_all_lead_times() {
    let predicting = Predicting::new();
    let found = predicting.json(&["--layout", "single", "--no-pictures"]);
    let file = predicting.path(found["forecasts"][0]["place"].as_str().unwrap());
    let read: Value =
        serde_json::from_str(&python("tests/fixtures/predict/read.py", &[file.to_str().unwrap()])).unwrap();
    assert_eq!(read["times"], 2);
}

#[test]
fn a_forecast_is_made_from_the_newest_frame_at_a_time() {
    let predicting = Predicting::new();
    let all = predicting.json(&["--no-pictures"]);
    let newest: jiff::Timestamp = all["forecasts"][0]["reference_time"].as_str().unwrap().parse().unwrap();
    let interval = all["forecasts"][0]["interval_seconds"].as_f64().unwrap();
    let wanted = newest - jiff::SignedDuration::from_secs((interval * 1.5) as i64);
    let found = predicting.json(&["--no-pictures", "--time", &wanted.to_string()]);
    let from: jiff::Timestamp = found["forecasts"][0]["reference_time"].as_str().unwrap().parse().unwrap();
    assert_eq!(found["forecasts"].as_array().unwrap().len(), 1);
    assert!(from <= wanted && (wanted - from).total(jiff::Unit::Second).unwrap() < interval);
    let outcome = predicting.run(&["--time", "1999-01-01T00:00:00Z"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(outcome.stderr.contains("no event has a frame at 1999-01-01T00:00:00Z"), "{}", outcome.stderr);
    assert_eq!(predicting.run(&["--time", "soon"]).code, 2);
}

#[test]
fn an_event_with_too_few_frames_is_refused_and_the_others_are_forecast() {
    let predicting = Predicting::new();
    predicting.frames(0)[..4].iter().for_each(|file| fs::remove_file(file).unwrap());
    let outcome = predicting.run(&["--no-pictures"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(outcome.stderr.contains("it has 2 usable frames, the model needs 3"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("1 of 2 forecasts could not be made"), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.matches("usable frames").count(), 1, "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 2, "{}", outcome.stdout);
    // Exactly as many frames as the model sees are enough: nothing has to follow.
    predicting.frames(1)[..3].iter().for_each(|file| fs::remove_file(file).unwrap());
    let outcome = predicting.run(&["--no-pictures"]);
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome:?}");
}

#[test]
fn a_damaged_file_among_the_last_frames_is_named_and_an_older_one_does_not_matter() {
    let predicting = Predicting::new();
    let frames = predicting.frames(0);
    let bytes = fs::read(&frames[0]).unwrap();
    fs::write(&frames[0], &bytes[..100]).unwrap();
    let outcome = predicting.run(&["--no-pictures"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    fs::write(&frames[4], &bytes[..100]).unwrap();
    let outcome = predicting.run(&["--no-pictures"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    let name = frames[4].file_name().unwrap().to_str().unwrap();
    assert!(outcome.stderr.contains(&format!("{name}, among the last frames, can't be used: ")), "{}", outcome.stderr);
    // One that crashes the library that reads it does no more harm.
    let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/radar/tests/fixtures/volume/hostile");
    fs::copy(hostile.join("no_text_in_heap.nc"), &frames[4]).unwrap();
    let outcome = predicting.run(&["--no-pictures"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(outcome.stderr.contains("the HDF5 library crashed on it (SIGSEGV)"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("1 of 2 forecasts could not be made"), "the other one is: {}", outcome.stderr);
}

#[test]
fn frames_of_another_grid_are_refused_with_both_grids_and_nothing_is_left() {
    let predicting = Predicting::new();
    let wider = ["--events", "2", "--frames", "6", "--grid", "48", "--levels", "2", "--seed", "9"];
    predicting.training.program.succeed(&[&["synth", "--output", "wider"], &wider[..]].concat());
    for event in [0, 1] {
        let frame = &predicting.frames(event)[4];
        let same = frame.strip_prefix(predicting.path("radar")).unwrap();
        fs::copy(predicting.path("wider").join(same), frame).unwrap();
    }
    let outcome = predicting.run(&["--no-pictures"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(
        outcome.stderr.contains("has another grid than the newest frame: 2x48x48, expected 2x32x32"),
        "{outcome:?}"
    );
    assert!(!predicting.path("out").exists());
}

#[test]
fn forecasts_are_never_written_among_their_input_frames() {
    let predicting = Predicting::new();
    let event = predicting.frames(0)[0].parent().unwrap().to_owned();
    let (input, output) = (event.to_str().unwrap(), event.parent().unwrap().to_str().unwrap());
    let arguments = ["predict", "--checkpoint", "storms", "--input", input, "--output", output, "--no-pictures"];
    let outcome = predicting.training.program.run(&arguments);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert_eq!(names(&event).len(), 6, "nothing is added");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_written() {
    let predicting = Predicting::new();
    let with = |input: &str, output: &str| {
        let arguments = ["predict", "--checkpoint", "storms", "--input", input, "--output", output];
        Outcome::of(predicting.training.program.command(&arguments).output().unwrap())
    };
    let cases = [
        ("nowhere", "new", 2, "--input nowhere does not exist"),
        ("model_output/storms/weights", "new", 65, "no radar file below"),
        ("radar", "radar/forecasts", 2, "is inside --input radar"),
        ("radar", "config.yaml", 73, "config.yaml"),
    ];
    for (input, output, code, text) in cases {
        let outcome = with(input, output);
        assert_eq!(outcome.code, code, "{input} {output}: {outcome:?}");
        assert!(outcome.stderr.contains(text), "{}", outcome.stderr);
    }
    assert!(!predicting.path("new").exists());
    let outcome = predicting.run(&["--set", "task.nowcast.prepare.variable=ZDR"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(outcome.stderr.contains("no variable \"ZDR\""), "{}", outcome.stderr);
}
