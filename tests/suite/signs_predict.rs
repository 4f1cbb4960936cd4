//! What a person does with a trained classifier of sequences: predictions, windows over a recording, embeddings, exports, and
//! weights of the trainer that it comes from.

use std::fs;
use std::path::{Path, PathBuf};

use fragua::data::numpy::{Array, Arrays, Numbers, encode};
use serde_json::{Value, json};

use crate::kept::copy_of;
use crate::program::Program;
use crate::signs::CONFIG;
use crate::training::Training;

/// The configuration of the checkpoint in `tests/fixtures/keypoints/original`.
const ORIGINAL: &str = "\
data: {source: [{path: {path: clips}}]}
task:
  keypoints:
    prepare:
      streams: {hand: {points: 42}, body: {points: 33}, face: {points: 5}}
      values: [x, y, z]
      missing: keep
    model: {lstm: {hidden: 4, layers: 2, embedding: 6}}
";

fn original() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keypoints/original/checkpoints/best.pt")
}

fn trained() -> Training {
    let program = Program::new();
    copy_of("signs trained", program.folder(), || {
        let training = Training { program: Program::new() };
        training.program.write("config.yaml", CONFIG);
        training.succeed(&["--epochs", "2"]);
        training.program
    });
    Training { program }
}

/// A recording in JSON: hands and a body that move, at 25 frames a second.
fn recording(frames: usize, face: bool) -> String {
    let points = |count: usize, frame: usize| -> Vec<Value> {
        let place = |point: usize| 0.5 + 0.4 * ((point * 7 + frame) as f64 * 0.3).sin();
        (0..count).map(|point| json!({"x": place(point), "y": place(point + 3), "z": 0.0, "visibility": 1.0})).collect()
    };
    let frame = |frame: usize| {
        let mut all = json!({
            "poseLandmarks": points(33, frame), "leftHandLandmarks": points(21, frame), "rightHandLandmarks": points(21, frame + 1),
        });
        if face {
            all["faceLandmarks"] = json!(points(5, frame));
        }
        all
    };
    json!({"fps": 25, "frames": (0..frames).map(frame).collect::<Vec<_>>()}).to_string()
}

fn array(file: &Path, name: &str) -> (Vec<usize>, Numbers) {
    let array = Arrays::open(file).unwrap().array(name).unwrap().unwrap();
    (array.shape, array.numbers)
}

#[test]
fn windows_over_a_recording_have_frames_times_and_embeddings() {
    let training = trained();
    let program = &training.program;
    program.write("long.json", &recording(100, false));
    let call = ["predict", "--input", "long.json", "--output", "out", "--window", "32", "--embeddings", "--top", "2"];
    let outcome = program.succeed(&call);
    assert!(outcome.stdout.contains("seconds"), "{}", outcome.stdout);
    let document: Value = serde_json::from_slice(&fs::read(program.path("out/predictions.json")).unwrap()).unwrap();
    assert_eq!(document["window"], json!({"frames": 32, "hop": 8}));
    let rows = document["predictions"].as_array().unwrap();
    assert_eq!(rows.len(), 10, "the last one has 28 frames");
    let last = &rows[9];
    assert_eq!((&last["first_frame"], &last["last_frame"]), (&json!(72), &json!(99)));
    assert_eq!((&last["start_seconds"], &last["end_seconds"]), (&json!(2.88), &json!(4.0)));
    let timeline = document["timeline"].as_array().unwrap();
    let windows: u64 = timeline.iter().map(|segment| segment["windows"].as_u64().unwrap()).sum();
    assert_eq!((windows, &timeline[0]["first_frame"]), (10, &json!(0)));
    assert_eq!(timeline.last().unwrap()["last_frame"], 99);
    let table = fs::read_to_string(program.path("out/predictions.csv")).unwrap();
    let heading = "file,first_frame,last_frame,start_seconds,end_seconds,class,label,probability,class_2,probability_2";
    assert_eq!((table.lines().next(), table.lines().count()), (Some(heading), 11));

    let file = program.path("out/embeddings.npz");
    let (shape, Numbers::Real(numbers)) = array(&file, "embeddings") else { panic!("no numbers") };
    assert_eq!(shape, [10, 32]);
    assert!(numbers[..32] != numbers[32..64], "windows differ");
    assert_eq!(array(&file, "first_frame").1, Numbers::Whole((0..10).map(|window| 8 * window).collect()));
    assert_eq!(array(&file, "names").1, Numbers::Text(vec!["long".into(); 10]));

    // The first window by itself.
    program.write("first.json", &recording(32, false));
    program.succeed(&["predict", "--input", "first.json", "--output", "one", "--embeddings"]);
    let first: Value = serde_json::from_slice(&fs::read(program.path("one/predictions.json")).unwrap()).unwrap();
    assert_eq!(first["predictions"][0]["class"], rows[0]["class"]);
    let (shape, Numbers::Real(alone)) = array(&program.path("one/embeddings.npz"), "embeddings") else { panic!() };
    assert_eq!(shape, [1, 32]);
    assert!(alone.iter().zip(&numbers).all(|(one, other)| (one - other).abs() < 1e-5));

    let gaps = program.run(&["predict", "--input", "long.json", "--output", "gaps", "--window", "8", "--hop", "20"]);
    assert!(gaps.code == 0 && gaps.stderr.contains("--hop 20 is more than --window 8"), "{}", gaps.stderr);
    for wrong in [&["--window", "0"][..], &["--hop", "4"], &["--window", "8", "--hop", "0"], &["--tta", "5"]] {
        let call = [&["predict", "--input", "long.json", "--output", "no"], wrong].concat();
        assert_eq!(program.run(&call).code, 2, "{wrong:?}");
    }
}

