//! `fragua evaluate`, and the evaluation at the end of a training, as a person uses them.

use std::fs;

use serde_json::Value;

use crate::training::Training;

const PLOTS: [&str; 5] =
    ["error_maps.png", "fss_by_scale.png", "performance.png", "reliability.png", "scores_by_lead.png"];

fn trained() -> Training {
    Training::trained(&["--epochs", "2"])
}

#[test]
fn a_training_ends_with_an_evaluation_of_its_best_weights() {
    let training = trained();
    let metrics = training.json("storms", "evaluation/metrics.json");
    assert_eq!((&metrics["format_version"], &metrics["task"]), (&2.into(), &"nowcast".into()));
    assert_eq!((&metrics["run"], &metrics["split"]), (&"storms".into(), &"val".into()));
    assert_eq!(metrics["weights"]["file"], "weights/best.safetensors");
    assert_eq!(training.names("storms", "evaluation/plots"), PLOTS);
    for plot in PLOTS {
        let bytes = fs::read(training.file("storms", "evaluation/plots").join(plot)).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "{plot}");
    }
    // What was measured while training is what is measured of the same weights at the end.
    let history = training.json("storms", "history.json");
    let step = &metrics["weights"]["step"];
    let row = history["epochs"].as_array().unwrap().iter().find(|row| row["step"] == *step).unwrap();
    for score in ["csi_20", "pod_20", "rmse_dbz", "ssim", "fss_20_5px"] {
        assert_eq!(row["scores"][score], metrics["metrics"][score]["value"], "{score}");
    }
    let persistence = |score: &str| metrics["metrics"][score]["baselines"]["persistence"].as_f64();
    assert_eq!(row["scores"]["persistence_csi_20"].as_f64(), persistence("csi_20"));
    let ahead = "csi_35_ahead_of_advection";
    assert_eq!(row["scores"][ahead], metrics["metrics"][ahead]["value"]);
    let beside = &metrics["sections"]["verification"]["ahead"];
    assert_eq!((&beside["score"], &beside["thresholds"][2]["difference"]), (&"csi_35".into(), &row["scores"][ahead]));
    assert_eq!(beside["events"][0]["difference"], row["scores"][ahead], "of the only event");
    let page = fs::read_to_string(training.file("storms", "report.html")).unwrap();
    for text in [
        "Against advection, the forecast is ",
        "intervals are n/a: 1 event is too few",
        "by event, the furthest behind",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let losses = [&row["val"]["loss"], &metrics["metrics"]["loss"]["value"]].map(|loss| loss.as_f64().unwrap());
    assert!((losses[0] - losses[1]).abs() < 1e-9, "{losses:?}");
}

#[test]
fn a_dataset_with_other_files_than_the_run_had_is_evaluated_with_a_warning() {
    let training = trained();
    let same = training.program.succeed(&["evaluate", "--output", "same"]);
    assert!(!same.stderr.contains("other files"), "{}", same.stderr);
    let other = [
        "--set",
        "data.name=other",
        "--set",
        "data.source=[{synthetic: {events: 4, frames: 12, grid: 32, levels: 1}}]",
    ];
    let outcome = training.program.succeed(&[&["evaluate", "--output", "out"], &other[..]].concat());
    let warning = "dataset other has other files than the 36 that storms was trained with: its sides may differ";
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
}

