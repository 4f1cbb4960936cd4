//! The image classifier as a person uses it: from images in folders to predictions.

use std::fs;

use serde_json::Value;

use crate::kept::copy_of;
use crate::program::Program;
use crate::training::Training;

/// A configuration for synthetic characters of 16 x 16, 20 of each class.
pub fn config(alphabet: &str, epochs: u32, checkpoint: &str) -> String {
    format!(
        "\
data:
  source:
    - synthetic: {{characters: {{alphabet: {alphabet}, per_class: 20, size: 16}}}}
task:
  image_class:
    prepare: {{size: [16, 16]}}
    split: {{val_share: 0.25}}
train:
  epochs: {epochs}
  batch: 15
  optimizer: {{adamw: {{lr: 2.0e-3}}}}
  checkpoint: {{{checkpoint}}}
"
    )
}

/// The program in a folder with a configuration, its dataset prepared.
pub fn characters() -> Training {
    let program = Program::new();
    copy_of("characters prepared", program.folder(), || {
        let program = Program::new();
        program.write("config.yaml", &config("ABCXY01", 3, "every_steps: 2, best_by: [accuracy, loss]"));
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
    for picture in ["images.png", "augmented.png"] {
        assert!(program.path(&format!("datasets/characters/inspect/{picture}")).is_file(), "{picture}");
    }

    training.succeed(&["--epochs", "10"]);
    let metrics = training.json("characters", "evaluation/metrics.json");
    let accuracy = &metrics["metrics"]["accuracy"];
    assert!(accuracy["value"].as_f64() > Some(1.5 / 7.0), "no better than chance: {accuracy}");
    assert_eq!(accuracy["interval"].as_array().map(Vec::len), Some(2));
    assert_eq!(metrics["sections"]["classes"]["right"].as_str().map(str::len), Some(35));
    crate::classifier_scores::are_whole(&training, "characters");

    let compared = program.run(&["compare", "characters", "characters"]);
    assert_eq!(compared.code, 0, "{}", compared.stderr);
    assert!(compared.stdout.contains("within noise"), "{}", compared.stdout);
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

    // A side that decides nothing is scored too, and named wherever scores are.
    let tested = ["--name", "tested", "--epochs", "1", "--set", "task.image_class.split.test_share=0.25"];
    let told = training.succeed(&tested);
    assert!(
        ["validation", "test"].iter().all(|side| told.stdout.contains(&format!("{side} side: Accuracy "))),
        "{told:?}"
    );
    assert!(told.stderr.contains("evaluated 35 images of the test side"), "{}", told.stderr);
    let page = fs::read_to_string(training.file("tested", "report.html")).unwrap();
    assert!(page.contains("on the test side, which decided nothing: 35 images"));
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
    refused(&["predict", "--input", "nope", "--output", "o"], 2, "--input nope does not exist");
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