#[test]
fn what_can_not_be_predicted_is_refused_with_what_was_expected() {
    let training = trained();
    let program = &training.program;
    fs::create_dir(program.path("empty")).unwrap();
    program.write("film.mp4", "ftyp");
    program.write("broken/one.json", "{\"frames\": [");
    program.write("pen.json", &json!({"frames": [{"faceLandmarks": [{"x": 1, "y": 2}]}]}).to_string());
    program.write("mixed/good.json", &recording(9, false));
    program.write("mixed/bad.json", "[]");
    let refused = |input: &str, parts: &[&str]| {
        let outcome = program.run(&["predict", "--input", input, "--output", "out"]);
        assert_eq!(outcome.code, 65, "{input}: {}", outcome.stderr);
        for part in parts {
            assert!(outcome.stderr.contains(part), "{input}: {part}\n{}", outcome.stderr);
        }
    };
    refused("empty", &["no file of keypoints below", "docs/signs.md"]);
    refused("film.mp4", &["is a video, expected keypoints", "MediaPipe"]);
    refused("broken", &["none of 1 file can be read: one.json is no JSON of frames", "as a dataset"]);
    refused(
        "pen.json",
        &["has the parts face 1 (points), and the model reads hand 42, body 33", "trained on such files"],
    );
    program
        .write("other.json", &json!({"frames": [{"poseLandmarks": [{"x": 1, "y": 2}, {"x": 2, "y": 2}]}]}).to_string());
    refused("other.json", &["has 2 points of pose, expected 33 for the stream body; the model was trained with these"]);
    refused("mixed", &["1 of 2 sequences can't be read; bad.json"]);
    let table = fs::read_to_string(program.path("out/predictions.csv")).unwrap();
    assert!(table.lines().nth(1).unwrap().starts_with("good,"), "the others are predicted: {table}");
}

#[test]
fn exports_hold_the_classes_and_are_read_again() {
    let training = trained();
    let program = &training.program;
    let predicted = |output: &str, more: &[&str]| {
        let call = ["predict", "--input", "datasets/signs/raw/signs.npz", "--output", output];
        program.succeed(&[&call[..], more].concat());
        fs::read(program.path(output).join("predictions.csv")).unwrap()
    };
    let own = predicted("own", &[]);
    for file in ["signs.safetensors", "signs.pth", "signs.pt"] {
        program.succeed(&["export", "--output", file]);
    }
    let mapping: Value = serde_json::from_slice(&fs::read(program.path("class_mapping.json")).unwrap()).unwrap();
    assert_eq!((&mapping["new_class_names"][3], &mapping["tail_to_other"]), (&json!("sign_03"), &json!(false)));
    fs::rename(program.path("class_mapping.json"), program.path("elsewhere.json")).unwrap();
    for file in ["signs.safetensors", "signs.pth"] {
        assert_eq!(predicted(file.split_once('.').unwrap().1, &["--checkpoint", file, "--config", "config.yaml"]), own);
    }
}

