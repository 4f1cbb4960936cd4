//! Moving MNIST, from its generator to the scores of OpenSTL.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::program::Program;
use crate::server::{Server, honest};

const CONFIG: &str = "\
data:
  name: digits
  source:
    - synthetic: {moving_digits: {events: 6, frames: 8}}
task:
  nowcast:
    prepare: {variable: DIGITS, size: [16, 16], min: 0, max: 1}
    windows: {input_frames: 4, target_frames: 4, stride: 8}
    split: {val_share: 0.34}
    model: {hidden: [4]}
    loss: {ssim_weight: 0.0, high_weight: 1.0}
    scores: {frames: openstl, primary: openstl_mse}
train: {epochs: 1, batch: 2}
";

/// The frames of all events, and their times.
fn frames(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>, root: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            frames(&path, into, root);
        } else if path.extension().is_none_or(|end| end != "json") {
            into.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn moving_digits_are_prepared_the_same_again_trained_on_and_scored_as_openstl_does() {
    let prepared = |seed: u64| {
        let program = Program::new();
        program.write("digits.yaml", &CONFIG.replace("frames: 8}", &format!("frames: 8, seed: {seed}}}")));
        let outcome = program.succeed(&["prepare", "--config", "digits.yaml"]);
        assert!(outcome.stdout.contains("48 frames in 6 events") && !outcome.stderr.contains("warning: DIGITS"));
        let (mut found, root) = (BTreeMap::new(), program.path("datasets/digits/prepared"));
        frames(&root, &mut found, &root);
        (program, found)
    };
    let (program, first) = prepared(42);
    assert!(first.len() > 48 && first == prepared(42).1, "the same seed gives the same bytes");
    assert!(first != prepared(43).1);

    let trained = program.succeed(&["train", "--config", "digits.yaml"]);
    assert!(trained.stdout.contains("openstl_mse") && !trained.stdout.contains("dBZ"), "{}", trained.stdout);
    let run = program.path("model_output/digits");
    let read = |path: &str| fs::read_to_string(run.join(path)).unwrap();
    let metrics: Json = serde_json::from_str(&read("evaluation/metrics.json")).unwrap();
    assert_eq!(metrics["primary"], "openstl_mse");
    for score in ["openstl_mse", "openstl_mae", "openstl_ssim", "openstl_psnr_db"] {
        let found = &metrics["metrics"][score];
        let values = [&found["value"], &found["baselines"]["persistence"], &found["baselines"]["advection"]];
        assert!(values.iter().all(|value| value.is_f64()), "{score}: {found}");
    }
    // The same errors once per cell, once per frame: MSE is the square of RMSE for each of 256 cells.
    let value = |name: &str| metrics["metrics"][name]["value"].as_f64().unwrap();
    assert!((value("openstl_mse") / (256.0 * value("rmse").powi(2)) - 1.0).abs() < 1e-6);
    let columns = read("results.csv").lines().next().unwrap().to_owned();
    for score in ["openstl_mse", "openstl_mae", "openstl_ssim", "openstl_psnr_db"] {
        assert!(
            columns.contains(&format!("persistence_{score}")),
            "each validation has {score} of persistence: {columns}"
        );
    }
    let page = read("report.html");
    assert!(page.contains("MSE per frame") && !page.contains("dBZ"), "dBZ is on the page of digits");
}

#[test]
fn a_file_of_digits_that_can_not_be_used_is_named_with_what_to_do() {
    let program = Program::new();
    program.write("digits.yaml", CONFIG);
    let prepare = |idx: &str| {
        let set = format!("data.source.0.synthetic.moving_digits.idx={idx}");
        program.run(&["prepare", "--config", "digits.yaml", "--set", &set])
    };
    let missing = prepare("train-images-idx3-ubyte");
    assert!(missing.code == 69 && missing.stderr.contains("write the path of train-images-idx3-ubyte"), "{missing:?}");
    let other = prepare("digits.yaml");
    assert!(other.code == 65 && other.stderr.contains("digits.yaml is no idx3-ubyte file"), "{other:?}");
    let short = program.run(&["prepare", "--config", "digits.yaml", "--set", "task.nowcast.windows.input_frames=5"]);
    let place = "data.source.0.synthetic.moving_digits.frames";
    assert!(short.code == 78 && short.stderr.contains(place), "{short:?}");
}

/// A file like the published `mnist_test_seq.npy`, with 3 sequences of 8 frames; each frame has one level.
fn published(level: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (8, 3, 64, 64), }\n";
    let mut bytes = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
    for frame in 0..8 {
        (0..3).for_each(|sequence| bytes.resize(bytes.len() + 64 * 64, level(frame, sequence)));
    }
    bytes
}