#[test]
fn evaluate_reports_what_it_wrote_and_the_same_weights_score_the_same() {
    let training = trained();
    let before = training.json("storms", "evaluation/metrics.json");
    fs::remove_dir_all(training.file("storms", "evaluation")).unwrap();
    let outcome = training.program.succeed(&["evaluate"]);
    assert!(outcome.stdout.starts_with("model_output/storms/evaluation\nstorms, step "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("persistence") && outcome.stdout.contains("advection"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("CSI at 35 dBZ by lead time"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Ahead of advection, by threshold"), "{}", outcome.stdout);
    let after = training.json("storms", "evaluation/metrics.json");
    assert_eq!((&before["metrics"], &before["sections"]), (&after["metrics"], &after["sections"]));
    let printed: Value = training.program.json(&["evaluate", "--json", "--checkpoint", "storms"]);
    assert_eq!(printed["metrics"], after["metrics"]);
}

#[test]
fn a_checkpoint_and_a_file_of_weights_are_evaluated_where_one_says() {
    let training = trained();
    let checkpoint = training.names("storms", "checkpoints").pop().unwrap();
    let checkpoint = format!("model_output/storms/checkpoints/{checkpoint}");
    training.program.succeed(&["evaluate", "--checkpoint", &checkpoint, "--output", "last", "--split", "train"]);
    assert!(training.program.path("last/metrics.json").is_file());
    fs::copy(training.file("storms", "weights/last.safetensors"), training.program.path("mine.safetensors")).unwrap();
    let outcome = training.program.run(&["evaluate", "--checkpoint", "mine.safetensors"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("is not in a run folder") && outcome.stderr.contains("--config"), "{outcome:?}");
    let with = ["evaluate", "--checkpoint", "mine.safetensors", "--config", "config.yaml"];
    let outcome = training.program.run(&with);
    assert!(outcome.code == 2 && outcome.stderr.contains("--output"), "{outcome:?}");
    training.program.succeed(&[&with[..], &["--output", "mine"]].concat());
    assert!(training.program.path("mine/plots/performance.png").is_file());
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let training = trained();
    let refused = |arguments: &[&str], code: i32, says: &[&str]| {
        let outcome = training.program.run(&[&["evaluate", "--output", "new"], arguments].concat());
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert!(says.iter().all(|text| outcome.stderr.contains(text)), "{says:?}: {}", outcome.stderr);
        assert!(!training.program.path("new").exists());
    };
    refused(&["--checkpoint", "cells"], 2, &["there is no run cells", "storms"]);
    refused(&["--split", "test"], 65, &["the test side", "test_share"]);
    let wider = ["--set", "task.nowcast.model.hidden=[4, 8]"];
    refused(&wider, 65, &["does not fit the configured model", "layers.1.conv.weight", "got Float"]);
    fs::write(training.file("storms", "weights/best.safetensors"), "nothing").unwrap();
    refused(&[], 65, &["best.safetensors"]);
}

#[test]
fn the_best_weights_can_be_chosen_by_a_score() {
    let training = Training::new();
    let by = |score: &str| format!("train.checkpoint.best_by={score}");
    training.succeed(&["--set", &by("rmse_dbz")]);
    let history = training.json("storms", "history.json");
    let rows = history["epochs"].as_array().unwrap();
    let rmse = |row: &Value| row["scores"]["rmse_dbz"].as_f64().unwrap();
    let best = rows.iter().min_by(|one, other| rmse(one).total_cmp(&rmse(other))).unwrap();
    assert_eq!(training.json("storms", "evaluation/metrics.json")["weights"]["step"], best["step"]);
    assert_eq!(history["best"]["step"], best["step"]);
    // The same epoch everywhere.
    let runs = training.program.json(&["runs", "--json"]);
    assert_eq!((&runs[0]["best_epoch"], &runs[0]["best_val_loss"]), (&best["epoch"], &best["val"]["loss"]));
    let page = fs::read_to_string(training.file("storms", "report.html")).unwrap();
    assert!(page.contains(&format!("<dt>Best epoch</dt><dd>{}</dd>", best["epoch"])), "{page}");
    training.succeed(&["--name", "several", "--epochs", "1", "--set", &by("[csi_50, huber]")]);
    let chosen = training.json("several", "history.json")["best"]["by"].as_object().unwrap().clone();
    assert_eq!(chosen.keys().collect::<Vec<_>>(), ["csi_50", "huber"], "a score, and a part of the loss for ties");
    let outcome = training.run(&["--name", "other", "--set", &by("csi_36")]);
    assert_eq!(outcome.code, 78);
    assert!(outcome.stderr.contains("csi_36") && outcome.stderr.contains("csi_35"), "{}", outcome.stderr);
    let outcome = training.run(&["--set", "task.nowcast.split.val_share=0", "--set", &by("csi_35")]);
    assert!(outcome.code == 78 && outcome.stderr.contains("raise task.nowcast.split.val_share"), "{outcome:?}");
}