#[test]
fn weights_of_the_original_predict_are_exported_and_trained_further() {
    let training = trained();
    let program = &training.program;
    let file = original().display().to_string();
    program.write("original.yaml", ORIGINAL);
    program.write("clip.json", &recording(12, true));
    let with = |set: &[&str]| {
        let call =
            ["predict", "--checkpoint", &file, "--config", "original.yaml", "--input", "clip.json", "--output", "out"];
        program.run(&[&call[..], set].concat())
    };
    let outcome = with(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let plain = fs::read_to_string(program.path("out/predictions.csv")).unwrap();
    assert!(plain.contains("¿qué?") && plain.contains("OTHER"), "{plain}");
    let refused = with(&["--set", "task.keypoints.prepare.values=[x, y]"]);
    let text = "input_proj has 126 columns = 42 points x 3 values, the configuration gives 84 = 42 x 2";
    assert!(refused.code == 65 && refused.stderr.contains(text), "{}", refused.stderr);
    let adapt = ["--set", "task.keypoints.prepare.values=[x, y]", "--set", "task.keypoints.adapt=true"];
    let outcome = with(&adapt);
    assert!(
        outcome.stderr.contains("the columns of x, y of encoder.hand_branch.input_proj were copied"),
        "{}",
        outcome.stderr
    );
    assert_eq!(fs::read_to_string(program.path("out/predictions.csv")).unwrap(), plain, "z is 0 in this file");

    let export = ["export", "--checkpoint", &file, "--config", "original.yaml", "--output", "again.pth"];
    program.succeed(&export);
    let mapping: Value = serde_json::from_slice(&fs::read(program.path("class_mapping.json")).unwrap()).unwrap();
    assert_eq!((&mapping["new_class_names"][4], &mapping["tail_to_other"]), (&json!("OTHER"), &json!(true)));

    // Other classes and fewer streams: what fits is taken, the rest is reported.
    let start = format!("train.init_from={file}");
    let model = "task.keypoints.model={lstm: {hidden: 4, layers: 2, embedding: 6}}";
    let train = |values: &str| {
        let values = format!("task.keypoints.prepare.values={values}");
        training.run(&["--epochs", "1", "--name", "further", "--set", &start, "--set", model, "--set", &values])
    };
    let refused = train("[x, y]");
    assert!(refused.code == 65 && refused.stderr.contains("task.keypoints.adapt: true"), "{}", refused.stderr);
    let outcome = train("[x, y, z]");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("5 of the 5 classes of the weights are not among these: Ayuda"),
        "{}",
        outcome.stderr
    );

    // Of another network, only the classifier would fit.
    let other =
        "task.keypoints.model={conv_transformer: {width: 16, embedding: 6, convolutions: 1, blocks: 1, heads: 2}}";
    let refused = training.run(&["--epochs", "1", "--name", "else", "--set", &start, "--set", other]);
    assert_eq!(refused.code, 65, "{}", refused.stderr);
    assert!(refused.stderr.contains("fewer than half"), "{}", refused.stderr);
}

#[test]
fn a_folder_of_frames_is_one_sequence() {
    let training = trained();
    let program = &training.program;
    let frame = |frame: usize| {
        let numbers = (0..1662).map(|place| ((place + frame) as f32 * 0.1).sin()).collect();
        encode(&Array { shape: vec![1662], numbers: Numbers::Real(numbers) })
    };
    for (folder, frames) in [("takes/one", 12), ("takes/two", 3)] {
        fs::create_dir_all(program.path(folder)).unwrap();
        for number in 0..frames {
            fs::write(program.path(folder).join(format!("{number}.npy")), frame(number)).unwrap();
        }
    }
    let predicted = |input: &str| {
        program.succeed(&["predict", "--input", input, "--output", "out"]);
        let table = fs::read_to_string(program.path("out/predictions.csv")).unwrap();
        table.lines().skip(1).map(|row| row.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(predicted("takes/one"), ["one"]);
    assert_eq!(predicted("takes"), ["one", "two"]);
}
