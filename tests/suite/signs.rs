//! The classifier of sequences as a person uses it: synthetic signs become a model, which is evaluated and predicts.

use std::fs;

use serde_json::Value;

use crate::kept::copy_of;
use crate::program::Program;
use crate::train_kill::Campaign;
use crate::training::Training;

pub const CONFIG: &str = "\
data:
  source:
    - synthetic: {signs: {classes: 4, signers: 4, takes: 3}}
task:
  keypoints:
    prepare: {streams: {hand: {points: 42}, body: {points: 33}}, values: [x, y, confidence], normalise: frame}
    split: {by: signer, val_share: 0.25}
    model: {lstm: {hidden: 16, layers: 1, embedding: 32}}
    bucket: 2
train:
  epochs: 3
  batch: 6
  optimizer: {adamw: {lr: 5.0e-3}}
  checkpoint: {every_steps: 2, best_by: [accuracy, loss]}
";

/// Every change of sequences; small micro-batches and the other network.
const VARIANTS: [&[&str]; 2] = [
    &["--set", "precision=fp32", "--set", "task.keypoints.augment={mirror: 0.5, point_drop: 0.5}"],
    &[
        "--set",
        "precision=fp32",
        "--set",
        "train.micro_batch=4",
        "--set",
        "task.keypoints.model={conv_transformer: {width: 8, heads: 2, blocks: 1, embedding: 16}}",
        "--set",
        "task.keypoints.differences=[1, 2]",
    ],
];

const MISTAKES: &str = "model_output/signs/evaluation/plots/surest_mistakes.png";

fn signs() -> Training {
    let program = Program::new();
    copy_of("signs prepared", program.folder(), || {
        let program = Program::new();
        program.write("config.yaml", CONFIG);
        program.succeed(&["prepare"]);
        program
    });
    Training { program }
}

#[test]
fn synthetic_signs_become_a_classifier_that_is_evaluated_and_predicts() {
    let training = signs();
    let program = &training.program;
    program.succeed(&["prepare"]);
    let prepared = program.succeed(&["prepare"]);
    assert!(prepared.stdout.contains("48 sequences of 4 classes; streams: hand 42, body 33"), "{}", prepared.stdout);
    assert!(prepared.stderr.contains("nothing new"), "{}", prepared.stderr);
    let inspected: Value = program.json(&["inspect", "--json"]);
    assert_eq!(
        (inspected["sequences"]["val"].as_u64(), inspected["classes"][3]["train"].as_u64()),
        (Some(12), Some(9))
    );
    assert_eq!(inspected["signers"].as_array().map(Vec::len), Some(4));
    for picture in inspected["pictures"].as_array().unwrap() {
        assert!(fs::read(program.path(picture.as_str().unwrap())).unwrap().starts_with(b"\x89PNG"), "{picture}");
    }
    assert_eq!(inspected["pictures"].as_array().map(Vec::len), Some(5));
    assert_eq!(inspected["measured"]["sides"][1]["sequences"].as_u64(), Some(12));
    assert!(program.succeed(&["inspect", "--no-pictures"]).stdout.contains("left_hand not seen in "));

    training.succeed(&["--epochs", "10", "--set", "task.keypoints.differences=[1]"]);
    let metrics = training.json("signs", "evaluation/metrics.json");
    assert!(metrics["metrics"]["accuracy"]["value"].as_f64() > Some(0.4), "{}", metrics["metrics"]["accuracy"]);
    let page = fs::read_to_string(program.path("model_output/signs/report.html")).unwrap();
    for shown in
        ["Sequences as training sees them", "Lengths and what was not seen", "<th scope=\"col\">no left hand</th>"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert_eq!(page.contains("alt=\"The surest mistakes\""), program.path(MISTAKES).exists());
    program.succeed(&["predict", "--input", "datasets/signs/raw", "--output", "out", "--top", "2"]);
    let table = fs::read_to_string(program.path("out/predictions.csv")).unwrap();
    assert_eq!(
        (table.lines().count(), table.lines().next()),
        (49, Some("file,class,label,probability,class_2,probability_2,truth"))
    );
    program.succeed(&["predict", "--input", "datasets/signs/raw/signs.npz", "--output", "one"]);
    let right = right_of_validation(&training, "one/predictions.json");
    assert_eq!(metrics["metrics"]["accuracy"]["value"].as_f64(), Some(right), "prediction sees what evaluation saw");
    assert!(program.succeed(&["runs"]).stdout.contains("keypoints"));
}

/// The share of sequences of the validation that a prediction is right about.
fn right_of_validation(training: &Training, predictions: &str) -> f64 {
    let predictions: Value = serde_json::from_slice(&fs::read(training.program.path(predictions)).unwrap()).unwrap();
    let sides = training.json("signs", "dataset.json")["samples"]["sides"]["val"].clone();
    let val: Vec<&Value> = sides.as_array().unwrap().iter().collect();
    let asked = predictions["predictions"].as_array().unwrap().iter().filter(|one| val.contains(&&one["file"]));
    let right: Vec<bool> = asked.map(|one| one["class"] == one["truth"]).collect();
    assert_eq!(right.len(), val.len());
    right.iter().filter(|right| **right).count() as f64 / right.len() as f64
}

#[test]
fn a_killed_classifier_of_signs_ends_with_the_same_bytes() {
    Campaign { training: &signs(), variants: &VARIANTS, kills: 4, asks: true, seed: 5 }.check();
}

#[test]
fn what_can_not_be_split_or_made_is_refused_by_name() {
    let training = signs();
    let program = &training.program;
    let refused = |set: &str, text: &str| {
        let outcome = program.run(&["prepare", "--set", set]);
        assert_eq!(outcome.code, 78, "{set}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(text), "{set}: {}", outcome.stderr);
    };
    refused("task.keypoints.split={by: file}", "takes the sides that the dataset itself gives");
    refused("task.keypoints.split={by: signer, val: [nobody]}", "names the signer \"nobody\"");
    refused("task.keypoints.tail={at_most: 99, action: drop}", "leaves 0 of 4 classes");
    refused("task.keypoints.prepare.streams.face={points: 468}", "synthetic signs have hands and a body, and no face");
    refused("task.keypoints.prepare.streams.hand={points: ears}", "there is no group of points \"ears\"");
    refused("task.keypoints.prepare.streams.hand.colour=1", "colour");
    refused("data.source=[{synthetic: {characters: {}}}]", "this task learns from sequences of keypoints");
}