#[test]
fn published_sequences_are_the_test_side_with_their_frames_in_order() {
    let level = |frame: usize, sequence: usize| (30 * frame + 5 * sequence) as u8;
    let program = Program::new();
    program.write("digits.yaml", CONFIG);
    fs::write(program.path("mnist_test_seq.npy"), published(level)).unwrap();
    let key = "data.source.0.synthetic.moving_digits.test";
    let set = format!("{key}=mnist_test_seq.npy");
    let train = ["train", "--config", "digits.yaml", "--set", &set];
    let said = program.succeed(&[&train[..], &["--set", "task.nowcast.split.test_share=0.5"]].concat());
    assert!(!said.stderr.contains("of the windows instead of"), "{}", said.stderr);
    let prepared = fs::read_dir(program.path("datasets/digits/prepared")).unwrap().map(|entry| entry.unwrap().path());
    let manifests: Vec<_> = prepared.filter_map(|path| fs::read_to_string(path.join("windows.json")).ok()).collect();
    let manifest: Json = serde_json::from_str(&manifests[0]).unwrap();
    let events = ["train", "val", "test"].map(|side| manifest["totals"][side]["events"].as_u64().unwrap());
    assert_eq!(events, [4, 2, 3]);
    assert!(manifest["events"][8]["reason"] == "it is below a folder named test", "{}", manifest["events"][8]);

    program.succeed(&["evaluate", "--checkpoint", "digits", "--split", "test"]);
    let metrics = fs::read_to_string(program.path("model_output/digits/evaluation/test/metrics.json")).unwrap();
    let metrics: Json = serde_json::from_str(&metrics).unwrap();
    let found = metrics["metrics"]["openstl_mse"]["baselines"]["persistence"].as_f64().unwrap();
    // Frames 0 to 3 are seen, 4 to 7 follow, each 30 of 255 levels brighter, in 16 x 16 cells; a level is rounded twice.
    let expected = (1..5).map(|ahead| 256.0 * (30.0 * f64::from(ahead) / 255.0).powi(2)).sum::<f64>() / 4.0;
    assert!((found / expected - 1.0).abs() < 0.03, "{found} {expected}");

    let content = published(level);
    let server = Server::start(move |asked| honest(asked, &content, "\"v1\""));
    let fetched = Program::new();
    fetched.write("digits.yaml", CONFIG);
    let prepare = |set: &str| fetched.run(&["prepare", "--config", "digits.yaml", "--set", set]);
    let there = prepare(&format!("{key}={}", server.url("/mnist_test_seq.npy")));
    assert!(there.code == 0 && there.stdout.contains("test  3 windows"), "{there:?}");
    let names: Vec<_> =
        fs::read_dir(fetched.path("datasets/digits")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("download")), "{names:?}");
    let other = Program::new();
    other.write("digits.yaml", CONFIG);
    let refused = other.run(&["prepare", "--config", "digits.yaml", "--set", &format!("{key}=digits.yaml")]);
    assert!(
        refused.code == 65 && refused.stderr.contains("digits.yaml is not an array of NumPy; write"),
        "{refused:?}"
    );
}
