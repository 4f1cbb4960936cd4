//! The image classifier as a person uses it: from images in folders to predictions, and through kills.

use std::fs;

use rand::SeedableRng;
use serde_json::Value;

use crate::kept::copy_of;
use crate::program::Program;
use crate::train_kill::{contents, kill_somewhere, resumes};
use crate::training::Training;

/// Kills of the training.
const KILLS: usize = 8;

const CONFIG: &str = "\
data:
  source:
    - synthetic: {characters: {alphabet: ABCXY01, per_class: 20, size: 16}}
task:
  image_class:
    prepare: {size: [16, 16]}
    split: {val_share: 0.25}
train:
  epochs: 3
  batch: 15
  optimizer: {adamw: {lr: 2.0e-3}}
  checkpoint: {every_steps: 2, best_by: [accuracy, loss]}
";

/// The program in a folder with a configuration, its dataset prepared.
fn characters() -> Training {
    let program = Program::new();
    copy_of("characters prepared", program.folder(), || {
        let program = Program::new();
        program.write("config.yaml", CONFIG);
        program.succeed(&["prepare"]);
        program
    });
    Training { program }
}

#[test]
fn images_in_folders_become_a_classifier_that_is_evaluated_compared_exported_and_predicts() {
    let training = characters();
    let program = &training.program;
    // The folder is a copy, so its files may be others; after this they are known.
    program.succeed(&["prepare"]);
    let prepared = program.succeed(&["prepare"]);
    assert!(prepared.stdout.contains("140 images of 7 classes, each 16 x 16"), "{}", prepared.stdout);
    assert!(prepared.stderr.contains("nothing new"), "{}", prepared.stderr);
    let inspected: Value = program.json(&["inspect", "--json"]);
    assert_eq!((inspected["classes"][0]["label"].as_str(), inspected["images"]["val"].as_u64()), (Some("A"), Some(35)));
    assert!(program.path("datasets/characters/inspect/images.png").is_file());

    training.succeed(&["--epochs", "10"]);
    let metrics = training.json("characters", "evaluation/metrics.json");
    let accuracy = &metrics["metrics"]["accuracy"];
    assert!(accuracy["value"].as_f64() > Some(1.5 / 7.0), "no better than chance: {accuracy}");
    assert_eq!(accuracy["interval"].as_array().map(Vec::len), Some(2));
    assert_eq!(metrics["sections"]["classes"]["right"].as_str().map(str::len), Some(35));
    let page = fs::read_to_string(training.file("characters", "report.html")).unwrap();
    assert!(page.contains("Scores of each class") && page.contains("Accuracy"), "the page lacks a chapter");
    assert!(page.contains(">Accuracy on validation</text>") && !page.contains("no forecasts"), "{page}");
    assert!(training.file("characters", "evaluation/plots/confusion_matrix.png").is_file());
    crate::report::looks_right(&training.file("characters", "report.html"));

    let compared = program.run(&["compare", "characters", "characters"]);
    assert_eq!(compared.code, 0, "{}", compared.stderr);
    let raw = "datasets/characters/raw/A_upper";
    program.succeed(&["predict", "--input", raw, "--output", "out"]);
    let table = fs::read_to_string(program.path("out/predictions.csv")).unwrap();
    assert_eq!(
        (table.lines().count(), table.lines().next()),
        (
            21,
            Some(
                "file,class,label,probability,class_2,probability_2,class_3,probability_3,class_4,probability_4,class_5,probability_5"
            )
        )
    );
    for (format, name) in [("safetensors", "m.safetensors"), ("pth", "m.pth"), ("python", "m.py")] {
        program.succeed(&["export", "--format", format, "--output", name]);
    }
    assert!(program.succeed(&["runs"]).stdout.contains("image_class"));
}

#[test]
fn what_the_task_does_not_know_is_refused_by_name() {
    let training = characters();
    let program = &training.program;
    training.succeed(&["--max-steps", "2"]);
    let refused = |arguments: &[&str], code: i32, text: &str| {
        let outcome = program.run(arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(text), "{arguments:?}: {}", outcome.stderr);
    };
    refused(&["inspect", "--level", "1"], 2, "--level");
    refused(&["predict", "--input", "datasets", "--output", "o", "--layout", "single"], 2, "--layout");
    refused(&["train", "--set", "data.source=[{synthetic: {events: 2}}]"], 78, "this task learns from images");
    refused(&["train", "--set", "task.image_class.prepare.size=[4, 4]"], 78, "8 to 256 rows and columns");
    fs::create_dir_all(program.path("bad/A")).unwrap();
    fs::write(program.path("bad/A/1.png"), "no picture").unwrap();
    refused(
        &["prepare", "--set", "data={name: bad, source: [{path: {path: bad}}]}"],
        65,
        "expected at least 2 classes",
    );
    fs::create_dir_all(program.path("bad/B")).unwrap();
    fs::write(program.path("bad/B/1.png"), "no picture").unwrap();
    refused(&["prepare", "--set", "data={name: bad, source: [{path: {path: bad}}]}"], 65, "is not an image");
}

#[test]
fn a_killed_classifier_ends_with_the_same_bytes() {
    let training = characters();
    let flags = ["--set", "precision=fp32", "--set", "train.ema_decay=0.9"];
    training.succeed(&[&["--name", "undisturbed"], &flags[..]].concat());
    let expected = contents(&training, "undisturbed");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let (mut killed, mut resumed) = (0, 0);
    for round in 0..3 * KILLS {
        if killed >= KILLS && resumed > 0 {
            break;
        }
        let name = format!("killed{round}");
        let arguments = [&["--name", &name], &flags[..]].concat();
        while killed < KILLS && kill_somewhere(&training, &name, &arguments, &mut random) {
            killed += 1;
        }
        training.succeed(&arguments);
        resumed += resumes(&training, &name);
        let got = contents(&training, &name);
        let differ: Vec<_> = expected.keys().filter(|key| got.get(*key) != expected.get(*key)).collect();
        assert!(differ.is_empty(), "after {killed} kills these differ: {differ:?}");
    }
    assert!(killed >= KILLS && resumed > 0, "{killed} kills, {resumed} resumes");
}
