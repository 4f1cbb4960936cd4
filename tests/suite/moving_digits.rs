//! Moving MNIST, from its generator to the scores of OpenSTL.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::program::Program;

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
